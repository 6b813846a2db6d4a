/* ask SOCKET REQUEST text|ssh WAY...: asks a server at a Unix socket, and measures.
 *
 *   once ROUNDS              a connection for each request; prints the median, the 99th percentile and the longest in
 *                            nanoseconds, on a line
 *   kept ROUNDS              the same over one connection
 *   paced ROUNDS PAUSE       the same as once, with a pause of so many milliseconds after each
 *   crowd CLIENTS ROUNDS     so many clients at once, each with a connection for each of its requests; prints the
 *                            nanoseconds for one request, with all of them together
 *   crowd-kept CLIENTS ROUNDS   the same with one connection for each client
 *   burst PROCESSES REQUESTS ACCOUNTS   so many processes send so many requests in all, at once, for the accounts in
 *                            turns; prints how many were answered badly, and the milliseconds until the last was
 *                            answered
 *
 * REQUEST is a file, see asking.h. */
#include "config.h"

#include "asking.h"
#include "timing.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS_MAX = 1000000, CLIENTS_MAX = 1024, PROCESSES_MAX = 256, BURST_MAX = 64, WARM_UP = 100 };

static size_t number(const char *text, size_t max)
{
    unsigned long value = text ? strtoul(text, NULL, 10) : 0;
    if (value < 1 || value > max) {
        fputs("bench: ask: a number is missing or too large\n", stderr);
        exit(2);
    }
    return value;
}

static void *get_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        asking_give_up("memory");
    return memory;
}

/* --- one client --- */

static void print_times(int64_t times[], size_t rounds)
{
    int64_t median = timing_median(times, rounds); /* sorts */
    printf("%" PRId64 " %" PRId64 " %" PRId64 "\n", median, times[rounds * 99 / 100], times[rounds - 1]);
}

static void one_connection_each(struct asking *a, size_t rounds, size_t pause)
{
    struct reply r = {.data = get_memory(1, ASKING_MAX)};
    int64_t *times = get_memory(rounds, sizeof *times);
    size_t unmeasured = pause ? 0 : WARM_UP;
    for (size_t i = 0; i < rounds + unmeasured; i++) {
        int64_t start = timing_now();
        r.fd = asking_connect(a);
        asking_once(a, &r, 0);
        close(r.fd);
        if (i >= unmeasured)
            times[i - unmeasured] = timing_now() - start;
        if (pause)
            poll(NULL, 0, (int)pause);
    }
    print_times(times, rounds);
    free(times);
    free(r.data);
}

static void one_connection(struct asking *a, size_t rounds)
{
    struct reply r = {.data = get_memory(1, ASKING_MAX), .fd = asking_connect(a)};
    int64_t *times = get_memory(rounds, sizeof *times);
    for (size_t i = 0; i < WARM_UP; i++)
        asking_once(a, &r, 0);
    for (size_t i = 0; i < rounds; i++) {
        int64_t start = timing_now();
        asking_once(a, &r, 0);
        times[i] = timing_now() - start;
    }
    print_times(times, rounds);
    close(r.fd);
    free(times);
    free(r.data);
}

/* --- many clients in one process --- */

struct crowd {
    struct asking *asking;
    struct reply *clients;
    size_t started;
    size_t rounds;
    int epoll;
    bool kept;
};

static void watch(struct crowd *c, struct reply *r)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = r};
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, r->fd, &event) != 0)
        asking_give_up("epoll");
}

/* The client's next request, if one is left. */
static void next_request(struct crowd *c, struct reply *r)
{
    bool left = c->started < c->rounds;
    if (r->fd >= 0 && (!c->kept || !left)) {
        close(r->fd);
        r->fd = -1;
    }
    if (!left)
        return;
    c->started++;
    if (r->fd < 0) {
        r->fd = asking_connect(c->asking);
        watch(c, r);
    }
    r->len = 0;
    if (!asking_send(c->asking, r->fd, 0))
        asking_give_up("send");
}

/* Returns whether a request is done. */
static bool serve(struct crowd *c, struct reply *r)
{
    int state = asking_read(c->asking, r);
    if (state < 0 || (state > 0 && !asking_is_good(c->asking, r)))
        asking_give_up("a client of many was not answered well");
    if (state > 0)
        next_request(c, r);
    return state > 0;
}

static void run_crowd(struct crowd *c, size_t clients)
{
    struct epoll_event events[CLIENTS_MAX];
    int64_t start = timing_now();
    for (size_t i = 0; i < clients; i++)
        next_request(c, &c->clients[i]);
    for (size_t done = 0; done < c->rounds;) {
        int ready = epoll_wait(c->epoll, events, CLIENTS_MAX, -1);
        for (int i = 0; i < ready; i++)
            done += serve(c, events[i].data.ptr) ? 1 : 0;
    }
    printf("%" PRId64 "\n", (timing_now() - start) / (int64_t)c->rounds);
}

static void many_clients(struct asking *a, size_t clients, size_t rounds, bool kept)
{
    struct crowd c = {.asking = a, .clients = get_memory(clients, sizeof *c.clients), .rounds = rounds, .kept = kept,
                      .epoll = epoll_create1(EPOLL_CLOEXEC)};
    for (size_t i = 0; i < clients; i++)
        c.clients[i] = (struct reply){.fd = -1, .data = get_memory(1, ASKING_MAX)};
    run_crowd(&c, clients);
    for (size_t i = 0; i < clients; i++)
        free(c.clients[i].data);
    free(c.clients);
    close(c.epoll);
}

/* --- many processes at the same moment --- */

/* Sends all requests of one process, then waits for all replies. Returns how many were bad. */
static int ask_all(struct asking *a, size_t first, size_t count, size_t accounts)
{
    struct reply replies[BURST_MAX];
    int bad = 0;
    for (size_t i = 0; i < count; i++) {
        replies[i] = (struct reply){.fd = asking_connect(a), .data = get_memory(1, ASKING_MAX)};
        asking_send(a, replies[i].fd, (unsigned)((first + i) % accounts));
    }
    for (size_t i = 0; i < count; i++) {
        int state = 0;
        while (state == 0)
            state = asking_read(a, &replies[i]);
        if (state < 0 || !asking_is_good(a, &replies[i])) {
            fprintf(stderr, "bench: a bad reply: %.*s\n", (int)replies[i].len, replies[i].data);
            bad++;
        }
        close(replies[i].fd);
        free(replies[i].data);
    }
    return bad;
}

static void start_processes(struct asking *a, size_t processes, size_t requests, size_t accounts, const int gate[2])
{
    for (size_t i = 0, first = 0; i < processes; i++) {
        size_t count = requests / processes + (i < requests % processes ? 1 : 0);
        pid_t pid = fork();
        if (pid < 0)
            asking_give_up("fork");
        if (pid == 0) {
            char byte;
            close(gate[1]);
            ssize_t opened = read(gate[0], &byte, 1); /* ends when the parent closes its end */
            _exit(opened < 0 ? BURST_MAX : ask_all(a, first, count, accounts));
        }
        first += count;
    }
}

static void burst(struct asking *a, size_t processes, size_t requests, size_t accounts)
{
    int gate[2];
    int bad = 0;
    int status;
    if (requests > processes * BURST_MAX || pipe(gate) != 0)
        asking_give_up("burst");
    start_processes(a, processes, requests, accounts, gate);
    int64_t start = timing_now();
    close(gate[1]);
    while (wait(&status) > 0)
        bad += WIFEXITED(status) ? WEXITSTATUS(status) : BURST_MAX;
    printf("%d %" PRId64 "\n", bad, (timing_now() - start) / 1000000);
    close(gate[0]);
}

int main(int argc, char **argv)
{
    struct asking a;
    if (argc < 6)
        return 2;
    asking_load(&a, argv[1], argv[2], argv[3]);
    const char *way = argv[4];
    if (strcmp(way, "once") == 0)
        one_connection_each(&a, number(argv[5], ROUNDS_MAX), 0);
    else if (strcmp(way, "kept") == 0)
        one_connection(&a, number(argv[5], ROUNDS_MAX));
    else if (strcmp(way, "paced") == 0)
        one_connection_each(&a, number(argv[5], ROUNDS_MAX), number(argv[6], ROUNDS_MAX));
    else if (strncmp(way, "crowd", 5) == 0)
        many_clients(&a, number(argv[5], CLIENTS_MAX), number(argv[6], ROUNDS_MAX), strcmp(way, "crowd-kept") == 0);
    else if (strcmp(way, "burst") == 0 && argc == 8)
        burst(&a, number(argv[5], PROCESSES_MAX), number(argv[6], ROUNDS_MAX), number(argv[7], ROUNDS_MAX));
    else
        return 2;
    free(a.request);
    return 0;
}
