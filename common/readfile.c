#include "config.h"

#include "readfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void readfile_group_command(const char *path, const struct stat *st, gid_t group,
                            char command[READFILE_COMMAND_MAX])
{
    if (st->st_gid == group)
        snprintf(command, READFILE_COMMAND_MAX, "chmod 0640 %s", path);
    else
        snprintf(command, READFILE_COMMAND_MAX, "chgrp %lu %s && chmod 0640 %s", (unsigned long)group, path, path);
}

static bool refuse_mode(const char *path, const struct stat *st, const struct readfile_rules *rules,
                        struct report *why)
{
    char command[READFILE_COMMAND_MAX];
    if (rules->for_group)
        readfile_group_command(path, st, rules->group, command);
    else
        snprintf(command, sizeof command, "chmod %04o %s", (unsigned)(st->st_mode & 0777 & ~rules->forbidden_mode),
                 path);
    return report_set(why, FAILURE_CONFIG, "%s may be accessed by others (mode %04o): run '%s'", path,
                      (unsigned)(st->st_mode & 07777), command);
}

static bool check(const char *path, const struct stat *st, const struct readfile_rules *rules, struct report *why)
{
    if (S_ISDIR(st->st_mode))
        return report_set(why, FAILURE_CONFIG, "%s is a folder, where a file is wanted", path);
    if (!S_ISREG(st->st_mode))
        return report_set(why, FAILURE_CONFIG, "%s is not a regular file: put one in its place", path);
    if (!rules->any_owner && st->st_uid != 0 && st->st_uid != rules->owner)
        return report_set(why, FAILURE_CONFIG, "%s belongs to user id %lu: run 'chown %lu %s' if you trust it", path,
                          (unsigned long)st->st_uid, (unsigned long)rules->owner, path);
    if (st->st_mode & rules->forbidden_mode)
        return refuse_mode(path, st, rules, why);
    if (st->st_size < 0 || (unsigned long long)st->st_size > rules->limit)
        return report_set(why, FAILURE_CONFIG, "%s is larger than %zu bytes: that cannot be right", path,
                          rules->limit);
    return true;
}

/* Reads to the end of the file, which may grow while it is read, up to the limit and one byte. */
static bool read_all(int fd, const char *path, size_t limit, struct secret *out, struct report *why)
{
    enum { CHUNK = 4096 };
    for (;;) {
        size_t left = limit - out->len;
        char *room = secret_room(out, left < CHUNK ? left + 1 : CHUNK);
        if (!room)
            return report_set(why, FAILURE_UNREACHABLE, "%s: not enough memory", path);
        ssize_t got = read(fd, room, left < CHUNK ? left + 1 : CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return report_set(why, FAILURE_UNREACHABLE, "cannot read %s: %s", path, strerror(errno));
        secret_grow(out, (size_t)got);
        if (got == 0)
            return true;
        if (out->len > limit)
            return report_set(why, FAILURE_CONFIG, "%s is larger than %zu bytes: that cannot be right", path, limit);
    }
}

/* Of a group's file only the owner of that group's store is told what root can do: others are denied rightly. */
static void report_denied(const char *path, const struct readfile_rules *rules, struct report *why)
{
    char command[READFILE_COMMAND_MAX];
    struct stat st;
    uid_t me = geteuid();
    report_set(why, FAILURE_CONFIG, "cannot read %s: permission denied for user id %lu", path, (unsigned long)me);
    if (!rules->for_group || me != rules->owner || stat(path, &st) != 0)
        return;
    readfile_group_command(path, &st, rules->group, command);
    report_set(why, FAILURE_CONFIG, "cannot read %s: permission denied for user id %lu: as root, run '%s'", path,
               (unsigned long)me, command);
}

static enum readfile_result open_failed(const char *path, int error, const struct readfile_rules *rules,
                                        struct report *why)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return READFILE_MISSING;
    case EACCES:
    case EPERM:
        report_denied(path, rules, why);
        return READFILE_UNREADABLE;
    case ELOOP:
        report_set(why, FAILURE_CONFIG, "%s is a symbolic link: put the file itself there", path);
        return READFILE_REFUSED;
    default:
        report_set(why, FAILURE_UNREACHABLE, "cannot open %s: %s", path, strerror(error));
        return READFILE_REFUSED;
    }
}

enum readfile_result readfile(const char *path, const struct readfile_rules *rules, struct secret *out,
                              struct report *why)
{
    uid_t owner;
    return readfile_owned(path, rules, out, &owner, why);
}

enum readfile_result readfile_owned(const char *path, const struct readfile_rules *rules, struct secret *out,
                                    uid_t *owner, struct report *why)
{
    secret_free(out);
    secret_init(out, rules->limit + 1);
    int follow = rules->follow_symlink ? 0 : O_NOFOLLOW;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | follow);
    if (fd < 0)
        return open_failed(path, errno, rules, why);
    struct stat st = {0};
    enum readfile_result result = READFILE_REFUSED;
    if (fstat(fd, &st) != 0)
        report_set(why, FAILURE_UNREACHABLE, "cannot examine %s: %s", path, strerror(errno));
    else if (check(path, &st, rules, why) && read_all(fd, path, rules->limit, out, why))
        result = READFILE_OK;
    *owner = st.st_uid;
    close(fd);
    if (result != READFILE_OK)
        secret_free(out);
    return result;
}
