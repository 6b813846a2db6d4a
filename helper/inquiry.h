/* Asking an agent, as the plugin does: it has the token in memory, and knows things that no file tells. */
#ifndef XOAUTH2_INQUIRY_H
#define XOAUTH2_INQUIRY_H

#include "failure.h"
#include "token.h"

#include <stdbool.h>
#include <stdint.h>

enum inquiry {
    INQUIRY_ANSWERED,
    INQUIRY_FAILED, /* reported: what the agent says of the account */
    INQUIRY_NOBODY, /* no agent of this store, or none that serves this account to us: nothing is reported */
};

/* The user's token from the agent of the user's store, or of the system's. The reply's buffer is emptied first; the
 * caller frees it. */
enum inquiry inquiry_token(bool system, const char *user, struct token_reply *reply, struct report *why);

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
