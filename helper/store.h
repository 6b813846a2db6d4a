/* The state of one account on disk: NAME.json, 0600, and how it is changed without ever being lost.
 *
 * Every change is: store_lock() -> state_load() -> still needed? -> state_prepare() -> exchange -> state_commit()
 * -> store_unlock(). state_prepare() makes the temporary file and reserves its disk blocks before a refresh token is
 * spent, so that a full or read-only disk is found while nothing can be lost. */
#ifndef XOAUTH2_STORE_H
#define XOAUTH2_STORE_H

#include "failure.h"
#include "newfile.h"
#include "paths.h"
#include "readfile.h"

#include <stdbool.h>
#include <stdint.h>

#define STATE_SIZE_MAX 262144 /* bytes in a state file */
/* Bytes in an access or refresh token that can be kept: a token must fit a protocol message. */
#define STATE_TOKEN_MAX 60000

struct json_object;

/* What is remembered of the last failure, until something succeeds. */
struct state_error {
    enum failure code; /* FAILURE_NONE: there is none */
    char *error;       /* the `error` field of the server's answer, such as "invalid_grant"; may be NULL */
    char *message;     /* what the user was told */
    int64_t at;        /* wall-clock seconds */
    int64_t retry_at;  /* not before this (back-off, Retry-After); 0 where that does not matter */
};

/* Times are wall-clock seconds since 1970; 0 means unknown. Strings may be NULL. */
struct state {
    char *access_token;
    int64_t obtained_at; /* of the access token */
    int64_t expires_at;
    char *refresh_token;
    int64_t refresh_obtained_at; /* when this refresh token was issued */
    int64_t refresh_expires_at;  /* where the server or the provider file tells */
    int64_t login_at;            /* when a person last logged in */
    char *signed_in_as;
    char *scope;           /* as granted */
    char *issuer;          /* where the refresh token was issued, and where it may go: it is never posted to an */
    char *client_id;       /* endpoint that was found after it was issued */
    char *token_endpoint;
    char *revocation_endpoint;
    char *userinfo_endpoint;
    char *source; /* of the access token: origin_source() */
    char *client_authentication; /* "basic" where the issuer's metadata wants that; a setting goes before it */
    struct state_error last_error;
    bool unattended; /* not kept: set by keeper_load(); tokens come without a refresh token */
    struct json_object *unknown; /* members a newer version wrote; they are written back */
};

void state_init(struct state *s);
/* Wipes and frees. json-c keeps no list of the copies that it makes while it parses and prints (its token buffer, and
 * what its growing buffers leave behind); these few go back to malloc as they are. */
void state_free(struct state *s);

/* Replaces a string of the state by a copy (NULL: by nothing), wiping the old one. False where memory is short; the
 * old value stays then. */
bool state_set(char **field, const char *value);

/* Where the state is: "p->state/NAME.json". */
void state_path(const struct paths *p, const char *name, char path[PATH_MAX]);

/* Reads a state. READFILE_REFUSED for a file that is not the owner's alone, too large, or not such JSON; the file is
 * left as it is. */
enum readfile_result state_load(struct state *s, const struct paths *p, const char *name, struct report *why);

/* Reads a state from text, which is wiped; `where` names it in reports. READFILE_MISSING for a text of white space
 * alone. */
enum readfile_result state_parse(struct state *s, const struct paths *p, const char *name, const char *where,
                                 struct secret *text, struct report *why);

/* Writes the state as text, `out` being emptied first. One that would pass STATE_SIZE_MAX goes without its `unknown`
 * members: no token is lost for them. False where memory is short. */
bool state_print(const struct state *s, struct secret *out);

/* Whether the access token can be handed out at `now`: there is one, it was not obtained in the future (a clock that
 * was set back), and it lives for more than the margin; a margin over half of its lifetime counts as half of it. */
bool state_is_fresh(const struct state *s, int64_t now, int64_t margin);

/* Whether the access token has not expired yet at `now`, with STATE_LAST_SECONDS to spare. */
#define STATE_LAST_SECONDS 5
bool state_is_valid(const struct state *s, int64_t now);

/* Takes the account's lock: a file NAME.lock in the state folder, which is made if missing, flock(2)ed, never
 * removed. A commit that a killed process had almost done is finished then: so read the state afterwards. The
 * descriptor is close-on-exec and the lock lives until its last copy is closed, so a child may inherit it. Waits
 * until `deadline` (CLOCK_MONOTONIC milliseconds, see clock.h). The state folder must be 0700 and its owner's.
 * Returns the descriptor or -1 with FAILURE_BUSY or FAILURE_CONFIG. */
int store_lock(const struct paths *p, const char *name, int64_t deadline, struct report *why);
void store_unlock(int *fd);

/* A state file on its way to disk. */
struct state_writer {
    struct newfile file;
};

#define STATE_WRITER_NONE {.file = NEWFILE_NONE}

/* Makes the temporary file beside NAME.json and reserves STATE_SIZE_MAX bytes for it, so that any state fits.
 * FAILURE_UNREACHABLE for a full disk, FAILURE_CONFIG for a read-only one or missing rights. Leftovers of killed
 * processes are removed, or it fails: see store_lock(). The lock must be held. */
bool state_prepare(struct state_writer *w, const struct paths *p, const char *name, struct report *why);

/* Whether a first state could be written: makes the folder where it is missing, and a temporary file as above, which
 * it removes again. Without the lock, whose file would stay. False with a report. */
bool state_try(const struct paths *p, const char *name, struct report *why);

/* Writes, fsyncs, renames, fsyncs the folder. The writer is finished either way; on failure the old state is still
 * there. A state that would pass STATE_SIZE_MAX is written without its `unknown` members: no token is lost for
 * them. */
bool state_commit(struct state_writer *w, const struct state *s, struct report *why);

/* Removes the temporary file. Allowed after state_commit(), and on STATE_WRITER_NONE. */
void state_abandon(struct state_writer *w);

/* Prepare and commit in one, for changes that spend no refresh token. */
bool state_save(const struct state *s, const struct paths *p, const char *name, struct report *why);

/* Removes NAME.json, and the agent's NAME.told and NAME.warned; true where there is none. The lock must be held.
 */
bool state_remove(const struct paths *p, const char *name, struct report *why);

/* Calls `each` with the name of every state that a user of the account has, "ACCOUNT USER", sorted. A missing folder
 * has none. */
void state_each_user(const struct paths *p, const char *account, void (*each)(void *arg, const char *name),
                     void *arg);

#endif
