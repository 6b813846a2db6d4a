/* One login at a mail server with a token, and one command after it. */
#ifndef XOAUTH2_TEST_ATTEMPT_H
#define XOAUTH2_TEST_ATTEMPT_H

#include "account.h"
#include "failure.h"
#include "server.h"

enum attempt_result {
    ATTEMPT_OK,
    ATTEMPT_NOT_OFFERED, /* the server does not have the mechanism */
    ATTEMPT_REFUSED,     /* it did not take the token */
    ATTEMPT_NO_MAILBOX,  /* it took the token, but not the command after the login */
    ATTEMPT_NOT_ALLOWED, /* the account's hosts: do not have this server: nothing was sent */
    ATTEMPT_NOT_TRUSTED, /* no encryption, or a certificate that is not believed: nothing was sent */
    ATTEMPT_UNREACHABLE,
};

#define ATTEMPT_ANSWER_MAX 200 /* bytes of a server's words, with the NUL */

struct attempt {
    const struct server *server;
    const char *mechanism;
    enum attempt_result result;
    char answer[ATTEMPT_ANSWER_MAX]; /* the server's last words; "" where it did not complain */
    struct report why;               /* what to do; code FAILURE_NONE after ATTEMPT_OK */
};

/* "ok", "not-offered", ...: static. */
const char *attempt_result_name(enum attempt_result result);

/* Logs in as `user` with the account's token and makes the attempt's result. Takes at most HTTP_TOTAL_TIMEOUT. The
 * connection is encrypted and verified with the account's ca_file or ca_path, except to this machine by a protocol
 * without TLS. libcurl must be initialized. */
void attempt_make(struct attempt *a, const struct account *account, bool system, const char *user, const char *token);

#endif
