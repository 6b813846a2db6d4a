/* One account: its file and the provider file that it names. */
#ifndef XOAUTH2_ACCOUNT_H
#define XOAUTH2_ACCOUNT_H

#include "failure.h"
#include "keyfile.h"
#include "paths.h"
#include "settings.h"

#include <stdbool.h>
#include <stdint.h>

/* How an account gets its tokens. All but the first need nobody who logs in. */
enum grant {
    /* a person logs in, by browser or device; then refresh tokens (RFC 6749, sections 4.1 and 6) */
    GRANT_AUTHORIZATION_CODE,
    GRANT_CLIENT_CREDENTIALS, /* RFC 6749, section 4.4 */
    GRANT_JWT_BEARER,         /* RFC 7523, section 2.1: Google's service accounts */
    GRANT_MANAGED_IDENTITY,   /* a service of the cloud's machine hands it out */
    GRANT_COMMAND,            /* token_command */
};

struct account {
    char name[ACCOUNT_NAME_MAX + 1];
    char subject[ACCOUNT_NAME_MAX + 1]; /* whose token is asked for, where each mailbox has its own; else empty */
    /* of state and lock: the account's, or "ACCOUNT SUBJECT", which no account can have */
    char state_name[ACCOUNT_NAME_MAX + 1];
    uid_t store_owner; /* of the system's accounts, as whom the agent runs; else 0 */
    struct keyfile file;     /* what the account file says */
    struct keyfile provider; /* what its provider file says; empty without one */
};

/* Makes an empty account, which account_free() accepts. */
void account_init(struct account *a);
void account_free(struct account *a);

enum grant account_grant(const struct account *a);

/* Its name as in 'grant:', or "token_command". Lives as long as the account. */
const char *account_grant_name(const struct account *a);

/* Whether each user of this account has a token, and so a state, of his own. */
bool account_is_per_user(const struct account *a);

/* Chooses the user, where that matters. False with FAILURE_CONFIG for one that cannot be told to a provider. */
bool account_set_user(struct account *a, const char *user, struct report *why);

/* Runs a command of the account file (see runner.h), one of the system's as the owner of the store, as whom its agent
 * does it. */
bool account_run(const struct account *a, enum setting key, const struct secret *input, struct secret *output,
                 int64_t timeout, struct report *why);

/* Where the account's file is: "p->accounts/NAME.conf". */
void account_path(const struct paths *p, const char *name, char path[PATH_MAX]);

/* Reads the text of NAME.conf, which must be its owner's alone (the system's: root's or its owner's, with its group
 * allowed to read). READFILE_MISSING without a report. */
enum readfile_result account_read(const struct paths *p, const char *name, struct secret *text, struct report *why);

/* Reads NAME.conf and its provider file. READFILE_MISSING where there is no such account; no report then. */
enum readfile_result account_load(struct account *a, const struct paths *p, const char *name, struct report *why);

/* The same from the text of an account file that is not on disk yet; takes the text over. False with FAILURE_CONFIG;
 * errors name the file by its path-to-be. */
bool account_parse(struct account *a, const struct paths *p, const char *name, struct secret *text,
                   struct report *why);

/* The same for a text that a command line has made: while there is no such file, errors do not name it. */
bool account_parse_given(struct account *a, const struct paths *p, const char *name, struct secret *text,
                         struct report *why);

/* The account's value of a setting, else its provider's, else NULL. Lives as long as the account. */
const char *account_value(const struct account *a, enum setting key);

/* An endpoint, scope or issuer with {tenant} replaced (default tenant: "common") into `*value`, which the caller
 * frees; NULL where the setting is missing. False, with NULL and FAILURE_UNREACHABLE, where memory is short. */
bool account_expand(const struct account *a, enum setting key, char **value, struct report *why);

/* Seconds. */
int64_t account_refresh_margin(const struct account *a);

/* Reports that this store has no account of that name, for a command that takes one by its name: how to see those
 * there are, or `verb` with --system where the system's store is known to have it. False with
 * FAILURE_NO_ACCOUNT. */
bool account_none(const struct paths *p, const char *verb, const char *name, struct report *why);

/* Permission bits that a file with a secret of this store must not have. */
mode_t account_forbidden_mode(const struct paths *p);

/* Reads the client secret into `out` (emptied first; stays empty where there is none): client_secret, or the first
 * line of client_secret_file, which must be 0600 or 0400 and its owner's, or that of what client_secret_command
 * writes. False with FAILURE_CONFIG or FAILURE_UNREACHABLE. */
bool account_client_secret(const struct account *a, const struct paths *p, struct secret *out, struct report *why);

/* Whether a token of this account may be sent to `host` (hosts:, case-insensitive; an IPv6 address with or
 * without brackets). True for a NULL or empty host, and where neither account nor provider limits the hosts. */
bool account_host_allowed(const struct account *a, const char *host);

/* The same for a value of hosts:; NULL limits nothing. */
bool account_hosts_allow(const char *hosts, const char *host);

/* Finds the account for a user in one store: the account of that name, else the one with the exact address in
 * users:, else the one with the longest matching pattern; of equals, the one whose hosts: allow `host`. A tie is
 * FAILURE_CONFIG naming both files; READFILE_MISSING where nothing matches. A broken account file stops the search
 * only if it is the one of that name; others are passed over with a note in `*passed_over` (code FAILURE_NONE where
 * there was none), so that one mistake does not take every other account down. */
enum readfile_result account_find(struct account *a, const struct paths *p, const char *user, const char *host,
                                  struct report *passed_over, struct report *why);

/* The account that a file in the store's folder stands for, such as "me@example.org.conf"; "" for a file that is
 * none. */
void account_of_file(const char *file, char name[ACCOUNT_NAME_MAX + 1]);

/* Reports that the users: of two accounts match equally well. Returns false. */
bool account_tie(const struct paths *p, const char *user, const char *one, const char *other, struct report *why);

/* Calls `each` with the name of every account file in the store, sorted; stops when it returns false. A missing
 * folder has no accounts. False only where the folder cannot be read. */
bool account_each(const struct paths *p, bool (*each)(void *arg, const char *name), void *arg, struct report *why);

#endif
