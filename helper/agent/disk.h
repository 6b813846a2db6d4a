/* Work for the disk, done by a thread of its own: an fsync(2) takes 10 ms and more while others write, and that is
 * far too long for clients whose answers are in memory. What a task touches is the thread's alone until it is done.
 */
#ifndef XOAUTH2_DISK_H
#define XOAUTH2_DISK_H

#include "failure.h"
#include "loop.h"

#include <pthread.h>
#include <stdbool.h>

#define DISK_STACK 262144 /* bytes of the thread's stack */

/* Belongs to whoever embeds it. */
struct disk_task {
    void (*work)(struct disk_task *t); /* in the thread */
    void (*done)(struct disk_task *t); /* afterwards, in the loop */
    struct disk_task *next;
};

/* First come, first served. */
struct disk_queue {
    struct disk_task *first;
    struct disk_task **last;
};

struct disk {
    struct loop *loop;
    struct watch finished; /* an eventfd */
    pthread_t thread;
    bool running;
    pthread_mutex_t mutex; /* for all below */
    pthread_cond_t change;
    struct disk_queue urgent;  /* to be done */
    struct disk_queue patient; /* after those */
    struct disk_queue ended;   /* to be told */
    bool stop;
};

/* Starts the thread, which inherits the signal mask. False with a report. disk_close() is allowed whatever the
 * result, and on zeros. */
bool disk_open(struct disk *d, struct loop *l, struct report *why);

/* Waits until everything is done; what was not told by then is not told any more. */
void disk_close(struct disk *d);

/* `urgent` before all that wait and are not: new tokens, which are nowhere else than in memory. */
void disk_submit(struct disk *d, struct disk_task *t, bool urgent);

#endif
