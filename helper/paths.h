/* Which folders a command works on: the user's own, or with --system the machine's. */
#ifndef XOAUTH2_PATHS_H
#define XOAUTH2_PATHS_H

#include "failure.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct paths {
    bool system;
    uid_t owner;             /* whose files are believed beside root's: ours, or the system store's owner */
    gid_t group;             /* of the system's store: it reads the system's account files */
    char accounts[PATH_MAX]; /* folder of account files */
    char state[PATH_MAX];    /* folder of state files */
};

/* $XDG_CONFIG_HOME/xoauth2/accounts and $XDG_STATE_HOME/xoauth2, with $HOME/.config and $HOME/.local/state as the
 * defaults; without HOME the password database tells. Relative values are ignored, as the XDG Base Directory
 * Specification wants. Creates nothing. False with FAILURE_CONFIG. */
bool paths_user(struct paths *p, struct report *why);

/* SYSCONFDIR/xoauth2/accounts and STATEDIR; the owner is that of STATEDIR, and while it is missing the user
 * PATHS_AGENT, or root where there is no such user. */
#define PATHS_AGENT "xoauth2" /* as whom the system's agent runs, see contrib/systemd */
void paths_system(struct paths *p);

/* paths_system() or paths_user(). */
bool paths_for(struct paths *p, bool system, struct report *why);

/* " --system" or "": what stands behind "xoauth2" in a command that a text advises. Static. */
const char *paths_option(const struct paths *p);

/* Checks ACCOUNT and writes its lower-cased form (ASCII letters only) into `name`: not empty, no '/', no leading
 * '.', no control or white-space characters, valid UTF-8, at most ACCOUNT_NAME_MAX bytes. False with
 * FAILURE_CONFIG. */
#define ACCOUNT_NAME_MAX 200
bool account_name(const char *given, char name[ACCOUNT_NAME_MAX + 1], struct report *why);

/* Makes a folder and those above it where they are missing: 0700 for a user's, 0755 for the system's
 * SYSCONFDIR/xoauth2 (accounts 0750 with the store's group), 0700 for the system's state, which is given to
 * p->owner. False with FAILURE_CONFIG or FAILURE_UNREACHABLE (disk full). */
bool paths_make(const struct paths *p, const char *folder, struct report *why);

#endif
