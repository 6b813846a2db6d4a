/* Where an account keeps its state: the file of store.h, or what store_read and store_write reach: a keyring, an
 * encrypted file.
 *
 * Commands can be killed in the middle of their work, and many truncate a file before they write it. So a new state
 * goes to the file of store.h first, 0600 and durable, and only when store_write has taken it and store_read gives
 * back the same is the file removed. While the file is there it is the state, whatever the commands say. The lock is
 * a file too. So what store.h promises about crashes and races holds here as well. */
#ifndef XOAUTH2_KEEPER_H
#define XOAUTH2_KEEPER_H

#include "account.h"
#include "store.h"

#include <stdbool.h>

#define KEEPER_TIMEOUT 15000 /* milliseconds for one command */

/* Whether the state is kept by commands. */
bool keeper_has_commands(const struct account *a);

/* Reads the state of a->state_name, as state_load(), without an access token that was issued before the account was
 * changed to another issuer or client (origin.h). Where the commands keep nothing, which not every one of them can
 * tell from a failure, an account that needs no login is READFILE_MISSING, and others are refused with the command's
 * trouble. */
enum readfile_result keeper_load(struct state *s, const struct account *a, const struct paths *p, struct report *why);

/* As state_commit(). True as soon as the state is durable, even if it has to stay in the file: then `*why` says why,
 * with the code FAILURE_NONE, and otherwise its text is empty. */
bool keeper_commit(struct state_writer *w, const struct state *s, const struct account *a, const struct paths *p,
                   struct report *why);

/* As state_save(). */
bool keeper_save(const struct state *s, const struct account *a, const struct paths *p, struct report *why);

/* Removes the state; the commands, which cannot remove, are given an empty one. The lock must be held. */
bool keeper_remove(const struct account *a, const struct paths *p, struct report *why);

/* Whether a state waits in the file because the commands did not take it. */
bool keeper_is_waiting(const struct account *a, const struct paths *p);

/* When the refresh token ends: what the server said, else what is known of the provider; 0 where nobody knows. */
int64_t keeper_refresh_end(const struct account *a, const struct state *s);

#endif
