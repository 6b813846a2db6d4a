#include "config.h"

#include "clients.h"

#include "agent.h"
#include "log.h"
#include "protocol.h"
#include "serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 4096, UIDS_MAX = 64 };

static void settle(struct client *c);

/* --- the list, oldest first --- */

static void append(struct clients *all, struct client *c)
{
    c->newer = NULL;
    c->older = all->newest;
    *(all->newest ? &all->newest->newer : &all->oldest) = c;
    all->newest = c;
}

static void take_out(struct clients *all, struct client *c)
{
    *(c->older ? &c->older->newer : &all->oldest) = c->newer;
    *(c->newer ? &c->newer->older : &all->newest) = c->older;
}

static void bury(struct clients *all)
{
    while (all->dead) {
        struct client *c = all->dead;
        all->dead = c->newer;
        free(c);
    }
}

void client_close(struct client *c)
{
    struct agent *a = c->agent;
    if (c->closed)
        return;
    c->closed = true;
    client_end_wait(c);
    loop_unwatch(&a->loop, &c->watch);
    close(c->watch.fd);
    timer_release(&a->loop, &c->timer);
    secret_free(&c->in);
    secret_free(&c->out);
    take_out(&a->clients, c);
    a->clients.count--;
    c->newer = a->clients.dead;
    a->clients.dead = c;
}

/* --- waiting for an account --- */

void client_wait(struct client *c, struct entry *e, int64_t milliseconds)
{
    c->waits_for = e;
    c->waits_next = e->waiting;
    c->waits_at = &e->waiting;
    if (e->waiting)
        e->waiting->waits_at = &c->waits_next;
    e->waiting = c;
    timer_set(&c->agent->loop, &c->timer, loop_now() + milliseconds);
}

void client_end_wait(struct client *c)
{
    if (!c->waits_for)
        return;
    *c->waits_at = c->waits_next;
    if (c->waits_next)
        c->waits_next->waits_at = c->waits_at;
    c->waits_for = NULL;
    c->waits_next = NULL;
    timer_clear(&c->agent->loop, &c->timer);
}

int64_t clients_waiting(const struct entry *e)
{
    int64_t count = 0;
    for (const struct client *c = e->waiting; c; c = c->waits_next)
        count++;
    return count;
}

/* --- replies --- */

void client_send(struct client *c, const char *data, size_t len)
{
    ssize_t sent = 0;
    if (c->closed)
        return;
    if (c->out.len == 0)
        sent = send(c->watch.fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        client_close(c);
        return;
    }
    size_t taken = sent > 0 ? (size_t)sent : 0;
    if (taken < len && !secret_add(&c->out, data + taken, len - taken)) {
        client_close(c);
        return;
    }
    if (!c->processing)
        settle(c);
}

static void flush(struct client *c)
{
    ssize_t sent = send(c->watch.fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        client_close(c);
        return;
    }
    if (sent > 0) {
        secret_drop_front(&c->out, (size_t)sent);
        timer_clear(&c->agent->loop, &c->timer);
    }
    if (c->out.len == 0)
        secret_free(&c->out);
    settle(c);
}

/* --- requests --- */

/* What comes next for a client, and how long it may take. */
static void settle(struct client *c)
{
    struct loop *l = &c->agent->loop;
    uint32_t events = EPOLLIN;
    int64_t limit = 0;
    if (c->closed)
        return;
    if (c->out.len == 0 && c->ending) {
        client_close(c);
        return;
    }
    if (c->waits_for) {
        events = 0; /* a hang-up is told all the same */
    } else if (c->out.len > 0) {
        events = EPOLLOUT;
        limit = CLIENTS_REPLY_MS;
    } else if (c->in.len > 0) {
        limit = CLIENTS_REQUEST_MS;
    }
    if (!c->waits_for && limit == 0)
        timer_clear(l, &c->timer);
    else if (!c->waits_for && c->timer.place == 0)
        timer_set(l, &c->timer, loop_now() + limit);
    if (!c->processing && !c->waits_for && c->out.len == 0 && c->in.len > 0) {
        c->resume = true;
        timer_set(l, &c->timer, loop_now());
    }
    if (!loop_watch(l, &c->watch, events))
        client_close(c);
}

static bool is_free(const struct client *c)
{
    return !c->closed && !c->ending && !c->waits_for && c->out.len == 0;
}

/* Works off the whole requests in a buffer. */
static void answer_all(struct client *c, struct secret *in)
{
    struct protocol_message request;
    size_t used;
    while (is_free(c) && in->len > 0) {
        enum protocol_result result = protocol_parse(in->data, in->len, &used, &request);
        if (result == PROTOCOL_MORE)
            return;
        timer_clear(&c->agent->loop, &c->timer); /* for the rest of this request */
        if (result == PROTOCOL_COMPLETE) {
            c->rest = in->data + used;
            c->rest_len = in->len - used;
            serve_request(c, &request);
        } else {
            used = in->len;
            c->ending = true;
            serve_malformed(c, result == PROTOCOL_TOO_LONG);
        }
        if (in != &c->in || !c->closed)
            secret_drop_front(in, used);
    }
}

/* Works off what arrived in `in`, the client's own buffer or the common one, which is left empty. */
static void process(struct client *c, struct secret *in)
{
    struct clients *all = &c->agent->clients;
    c->processing = true;
    if (c->resume)
        timer_clear(&c->agent->loop, &c->timer); /* which would else end, or prolong, what comes next */
    c->resume = false;
    take_out(all, c);
    append(all, c);
    answer_all(c, in);
    if (in != &c->in) {
        if (!c->closed && in->len > 0 && !secret_add(&c->in, in->data, in->len))
            client_close(c);
        secret_drop_front(in, in->len);
    } else if (!c->closed && in->len == 0) {
        secret_free(in);
    }
    settle(c);
    c->processing = false;
}

static void receive(struct client *c)
{
    struct secret *in = c->in.len > 0 ? &c->in : &c->agent->clients.in;
    size_t left = in->limit - in->len;
    size_t size = in == &c->in && left > CHUNK ? CHUNK : left;
    char *room = size > 0 ? secret_room(in, size) : NULL;
    ssize_t got = room ? recv(c->watch.fd, room, size, MSG_DONTWAIT) : 0;
    if (got > 0) {
        secret_grow(in, (size_t)got);
        process(c, in);
    } else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        settle(c);
    } else {
        client_close(c);
    }
}

/* Who hangs up while a reply is due does not want it any more; a request that was sent before the end is answered. */
static void client_ready(struct watch *w, uint32_t events)
{
    struct client *c = (struct client *)(void *)w;
    bury(&c->agent->clients);
    if ((events & (EPOLLHUP | EPOLLERR)) && !is_free(c))
        client_close(c);
    else if (c->out.len > 0)
        flush(c);
    else if (!c->waits_for)
        receive(c);
}

static void timer_fired(struct timer *t)
{
    struct client *c = (struct client *)(void *)((char *)t - offsetof(struct client, timer));
    struct entry *e = c->waits_for;
    bury(&c->agent->clients);
    if (e) {
        client_end_wait(c);
        serve_too_late(c, e);
    } else if (c->resume) {
        process(c, &c->in);
    } else {
        client_close(c);
    }
}

/* --- new ones --- */

/* How many connections each user has. */
struct tally {
    uid_t uid;
    unsigned count;
};

static void tally(const struct clients *all, struct tally tallies[UIDS_MAX])
{
    memset(tallies, 0, UIDS_MAX * sizeof *tallies);
    for (const struct client *c = all->oldest; c; c = c->newer)
        for (size_t i = 0; i < UIDS_MAX; i++) {
            if (tallies[i].count > 0 && tallies[i].uid != c->peer.uid)
                continue;
            tallies[i].uid = c->peer.uid;
            tallies[i].count++;
            break;
        }
}

/* The user with the most connections. */
static uid_t busiest(const struct clients *all)
{
    struct tally tallies[UIDS_MAX];
    tally(all, tallies);
    size_t most = 0;
    for (size_t i = 1; i < UIDS_MAX; i++)
        if (tallies[i].count > tallies[most].count)
            most = i;
    return tallies[most].uid;
}

/* Makes room for somebody: of the user with the most connections the one that has been idle for longest goes. If none
 * is idle, another user need not suffer from that: then the oldest goes, whether it waits for a token or does not
 * read its reply. */
static bool evict(struct clients *all, const struct peer *newcomer)
{
    uid_t uid = busiest(all);
    struct client *oldest = NULL;
    for (struct client *c = all->oldest; c; c = c->newer) {
        if (c->peer.uid != uid)
            continue;
        if (is_free(c)) {
            client_close(c);
            return true;
        }
        oldest = oldest ? oldest : c;
    }
    if (!oldest || !newcomer || newcomer->uid == uid)
        return false;
    client_close(oldest);
    return true;
}

static struct client *client_new(struct clients *all, int fd, const struct peer *peer)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->agent = all->agent;
    c->peer = *peer;
    c->watch = (struct watch){.ready = client_ready, .fd = fd};
    secret_init(&c->in, PROTOCOL_MESSAGE_MAX);
    secret_init(&c->out, PROTOCOL_MESSAGE_MAX);
    if (!timer_register(&all->agent->loop, &c->timer, timer_fired)) {
        free(c);
        return NULL;
    }
    append(all, c);
    all->count++;
    return c;
}

/* Its request is mostly there already. */
static void welcome(struct clients *all, int fd)
{
    struct peer peer;
    bool known = peer_read(fd, &peer);
    bool room = known && (all->count < all->max || evict(all, &peer));
    struct client *c = known ? client_new(all, fd, &peer) : NULL;
    if (!c) {
        close(fd);
    } else if (!room) {
        log_refusal("refused a connection of user id %lu: there are %u", (unsigned long)c->peer.uid, all->count - 1);
        c->ending = true;
        serve_busy(c);
    } else {
        receive(c);
    }
}

/* Most come alone, and looking for another costs them a system call. */
bool clients_accept(struct clients *all, int listener)
{
    int taken = 0;
    int wanted = all->crowded ? CLIENTS_ACCEPT : 1;
    bury(all);
    for (int fd; taken < wanted && (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0; taken++)
        welcome(all, fd);
    all->crowded = all->crowded ? taken > 1 : all->count > 1;
    if (taken > 0 || (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM))
        return true;
    log_refusal("a connection has to wait: %s", strerror(errno));
    evict(all, NULL);
    return false;
}

/* --- life --- */

/* As many as the descriptors that we may have allow. */
static unsigned room_for_clients(void)
{
    struct rlimit limit;
    rlim_t wanted = CLIENTS_MAX + CLIENTS_RESERVED_FDS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return CLIENTS_MAX / 16;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted)
        return CLIENTS_MAX;
    return (unsigned)(limit.rlim_cur > 2 * CLIENTS_RESERVED_FDS ? limit.rlim_cur - CLIENTS_RESERVED_FDS
                                                                : limit.rlim_cur / 2);
}

bool clients_open(struct clients *all, struct agent *a)
{
    *all = (struct clients){.agent = a, .max = room_for_clients()};
    secret_init(&all->in, PROTOCOL_MESSAGE_MAX);
    return secret_room(&all->in, PROTOCOL_MESSAGE_MAX) != NULL;
}

void clients_close(struct clients *all)
{
    while (all->oldest)
        client_close(all->oldest);
    bury(all);
    secret_free(&all->in);
}
