/* An authorization server for tests: a process on a free loopback port with several token endpoints,
 * http://127.0.0.1:PORT/0 and so on, each with a behaviour of its own that a test changes while it runs. It rotates
 * refresh tokens: the answer to "rt-N-G" is "at-N-(G+1)" and "rt-N-(G+1)", and any other refresh token is refused and
 * counted. */
#ifndef XOAUTH2_TEST_TOKEN_ENDPOINT_H
#define XOAUTH2_TEST_TOKEN_ENDPOINT_H

#include <sys/types.h>

enum { ENDPOINTS = 32 };

enum endpoint_mode {
    ENDPOINT_GOOD,
    ENDPOINT_REFUSES, /* invalid_grant */
    ENDPOINT_CONFIG,  /* invalid_client */
    ENDPOINT_DOWN,    /* 503 */
    ENDPOINT_BROKEN,  /* 500, which says nothing about the refresh token */
};

/* In memory that both processes share. */
struct endpoint {
    int mode;
    int unavailable; /* so many of the next requests get 503 */
    int held;        /* no answer while it is not 0 */
    int delay;       /* milliseconds before an answer */
    int lifetime;    /* seconds of an access token */
    int retry_after; /* seconds, with a 503 */
    int requests;
    int generation; /* of the last refresh token issued */
    int stale;      /* requests with another one: a reuse, for which real servers end the login */
    int busy;       /* requests being worked on */
};

struct token_endpoint {
    int port;
    pid_t pid;
    struct endpoint *endpoints;
};

void token_endpoint_start(struct token_endpoint *t);
void token_endpoint_stop(struct token_endpoint *t);

/* Waits until a request is being worked on. */
void token_endpoint_await(const struct endpoint *e);

#endif
