/* A web server for tests: a process on a free loopback port that plays a list of scripted turns, one connection each,
 * and keeps what it was sent. */
#ifndef XOAUTH2_TEST_WEB_SERVER_H
#define XOAUTH2_TEST_WEB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum web_act {
    WEB_REPLY,     /* read the request, send `reply`, close */
    WEB_SLAM,      /* close without a word before reading */
    WEB_HANG,      /* read the request, then say nothing until the client goes */
    WEB_DRIP,      /* read the request, then send `reply` one byte every 20 ms, for ever from its start again */
    WEB_FLOOD,     /* read the request, send `reply`, then zeros until the client goes */
    WEB_KEEP_OPEN, /* read the request, send `reply`; the next turn is played on the same connection if it stays open
                    */
};

struct web_turn {
    enum web_act act;
    const char *reply;
    const char *write; /* once the request is read, this file gets `content` ... */
    const char *content;
    const char *wait_for; /* ... and the reply waits until there is this file; both may be NULL */
    size_t len;           /* of the reply; 0: it is a string, in which "@PORT@" stands for the server's port */
};

enum { WEB_REQUESTS_MAX = 8 };

struct web_server {
    int port;
    pid_t pid;
    int record; /* pipe on which requests come, each closed by a 0x00 */
    char *requests[WEB_REQUESTS_MAX];
    size_t count;
};

/* The PEM files of a TLS server: certificate for `name` ("localhost", or "127.0.0.1" as an address), key. The
 * certificate is self-signed, so it is its own CA. `hashed` gets "XXXXXXXX.0", the name it has in a hashed folder. */
void web_certificate(const char *name, const char *certificate_path, const char *key_path, char hashed[16]);

/* Starts it. `certificate` and `key` NULL: plain http. The turns must live until web_stop(). */
void web_start(struct web_server *s, const struct web_turn turns[], size_t count, const char *certificate,
               const char *key);

/* Stops it and fills in requests and count. */
void web_stop(struct web_server *s);

/* Frees the requests. */
void web_free(struct web_server *s);

#endif
