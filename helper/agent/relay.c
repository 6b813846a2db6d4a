#include "config.h"

#include "relay.h"

#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

const char *relay_program = BINDIR "/xoauth2";

/* The processes, by descriptors that become readable when they end; 0: a free place. */
static int running[RELAYS_MAX];

static bool has_ended(int process)
{
    struct pollfd p = {.fd = process, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* A free place, or NULL. */
static int *find_place(void)
{
    for (size_t i = 0; i < RELAYS_MAX; i++) {
        if (running[i] > 0 && has_ended(running[i])) {
            close(running[i]);
            running[i] = 0;
        }
        if (running[i] == 0)
            return &running[i];
    }
    return NULL;
}

/* The request as it was. */
static bool rebuild(const struct protocol_message *request, struct secret *out)
{
    bool ok = protocol_begin(out, request->verb);
    for (size_t i = 0; ok && i < request->count; i++)
        if (strcmp(request->fields[i].key, "version") != 0)
            ok = protocol_put(out, request->fields[i].key, request->fields[i].value);
    return ok && protocol_end(out);
}

bool relay_add(struct secret *requests, const struct protocol_message *request)
{
    struct secret text;
    secret_init(&text, PROTOCOL_MESSAGE_MAX);
    bool ok = rebuild(request, &text) && secret_add(requests, text.data, text.len);
    secret_free(&text);
    return ok;
}

/* A file in memory, at its start: nobody has to write while the process reads. -1 with errno. */
static int make_input(const struct secret *text)
{
    int fd = memfd_create("xoauth2", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write(fd, text->data, text->len) == (ssize_t)text->len && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    errno = ENOSPC;
    return -1;
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int input, int output)
{
    int error = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!error)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (!error)
        error = posix_spawnattr_setsigmask(attributes, &none);
    return error;
}

/* Returns 0 or an errno. */
static int spawn(int input, int output, pid_t *pid)
{
    const char *argv[] = {relay_program, "--system", "helper", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = set_descriptors(&actions, input, output);
        if (!error)
            error = set_attributes(&attributes);
        if (!error)
            error = posix_spawn(pid, relay_program, &actions, &attributes, (char *const *)argv, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

bool relay_run(int input, int connection, struct report *why)
{
    pid_t pid;
    int *place = find_place();
    if (!place)
        return report_set(why, FAILURE_BUSY, "the agent has too many requests that need a process: try again later");
    int error = spawn(input, connection, &pid);
    if (error)
        return report_set(why, error == ENOENT ? FAILURE_CONFIG : FAILURE_UNREACHABLE, "the agent cannot run %s: %s",
                          relay_program, strerror(error));
    int process = pidfd_open(pid, 0);
    *place = process > 0 ? process : 0; /* one that has ended and was reaped needs no place */
    return true;
}

bool relay_start(struct starter *s, int connection, const struct secret *requests, struct report *why)
{
    int input = make_input(requests);
    if (input < 0)
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    bool ok = starter_relay(s, input, connection, why);
    close(input);
    return ok;
}
