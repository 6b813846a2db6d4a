/* The two clocks: wall time for what is kept on disk, monotonic time for waiting. */
#ifndef XOAUTH2_CLOCK_H
#define XOAUTH2_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970. */
int64_t clock_wall(void);

/* Milliseconds of CLOCK_MONOTONIC: for deadlines. */
int64_t clock_monotonic(void);

/* Waits for a moment, with patience for what may pass: memory or a disk that is short. False when the deadline has
 * passed. */
bool clock_nap(int64_t deadline);

/* Milliseconds from now to the deadline, 0 when it has passed, at most INT_MAX: for poll(2). */
int clock_left(int64_t deadline);

#endif
