#include "config.h"

#include "clock.h"

#include <limits.h>
#include <poll.h>
#include <time.h>

enum { NAP = 50 /* milliseconds */ };

int64_t clock_wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

int64_t clock_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_left(int64_t deadline)
{
    int64_t left = deadline - clock_monotonic();
    if (left <= 0)
        return 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

bool clock_nap(int64_t deadline)
{
    int left = clock_left(deadline);
    if (left > 0)
        poll(NULL, 0, left < NAP ? left : NAP);
    return left > 0;
}
