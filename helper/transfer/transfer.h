/* Accounts that come from elsewhere: what import and restore share. */
#ifndef XOAUTH2_TRANSFER_H
#define XOAUTH2_TRANSFER_H

#include "account.h"
#include "store.h"

#include <stdbool.h>

#define TRANSFER_INPUT_MAX (16 * 1024 * 1024) /* bytes of standard input */

/* One account on its way in. */
struct transfer {
    char name[ACCOUNT_NAME_MAX + 1];
    struct secret text; /* its file */
    struct state state;
    bool has_state;
};

void transfer_init(struct transfer *t);
void transfer_free(struct transfer *t);

/* Reads all of standard input; a person at a terminal is told so, and that it is `what`. False with a report. */
bool transfer_read_input(const char *what, struct secret *text, struct report *why);

/* Whether there is such an account already, or tokens of it. */
bool transfer_is_there(const struct transfer *t, const struct paths *p);

/* Whether the account can be written: its file is right, its folder can be written, and nothing is there, or
 * `force`. Writes nothing. */
bool transfer_check(const struct transfer *t, const struct paths *p, bool force, struct report *why);

/* Writes the state, with what the account tells of its origin, then the account file. */
bool transfer_save(struct transfer *t, const struct paths *p, struct report *why);

/* The exit status that belongs to a failure. */
int transfer_status(const struct report *why);

/* The same, having written "xoauth2: TEXT" to standard error. */
int transfer_fail(const struct report *why);

#endif
