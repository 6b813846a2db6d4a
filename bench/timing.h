/* Measuring time, for the benchmarks. */
#ifndef XOAUTH2_BENCH_TIMING_H
#define XOAUTH2_BENCH_TIMING_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t timing_now(void);

/* The middle one of the values, which are sorted in place. */
int64_t timing_median(int64_t values[], size_t count);

#endif
