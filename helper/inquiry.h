/* Asking an agent, as the plugin does: it has the token in memory, and knows things that no file tells. */
#ifndef XOAUTH2_INQUIRY_H
#define XOAUTH2_INQUIRY_H

#include "failure.h"
#include "token.h"

#include <stdbool.h>
#include <stdint.h>

enum inquiry {
    INQUIRY_ANSWERED,
    INQUIRY_FAILED,  /* reported: what the agent says of the account */
    INQUIRY_REFUSED, /* reported: the agent refuses us this account, or is not trusted, or not ours to reach */
    INQUIRY_UNKNOWN, /* the agent has no such account: nothing is reported */
    INQUIRY_NOBODY,  /* no agent of this store answers: nothing is reported */
};

/* The user's token from the agent of the user's store, or of the system's. The reply's buffer is emptied first; the
 * caller frees it. */
enum inquiry inquiry_token(bool system, const char *user, struct token_reply *reply, struct report *why);

/* The token of an account that was found in the files: from the agent of its store, else as token_get(). */
bool inquiry_account_token(const struct account *a, const struct paths *p, struct token_reply *reply,
                           struct report *why);

/* After a lookup in vain in the files that this user may read: where the system's agent knows an account for `user`,
 * the report says so, and that root runs 'xoauth2 --system VERB'. Any other report than FAILURE_NO_ACCOUNT stays, and
 * each where `system` alone was looked at. */
void inquiry_explain(bool system, const char *verb, const char *user, struct report *why);

/* What an agent says of an account. */
struct inquiry_status {
    bool renewing;
    int64_t next_refresh; /* wall-clock seconds; 0: none is due */
    int64_t served;       /* tokens handed out since it was started */
    int64_t waiting;      /* programs that wait for a token now */
};

/* Asks for that, without waiting for a provider. False where no agent answers. */
bool inquiry_status(bool system, const char *account, struct inquiry_status *status);

#endif
