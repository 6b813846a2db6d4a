#include "config.h"

#include "timing.h"

#include <stdlib.h>
#include <time.h>

int64_t timing_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t timing_median(int64_t values[], size_t count)
{
    qsort(values, count, sizeof values[0], compare);
    return values[count / 2];
}
