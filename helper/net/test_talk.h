/* What `xoauth2 test` hears of one connection to a mail server. */
#ifndef XOAUTH2_TEST_TALK_H
#define XOAUTH2_TEST_TALK_H

#include "challenge.h"
#include "server.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#define TALK_LINE_MAX 4096 /* bytes of a line that are looked at */
#define TALK_STATUS_MAX 32 /* bytes of a challenge's status, with the NUL */

struct talk {
    const struct server *server;
    const char *mechanism;
    bool offered;                 /* the server has the mechanism */
    bool asked;                   /* a login was sent */
    bool logged_in;               /* the command after the login was sent */
    bool over;                    /* we have taken our leave: what comes then is no answer to anything */
    char status[TALK_STATUS_MAX]; /* of the server's challenge, "" where there was none */
    char configuration[CHALLENGE_CONFIGURATION_MAX]; /* that it names, as above */
    char line[TALK_LINE_MAX + 1]; /* its last */
    char detail[CURL_ERROR_SIZE];
};

/* What is sent after the login, without a line break: static. It needs the mailbox; in SMTP a NOOP is all that sends
 * no mail. */
const char *talk_command(const struct talk *t);

/* Takes a line of the server's. */
void talk_hear(struct talk *t, const char *data, size_t size);

#endif
