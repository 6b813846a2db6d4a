/* What to tell a user about an error that a provider or a mail server gave. */
#ifndef XOAUTH2_ADVICE_H
#define XOAUTH2_ADVICE_H

#include "failure.h"

/* Advice on the `error` field and its description, or on a mail server's words in `description`; either may be NULL.
 * A clause for people, static; NULL where nothing is known. `*code`, if not NULL, gets a class where a description
 * overrides what `error` says (AADSTS50196 comes as invalid_grant and means back off; AADSTS90033 is transient), else
 * FAILURE_NONE. */
const char *advice_for(const char *error, const char *description, enum failure *code);

#endif
