/* All accounts of the store, found by name, by an address in users:, or by a pattern there; and noticing when their
 * files come, change and go. */
#ifndef XOAUTH2_TABLE_H
#define XOAUTH2_TABLE_H

#include "entry.h"
#include "failure.h"
#include "loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_FOLDERS_MS 1000 /* between two looks at whether the folders are still the same ones */
#define TABLE_SWEEP 64        /* accounts read anew in one round of the loop */
#define TABLE_PROVIDERS 2     /* folders of provider files */

struct agent;

struct table {
    struct agent *agent;
    struct entry **names; /* hashed */
    struct alias **aliases;
    size_t size; /* of both, a power of two */
    size_t count;
    struct entry *patterns; /* those with a '*' in users: */
    struct watch changes;   /* an inotify descriptor for both folders; -1 where files are looked at one by one */
    int accounts_watch;
    int state_watch;
    struct stamp accounts; /* the folders, as they were read last */
    struct stamp state;
    struct stamp providers[TABLE_PROVIDERS];
    int providers_watch[TABLE_PROVIDERS]; /* -1 where there is no such folder */
    unsigned generation;                  /* of the provider files: another one after each change */
    struct job sweep;                     /* reads anew what is of an older one */
    size_t swept;
    int64_t looked_at; /* when it was last made sure that they are still the same ones; milliseconds */
    unsigned round;
    size_t broken; /* accounts whose file cannot be used */
};

/* Reads all accounts. False with a report where memory is short. table_close() is allowed whatever the result. */
bool table_open(struct table *t, struct agent *a, struct report *why);
void table_close(struct table *t);

/* Reads everything again. */
void table_reload(struct table *t);

/* Calls for each account; the visitor may remove it. */
void table_each(struct table *t, void (*visit)(struct entry *e));

/* The account for a user, by the rules of account_find(), as the files are at this moment; its state too is the one
 * on disk. NULL with a report. */
struct entry *table_find(struct table *t, const char *user, const char *host, struct report *why);

#endif
