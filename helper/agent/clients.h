/* The connections: reading requests, writing replies, waiting. Nobody of them can make the agent wait. */
#ifndef XOAUTH2_CLIENTS_H
#define XOAUTH2_CLIENTS_H

#include "loop.h"
#include "peer.h"
#include "secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENTS_MAX 4096          /* connections at once; fewer where descriptors are short */
#define CLIENTS_ACCEPT 8          /* taken in one round, where many come */
#define CLIENTS_REQUEST_MS 10000  /* for the rest of a request that has begun */
#define CLIENTS_REPLY_MS 10000    /* for a reply to be read */
#define CLIENTS_RESERVED_FDS 1024 /* descriptors that are not for clients: exchanges, files, listeners */

struct agent;
struct entry;

struct client {
    struct watch watch;
    struct agent *agent;
    struct client *older; /* by the time of their last request */
    struct client *newer;
    struct peer peer;
    struct timer timer;
    struct secret in;  /* the start of a request; empty for most */
    const char *rest;  /* while a request is answered: what has arrived behind it */
    size_t rest_len;
    struct secret out; /* what is left of a reply that was not taken at once */
    struct entry *waits_for;
    struct client *waits_next;
    struct client **waits_at;
    bool processing; /* its requests are being worked off */
    bool resume;     /* they shall be, when the timer fires */
    bool ending;     /* closed when the reply is out */
    bool closed;     /* freed in the next round */
};

struct clients {
    struct agent *agent;
    struct client *oldest;
    struct client *newest;
    struct client *dead;
    unsigned count;
    unsigned max;
    bool crowded;     /* several came at once the last time */
    struct secret in; /* where requests arrive */
};

bool clients_open(struct clients *all, struct agent *a);
void clients_close(struct clients *all);

/* Takes the connections that wait at a listening socket. False where descriptors or memory are short: it should be
 * left alone for a moment. */
bool clients_accept(struct clients *all, int listener);

/* Sends a reply, which is copied as far as it is not taken at once. */
void client_send(struct client *c, const char *data, size_t len);

/* Ends a connection. The client is freed later. */
void client_close(struct client *c);

/* Waits for the end of the account's renewal, for some milliseconds. */
void client_wait(struct client *c, struct entry *e, int64_t milliseconds);
void client_end_wait(struct client *c);

/* How many wait for an account. */
int64_t clients_waiting(const struct entry *e);

#endif
