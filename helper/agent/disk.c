#include "config.h"

#include "disk.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- in the thread --- */

static struct disk_task *wait_for_task(struct disk *d)
{
    while (!d->first && !d->stop)
        pthread_cond_wait(&d->change, &d->mutex);
    struct disk_task *t = d->first;
    if (t)
        d->first = t->next;
    if (!d->first)
        d->last = &d->first;
    return t;
}

static void *run(void *arg)
{
    static const uint64_t ONE = 1;
    struct disk *d = arg;
    pthread_mutex_lock(&d->mutex);
    for (struct disk_task *t; (t = wait_for_task(d)) != NULL;) {
        pthread_mutex_unlock(&d->mutex);
        t->work(t);
        pthread_mutex_lock(&d->mutex);
        t->next = NULL;
        *d->ended_last = t;
        d->ended_last = &t->next;
        ssize_t put = write(d->finished.fd, &ONE, sizeof ONE);
        (void)put; /* it cannot be full */
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

/* --- in the loop --- */

static void finished_ready(struct watch *w, uint32_t events)
{
    struct disk *d = (struct disk *)(void *)((char *)w - offsetof(struct disk, finished));
    uint64_t count;
    (void)events;
    ssize_t got = read(w->fd, &count, sizeof count);
    (void)got;
    pthread_mutex_lock(&d->mutex);
    struct disk_task *t = d->ended;
    d->ended = NULL;
    d->ended_last = &d->ended;
    pthread_mutex_unlock(&d->mutex);
    while (t) {
        struct disk_task *next = t->next;
        t->done(t);
        t = next;
    }
}

void disk_submit(struct disk *d, struct disk_task *t)
{
    pthread_mutex_lock(&d->mutex);
    t->next = NULL;
    *d->last = t;
    d->last = &t->next;
    pthread_cond_signal(&d->change);
    pthread_mutex_unlock(&d->mutex);
}

static bool start(struct disk *d)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, DISK_STACK);
    d->running = pthread_create(&d->thread, &attributes, run, d) == 0;
    pthread_attr_destroy(&attributes);
    return d->running;
}

bool disk_open(struct disk *d, struct loop *l, struct report *why)
{
    *d =
        (struct disk){.loop = l, .finished = {.ready = finished_ready, .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)}};
    d->last = &d->first;
    d->ended_last = &d->ended;
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->change, NULL);
    if (d->finished.fd >= 0 && loop_watch(l, &d->finished, EPOLLIN) && start(d))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "the thread for the disk cannot be started");
}

void disk_close(struct disk *d)
{
    if (!d->loop)
        return;
    if (d->running) {
        pthread_mutex_lock(&d->mutex);
        d->stop = true;
        pthread_cond_signal(&d->change);
        pthread_mutex_unlock(&d->mutex);
        pthread_join(d->thread, NULL);
    }
    loop_unwatch(d->loop, &d->finished);
    if (d->finished.fd >= 0)
        close(d->finished.fd);
    pthread_mutex_destroy(&d->mutex);
    pthread_cond_destroy(&d->change);
    *d = (struct disk){0};
}
