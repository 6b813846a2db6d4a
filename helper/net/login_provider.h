/* Which provider an address belongs to, by the `domains:` of the provider files. */
#ifndef XOAUTH2_LOGIN_PROVIDER_H
#define XOAUTH2_LOGIN_PROVIDER_H

#include "failure.h"
#include "paths.h"

#include <stdbool.h>

#define PROVIDER_NAME_MAX 64         /* bytes of a provider file's name, without ".conf" */
#define PROVIDER_DESCRIPTION_MAX 100 /* bytes shown of its description */

/* Sets `name` and `description` of the provider whose `domains:` fit best. False with FAILURE_CONFIG where none does;
 * the report lists the providers that there are. */
bool login_provider_guess(const struct paths *p, const char *address, char name[PROVIDER_NAME_MAX + 1],
                          char description[PROVIDER_DESCRIPTION_MAX + 1], struct report *why);

#endif
