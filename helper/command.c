#include "config.h"

#include "command.h"

#include "lookup.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WRITE_WAIT_MAX = 60000 /* milliseconds for which a reader may do nothing */ };

int command_status(enum failure code)
{
    switch (code) {
    case FAILURE_NONE:
        return EXIT_OK;
    case FAILURE_LOGIN_NEEDED:
        return EXIT_LOGIN_NEEDED;
    case FAILURE_UNREACHABLE:
    case FAILURE_BUSY:
        return EXIT_TEMPORARY;
    default:
        return EXIT_FAILED;
    }
}

int command_fail(const struct report *why)
{
    fprintf(stderr, "xoauth2: %s\n", why->text);
    return command_status(why->code);
}

bool command_account(const struct command *c, struct account *a, struct paths *p, struct report *why)
{
    char name[ACCOUNT_NAME_MAX + 1];
    return account_name(c->account, name, why) &&
           lookup(a, p, c->system ? LOOKUP_SYSTEM : LOOKUP_ALL, name, NULL, why);
}

struct visit {
    const struct paths *paths;
    const struct paths *before; /* a store whose names come first; NULL where there is none */
    command_visitor *visit;
    void *arg;
};

static bool visit_one(void *arg, const char *name)
{
    const struct visit *v = arg;
    char path[PATH_MAX];
    struct stat st;
    if (v->before) {
        account_path(v->before, name, path);
        if (lstat(path, &st) == 0)
            return true;
    }
    v->visit(v->arg, v->paths, name);
    return true;
}

bool command_each(const struct command *c, command_visitor *visit, void *arg, struct report *why)
{
    struct paths user;
    struct paths system;
    struct report ignored;
    struct visit v = {.visit = visit, .arg = arg};
    paths_system(&system);
    if (!c->system && paths_user(&user, &ignored)) {
        v.paths = &user;
        if (!account_each(&user, visit_one, &v, why))
            return false;
        v.before = &user;
    }
    /* The system's are shown to who may read them. */
    v.paths = &system;
    return account_each(&system, visit_one, &v, c->system ? why : &ignored) || !c->system;
}

bool command_write(const char *data, size_t len)
{
    while (len > 0) {
        /* After poll() a pipe takes this much without blocking. */
        size_t part = len < PIPE_BUF ? len : PIPE_BUF;
        struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
        errno = ETIMEDOUT;
        int ready = poll(&p, 1, WRITE_WAIT_MAX);
        if (ready == 0 || (ready < 0 && errno != EINTR))
            return false;
        if (ready < 0)
            continue;
        ssize_t put = write(STDOUT_FILENO, data, part);
        if (put < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (put > 0) {
            data += put;
            len -= (size_t)put;
        }
    }
    return true;
}

static void in_words(int64_t seconds, char *text, size_t size)
{
    if (seconds < 120)
        snprintf(text, size, "%lld s", (long long)seconds);
    else if (seconds < 120 * 60)
        snprintf(text, size, "%lld min", (long long)seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(text, size, "%lld h", (long long)seconds / 3600);
    else
        snprintf(text, size, "%lld days", (long long)seconds / 86400);
}

void command_time(int64_t when, int64_t now, char text[COMMAND_TIME_MAX])
{
    char date[40] = "";
    char distance[32];
    time_t seconds = when;
    struct tm local;
    if (!localtime_r(&seconds, &local) || strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
        snprintf(date, sizeof date, "%lld", (long long)when);
    in_words(when > now ? when - now : now - when, distance, sizeof distance);
    snprintf(text, COMMAND_TIME_MAX, when > now ? "%s (in %s)" : "%s (%s ago)", date, distance);
}
