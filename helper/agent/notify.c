#include "config.h"

#include "notify.h"

#include "account.h"
#include "agent.h"
#include "clock.h"
#include "log.h"
#include "runner.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* No command of another user's file runs as root. */
static bool may_run(const struct account *a, struct report *why)
{
    if (geteuid() != 0 || a->file.owner == 0)
        return true;
    return report_set(why, FAILURE_CONFIG, "the agent is root's and the file is not: run 'chown 0 %s'", a->file.path);
}

static bool run(const struct account *a, const char *heading, const char *text, struct report *why)
{
    const char *const more[] = {heading, text, NULL};
    const char *line = account_value(a, SETTING_NOTIFY_COMMAND);
    return !line || (may_run(a, why) && runner_start(line, "notify_command", more, why));
}

bool notify_run(const struct paths *p, const char *account, const char *heading, const char *text, struct report *why)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct account a;
    if (!account_name(account, name, why))
        return false;
    bool ok = account_load(&a, p, name, why) != READFILE_OK || run(&a, heading, text, why);
    account_free(&a);
    return ok;
}

/* --- what outlives the agent: for each occasion the time of a file tells when the command was run last --- */

enum { TOLD_PATH_MAX = PATH_MAX + ACCOUNT_NAME_MAX + 16 };

static const char LOGIN_NEEDED[] = "told";
static const char END_NEAR[] = "warned";

static void told_path(const struct entry *e, const char *occasion, char path[TOLD_PATH_MAX])
{
    snprintf(path, TOLD_PATH_MAX, "%s/%s.%s", e->agent->paths.state, e->name, occasion);
}

static bool was_told_since(const struct entry *e, const char *occasion, int64_t since)
{
    char path[TOLD_PATH_MAX];
    struct stat st;
    told_path(e, occasion, path);
    return lstat(path, &st) == 0 && st.st_mtime >= since && st.st_mtime <= clock_wall();
}

/* Where that fails the person is told once more after a restart. */
static void note_told(const struct entry *e, const char *occasion)
{
    char path[TOLD_PATH_MAX];
    told_path(e, occasion, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    /* The kernel's own idea of now is a little behind the clock by which `since` was taken. */
    const struct timespec now = {.tv_sec = clock_wall()};
    (void)futimens(fd, (const struct timespec[]){now, now});
    close(fd);
}

/* --- */

/* `since` is when that became so. */
static void tell(const struct entry *e, const struct report *what, const char *occasion, int64_t since)
{
    struct report why;
    struct report heading;
    log_warning("%s: %s", e->name, what->text);
    if (!e->notifies || was_told_since(e, occasion, since))
        return;
    report_set(&heading, FAILURE_NONE, "xoauth2: %s", e->name);
    if (starter_notify(&e->agent->starter, e->name, heading.text, what->text, &why))
        note_told(e, occasion);
    else
        log_warning("%s: %s", e->name, why.text);
}

/* A state that is missing is a logout, or a login that has not happened: its author knows. */
static void tell_login(struct entry *e, int64_t now)
{
    struct report what;
    if (e->announced_login || !e->stored.there || !e->refusal || e->refusal->code != FAILURE_LOGIN_NEEDED ||
        (!e->standing.has_refresh && schedule_is_valid(&e->standing, now)))
        return;
    e->announced_login = true;
    report_set(&what, FAILURE_LOGIN_NEEDED, "%s", e->refusal->text);
    tell(e, &what, LOGIN_NEEDED, e->standing.error == FAILURE_LOGIN_NEEDED ? e->standing.error_at : INT64_MAX);
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
        report_set(&what, FAILURE_NONE, "the login of %s ends within a day: run 'xoauth2%s login %s'", e->name,
                   option, e->name);
    tell(e, &what, END_NEAR, schedule_warning(&e->standing));
}

void notify_if_needed(struct entry *e)
{
    int64_t now = clock_wall();
    tell_login(e, now);
    tell_end(e, now);
}
