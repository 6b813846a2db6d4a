/* What the agent keeps of one account: little enough for tens of thousands. The token is kept as the reply that hands
 * it out; everything that only a renewal needs is read again when there is one. */
#ifndef XOAUTH2_ENTRY_H
#define XOAUTH2_ENTRY_H

#include "allow.h"
#include "failure.h"
#include "loop.h"
#include "origin.h"
#include "schedule.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct agent;
struct alias;
struct client;
struct renewing;

/* How a file looked when it was read. */
struct stamp {
    bool there;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
};

/* A failure that is remembered. */
struct note {
    enum failure code;
    char text[];
};

struct entry {
    struct agent *agent;
    char *name;
    struct entry *next;         /* of the same hash */
    struct entry *next_pattern; /* of those with a '*' in users: */
    struct alias *aliases;      /* the others in users: */
    unsigned round;             /* of the scan that saw its file last */
    unsigned generation;        /* of the provider files when its file was read */
    bool gone;                  /* no longer in the table; freed when its renewal has ended */

    /* From the account file. */
    struct stamp file;
    struct note *problem; /* why the account cannot be served */
    char *users;
    char *hosts;
    struct allow allow;
    struct origin origin;
    bool relayed;    /* a helper process answers its requests (relay.h); no state is kept here */
    bool notifies;   /* it has a notify_command */
    bool unattended; /* its tokens come without a refresh token */
    int64_t refresh_lifetime;

    /* From the state file. */
    struct stamp stored;
    struct standing standing;
    struct note *state_problem; /* why the state cannot be used */
    struct note *refusal;       /* why the provider is not asked ... */
    int64_t refusal_until;      /* ... before this (wall-clock seconds) */
    char *reply;                /* to `get`; NULL without a token */
    unsigned reply_len;
    unsigned token_at; /* where in it the token is, as it is; 0: nowhere */
    unsigned token_len;

    /* At work. */
    struct timer timer; /* for the next renewal or warning */
    uint16_t jitter;
    struct renewing *renewing;
    int64_t held_until; /* no renewal of our own accord before this (wall-clock seconds) */
    bool wanted;        /* waits for its turn to be renewed */
    struct entry *next_wanted;
    struct client *waiting; /* for the end of the renewal */
    unsigned useless;       /* renewals in a row whose tokens ended at once */
    uint64_t served;        /* tokens handed out */
    bool announced_login;   /* "log in again" was told since the last success */
    int64_t announced_end;  /* the end of the refresh token that was told of last */
    char *rejected;         /* a token that may still be on disk and must not be handed out */
    unsigned rejects;       /* of fresh tokens in a row */
    int64_t rejected_at;    /* milliseconds of loop_now(); 0 never */
};

/* Makes an entry of which nothing is known. NULL where memory is short. */
struct entry *entry_new(struct agent *a, const char *name);
void entry_free(struct entry *e);

/* Reads the account file. False where there is none any more. */
bool entry_load_file(struct entry *e);

/* Learns where the account's tokens come from, from an account that was read anew. */
bool entry_take_origin(struct entry *e, const struct account *a, struct report *why);

/* What is not kept in one file of the store cannot be watched there, and a command would have to be waited for:
 * the agent's loop must not renew such an account. */
bool entry_needs_process(const struct account *a);

/* Reads the state file and sets the timer. Of an account that is not served here nothing is kept, and no time is
 * waited for. */
void entry_load_state(struct entry *e);

/* The same from a state that was just written to disk. */
void entry_adopt(struct entry *e, const struct state *s);

/* Whether the files are still those that were read: one stat(2) each. */
bool entry_file_is_current(const struct entry *e);
bool entry_state_is_current(const struct entry *e);

/* Sets the timer anew, after a change. */
void entry_schedule(struct entry *e);

/* Somebody set the wall clock, or the machine slept. */
void entry_clock_was_set(struct entry *e);

/* Forgets the token, which stays on disk, if it is this one. */
bool entry_forget_token(struct entry *e, const char *token);

/* Replaces a remembered failure; FAILURE_NONE forgets it. */
void note_set(struct note **note, const struct report *why);

#endif
