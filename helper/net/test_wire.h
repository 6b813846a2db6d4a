/* Lines of IMAP, POP3 and SMTP on a connection that libcurl has opened. */
#ifndef XOAUTH2_TEST_WIRE_H
#define XOAUTH2_TEST_WIRE_H

#include "secret.h"
#include "test_talk.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
    CURL *curl;
    curl_socket_t socket;
    int64_t deadline; /* CLOCK_MONOTONIC milliseconds */
    struct secret in; /* what has come and was not looked at yet: a server may repeat what it was sent */
    size_t taken;     /* bytes of it that were the last line */
};

enum wire_reply { WIRE_YES, WIRE_NO, WIRE_CHALLENGE };

/* `curl` was performed with CURLOPT_CONNECT_ONLY. Followed by wire_close(), whatever the result. */
CURLcode wire_open(struct wire *w, CURL *curl, int64_t deadline);
void wire_close(struct wire *w);

CURLcode wire_send(struct wire *w, const char *data, size_t len);

/* Reads until the server has answered what was sent, tagged "a" in IMAP. The talk hears every line. */
CURLcode wire_reply(struct wire *w, struct talk *t, enum wire_reply *reply);

#endif
