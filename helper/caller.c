#include "config.h"

#include "caller.h"

#include <poll.h>

static int watched = -1;

void caller_watch(int fd)
{
    watched = fd;
}

int caller_fd(void)
{
    return watched;
}

bool caller_wait(int milliseconds)
{
    /* A negative descriptor is passed by: then this is a sleep. */
    struct pollfd p = {.fd = watched, .events = 0};
    return poll(&p, 1, milliseconds) > 0 && (p.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}
