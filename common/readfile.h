/* Reading a file that somebody else may have prepared: opened first, then the descriptor is checked. */
#ifndef XOAUTH2_READFILE_H
#define XOAUTH2_READFILE_H

#include "failure.h"
#include "secret.h"

#include <stdbool.h>
#include <sys/types.h>

/* What a file must be like to be believed. */
struct readfile_rules {
    mode_t forbidden_mode; /* permission bits that must not be set, such as 077 */
    uid_t owner;           /* the owner must be root or this user */
    bool any_owner;        /* the owner does not matter */
    bool for_group;        /* `group`, that of `owner`, may read it too, and the advice says so */
    gid_t group;
    bool follow_symlink;   /* a symbolic link as the last component is followed, not refused */
    size_t limit;          /* bytes */
};

/* The command with which root lets a group read a file and nobody else, into `command`; `st` tells whether the file
 * is that group's. Cut where it does not fit. */
#define READFILE_COMMAND_MAX 1024
struct stat;
void readfile_group_command(const char *path, const struct stat *st, gid_t group,
                            char command[READFILE_COMMAND_MAX]);

enum readfile_result {
    READFILE_OK,
    READFILE_MISSING,    /* there is no such file; nothing is reported */
    READFILE_UNREADABLE, /* permission denied; reported, for callers to whom it is as good as missing */
    READFILE_REFUSED,    /* reported: what is wrong with it and the command that mends it */
};

/* Reads a whole regular file into `out`, which is emptied first. FIFOs, devices and folders are refused without
 * waiting. `path` is absolute or relative to the working directory, and appears in reports.
 * `*why` gets FAILURE_CONFIG, or FAILURE_UNREACHABLE for an input/output error or short memory. */
enum readfile_result readfile(const char *path, const struct readfile_rules *rules, struct secret *out,
                              struct report *why);

/* The same; `*owner` gets the user id of the file that was read. */
enum readfile_result readfile_owned(const char *path, const struct readfile_rules *rules, struct secret *out,
                                    uid_t *owner, struct report *why);

#endif
