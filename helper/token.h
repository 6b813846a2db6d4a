/* Handing out an access token: the kept one while it is fresh, a new one when it is not. */
#ifndef XOAUTH2_TOKEN_H
#define XOAUTH2_TOKEN_H

#include "account.h"
#include "paths.h"
#include "protocol.h"
#include "secret.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_WAIT_MAX 28000 /* milliseconds a request may take in all: under the plugin's 30 s */

struct token_reply {
    struct secret token;
    int64_t expires_at; /* wall-clock seconds; 0 where unknown */
};

/* The token of one account, for `host` (may be NULL). Not fresh: takes the lock, reads again, and if it is still not
 * fresh runs the refresh program, which inherits the lock. A failure that another process met while this one waited
 * for the lock is taken over, not repeated; a known dead refresh token is FAILURE_LOGIN_NEEDED at once, as is
 * back-off FAILURE_UNREACHABLE. While the old token is valid it is handed out instead of any failure. `force` asks
 * for a new token whatever the state says. The reply's buffer is emptied first; the caller frees it. */
bool token_get(const struct account *a, const struct paths *p, const char *host, bool force,
               struct token_reply *reply, struct report *why);

/* Drops the account's access token if it is still `token` and the challenge (JSON as the mail server sent it) says
 * that the token is the trouble: status 401 or "invalid_token" (RFC 7628, section 3.2.2; status may be a number).
 * `message` gets the text for the log, in either case. No network. */
bool token_reject(const struct account *a, const struct paths *p, const char *token, const char *challenge,
                  size_t len, struct report *message, struct report *why);

/* The parts of these, for a program that keeps accounts and states in memory. */

/* Whether there is sense in asking the provider for a new token: there is a refresh token and, unless `force`, it is
 * not known to be dead and no back-off is running. Otherwise false, with what is to be answered. */
bool token_may_ask(const char *name, const struct paths *p, const struct state *s, bool force, struct report *why);

/* False with FAILURE_WRONG_HOST where the account's token is not for `host`. NULL is any host. */
bool token_check_host(const struct account *a, const char *host, struct report *why);

/* Whose token a request wants. NULL with FAILURE_CONFIG where it does not say. */
const char *token_user(const struct protocol_message *request, struct report *why);

/* Reports that this version does not know the verb of a request. Returns false. */
bool token_unknown(const struct protocol_message *request, struct report *why);

/* Writes the reply to `get`; `expires_at` in wall-clock seconds, 0 where unknown. */
bool token_put(const char *name, const char *token, int64_t expires_at, struct secret *reply, struct report *why);

/* Judges a `reject`: whether its token is stale, and the text for the log. False with FAILURE_CONFIG for one that is
 * malformed. */
bool token_judge(const char *name, const struct paths *p, const struct protocol_message *request, bool *stale,
                 struct report *message, struct report *why);

/* Removes the access token from the state on disk if it is `token`. The account's lock must be held. */
bool token_drop(const char *name, const struct paths *p, const char *token, struct report *why);

/* Writes the reply to `reject`. */
bool token_put_message(const struct report *message, struct secret *reply, struct report *why);

/* Answers one request of the helper protocol in `reply`, which is emptied first: `get` and `reject`, looking in the
 * user's store, then in the system's. */
void token_answer(const struct protocol_message *request, struct secret *reply);

/* The same from the system's store alone. */
void token_answer_system(const struct protocol_message *request, struct secret *reply);

#endif
