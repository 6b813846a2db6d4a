#include "config.h"

#include "fetch.h"

#include "caller.h"
#include "clock.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPLY_MAX = 16384, LOCK_FD = 3 };

const char *fetch_program = LIBEXECDIR "/refresh";

/* The one that had not quite ended when its answer was read. */
static pid_t unreaped = -1;

static void reap(pid_t pid)
{
    if (unreaped > 0)
        (void)waitpid(unreaped, NULL, WNOHANG);
    unreaped = waitpid(pid, NULL, WNOHANG) == 0 ? pid : -1;
}

/* The lock goes to a fixed number, last: the descriptors before it may have had that number. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int output, int lock)
{
    int error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(actions, lock, LOCK_FD);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(actions, LOCK_FD + 1);
    return error;
}

/* A session of its own, so that neither Ctrl-C nor a closed terminal ends an exchange that is under way. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETSIGMASK);
    if (!error)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (!error)
        error = posix_spawnattr_setsigmask(attributes, &none);
    return error;
}

/* Returns 0 or an errno. */
static int run(char *const argv[], int output, int lock, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = set_descriptors(&actions, output, lock);
        if (!error)
            error = set_attributes(&attributes);
        if (!error)
            error = posix_spawn(pid, fetch_program, &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static bool is_missing(struct report *why)
{
    return report_set(why, FAILURE_CONFIG, "%s is missing: install the whole package", fetch_program);
}

static bool spawn(const struct paths *p, const char *account, bool force, int lock, int output, pid_t *pid,
                  struct report *why)
{
    const char *argv[8] = {fetch_program};
    size_t count = 1;
    if (p->system)
        argv[count++] = "--system";
    if (force)
        argv[count++] = "--force";
    argv[count++] = "--lock-fd";
    argv[count++] = "3";
    argv[count++] = "--";
    argv[count] = account;
    int error = run((char *const *)argv, output, lock, pid);
    if (!error)
        return true;
    if (error == ENOENT || error == ENOTDIR)
        return is_missing(why);
    if (error == EACCES)
        return report_set(why, FAILURE_CONFIG, "%s cannot be run: %s: install the package anew", fetch_program,
                          strerror(error));
    return report_set(why, FAILURE_UNREACHABLE, "cannot run %s: %s", fetch_program, strerror(error));
}

/* Reads what is there. Returns how many bytes, 0 at the end, -1 where nothing may come any more. */
static ssize_t read_some(int fd, struct secret *reply)
{
    size_t size = REPLY_MAX - reply->len;
    char *room = size > 0 ? secret_room(reply, size) : NULL;
    if (!room)
        return -1;
    ssize_t got;
    do
        got = read(fd, room, size);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        secret_grow(reply, (size_t)got);
    return got;
}

static bool judge(const struct protocol_message *message, struct report *why)
{
    const char *code = protocol_get(message, "code");
    const char *text = protocol_get(message, "message");
    if (strcmp(message->verb, "ok") == 0)
        return true;
    if (strcmp(message->verb, "error") != 0 || !code || !text)
        return report_set(why, FAILURE_UNREACHABLE, "%s gave an answer that is none: install the whole package anew",
                          fetch_program);
    return report_set(why, failure_from_name(code), "%s", text);
}

/* Emulators of system calls tell of a missing program only by a child that ends. */
static bool no_answer(struct report *why)
{
    if (access(fetch_program, F_OK) != 0 && errno == ENOENT)
        return is_missing(why);
    return report_set(why, FAILURE_UNREACHABLE, "%s ended without an answer: try again", fetch_program);
}

static bool await(int fd, const char *account, int64_t deadline, struct secret *reply, struct report *why)
{
    for (;;) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = caller_fd(), .events = 0}};
        int ready = poll(fds, 2, clock_left(deadline));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return report_set(why, FAILURE_UNREACHABLE,
                              "the provider of %s has not answered yet: try again in a minute", account);
        if (fds[0].revents == 0)
            return report_set(why, FAILURE_UNREACHABLE, "the program that asked for the token has ended");
        ssize_t got = read_some(fd, reply);
        size_t used;
        struct protocol_message message;
        enum protocol_result result = PROTOCOL_MALFORMED;
        if (got > 0)
            result = protocol_parse(reply->data, reply->len, &used, &message);
        if (result == PROTOCOL_COMPLETE)
            return judge(&message, why);
        if (result != PROTOCOL_MORE)
            return no_answer(why);
    }
}

bool fetch_token(const struct paths *p, const char *account, bool force, int lock, int64_t deadline,
                 struct report *why)
{
    int ends[2];
    pid_t pid = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return report_set(why, FAILURE_UNREACHABLE, "cannot make a pipe: %s", strerror(errno));
    bool ok = spawn(p, account, force, lock, ends[1], &pid, why);
    close(ends[1]);
    if (ok) {
        struct secret reply;
        secret_init(&reply, REPLY_MAX);
        ok = await(ends[0], account, deadline, &reply, why);
        secret_free(&reply);
        reap(pid);
    }
    close(ends[0]);
    return ok;
}
