/* Loaded into the agent (LD_PRELOAD): measures the one window in which a kill loses a login, from the last byte of
 * the provider's reply that is read to the new state on disk. For each state it appends a line to the file in
 * $BENCH_WINDOW: the nanoseconds of the window, and how many of them were fsync(2)'s.
 *
 * Only one account is renewed at a time, so that these belong together: the last recv(2) of a TCP connection that
 * gave something, the fsync(2) of the file, the renameat(2), and the fsync(2) of the folder after it. The agent's
 * threads take turns in that, and nothing is locked here. */
#include "config.h"

#include "timing.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static int output = -1;
static int64_t read_at;
static int64_t syncing;
static bool renamed;

/* The next function of that name; a function pointer is copied, since C knows no cast to one from dlsym()'s. */
static void next(const char *name, void *function, size_t size)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    memcpy(function, &found, size);
}

/* Before the agent gives up the right to write to other folders than its own. */
__attribute__((constructor)) static void open_output(void)
{
    const char *path = getenv("BENCH_WINDOW");
    if (path)
        output = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void print_window(int64_t end)
{
    dprintf(output, "%" PRId64 " %" PRId64 "\n", end - read_at, syncing);
}

SHOWN ssize_t recv(int fd, void *data, size_t len, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    if (!real)
        next("recv", &real, sizeof real);
    ssize_t got = real(fd, data, len, flags);
    int64_t now = timing_now();
    int domain = 0;
    socklen_t size = sizeof domain;
    if (got > 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain != AF_UNIX) {
        read_at = now;
        syncing = 0;
        renamed = false;
    }
    return got;
}

SHOWN int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    static int (*real)(int, const char *, int, const char *);
    if (!real)
        next("renameat", &real, sizeof real);
    renamed = true;
    return real(from_folder, from, to_folder, to);
}

SHOWN int fsync(int fd)
{
    static int (*real)(int);
    if (!real)
        next("fsync", &real, sizeof real);
    int64_t start = timing_now();
    int result = real(fd);
    int64_t end = timing_now();
    syncing += end - start;
    if (renamed && read_at > 0)
        print_window(end);
    if (renamed)
        read_at = 0;
    renamed = false;
    return result;
}
