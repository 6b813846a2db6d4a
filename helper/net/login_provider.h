/* Which provider an address belongs to: by the `domains:` of the provider files, else by their `mx:` and DNS. */
#ifndef XOAUTH2_LOGIN_PROVIDER_H
#define XOAUTH2_LOGIN_PROVIDER_H

#include "failure.h"
#include "paths.h"

#include <stdbool.h>

#define PROVIDER_NAME_MAX 64         /* bytes of a provider file's name, without ".conf" */
#define PROVIDER_DESCRIPTION_MAX 100 /* bytes shown of its description */

/* What an address tells of its provider. */
struct login_guess {
    char name[PROVIDER_NAME_MAX + 1];
    char description[PROVIDER_DESCRIPTION_MAX + 1];
    char mail_server[256]; /* the MX host by which it was known; empty where the address alone told it */
    struct report broken;  /* the first provider file that was passed over because it cannot be used, if any */
};

/* Whether there is such a provider file that can be used. The report lists those there are. */
bool login_provider_exists(const struct paths *p, const char *name, struct report *why);

/* Finds the provider that has the address's own domain. False where there is none. Needs no network. */
bool login_provider_by_address(const struct paths *p, const char *address, struct login_guess *guess);

/* Finds the provider that fits best. Asks DNS, for some seconds at most, where the address alone does not tell. False
 * with FAILURE_CONFIG where none fits; the report says what was looked at, and lists the providers that there are. */
bool login_provider_guess(const struct paths *p, const char *address, struct login_guess *guess, struct report *why);

#endif
