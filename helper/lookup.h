/* Which account a user name means: the user's own store before the system's. */
#ifndef XOAUTH2_LOOKUP_H
#define XOAUTH2_LOOKUP_H

#include "account.h"
#include "failure.h"
#include "paths.h"

#include <stdbool.h>

enum lookup_stores {
    LOOKUP_ALL,    /* the user's, then the system's; one there that may not be read is as good as none */
    LOOKUP_SYSTEM, /* the system's alone */
};

/* Finds the account for a user, with account_find(), and sets `*p` to its store. `host` may be NULL. False with
 * FAILURE_NO_ACCOUNT, or with FAILURE_CONFIG where a file that was found is wrong: a broken account of the user's is
 * not replaced by one of the system's. */
bool lookup(struct account *a, struct paths *p, enum lookup_stores stores, const char *user, const char *host,
            struct report *why);

/* Reports FAILURE_NO_ACCOUNT; `passed_over` is account_find()'s. Returns false. */
bool lookup_none(const char *user, bool system, const struct report *passed_over, struct report *why);

#endif
