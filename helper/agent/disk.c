#include "config.h"

#include "disk.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void queue_open(struct disk_queue *q)
{
    q->first = NULL;
    q->last = &q->first;
}

static void queue_add(struct disk_queue *q, struct disk_task *t)
{
    t->next = NULL;
    *q->last = t;
    q->last = &t->next;
}

static struct disk_task *queue_take(struct disk_queue *q)
{
    struct disk_task *t = q->first;
    if (t)
        q->first = t->next;
    if (!q->first)
        q->last = &q->first;
    return t;
}

/* --- in the thread --- */

static struct disk_task *wait_for_task(struct disk *d)
{
    while (!d->urgent.first && !d->patient.first && !d->stop)
        pthread_cond_wait(&d->change, &d->mutex);
    struct disk_task *t = queue_take(&d->urgent);
    return t ? t : queue_take(&d->patient);
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
        queue_add(&d->ended, t);
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
    struct disk_task *t = d->ended.first;
    queue_open(&d->ended);
    pthread_mutex_unlock(&d->mutex);
    while (t) {
        struct disk_task *next = t->next;
        t->done(t);
        t = next;
    }
}

void disk_submit(struct disk *d, struct disk_task *t, bool urgent)
{
    pthread_mutex_lock(&d->mutex);
    queue_add(urgent ? &d->urgent : &d->patient, t);
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
    queue_open(&d->urgent);
    queue_open(&d->patient);
    queue_open(&d->ended);
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
