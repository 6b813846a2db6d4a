/* The process that starts others for the agent: a helper for a request that needs one (see relay.h), an account's
 * notify_command (see notify.h). It is forked off before the agent has read a secret and given up the right to start
 * programs; it holds no secret itself, takes orders from the agent alone, and ends with it.
 *
 * Orders are carried out as little believed as if the agent were somebody else: it can be made to start what the
 * account files say and the helper, nothing else. */
#ifndef XOAUTH2_STARTER_H
#define XOAUTH2_STARTER_H

#include "failure.h"
#include "loop.h"
#include "paths.h"

#include <stdbool.h>

#define STARTER_WAIT 10000 /* milliseconds for the starting, not for what is started */

struct starter {
    struct watch channel; /* hangs up when the starter has ended or was given up; fd -1: there is none */
};

/* Forks it. False with a report. */
bool starter_open(struct starter *s, const struct paths *p, struct report *why);
void starter_close(struct starter *s);

/* Starts the helper with the request in the file `input` on its standard input and the connection as its standard
 * output. The caller closes both on its side. */
bool starter_relay(struct starter *s, int input, int connection, struct report *why);

/* Starts the notify_command of an account. */
bool starter_notify(struct starter *s, const char *account, const char *heading, const char *text,
                    struct report *why);

#endif
