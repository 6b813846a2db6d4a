/* Requests that the agent's one loop cannot answer, because a command or a discovery would have to be waited for: a
 * helper process answers them, straight into the client's connection. Who may ask, and for which server, is decided
 * before. */
#ifndef XOAUTH2_RELAY_H
#define XOAUTH2_RELAY_H

#include "failure.h"
#include "protocol.h"
#include "starter.h"

#include <stdbool.h>

#define RELAYS_MAX 64 /* such processes at once */

/* Has `xoauth2 --system helper` started with the request on its standard input and the connection as its standard
 * output. It ends by itself, at the latest when a request may take no longer. The caller closes the connection on its
 * side. False with FAILURE_BUSY, FAILURE_CONFIG or FAILURE_UNREACHABLE. */
bool relay_start(struct starter *s, int connection, const struct protocol_message *request, struct report *why);

/* In the starter, which ignores its children: does so. */
bool relay_run(int input, int connection, struct report *why);

/* The program: a test puts another in its place. */
extern const char *relay_program;

#endif
