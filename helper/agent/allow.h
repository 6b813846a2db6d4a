/* allow: who, beside root and the store's owner, may have an account's token. */
#ifndef XOAUTH2_ALLOW_H
#define XOAUTH2_ALLOW_H

#include "peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The ids that the names stood for when the account was loaded. */
struct allow {
    uid_t *users;
    gid_t *groups;
    unsigned user_count;
    unsigned group_count;
};

/* Resolves a list: user names, @GROUP, or numbers for ids. NULL is an empty list. A name that is not known is told to
 * `unknown`, and left out. `out` is overwritten. False where memory is short; `out` is empty then. */
bool allow_resolve(struct allow *out, const char *list, void (*unknown)(void *arg, const char *name), void *arg);
void allow_free(struct allow *a);

/* Whether the peer of the connection `fd` is on the list. */
bool allow_permits(const struct allow *a, int fd, const struct peer *peer);

#endif
