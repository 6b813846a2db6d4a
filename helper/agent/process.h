/* One agent from its start to its end: store, sockets, signals. */
#ifndef XOAUTH2_PROCESS_H
#define XOAUTH2_PROCESS_H

#include "options.h"
#include "paths.h"

/* Serves the store until SIGTERM or SIGINT, or until its folder is another one or an agent of the system has lost its
 * starter, which is a failure; SIGHUP makes it read all files again. The first `inherited` descriptors from 3 on are
 * sockets of a service manager. To `ready`, if not -1, a byte is written when the agent can be reached, and it is
 * closed; from then on nothing is written to the standard descriptors. Returns the exit status, having said what went
 * wrong. */
int process_run(const struct paths *paths, const struct options *o, int inherited, int ready);

#endif
