/* The agent's one loop: descriptors, timers and jobs, in one thread.
 *
 * What clients want is quick and goes first; what providers send and what touches the disk is slow and gets one step
 * each time round, so that nobody waits for a hundred TLS handshakes of others. All times are milliseconds of
 * CLOCK_BOOTTIME, which goes on while the machine sleeps. */
#ifndef XOAUTH2_LOOP_H
#define XOAUTH2_LOOP_H

#include "failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_BATCH 64        /* descriptors looked at in one round */
#define LOOP_TIMERS_ROUND 64 /* timers fired in one round */

/* A descriptor that is watched. Belongs to whoever embeds it. */
struct watch {
    void (*ready)(struct watch *w, uint32_t events); /* EPOLLIN and so on */
    int fd;
    bool slow; /* of a provider: one of all the slow ones is served in a round */
    bool watched;
    uint32_t events;
};

/* Something to do at a time. */
struct timer {
    void (*fire)(struct timer *t);
    int64_t due;
    size_t place; /* in the heap, counted from 1; 0: not set */
};

/* Something to do soon: one job is done in a round. */
struct job {
    void (*run)(struct job *j);
    struct job *next;
    bool queued;
};

struct loop {
    int fast_fd;
    int slow_fd;
    struct watch slow;
    struct watch clock; /* a timerfd for the earliest timer */
    int64_t armed;      /* what it is set to; 0: nothing */
    struct timer **heap;
    size_t count;
    size_t room;       /* places in the heap */
    size_t registered; /* timers that may want one */
    struct job *first;
    struct job **last;
    struct epoll_event batch[LOOP_BATCH];
    int batch_count;
    bool stop;
};

/* False with a report. loop_close() is allowed whatever the result. */
bool loop_open(struct loop *l, struct report *why);
void loop_close(struct loop *l);

/* Runs until `stop` is set. */
void loop_run(struct loop *l);

/* Now. */
int64_t loop_now(void);

/* Watches `w->fd` for `events`, or for others than before; 0 still tells of a hang-up. False where the kernel
 * refuses. */
bool loop_watch(struct loop *l, struct watch *w, uint32_t events);

/* Ends that; to be called before the descriptor is closed, since closing takes it out of the kernel's set only
 * where no process has a copy. Afterwards `ready` is not called any more. */
void loop_unwatch(struct loop *l, struct watch *w);

/* Makes a timer usable, not set yet. False where memory is short. Setting it cannot fail then. */
bool timer_register(struct loop *l, struct timer *t, void (*fire)(struct timer *t));

/* Clears a timer and gives its place back. Allowed on a timer of zeros. */
void timer_release(struct loop *l, struct timer *t);

/* Sets a timer, or sets it anew. */
void timer_set(struct loop *l, struct timer *t, int64_t due);
void timer_clear(struct loop *l, struct timer *t);

/* Queues a job, unless it is queued. */
void job_queue(struct loop *l, struct job *j);
void job_cancel(struct loop *l, struct job *j);

#endif
