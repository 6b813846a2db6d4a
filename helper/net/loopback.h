/* The listener to which the browser is sent back (RFC 8252, section 7.3), and the little HTTP that it understands.
 *
 * It listens on loopback addresses only and serves GET of "/?..." with the right Host; everything else gets an error
 * page and changes nothing. Several connections at once, each with a deadline and a limit, so that a slow or hostile
 * client keeps nobody else out. */
#ifndef XOAUTH2_LOOPBACK_H
#define XOAUTH2_LOOPBACK_H

#include "failure.h"
#include "secret.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOPBACK_CONNECTIONS_MAX 16
#define LOOPBACK_REQUEST_MAX 65536     /* bytes: a browser sends the cookies of every program on this host name */
#define LOOPBACK_CONNECTION_TIME 10000 /* milliseconds for a request and its answer */
#define LOOPBACK_LINGER_TIME 2000      /* milliseconds for the last answer, when all else is done */
#define LOOPBACK_FDS_MAX (2 + LOOPBACK_CONNECTIONS_MAX)

/* What is shown in the browser; plain text, it is escaped. */
struct loopback_page {
    unsigned status; /* HTTP */
    const char *title;
    char text[REPORT_TEXT_MAX];
};

/* Judges a request for `target` ("/?query") and fills the page. */
typedef void loopback_judge(void *arg, const char *target, struct loopback_page *page);

struct loopback_connection {
    int fd; /* -1: free */
    int64_t deadline;
    struct secret in;
    struct secret out;
    size_t sent;
    bool closing; /* all is sent; waiting for the browser to close */
};

struct loopback {
    int listener[2]; /* IPv4, IPv6; -1 where not open */
    unsigned port;
    char authority[32]; /* the only Host that is served, such as "127.0.0.1:40000" */
    struct loopback_connection connection[LOOPBACK_CONNECTIONS_MAX];
    loopback_judge *judge;
    void *arg;
};

/* Listens on a free port: for "localhost" on both address families, where IPv6 exists, else on 127.0.0.1. `host` is
 * "localhost" or "127.0.0.1". False with a report; `*l` may then be closed nevertheless. */
bool loopback_open(struct loopback *l, const char *host, loopback_judge *judge, void *arg, struct report *why);

/* Fills in what to poll for; returns how many, at most LOOPBACK_FDS_MAX. */
nfds_t loopback_watch(const struct loopback *l, struct pollfd fds[LOOPBACK_FDS_MAX]);

/* The next deadline (CLOCK_MONOTONIC milliseconds), or INT64_MAX. */
int64_t loopback_deadline(const struct loopback *l);

/* Does what can be done without waiting. `fds` are those of loopback_watch() after poll(2). */
void loopback_serve(struct loopback *l, const struct pollfd fds[], nfds_t count);

/* Takes no more connections, and gives those that have an answer coming LOOPBACK_LINGER_TIME to get it. */
void loopback_finish(struct loopback *l);

/* Wipes and closes everything. */
void loopback_close(struct loopback *l);

enum request_result {
    REQUEST_MORE, /* not complete yet */
    REQUEST_GOOD, /* `*target` points into the request */
    REQUEST_BAD,  /* `*status` and `*problem` say why */
};

/* Reads a request's head, in place (RFC 9112, sections 3 and 5, as far as a redirect needs it). */
enum request_result loopback_parse(char *data, size_t len, const char *authority, char **target, unsigned *status,
                                   const char **problem);

#endif
