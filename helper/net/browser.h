/* Starting the browser: $BROWSER, else xdg-open where there is a display.
 *
 * $BROWSER is the name of one program, found by PATH, that gets the URL as its only argument. No shell is involved,
 * and the value is not split at blanks or colons. */
#ifndef XOAUTH2_BROWSER_H
#define XOAUTH2_BROWSER_H

#include "failure.h"

#include <stdbool.h>
#include <sys/types.h>

/* The program to start, or NULL where there is neither $BROWSER nor a display. */
const char *browser_program(void);

/* Starts it and does not wait: standard input is /dev/null, standard output is our standard error, and it has a
 * session of its own, so that Ctrl-C ends the login and not the browser. False with a report. */
bool browser_start(const char *program, const char *url, pid_t *pid, struct report *why);

/* Whether it has ended with a failure, which it does where it could open nothing; never waits. `*pid` is 0 once it
 * has ended. */
bool browser_failed(pid_t *pid, int *status);

#endif
