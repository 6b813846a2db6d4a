/* The sockets at which the agent is reached. */
#ifndef XOAUTH2_LISTENERS_H
#define XOAUTH2_LISTENERS_H

#include "failure.h"
#include "loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LISTENERS_MAX 32
#define LISTENERS_QUEUE 1024     /* connections that wait to be accepted */
#define LISTENERS_PAUSE_MS 100   /* while descriptors are short */
#define LISTENERS_CONNECT_MS 500 /* for a socket that is there to show that somebody serves it */

struct agent;

struct listener {
    struct watch watch;
    struct agent *agent;
    char *path; /* NULL for one that was handed over */
    dev_t dev;
    ino_t ino;
};

struct listeners {
    struct agent *agent;
    struct listener all[LISTENERS_MAX];
    size_t count;
    struct timer pause;
};

bool listeners_open(struct listeners *l, struct agent *a, struct report *why);

/* Makes a socket at `path`, 0600 for a user's agent, 0666 for the system's, and the folders above it where they are
 * missing: 0700 and 0755. One that nobody serves is replaced; one that somebody serves, or a folder in which others
 * could replace it, is FAILURE_CONFIG. */
bool listeners_add(struct listeners *l, const char *path, struct report *why);

/* Takes a socket that a service manager made. */
bool listeners_inherit(struct listeners *l, int fd, struct report *why);

/* Where the agent is reached unless told otherwise: RUNDIR/agent.sock, or agent.sock in xoauth2/ of $XDG_RUNTIME_DIR,
 * by default /run/user/UID where that is ours alone. False with a report where there is no such folder. */
#define LISTENERS_PATH_MAX 108
bool listeners_default(bool system, char path[LISTENERS_PATH_MAX], struct report *why);

/* Starts and ends accepting. */
bool listeners_start(struct listeners *l);

/* Closes all, and removes those that are still ours. */
void listeners_close(struct listeners *l);

#endif
