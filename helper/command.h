/* What the verbs of `xoauth2` share: the parsed command line, finding the account, telling of a failure. */
#ifndef XOAUTH2_COMMAND_H
#define XOAUTH2_COMMAND_H

#include "account.h"
#include "failure.h"
#include "paths.h"
#include "secret.h"

#include <stdbool.h>
#include <stdint.h>

/* The exit status of the command, xoauth2(1). The two last are those of sysexits.h. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_TEMPORARY = 75,
    EXIT_LOGIN_NEEDED = 77,
};

struct command {
    bool system;         /* --system */
    bool json;           /* --json */
    const char *account; /* as given; NULL where none was */
};

/* The verbs. Each returns the exit status. */
int verb_helper(const struct command *c);
int verb_list(const struct command *c);
int verb_refresh(const struct command *c);
int verb_status(const struct command *c);
int verb_token(const struct command *c);

int command_status(enum failure code);

/* Writes "xoauth2: TEXT" to standard error. Returns the exit status that belongs to it. */
int command_fail(const struct report *why);

/* Finds the account that the command names; the caller frees it. */
bool command_account(const struct command *c, struct account *a, struct paths *p, struct report *why);

/* Calls `visit` for every account of the command's stores: the user's and then those of the system that have no such
 * name there, or with --system the system's. False with a report where a folder cannot be read. */
typedef void command_visitor(void *arg, const struct paths *p, const char *name);
bool command_each(const struct command *c, command_visitor *visit, void *arg, struct report *why);

/* Writes all to standard output; every wait for its reader ends. False where that fails. */
bool command_write(const char *data, size_t len);

/* "2026-11-21 14:05:00 +0100 (in 12 min)", or "(12 min ago)". */
#define COMMAND_TIME_MAX 80
void command_time(int64_t when, int64_t now, char text[COMMAND_TIME_MAX]);

#endif
