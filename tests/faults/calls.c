/* Preloaded into the programs under test: the calls that may fail, each as its manual page allows. */
#include "chance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CALLER __builtin_return_address(0)
#define REAL(function, c) ((__typeof__(&(function)))chance_real(c))

/* One of the ways in which a call can fail. */
struct effect {
    int error;
    const char *name;
};

#define EFFECT(error)                                                                                                \
    {                                                                                                                \
        error, #error                                                                                                \
    }
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* Sets errno to one of them. Returns -1. */
static int fail(const struct chance *c, const void *caller, const struct effect *effects, size_t count, uint64_t draw)
{
    const struct effect *effect = &effects[draw % count];
    chance_log(c, caller, effect->name);
    errno = effect->error;
    return -1;
}

static bool strikes(struct chance *c, const void *caller, const struct effect *effects, size_t count)
{
    uint64_t draw;
    return chance_strikes(c, caller, &draw) && fail(c, caller, effects, count, draw);
}

/* --- memory --- */

static _Thread_local bool inside; /* of a function whose own call of malloc() is part of it, or none of ours */

static bool no_memory(struct chance *c, const void *caller)
{
    static const struct effect EFFECTS[] = {EFFECT(ENOMEM)};
    return !inside && strikes(c, caller, EFFECTS, COUNT(EFFECTS));
}

void *malloc(size_t size)
{
    static struct chance c = {.function = "malloc", .kind = CHANCE_MEMORY};
    return no_memory(&c, CALLER) ? NULL : REAL(malloc, &c)(size);
}

void *calloc(size_t count, size_t size)
{
    static struct chance c = {.function = "calloc", .kind = CHANCE_MEMORY};
    return no_memory(&c, CALLER) ? NULL : REAL(calloc, &c)(count, size);
}

void *realloc(void *old, size_t size)
{
    static struct chance c = {.function = "realloc", .kind = CHANCE_MEMORY};
    return no_memory(&c, CALLER) ? NULL : REAL(realloc, &c)(old, size);
}

char *strdup(const char *text)
{
    static struct chance c = {.function = "strdup", .kind = CHANCE_MEMORY};
    if (no_memory(&c, CALLER))
        return NULL;
    inside = true;
    char *copy = REAL(strdup, &c)(text);
    inside = false;
    return copy;
}

char *strndup(const char *text, size_t max)
{
    static struct chance c = {.function = "strndup", .kind = CHANCE_MEMORY};
    if (no_memory(&c, CALLER))
        return NULL;
    inside = true;
    char *copy = REAL(strndup, &c)(text, max);
    inside = false;
    return copy;
}

/* The address sanitizer asks in every new thread, and ends the program when memory is short. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    static struct chance c = {.function = "pthread_getattr_np", .kind = CHANCE_MEMORY};
    inside = true;
    int result = REAL(pthread_getattr_np, &c)(thread, attributes);
    inside = false;
    return result;
}

/* --- reading and writing --- */

static const struct effect READ_FILE[] = {EFFECT(EINTR), EFFECT(EIO)};
static const struct effect WRITE_FILE[] = {EFFECT(EINTR), EFFECT(EIO), EFFECT(ENOSPC), EFFECT(EDQUOT)};
static const struct effect WAITING[] = {EFFECT(EINTR), EFFECT(EAGAIN)};
static const struct effect INTERRUPTED[] = {EFFECT(EINTR)};
static const struct effect RECEIVE[] = {EFFECT(EINTR), EFFECT(ECONNRESET), EFFECT(ENOMEM), EFFECT(ETIMEDOUT)};
static const struct effect RECEIVE_WAITING[] = {EFFECT(EINTR), EFFECT(EAGAIN), EFFECT(EAGAIN), EFFECT(ECONNRESET)};
static const struct effect SEND[] = {EFFECT(EINTR), EFFECT(ECONNRESET), EFFECT(EPIPE), EFFECT(ENOBUFS)};
static const struct effect SEND_WAITING[] = {EFFECT(EINTR), EFFECT(EAGAIN), EFFECT(EAGAIN), EFFECT(EPIPE)};

static bool is_nonblocking(int fd)
{
    return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/* Whether less than asked for is done, which may always be. */
static bool is_short(const struct chance *c, const void *caller, uint64_t draw, size_t *len)
{
    if (draw >> 32 & 1 || *len < 2)
        return false;
    *len = 1 + (size_t)(draw >> 33) % (*len - 1);
    chance_log(c, caller, "short");
    return true;
}

/* What a call on a file, a pipe or a socket does instead. Returns 0 to go on, maybe with a smaller `*len`, or -1. */
static int spoil(struct chance *c, const void *caller, int fd, bool reading, size_t *len)
{
    struct stat st;
    uint64_t draw;
    if (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        return 0; /* an event has no half */
    if (!chance_strikes(c, caller, &draw) || is_short(c, caller, draw, len))
        return 0;
    if (S_ISREG(st.st_mode))
        return fail(c, caller, reading ? READ_FILE : WRITE_FILE, reading ? COUNT(READ_FILE) : COUNT(WRITE_FILE),
                    draw);
    if (is_nonblocking(fd))
        return fail(c, caller, WAITING, COUNT(WAITING), draw);
    return fail(c, caller, INTERRUPTED, COUNT(INTERRUPTED), draw);
}

ssize_t read(int fd, void *data, size_t len)
{
    static struct chance c = {.function = "read", .kind = CHANCE_FILES};
    return spoil(&c, CALLER, fd, true, &len) ? -1 : REAL(read, &c)(fd, data, len);
}

ssize_t write(int fd, const void *data, size_t len)
{
    static struct chance c = {.function = "write", .kind = CHANCE_FILES};
    return spoil(&c, CALLER, fd, false, &len) ? -1 : REAL(write, &c)(fd, data, len);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    static struct chance c = {.function = "pwrite", .kind = CHANCE_FILES};
    return spoil(&c, CALLER, fd, false, &len) ? -1 : REAL(pwrite, &c)(fd, data, len, at);
}

/* --- the network, and sockets of this machine --- */

static bool is_network(int fd)
{
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    socklen_t len = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 && address.ss_family != AF_UNIX;
}

static int spoil_socket(struct chance *c, const void *caller, int fd, int flags, bool reading, size_t *len)
{
    uint64_t draw;
    bool waiting = flags & MSG_DONTWAIT || is_nonblocking(fd);
    if (!chance_strikes(c, caller, &draw) || is_short(c, caller, draw, len))
        return 0;
    if (reading)
        return waiting ? fail(c, caller, RECEIVE_WAITING, COUNT(RECEIVE_WAITING), draw)
                       : fail(c, caller, RECEIVE, COUNT(RECEIVE), draw);
    return waiting ? fail(c, caller, SEND_WAITING, COUNT(SEND_WAITING), draw)
                   : fail(c, caller, SEND, COUNT(SEND), draw);
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    static struct chance network = {.function = "recv", .kind = CHANCE_NETWORK};
    static struct chance local = {.function = "recv", .kind = CHANCE_FILES};
    struct chance *c = is_network(fd) ? &network : &local;
    return spoil_socket(c, CALLER, fd, flags, true, &len) ? -1 : REAL(recv, c)(fd, data, len, flags);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    static struct chance network = {.function = "send", .kind = CHANCE_NETWORK};
    static struct chance local = {.function = "send", .kind = CHANCE_FILES};
    struct chance *c = is_network(fd) ? &network : &local;
    return spoil_socket(c, CALLER, fd, flags, false, &len) ? -1 : REAL(send, c)(fd, data, len, flags);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    static struct chance network = {.function = "connect", .kind = CHANCE_NETWORK};
    static struct chance local = {.function = "connect", .kind = CHANCE_FILES};
    static const struct effect FAR[] = {EFFECT(ECONNREFUSED), EFFECT(ENETUNREACH), EFFECT(EADDRNOTAVAIL)};
    static const struct effect NEAR[] = {EFFECT(EINTR), EFFECT(ECONNREFUSED), EFFECT(EAGAIN)};
    bool near = address.__sockaddr__->sa_family == AF_UNIX;
    bool struck = near ? strikes(&local, CALLER, NEAR, COUNT(NEAR)) : strikes(&network, CALLER, FAR, COUNT(FAR));
    return struck ? -1 : REAL(connect, &local)(fd, address, len);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
    static struct chance c = {.function = "accept4", .kind = CHANCE_FILES};
    static const struct effect EFFECTS[] = {EFFECT(EMFILE), EFFECT(ECONNABORTED), EFFECT(EINTR), EFFECT(ENOMEM)};
    return strikes(&c, CALLER, EFFECTS, COUNT(EFFECTS)) ? -1 : REAL(accept4, &c)(fd, address, len, flags);
}

int socket(int domain, int type, int protocol)
{
    static struct chance c = {.function = "socket", .kind = CHANCE_NETWORK};
    static const struct effect EFFECTS[] = {EFFECT(EMFILE), EFFECT(ENOBUFS)};
    return strikes(&c, CALLER, EFFECTS, COUNT(EFFECTS)) ? -1 : REAL(socket, &c)(domain, type, protocol);
}

/* --- files --- */

static const struct effect OPEN[] = {EFFECT(EMFILE), EFFECT(ENFILE), EFFECT(ENOMEM), EFFECT(EIO), EFFECT(EINTR)};
static const struct effect SYNC[] = {EFFECT(EIO), EFFECT(ENOSPC), EFFECT(EINTR)};
static const struct effect CHANGE[] = {EFFECT(EIO), EFFECT(ENOSPC)};

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    static struct chance c = {.function = "open", .kind = CHANCE_FILES};
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return strikes(&c, CALLER, OPEN, COUNT(OPEN)) ? -1 : REAL(open, &c)(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    static struct chance c = {.function = "openat", .kind = CHANCE_FILES};
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return strikes(&c, CALLER, OPEN, COUNT(OPEN)) ? -1 : REAL(openat, &c)(folder, path, flags, mode);
}

int fsync(int fd)
{
    static struct chance c = {.function = "fsync", .kind = CHANCE_FILES};
    return strikes(&c, CALLER, SYNC, COUNT(SYNC)) ? -1 : REAL(fsync, &c)(fd);
}

int fdatasync(int fd)
{
    static struct chance c = {.function = "fdatasync", .kind = CHANCE_FILES};
    return strikes(&c, CALLER, SYNC, COUNT(SYNC)) ? -1 : REAL(fdatasync, &c)(fd);
}

int rename(const char *from, const char *to)
{
    static struct chance c = {.function = "rename", .kind = CHANCE_FILES};
    return strikes(&c, CALLER, CHANGE, COUNT(CHANGE)) ? -1 : REAL(rename, &c)(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    static struct chance c = {.function = "renameat", .kind = CHANCE_FILES};
    return strikes(&c, CALLER, CHANGE, COUNT(CHANGE)) ? -1 : REAL(renameat, &c)(from_folder, from, to_folder, to);
}

int unlinkat(int folder, const char *path, int flags)
{
    static struct chance c = {.function = "unlinkat", .kind = CHANCE_FILES};
    return strikes(&c, CALLER, CHANGE, COUNT(CHANGE)) ? -1 : REAL(unlinkat, &c)(folder, path, flags);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    static struct chance c = {.function = "fallocate", .kind = CHANCE_FILES};
    static const struct effect EFFECTS[] = {EFFECT(EOPNOTSUPP), EFFECT(ENOSPC), EFFECT(EINTR), EFFECT(EIO)};
    return strikes(&c, CALLER, EFFECTS, COUNT(EFFECTS)) ? -1 : REAL(fallocate, &c)(fd, mode, at, len);
}

int ftruncate(int fd, off_t len)
{
    static struct chance c = {.function = "ftruncate", .kind = CHANCE_FILES};
    static const struct effect EFFECTS[] = {EFFECT(EINTR), EFFECT(EIO)};
    return strikes(&c, CALLER, EFFECTS, COUNT(EFFECTS)) ? -1 : REAL(ftruncate, &c)(fd, len);
}

/* --- processes, and waiting --- */

static const struct effect NO_PROCESS[] = {EFFECT(EAGAIN), EFFECT(ENOMEM)};

pid_t fork(void)
{
    static struct chance c = {.function = "fork", .kind = CHANCE_PROCESSES};
    return strikes(&c, CALLER, NO_PROCESS, COUNT(NO_PROCESS)) ? -1 : REAL(fork, &c)();
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    static struct chance c = {.function = "posix_spawn", .kind = CHANCE_PROCESSES};
    if (strikes(&c, CALLER, NO_PROCESS, COUNT(NO_PROCESS)))
        return errno;
    return REAL(posix_spawn, &c)(pid, path, actions, attributes, argv, envp);
}

int pipe2(int ends[2], int flags)
{
    static struct chance c = {.function = "pipe2", .kind = CHANCE_PROCESSES};
    static const struct effect EFFECTS[] = {EFFECT(EMFILE), EFFECT(ENFILE)};
    return strikes(&c, CALLER, EFFECTS, COUNT(EFFECTS)) ? -1 : REAL(pipe2, &c)(ends, flags);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    static struct chance c = {.function = "poll", .kind = CHANCE_PROCESSES};
    static const struct effect EFFECTS[] = {EFFECT(EINTR), EFFECT(EINTR), EFFECT(ENOMEM)};
    return strikes(&c, CALLER, EFFECTS, COUNT(EFFECTS)) ? -1 : REAL(poll, &c)(fds, count, timeout);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
    static struct chance c = {.function = "epoll_wait", .kind = CHANCE_PROCESSES};
    return strikes(&c, CALLER, INTERRUPTED, COUNT(INTERRUPTED)) ? -1 : REAL(epoll_wait, &c)(fd, events, max, timeout);
}

/* --- clocks: the wall's is set, forth or back; the other one only passes over a time --- */

static int64_t wall_shift;      /* seconds */
static int64_t monotonic_shift; /* milliseconds */

static void shift(struct chance *c, const void *caller, int64_t *clock, const int64_t *by, size_t count)
{
    uint64_t draw;
    if (!chance_strikes(c, caller, &draw))
        return;
    __atomic_add_fetch(clock, by[draw % count], __ATOMIC_RELAXED);
    chance_log(c, caller, by[draw % count] < 0 ? "back" : "forth");
}

static void shift_wall(struct chance *c, const void *caller)
{
    static const int64_t SECONDS[] = {-86400, -3600, -30, 30, 3600, 86400};
    shift(c, caller, &wall_shift, SECONDS, COUNT(SECONDS));
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    static struct chance wall = {.function = "clock_gettime", .kind = CHANCE_CLOCK};
    static struct chance passing = {.function = "clock_gettime", .kind = CHANCE_CLOCK};
    static const int64_t MILLISECONDS[] = {1000, 5000, 40000};
    int result = REAL(clock_gettime, &wall)(id, now);
    if (result == 0 && id == CLOCK_REALTIME) {
        shift_wall(&wall, CALLER);
        now->tv_sec += wall_shift;
    } else if (result == 0 && id == CLOCK_MONOTONIC) {
        shift(&passing, CALLER, &monotonic_shift, MILLISECONDS, COUNT(MILLISECONDS));
        now->tv_sec += monotonic_shift / 1000;
    }
    return result;
}

time_t time(time_t *where)
{
    static struct chance c = {.function = "time", .kind = CHANCE_CLOCK};
    shift_wall(&c, CALLER);
    time_t now = REAL(time, &c)(NULL) + wall_shift;
    if (where)
        *where = now;
    return now;
}
