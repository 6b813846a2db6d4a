/* Requests that the agent's one loop cannot answer, because a command or a discovery would have to be waited for: a
 * helper process answers them, straight into the client's connection. Who may ask, and for which server, is decided
 * before. */
#ifndef XOAUTH2_RELAY_H
#define XOAUTH2_RELAY_H

#include "failure.h"
#include "protocol.h"
#include "secret.h"
#include "starter.h"

#include <stdbool.h>

#define RELAYS_MAX 64         /* such processes at once */
#define RELAY_REQUESTS_MAX 16 /* for one of them */

/* Adds a request to what a process shall answer, as it was understood here. Each must be one that the peer may
 * make: the process does not ask. False where it is full: it is as before then. */
bool relay_add(struct secret *requests, const struct protocol_message *request);

/* Has `xoauth2 --system helper` started with the requests on its standard input and the connection as its standard
 * output. It ends by itself, at the latest when no request may take longer. The caller closes the connection on
 * its side. False with FAILURE_BUSY, FAILURE_CONFIG or FAILURE_UNREACHABLE. */
bool relay_start(struct starter *s, int connection, const struct secret *requests, struct report *why);

/* In the starter, which ignores its children: does so. */
bool relay_run(int input, int connection, struct report *why);

/* The program: a test puts another in its place. */
extern const char *relay_program;

#endif
