/* One login at a mail server with a token, and one command after it. */
#ifndef XOAUTH2_TEST_ATTEMPT_H
#define XOAUTH2_TEST_ATTEMPT_H

#include "account.h"
#include "failure.h"
#include "server.h"

#include <stdbool.h>

enum attempt_result {
    ATTEMPT_OK,
    ATTEMPT_NOT_OFFERED, /* the server does not have the mechanism */
    ATTEMPT_REFUSED,     /* it did not take the token */
    ATTEMPT_NO_MAILBOX,  /* it took the token, but not the command after the login */
    ATTEMPT_NOT_ALLOWED, /* the account's hosts: do not have this server: nothing was sent */
    ATTEMPT_NOT_TRUSTED, /* no encryption, or a certificate that is not believed: nothing was sent */
    ATTEMPT_NO_PLUGIN,   /* libsasl2 does not have the plugin: nothing was sent */
    ATTEMPT_NO_TOKEN,    /* the plugin has no token for libsasl2: nothing was sent */
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

/* Who logs in, and how. */
struct login_as {
    const char *user;
    const char *token;
    bool system;       /* the account is the machine's, for what is said about it */
    bool through_sasl; /* by libsasl2 and the plugin, which gets a token by itself */
};

/* Logs in and makes the attempt's result. Takes at most HTTP_TOTAL_TIMEOUT, through libsasl2 three times that. The
 * connection is encrypted and verified with the account's ca_file or ca_path, except to this machine by a protocol
 * without TLS. libcurl must be initialized, and for through_sasl test_sasl_init() have been called. */
void attempt_make(struct attempt *a, const struct account *account, const struct login_as *as);

#endif
