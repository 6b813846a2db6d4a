/* Renewals under way, one at a time for each account: under the account's lock, with the refresh token's successor on
 * disk before anybody gets the new access token, exactly as the program `refresh` does it, but without waiting. */
#ifndef XOAUTH2_EXCHANGES_H
#define XOAUTH2_EXCHANGES_H

#include "entry.h"
#include "loop.h"

#include <stdbool.h>

#define EXCHANGES_MAX 128      /* at once; more accounts wait for their turn */
#define EXCHANGES_SAVE_MS 2000 /* between two tries to put new tokens on a disk that was full */
#define EXCHANGES_LOCK_MS 25   /* between two tries for an account's lock that another process has */

struct agent;

struct exchanges {
    struct agent *agent;
    struct job start; /* begins the next one */
    struct entry *first;
    struct entry **last;
    unsigned running;
};

void exchanges_open(struct exchanges *x, struct agent *a);

/* Renews the account's token when it is its turn; before others if somebody waits (`urgent`). Nothing happens where
 * that is under way. */
void exchanges_want(struct entry *e, bool urgent);

/* Why none is begun: the account is gone, or else the agent is being stopped. */
void exchanges_say_none(const struct entry *e, struct report *why);

/* The account is gone from the table: frees the entry now, or when its renewal has ended. Whoever waits is told. */
void exchanges_leave(struct entry *e);

/* No new ones from now on, `stopping` being set; those that have not sent anything yet are given up. */
void exchanges_stop(struct exchanges *x);

/* Gives up the renewal of an account that is about to be freed. */
void exchanges_abandon(struct entry *e);

#endif
