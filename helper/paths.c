#include "config.h"

#include "paths.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MAX = PATH_MAX - NAME_MAX - 2 }; /* so that every path below a folder fits into PATH_MAX */

static bool join(char out[PATH_MAX], const char *folder, const char *below, struct report *why)
{
    int len = snprintf(out, PATH_MAX, "%s%s", folder, below);
    if (len >= 0 && len <= FOLDER_MAX)
        return true;
    return report_set(why, FAILURE_CONFIG, "the path of the home folder is too long: set HOME to a shorter one");
}

/* $HOME, else what the password database says; NULL where neither tells. */
static const char *home_folder(void)
{
    const char *home = secure_getenv("HOME");
    if (home && *home == '/')
        return home;
    const struct passwd *me = getpwuid(geteuid());
    return me && me->pw_dir && *me->pw_dir == '/' ? me->pw_dir : NULL;
}

static bool user_folder(char out[PATH_MAX], const char *variable, const char *below_variable, const char *below_home,
                        struct report *why)
{
    const char *base = secure_getenv(variable);
    if (base && *base == '/')
        return join(out, base, below_variable, why);
    const char *home = home_folder();
    if (!home)
        return report_set(why, FAILURE_CONFIG, "user id %lu has no home folder: set HOME or %s",
                          (unsigned long)geteuid(), variable);
    return join(out, home, below_home, why);
}

bool paths_user(struct paths *p, struct report *why)
{
    p->system = false;
    p->owner = geteuid();
    p->group = getegid();
    return user_folder(p->accounts, "XDG_CONFIG_HOME", "/xoauth2/accounts", "/.config/xoauth2/accounts", why) &&
           user_folder(p->state, "XDG_STATE_HOME", "/xoauth2", "/.local/state/xoauth2", why);
}

void paths_system(struct paths *p)
{
    p->system = true;
    snprintf(p->accounts, sizeof p->accounts, "%s", SYSCONFDIR "/xoauth2/accounts");
    snprintf(p->state, sizeof p->state, "%s", STATEDIR);
    struct stat st;
    const struct passwd *agent;
    p->owner = 0;
    p->group = 0;
    if (stat(p->state, &st) == 0) {
        p->owner = st.st_uid;
        p->group = st.st_gid;
    } else if ((agent = getpwnam(PATHS_AGENT))) {
        p->owner = agent->pw_uid;
        p->group = agent->pw_gid;
    }
}

bool paths_for(struct paths *p, bool system, struct report *why)
{
    if (!system)
        return paths_user(p, why);
    paths_system(p);
    return true;
}

const char *paths_option(const struct paths *p)
{
    return p->system ? " --system" : "";
}

/* Control characters beyond ASCII, U+0080 to U+009F: a terminal may obey them. */
static bool has_c1_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (p[0] == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0)
            return true;
    return false;
}

bool account_name(const char *given, char name[ACCOUNT_NAME_MAX + 1], struct report *why)
{
    name[0] = '\0';
    size_t len = strlen(given);
    if (len == 0)
        return report_set(why, FAILURE_CONFIG, "the account is empty: give an address such as me@example.org");
    if (len > ACCOUNT_NAME_MAX)
        return report_set(why, FAILURE_CONFIG,
                          "the account is longer than %d bytes: give an address such as "
                          "me@example.org",
                          ACCOUNT_NAME_MAX);
    if (given[0] == '.' || strchr(given, '/') || strchr(given, ' ') || text_has_control(given, len) ||
        !text_is_utf8(given, len) || has_c1_control(given))
        return report_set(why, FAILURE_CONFIG,
                          "'%s' cannot be an account: give an address such as me@example.org, "
                          "without '/', white space or a leading '.'",
                          given);
    for (size_t i = 0; i < len; i++)
        name[i] = given[i] >= 'A' && given[i] <= 'Z' ? (char)(given[i] - 'A' + 'a') : given[i];
    name[len] = '\0';
    return true;
}

static bool cannot_make(const char *folder, struct report *why)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return report_set(why, FAILURE_UNREACHABLE, "cannot make the folder %s: %s: free some space", folder,
                          strerror(errno));
    return report_set(why, FAILURE_CONFIG, "cannot make the folder %s: %s", folder, strerror(errno));
}

/* Gives a folder that was just made its mode, whatever the umask, and its owner. Done through a descriptor: by name,
 * root could be led elsewhere. */
static bool give(const char *folder, mode_t mode, uid_t owner, gid_t group, struct report *why)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cannot_make(folder, why);
    bool ok = (geteuid() != 0 || fchown(fd, owner, group) == 0) && fchmod(fd, mode) == 0;
    if (!ok)
        cannot_make(folder, why);
    close(fd);
    return ok;
}

/* Makes one folder, which is either the last one wanted or above it. */
static bool make_one(const struct paths *p, const char *folder, bool last, struct report *why)
{
    if (mkdir(folder, 0700) != 0)
        return errno == EEXIST || cannot_make(folder, why);
    if (!p->system)
        return give(folder, 0700, (uid_t)-1, (gid_t)-1, why);
    if (!last)
        return give(folder, 0755, (uid_t)-1, (gid_t)-1, why);
    if (strcmp(folder, p->state) == 0) {
        const struct passwd *owner = getpwuid(p->owner);
        return give(folder, 0700, p->owner, owner ? owner->pw_gid : (gid_t)-1, why);
    }
    struct stat state;
    gid_t group = stat(p->state, &state) == 0 ? state.st_gid : (gid_t)-1;
    return give(folder, 0750, (uid_t)-1, group, why);
}

bool paths_make(const struct paths *p, const char *folder, struct report *why)
{
    struct stat st;
    if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    char path[PATH_MAX];
    if (!join(path, folder, "", why))
        return false;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        /* Folders that are there are passed by, since making one below a read-only mount point would fail. */
        bool ok = stat(path, &st) == 0 || make_one(p, path, false, why);
        *slash = '/';
        if (!ok)
            return false;
    }
    return make_one(p, path, true, why);
}
