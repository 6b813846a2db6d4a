#include "config.h"

#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int64_t loop_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- descriptors --- */

bool loop_watch(struct loop *l, struct watch *w, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = w};
    if (w->watched && w->events == events)
        return true;
    int operation = w->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(w->slow ? l->slow_fd : l->fast_fd, operation, w->fd, &event) != 0)
        return false;
    w->watched = true;
    w->events = events;
    return true;
}

/* An event of this round that was not looked at yet is dropped, since its owner may be gone then. */
void loop_unwatch(struct loop *l, struct watch *w)
{
    struct epoll_event none = {0};
    if (!w->watched)
        return;
    epoll_ctl(w->slow ? l->slow_fd : l->fast_fd, EPOLL_CTL_DEL, w->fd, &none);
    w->watched = false;
    w->events = 0;
    for (int i = 0; i < l->batch_count; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
}

static void slow_ready(struct watch *w, uint32_t events)
{
    struct epoll_event event;
    (void)events;
    if (epoll_wait(w->fd, &event, 1, 0) != 1)
        return;
    struct watch *ready = event.data.ptr;
    ready->ready(ready, event.events);
}

/* --- timers: a binary heap, its first place being number 1 --- */

static void put(struct loop *l, struct timer *t, size_t place)
{
    l->heap[place - 1] = t;
    t->place = place;
}

static void move_up(struct loop *l, struct timer *t, size_t place)
{
    for (; place > 1 && l->heap[place / 2 - 1]->due > t->due; place /= 2)
        put(l, l->heap[place / 2 - 1], place);
    put(l, t, place);
}

static void move_down(struct loop *l, struct timer *t, size_t place)
{
    for (size_t below = place * 2; below <= l->count; below = place * 2) {
        if (below < l->count && l->heap[below]->due < l->heap[below - 1]->due)
            below++;
        if (l->heap[below - 1]->due >= t->due)
            break;
        put(l, l->heap[below - 1], place);
        place = below;
    }
    put(l, t, place);
}

static void settle(struct loop *l, struct timer *t, size_t place)
{
    if (place > 1 && l->heap[place / 2 - 1]->due > t->due)
        move_up(l, t, place);
    else
        move_down(l, t, place);
}

bool timer_register(struct loop *l, struct timer *t, void (*fire)(struct timer *t))
{
    *t = (struct timer){0};
    if (l->registered == l->room) {
        size_t room = l->room > 0 ? l->room * 2 : LOOP_BATCH;
        struct timer **grown = realloc(l->heap, room * sizeof(struct timer *));
        if (!grown)
            return false;
        l->heap = grown;
        l->room = room;
    }
    l->registered++;
    t->fire = fire;
    return true;
}

void timer_release(struct loop *l, struct timer *t)
{
    if (!t->fire)
        return;
    timer_clear(l, t);
    l->registered--;
    t->fire = NULL;
}

void timer_set(struct loop *l, struct timer *t, int64_t due)
{
    t->due = due;
    settle(l, t, t->place > 0 ? t->place : ++l->count);
}

void timer_clear(struct loop *l, struct timer *t)
{
    size_t place = t->place;
    if (place == 0)
        return;
    t->place = 0;
    struct timer *last = l->heap[l->count - 1];
    l->count--;
    if (last != t)
        settle(l, last, place);
}

/* Tells the kernel when the earliest timer is due, if that has changed. */
static void arm(struct loop *l)
{
    int64_t due = l->count > 0 ? l->heap[0]->due : 0;
    if (l->count > 0 && due < 1)
        due = 1; /* 0 would disarm it */
    if (due == l->armed)
        return;
    struct itimerspec when = {.it_value = {.tv_sec = due / 1000, .tv_nsec = (long)(due % 1000) * 1000000}};
    if (timerfd_settime(l->clock.fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        l->armed = due;
}

static void fire_timers(struct loop *l)
{
    int64_t now = loop_now();
    for (int i = 0; i < LOOP_TIMERS_ROUND && l->count > 0 && l->heap[0]->due <= now; i++) {
        struct timer *t = l->heap[0];
        timer_clear(l, t);
        t->fire(t);
    }
}

/* The timers themselves are looked at in each round. */
static void clock_ready(struct watch *w, uint32_t events)
{
    struct loop *l = (struct loop *)(void *)((char *)w - offsetof(struct loop, clock));
    uint64_t count;
    (void)events;
    if (read(w->fd, &count, sizeof count) == sizeof count)
        l->armed = 0;
}

/* --- jobs --- */

void job_queue(struct loop *l, struct job *j)
{
    if (j->queued)
        return;
    j->queued = true;
    j->next = NULL;
    *l->last = j;
    l->last = &j->next;
}

void job_cancel(struct loop *l, struct job *j)
{
    if (!j->queued)
        return;
    struct job **at = &l->first;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    if (l->last == &j->next)
        l->last = at;
    j->queued = false;
}

static void run_job(struct loop *l)
{
    struct job *j = l->first;
    if (!j)
        return;
    job_cancel(l, j);
    j->run(j);
}

/* --- the loop --- */

bool loop_open(struct loop *l, struct report *why)
{
    *l = (struct loop){.fast_fd = -1, .slow_fd = -1, .clock = {.ready = clock_ready, .fd = -1}};
    l->last = &l->first;
    l->fast_fd = epoll_create1(EPOLL_CLOEXEC);
    l->slow_fd = epoll_create1(EPOLL_CLOEXEC);
    l->slow = (struct watch){.ready = slow_ready, .fd = l->slow_fd};
    l->clock.fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->fast_fd >= 0 && l->slow_fd >= 0 && l->clock.fd >= 0 && loop_watch(l, &l->slow, EPOLLIN) &&
        loop_watch(l, &l->clock, EPOLLIN))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "the event loop cannot be set up: %s", strerror(errno));
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void loop_close(struct loop *l)
{
    close_one(&l->clock.fd);
    close_one(&l->slow_fd);
    close_one(&l->fast_fd);
    free(l->heap);
    l->heap = NULL;
    l->count = l->room = l->registered = 0;
}

void loop_run(struct loop *l)
{
    while (!l->stop) {
        arm(l);
        bool hurry = l->first || (l->count > 0 && l->heap[0]->due <= loop_now());
        int count = epoll_wait(l->fast_fd, l->batch, LOOP_BATCH, hurry ? 0 : -1);
        l->batch_count = count > 0 ? count : 0;
        for (int i = 0; i < l->batch_count; i++) {
            struct watch *w = l->batch[i].data.ptr;
            if (w)
                w->ready(w, l->batch[i].events);
        }
        l->batch_count = 0;
        fire_timers(l);
        run_job(l);
    }
}
