#include "config.h"

#include "multi.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdlib.h>

/* One of libcurl's sockets. */
struct line {
    struct watch watch;
    struct multi *multi;
};

static void take_out(struct transfer *t)
{
    struct transfer **at = &t->multi->running;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    curl_multi_remove_handle(t->multi->handle, t->easy);
    t->easy = NULL;
}

static struct transfer *find(struct multi *m, const CURL *easy)
{
    struct transfer *t = m->running;
    while (t && t->easy != easy)
        t = t->next;
    return t;
}

static void run_done(struct job *j)
{
    struct transfer *t = (struct transfer *)(void *)((char *)j - offsetof(struct transfer, job));
    t->done(t);
}

/* What came to its end becomes a job, so that other work gets its turn in between. */
static void end(struct transfer *t, CURLcode result)
{
    t->result = (int)result;
    take_out(t);
    job_queue(t->multi->loop, &t->job);
}

static void collect(struct multi *m)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(m->handle, &left)) != NULL;) {
        struct transfer *t = message->msg == CURLMSG_DONE ? find(m, message->easy_handle) : NULL;
        if (t)
            end(t, message->data.result);
    }
    for (struct transfer *t = m->running, *next; t; t = next) {
        next = t->next;
        if (t->unwatched)
            end(t, CURLE_OUT_OF_MEMORY);
    }
}

static void act(struct multi *m, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(m->handle, fd, what, &running);
    collect(m);
}

static void line_ready(struct watch *w, uint32_t events)
{
    struct line *line = (struct line *)(void *)w;
    int what = 0;
    if (events & (EPOLLIN | EPOLLHUP))
        what |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        what |= CURL_CSELECT_OUT;
    if (events & EPOLLERR)
        what |= CURL_CSELECT_ERR;
    act(line->multi, w->fd, what);
}

static struct line *line_new(struct multi *m, curl_socket_t fd)
{
    struct line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    line->multi = m;
    line->watch = (struct watch){.ready = line_ready, .fd = fd, .slow = true};
    curl_multi_assign(m->handle, fd, line);
    return line;
}

/* Never fails: libcurl would abort every request and take no more on this handle, for good. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct multi *m = arg;
    struct line *line = known;
    if (what == CURL_POLL_REMOVE) {
        if (line)
            loop_unwatch(m->loop, &line->watch);
        free(line);
        return 0;
    }
    if (!line)
        line = line_new(m, fd);
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    struct transfer *t = line && loop_watch(m->loop, &line->watch, events) ? NULL : find(m, easy);
    if (t)
        t->unwatched = true;
    return 0;
}

static int set_timer(CURLM *handle, long milliseconds, void *arg)
{
    struct multi *m = arg;
    (void)handle;
    if (milliseconds < 0)
        timer_clear(m->loop, &m->timer);
    else
        timer_set(m->loop, &m->timer, loop_now() + milliseconds);
    return 0;
}

static void timer_fired(struct timer *t)
{
    act((struct multi *)(void *)((char *)t - offsetof(struct multi, timer)), CURL_SOCKET_TIMEOUT, 0);
}

static bool set_options(struct multi *m)
{
    return curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
           curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m) == CURLM_OK &&
           curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m) == CURLM_OK &&
           curl_share_setopt(m->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) == CURLSHE_OK;
}

bool multi_open(struct multi *m, struct loop *l, struct report *why)
{
    *m = (struct multi){.loop = l};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
        m->handle = curl_multi_init();
        m->share = curl_share_init();
    }
    if (m->handle && m->share && timer_register(l, &m->timer, timer_fired) && set_options(m))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "libcurl cannot be initialized: not enough memory?");
}

void multi_close(struct multi *m)
{
    if (!m->loop)
        return;
    while (m->running)
        take_out(m->running);
    curl_multi_cleanup(m->handle);
    curl_share_cleanup(m->share);
    timer_release(m->loop, &m->timer);
    curl_global_cleanup();
    *m = (struct multi){0};
}

bool multi_start(struct multi *m, struct transfer *t, void *easy)
{
    t->multi = m;
    t->job.run = run_done;
    if (curl_easy_setopt(easy, CURLOPT_SHARE, m->share) != CURLE_OK ||
        curl_multi_add_handle(m->handle, easy) != CURLM_OK)
        return false;
    t->easy = easy;
    t->unwatched = false;
    t->next = m->running;
    m->running = t;
    return true;
}

void multi_stop(struct transfer *t)
{
    if (!t->multi)
        return;
    if (t->easy)
        take_out(t);
    job_cancel(t->multi->loop, &t->job);
}
