#include "config.h"

#include "notify.h"

#include "account.h"
#include "agent.h"
#include "clock.h"
#include "log.h"
#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Splits the command at white space, in place. False where it has too many words. */
static bool split(char *command, char *argv[NOTIFY_ARGUMENTS_MAX], int *count)
{
    char *rest;
    *count = 0;
    for (char *word = strtok_r(command, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (*count == NOTIFY_ARGUMENTS_MAX - 3)
            return false;
        argv[(*count)++] = word;
    }
    return *count > 0;
}

static int set_files(posix_spawn_file_actions_t *actions)
{
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return error;
}

static int set_signals(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETSIGMASK);
    if (!error)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    return error ? error : posix_spawnattr_setsigmask(attributes, &none);
}

/* Returns 0 or an errno. */
static int spawn(char *const argv[])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = set_files(&actions);
        if (!error)
            error = set_signals(&attributes);
        startup_loosen();
        if (!error)
            error = posix_spawn(&pid, argv[0], &actions, &attributes, argv, environ);
        startup_tighten();
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* No command of another user's file runs as root. */
static bool may_run(const struct account *a, const struct entry *e)
{
    struct stat st;
    if (geteuid() != 0 || (stat(a->file.path, &st) == 0 && st.st_uid == 0))
        return true;
    log_warning("%s: notify_command is not run, since the agent is root's and %s is not: run 'chown root %s'", e->name,
                a->file.path, a->file.path);
    return false;
}

static void run(const struct account *a, const struct entry *e, char *heading, char *text)
{
    char *argv[NOTIFY_ARGUMENTS_MAX];
    int count;
    int error = E2BIG;
    const char *value = account_value(a, SETTING_NOTIFY_COMMAND);
    char *command = value ? strdup(value) : NULL;
    if (command && may_run(a, e)) {
        if (split(command, argv, &count)) {
            argv[count++] = heading;
            argv[count++] = text;
            argv[count] = NULL;
            error = spawn(argv);
        }
        if (error)
            log_warning("%s: notify_command cannot be run: %s", e->name, strerror(error));
    }
    free(command);
}

static void tell(const struct entry *e, const struct report *what)
{
    struct account a;
    struct report why;
    struct report heading;
    struct report text = *what;
    log_warning("%s: %s", e->name, what->text);
    if (!e->notifies)
        return;
    report_set(&heading, FAILURE_NONE, "xoauth2: %s", e->name);
    if (account_load(&a, &e->agent->paths, e->name, &why) == READFILE_OK)
        run(&a, e, heading.text, text.text);
    account_free(&a);
}

/* A state that is missing is a logout, or a login that has not happened: its author knows. */
static void tell_login(struct entry *e, int64_t now)
{
    struct report what;
    if (e->announced_login || !e->stored.there || !e->refusal || e->refusal->code != FAILURE_LOGIN_NEEDED ||
        (e->standing.error != FAILURE_LOGIN_NEEDED && schedule_is_valid(&e->standing, now)))
        return;
    e->announced_login = true;
    report_set(&what, FAILURE_LOGIN_NEEDED, "%s", e->refusal->text);
    tell(e, &what);
}

static void tell_end(struct entry *e, int64_t now)
{
    struct report what;
    const char *option = paths_option(&e->agent->paths);
    int64_t days = (e->standing.refresh_ends_at - now) / 86400;
    if (e->refusal || e->announced_end == e->standing.refresh_ends_at || schedule_warning(&e->standing) > now)
        return;
    e->announced_end = e->standing.refresh_ends_at;
    if (days > 0)
        report_set(&what, FAILURE_NONE, "the login of %s ends in %" PRId64 " days: run 'xoauth2%s login %s' before",
                   e->name, days, option, e->name);
    else
        report_set(&what, FAILURE_NONE, "the login of %s ends within a day: run 'xoauth2%s login %s'", e->name, option,
                   e->name);
    tell(e, &what);
}

void notify_if_needed(struct entry *e)
{
    int64_t now = clock_wall();
    tell_login(e, now);
    tell_end(e, now);
}

void notify_reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}
