/* libcurl's multi handle on the agent's loop: one for as long as the agent runs, so that TLS sessions and addresses
 * are remembered from one exchange to the next. */
#ifndef XOAUTH2_MULTI_H
#define XOAUTH2_MULTI_H

#include "failure.h"
#include "loop.h"

#include <stdbool.h>

struct multi {
    struct loop *loop;
    void *handle; /* CURLM * */
    void *share;  /* CURLSH * */
    struct timer timer;
    struct transfer *running;
};

/* One request on its way. Belongs to whoever embeds it. */
struct transfer {
    void (*done)(struct transfer *t); /* called once, as a job; `result` is set */
    void *easy;                       /* CURL *; NULL while it is not on its way */
    int result;                       /* CURLcode */
    bool unwatched;                   /* nothing would wake it: it ends at once */
    struct job job;
    struct multi *multi;
    struct transfer *next;
};

/* False with a report. multi_close() is allowed whatever the result, after multi_open(). */
bool multi_open(struct multi *m, struct loop *l, struct report *why);
void multi_close(struct multi *m);

/* Starts an easy handle that was made ready. False where libcurl refuses it. */
bool multi_start(struct multi *m, struct transfer *t, void *easy);

/* Takes it out again, whether it is on its way, done, or neither. */
void multi_stop(struct transfer *t);

#endif
