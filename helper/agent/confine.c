#include "config.h"

#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

bool confine_privileges(struct report *why)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        return true;
    return report_set(why, FAILURE_NONE,
                      "programs that are started could gain new privileges: the kernel cannot forbid that (%s)",
                      strerror(errno));
}

void confine_note(struct confine_place *place, bool confined, const char *store)
{
    struct stat st;
    *place = (struct confine_place){.confined = false};
    if (confined && stat(store, &st) == 0)
        *place = (struct confine_place){.confined = true, .dev = st.st_dev, .ino = st.st_ino};
}

bool confine_is_elsewhere(const struct confine_place *place, const char *store)
{
    struct stat st;
    return place->confined && stat(store, &st) == 0 && (st.st_dev != place->dev || st.st_ino != place->ino);
}

#if defined SYS_landlock_create_ruleset && __has_include(<linux/landlock.h>) && !defined WITHOUT_CONFINEMENT

#include <linux/landlock.h>

/* The kernel's interface, landlock(7), as far as it is newer than the oldest header that this is built with. */
struct ruleset {
    uint64_t files;
    uint64_t network; /* from version 4 on */
    uint64_t scoped;  /* from version 6 on */
};

enum {
    VERSION_REFER = 2,
    VERSION_TRUNCATE = 3,
    VERSION_NETWORK = 4,
    VERSION_IOCTL = 5,
    VERSION_SCOPE = 6,
    FILE_TRUNCATE = 1 << 14, /* LANDLOCK_ACCESS_FS_TRUNCATE */
    FILE_IOCTL = 1 << 15,    /* LANDLOCK_ACCESS_FS_IOCTL_DEV */
    NETWORK_BIND = 1 << 0,   /* LANDLOCK_ACCESS_NET_BIND_TCP */
    SCOPE_SIGNAL = 1 << 1,   /* LANDLOCK_SCOPE_SIGNAL */
};

/* All that changes something on disk. */
static const uint64_t CHANGES = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

static uint64_t truncates(long version)
{
    return version >= VERSION_TRUNCATE ? FILE_TRUNCATE : 0;
}

/* All that the kernel can forbid, but reading and connecting. Moving files to other folders always is. */
static int make_ruleset(long version)
{
    struct ruleset all = {.files = LANDLOCK_ACCESS_FS_EXECUTE | CHANGES | truncates(version)};
    size_t size = sizeof all.files;
    if (version >= VERSION_IOCTL)
        all.files |= FILE_IOCTL;
    if (version >= VERSION_NETWORK) {
        all.network = NETWORK_BIND;
        size = offsetof(struct ruleset, scoped);
    }
    if (version >= VERSION_SCOPE) {
        all.scoped = SCOPE_SIGNAL;
        size = sizeof all;
    }
    return (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
}

/* Lets `access` be used in the folder, or on the file, `path`. */
static bool permit(int ruleset, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (rule.parent_fd < 0)
        return false;
    bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    int error = errno;
    close(rule.parent_fd);
    errno = error;
    return ok;
}

static bool permit_removal(int ruleset, const char *socket)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(socket, '/');
    if (!slash || snprintf(folder, sizeof folder, "%.*s/", (int)(slash - socket), socket) >= (int)sizeof folder)
        return true;
    return permit(ruleset, folder, LANDLOCK_ACCESS_FS_REMOVE_FILE);
}

static bool permit_all(int ruleset, long version, const char *store, const char *const sockets[], size_t count)
{
    const uint64_t in_store =
        LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
    bool ok = permit(ruleset, store, in_store | truncates(version)) &&
              permit(ruleset, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE);
    for (size_t i = 0; ok && i < count; i++)
        ok = permit_removal(ruleset, sockets[i]);
    return ok;
}

bool confine_files(const char *store, const char *const sockets[], size_t count, struct report *why)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int ruleset = version > 0 ? make_ruleset(version) : -1;
    bool ok = ruleset >= 0 && permit_all(ruleset, version, store, sockets, count) &&
              syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (!ok)
        report_set(why, FAILURE_NONE, "not confined to %s: the kernel has no Landlock for it (%s)", store,
                   strerror(errno));
    if (ruleset >= 0)
        close(ruleset);
    return ok;
}

#else

bool confine_files(const char *store, const char *const sockets[], size_t count, struct report *why)
{
    (void)sockets;
    (void)count;
    return report_set(why, FAILURE_NONE, "not confined to %s: built without Landlock", store);
}

#endif
