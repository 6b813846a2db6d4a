/* Being somebody else, or somewhere else, before anything is read. */
#ifndef XOAUTH2_DOCTOR_BECOME_H
#define XOAUTH2_DOCTOR_BECOME_H

#include "failure.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define BECOME_NAME_MAX 256

/* Whom to be. */
struct become {
    bool other; /* --as was given; else only `root` may matter */
    uid_t uid;
    gid_t gid;
    char name[BECOME_NAME_MAX];
    char home[PATH_MAX];
    const char *root; /* of a jail; NULL for none */
};

/* Cleans the environment, down to what tells how to write for people, and fills in `b` for the user of this name or
 * id (NULL: ourselves). False with a report, for a user that is not there or where only root may do this. */
bool become_prepare(struct become *b, const char *user, const char *root, struct report *why);

/* Takes on the user's id and groups, for good. Inside of a jail, which daemons make for themselves, he has no group
 * but his own. False with a report: then nothing may be read. */
bool become_enter(const struct become *b, bool jail, struct report *why);

#endif
