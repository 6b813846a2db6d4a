#include "config.h"

#include "process.h"

#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CLOSE_BLINDLY = 256, /* descriptors closed where the C library cannot close all */
    RETRY_MS = 10,       /* between two looks at a child where the kernel cannot tell when it ends */
};

static int close_others(posix_spawn_file_actions_t *actions)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    return posix_spawn_file_actions_addclosefrom_np(actions, TRANSPORT_FIRST_FREE);
#else
    int error = 0;
    for (int fd = TRANSPORT_FIRST_FREE; fd < CLOSE_BLINDLY && error == 0; fd++)
        error = posix_spawn_file_actions_addclose(actions, fd);
    return error;
#endif
}

static int set_files(posix_spawn_file_actions_t *actions, int inner, int null)
{
    int error = posix_spawn_file_actions_adddup2(actions, inner, STDIN_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, inner, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, null, STDERR_FILENO);
    return error == 0 ? close_others(actions) : error;
}

static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    return error == 0 ? posix_spawnattr_setsigmask(attributes, &none) : error;
}

static int run(pid_t *pid, const char *program, int inner, int null)
{
    char name[] = "xoauth2";
    char verb[] = "helper";
    char *arguments[] = {name, verb, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = set_files(&actions, inner, null);
        if (error == 0)
            error = set_signals(&attributes);
        if (error == 0)
            error = posix_spawn(pid, program, &actions, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

int process_start(struct process *child, const char *program)
{
    int ends[2];
    *child = (struct process){.pid = -1, .fd = -1};
    /* Said before the start, since where vfork is only emulated the failure of exec goes unheard. */
    if (faccessat(AT_FDCWD, program, X_OK, AT_EACCESS) != 0)
        return errno;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return errno;
    int error = 0;
    int null = -1;
    ends[0] = transport_lift(ends[0]);
    if (ends[0] < 0)
        error = errno;
    ends[1] = transport_lift(ends[1]);
    if (ends[1] < 0)
        error = errno;
    if (error == 0) {
        null = transport_lift(open("/dev/null", O_WRONLY | O_CLOEXEC));
        error = null < 0 ? errno : run(&child->pid, program, ends[1], null);
    }
    close_open(null);
    close_open(ends[1]);
    if (error == 0)
        child->fd = ends[0];
    else
        close_open(ends[0]);
    return error;
}

/* Whether there is nothing left to wait for: it ended, or the host took its status away. */
static bool has_ended(pid_t pid)
{
    pid_t got = waitpid(pid, NULL, WNOHANG);
    return got == pid || (got < 0 && errno != EINTR);
}

static bool await_end(pid_t pid, int pidfd, int milliseconds)
{
    int64_t deadline = transport_now() + milliseconds;
    bool ended;
    while (!(ended = has_ended(pid))) {
        int64_t left = deadline - transport_now();
        if (left <= 0)
            break;
        struct pollfd end = {.fd = pidfd, .events = POLLIN};
        poll(&end, pidfd >= 0, pidfd >= 0 || left < RETRY_MS ? (int)left : RETRY_MS);
    }
    return ended;
}

/* One that runs as somebody else, or sleeps in the kernel, does not heed the signal: the host then goes on. */
static void see_off(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!await_end(pid, pidfd, PROCESS_END_MS)) {
        kill(pid, SIGKILL);
        await_end(pid, pidfd, PROCESS_KILLED_MS);
    }
    close_open(pidfd);
}

void process_end(struct process *child)
{
    close_open(child->fd);
    if (child->pid > 0)
        see_off(child->pid);
    *child = (struct process){.pid = -1, .fd = -1};
}
