#include "config.h"

#include "test_wire.h"

#include "clock.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { UNREAD_MAX = 65536 /* bytes of one line, and of what came with it */, READ_SIZE = 4096 };

CURLcode wire_open(struct wire *w, CURL *curl, int64_t deadline)
{
    *w = (struct wire){.curl = curl, .deadline = deadline};
    secret_init(&w->in, UNREAD_MAX);
    return curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &w->socket);
}

void wire_close(struct wire *w)
{
    secret_free(&w->in);
}

static CURLcode wait_for(const struct wire *w, short events)
{
    struct pollfd p = {.fd = w->socket, .events = events};
    int ready;
    do
        ready = poll(&p, 1, clock_left(w->deadline));
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? CURLE_OK : CURLE_OPERATION_TIMEDOUT;
}

CURLcode wire_send(struct wire *w, const char *data, size_t len)
{
    CURLcode code = CURLE_OK;
    while (code == CURLE_OK && len > 0) {
        size_t sent = 0;
        code = curl_easy_send(w->curl, data, len, &sent);
        if (code == CURLE_AGAIN)
            code = wait_for(w, POLLOUT);
        data += sent;
        len -= sent;
    }
    return code;
}

static CURLcode receive(struct wire *w)
{
    size_t got = 0;
    char *room = secret_room(&w->in, READ_SIZE);
    if (!room)
        return CURLE_WEIRD_SERVER_REPLY;
    CURLcode code = curl_easy_recv(w->curl, room, READ_SIZE, &got);
    if (code == CURLE_AGAIN)
        return wait_for(w, POLLIN);
    secret_grow(&w->in, got);
    return code == CURLE_OK && got == 0 ? CURLE_GOT_NOTHING : code;
}

/* The talk hears one more line. */
static CURLcode hear_line(struct wire *w, struct talk *t)
{
    CURLcode code = CURLE_OK;
    const char *end = NULL;
    secret_drop_front(&w->in, w->taken);
    w->taken = 0;
    while (code == CURLE_OK && !(end = w->in.len > 0 ? memchr(w->in.data, '\n', w->in.len) : NULL))
        code = clock_left(w->deadline) > 0 ? receive(w) : CURLE_OPERATION_TIMEDOUT;
    if (code == CURLE_OK) {
        w->taken = (size_t)(end - w->in.data) + 1;
        talk_hear(t, w->in.data, w->taken);
    }
    return code;
}

/* Whether the line ends the server's answer, and as what. */
static bool is_reply(const struct talk *t, enum wire_reply *reply)
{
    const char *line = t->line;
    enum server_protocol protocol = t->server->protocol;
    *reply = WIRE_NO;
    if (protocol == SERVER_SMTP) {
        *reply = strncmp(line, "334", 3) == 0 ? WIRE_CHALLENGE : line[0] == '2' ? WIRE_YES : WIRE_NO;
        return !isdigit((unsigned char)line[0]) || strlen(line) < 4 || line[3] != '-';
    }
    if (protocol == SERVER_POP3 && strncmp(line, "+OK", 3) == 0)
        *reply = WIRE_YES;
    else if (line[0] == '+')
        *reply = WIRE_CHALLENGE;
    else if (protocol == SERVER_IMAP && strncasecmp(line, "a OK", 4) == 0)
        *reply = WIRE_YES;
    return protocol == SERVER_POP3 || *line != '*' || strncasecmp(line, "* BYE", 5) == 0;
}

CURLcode wire_reply(struct wire *w, struct talk *t, enum wire_reply *reply)
{
    CURLcode code;
    do
        code = hear_line(w, t);
    while (code == CURLE_OK && !is_reply(t, reply));
    return code;
}
