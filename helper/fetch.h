/* Starting the network side: LIBEXECDIR/refresh, as a process of its own that outlives whoever asked.
 *
 * Its command line is `refresh [--system] [--force] --lock-fd N -- ACCOUNT`. It inherits the account's lock, moves
 * into a session of its own, shields itself from signals while an exchange is in flight, puts the new state on disk,
 * and writes one reply of the helper protocol ("ok" or "error", never a token) to its standard output. */
#ifndef XOAUTH2_FETCH_H
#define XOAUTH2_FETCH_H

#include "failure.h"
#include "paths.h"

#include <stdbool.h>
#include <stdint.h>

/* Runs it and waits for its reply until `deadline` (CLOCK_MONOTONIC milliseconds); then the process goes on alone and
 * the result is FAILURE_UNREACHABLE, as when the caller goes away (see caller.h). `lock` stays the caller's. True:
 * the new token is in the state file. */
bool fetch_token(const struct paths *p, const char *account, bool force, int lock, int64_t deadline,
                 struct report *why);

/* The program: a unit test puts another in its place. */
extern const char *fetch_program;

#endif
