#include "config.h"

#include "become.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How to write for people: the rest of the environment is that of somebody else. */
static const char *const KEPT[] = {"TERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"};

enum { KEPT_COUNT = sizeof KEPT / sizeof KEPT[0] };

static bool clean_environment(void)
{
    char *values[KEPT_COUNT] = {NULL};
    bool ok = true;
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        const char *value = getenv(KEPT[i]);
        values[i] = value ? strdup(value) : NULL;
        ok = ok && (values[i] || !value);
    }
    ok = clearenv() == 0 && ok;
    for (size_t i = 0; i < KEPT_COUNT; i++) {
        ok = (!values[i] || setenv(KEPT[i], values[i], 1) == 0) && ok;
        free(values[i]);
    }
    return ok && setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1) == 0;
}

static const struct passwd *find_user(const char *user)
{
    char *end = NULL;
    if (!user)
        return getpwuid(geteuid());
    const struct passwd *found = getpwnam(user);
    if (found || *user < '0' || *user > '9')
        return found;
    errno = 0;
    unsigned long id = strtoul(user, &end, 10);
    return errno == 0 && !*end && id < (uid_t)-1 ? getpwuid((uid_t)id) : NULL;
}

static bool take_user(struct become *b, const struct passwd *user, struct report *why)
{
    b->uid = user->pw_uid;
    b->gid = user->pw_gid;
    if (snprintf(b->name, sizeof b->name, "%s", user->pw_name) < (int)sizeof b->name &&
        snprintf(b->home, sizeof b->home, "%s", user->pw_dir) < (int)sizeof b->home)
        return setenv("HOME", b->home, 1) == 0 && setenv("USER", b->name, 1) == 0 &&
               setenv("LOGNAME", b->name, 1) == 0;
    return report_set(why, FAILURE_CONFIG, "the user's name or home folder is too long");
}

bool become_prepare(struct become *b, const char *user, const char *root, struct report *why)
{
    *b = (struct become){.other = user != NULL, .root = root};
    if (!clean_environment())
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    const struct passwd *found = find_user(user);
    if (!found && user)
        return report_set(why, FAILURE_CONFIG, "there is no user '%s': give a name or an id of /etc/passwd", user);
    if (!found)
        return report_set(why, FAILURE_CONFIG, "user id %lu has no name: give one with --as",
                          (unsigned long)geteuid());
    if (!take_user(b, found, why))
        return false;
    if (geteuid() != 0 && (root || b->uid != geteuid()))
        return report_set(why, FAILURE_CONFIG, "only root can be somebody else or in another root: use sudo");
    return true;
}

bool become_enter(const struct become *b, bool jail, struct report *why)
{
    const char *failed = NULL;
    if (geteuid() != 0)
        return true;
    if (!jail && initgroups(b->name, b->gid) != 0)
        failed = "initgroups";
    else if (jail && (chroot(b->root) != 0 || chdir("/") != 0))
        failed = b->root;
    else if (jail && setgroups(1, &b->gid) != 0)
        failed = "setgroups";
    else if (setresgid(b->gid, b->gid, b->gid) != 0 || setresuid(b->uid, b->uid, b->uid) != 0)
        failed = b->name;
    /* Belt and braces: what comes now reads files of somebody else's choosing. */
    else if (b->uid != 0 && setuid(0) == 0)
        failed = "setuid";
    if (!failed)
        return true;
    return report_set(why, FAILURE_CONFIG, "cannot become user %s%s%s (%s: %s)", b->name, jail ? " in " : "",
                      jail ? b->root : "", failed, strerror(errno));
}
