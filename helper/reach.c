#include "config.h"

#include "reach.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GROUPS_MAX = 64 };

/* Whom the agent is. */
struct who {
    uid_t uid;
    gid_t gid;
    gid_t groups[GROUPS_MAX];
    int count;
};

/* An owner who is in no table has the group of the store. */
static bool find_owner(struct who *w, const struct paths *p)
{
    struct stat st;
    if (!p->system || geteuid() != 0 || stat(p->state, &st) != 0 || st.st_uid == 0)
        return false;
    *w = (struct who){.uid = st.st_uid, .gid = st.st_gid, .count = GROUPS_MAX};
    const struct passwd *user = getpwuid(st.st_uid);
    if (user)
        w->gid = user->pw_gid;
    if (!user || getgrouplist(user->pw_name, user->pw_gid, w->groups, &w->count) < 0)
        w->count = 0;
    return true;
}

/* The agent's unit has ProtectHome. */
static bool is_in_a_home(const char *path)
{
    static const char *const HOMES[] = {"/home/", "/root/", "/run/user/"};
    for (size_t i = 0; i < sizeof HOMES / sizeof HOMES[0]; i++)
        if (strncmp(path, HOMES[i], strlen(HOMES[i])) == 0)
            return true;
    return false;
}

static bool is_denied(const char *path, bool folder)
{
    return access(path, folder ? R_OK | X_OK : R_OK) != 0 && errno == EACCES;
}

/* In the child: its exit status is the number of files that can be read, up to the first that cannot. */
static int read_as(const struct who *w, const struct account *a)
{
    int number = 0;
    if (setgroups((size_t)w->count, w->groups) != 0 || setresgid(w->gid, w->gid, w->gid) != 0 ||
        setresuid(w->uid, w->uid, w->uid) != 0)
        return SETTING_FILES_COUNT;
    while (number < SETTING_FILES_COUNT) {
        const char *path = account_value(a, SETTING_FILES[number]);
        if (path && (is_in_a_home(path) || is_denied(path, SETTING_FILES[number] == SETTING_CA_PATH)))
            break;
        number++;
    }
    return number;
}

/* The place in SETTING_FILES of the first that the agent cannot read, or SETTING_FILES_COUNT. */
static int first_beyond_reach(const struct who *w, const struct account *a)
{
    int status;
    pid_t ended;
    pid_t pid = fork();
    if (pid == 0)
        _exit(read_as(w, a));
    if (pid < 0)
        return SETTING_FILES_COUNT;
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : SETTING_FILES_COUNT;
}

/* Certificates are no secret, and a folder of them may be everybody's. Where its mode is right already, a folder
 * above it bars the way. */
static bool refuse_folder(const char *path, const char *who, struct report *why)
{
    struct stat st;
    if (!is_in_a_home(path) && stat(path, &st) == 0 && (st.st_mode & 05) != 05)
        return report_set(why, FAILURE_CONFIG, "%s cannot read the folder %s: run 'chmod a+rx %s'", who, path,
                          path);
    return report_set(why, FAILURE_CONFIG, "%s cannot get at %s: put the folder into %s, not into a home folder",
                      who, path, SYSCONFDIR "/xoauth2");
}

static bool refuse_file(const char *path, const struct who *w, const char *who, struct report *why)
{
    struct stat st;
    if (!is_in_a_home(path) && stat(path, &st) == 0 && st.st_uid != w->uid)
        return report_set(why, FAILURE_CONFIG, "%s cannot read %s: run 'chown %lu %s'", who, path,
                          (unsigned long)w->uid, path);
    return report_set(why, FAILURE_CONFIG, "%s cannot get at %s: put the file into %s, not into a home folder",
                      who, path, SYSCONFDIR "/xoauth2");
}

bool reach_files(const struct account *a, const struct paths *p, struct report *why)
{
    struct who w;
    char who[PATH_MAX + 128];
    if (!find_owner(&w, p))
        return true;
    int number = first_beyond_reach(&w, a);
    if (number >= SETTING_FILES_COUNT)
        return true;
    enum setting key = SETTING_FILES[number];
    snprintf(who, sizeof who, "'%s': user id %lu, who owns %s and runs the agent,", SETTING_NAMES[key],
             (unsigned long)w.uid, p->state);
    return key == SETTING_CA_PATH ? refuse_folder(account_value(a, key), who, why)
                                  : refuse_file(account_value(a, key), &w, who, why);
}
