/* Answering requests of xoauth2-protocol(7): `get`, `reject`, `status`. */
#ifndef XOAUTH2_SERVE_H
#define XOAUTH2_SERVE_H

#include "entry.h"
#include "failure.h"
#include "protocol.h"

#define SERVE_WAIT_VALID 5000    /* milliseconds to wait for a new token while the old one is still good */
#define SERVE_REJECT_FIRST 15    /* seconds after a rejected token before its successor may be rejected; doubled */
#define SERVE_REJECT_MAX 600     /* seconds, at most */
#define SERVE_REJECT_FORGET 3600 /* seconds without a reject after which it counts as the first */

struct client;

/* Answers a request now, or makes its client wait for the account's renewal. */
void serve_request(struct client *c, const struct protocol_message *request);

/* Tells a client that its request was none. */
void serve_malformed(struct client *c, bool too_long);

/* Tells a client that there is no room for it. */
void serve_busy(struct client *c);

/* The account's renewal has ended: answers all that wait for it. `why` says how, FAILURE_NONE for well. */
void serve_waiting(struct entry *e, const struct report *why);

/* A client has waited for the account for as long as it may. */
void serve_too_late(struct client *c, struct entry *e);

#endif
