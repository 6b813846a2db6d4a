#include "config.h"

#include "process.h"

#include "agent.h"
#include "log.h"
#include "manager.h"
#include "protocol.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STOP_MAX = 35000,       /* milliseconds for the exchanges that are under way when the agent is told to end */
    STOP_CHECK = 20,        /* milliseconds between two looks at whether they have ended */
    FIRST_SOCKET = 3,       /* of those that a service manager hands over */
    SETTABLE_FAR = 1 << 30, /* seconds: the clock's watch is not there to fire, but to be cancelled */
};

/* The store's own lock is an account's lock of a name that no account can have. */
static const char AGENT_LOCK[] = ".agent";

/* What this file adds to the agent. */
struct process {
    struct agent agent;
    struct watch signals;
    struct watch wall_clock;
    struct timer stop;
    int64_t stop_at;
    struct report weakness; /* what the kernel does not let us give up; empty */
    int lock;
    int ready; /* a pipe to the process that started us in the background; -1 */
};

/* --- the end --- */

static struct process *process_of(struct timer *t)
{
    return (struct process *)(void *)((char *)t - offsetof(struct process, stop));
}

static void check_stop(struct timer *t)
{
    struct process *p = process_of(t);
    if (p->agent.exchanges.running == 0 || loop_now() >= p->stop_at)
        p->agent.loop.stop = true;
    else
        timer_set(&p->agent.loop, t, loop_now() + STOP_CHECK);
}

static void stop(struct process *p)
{
    struct agent *a = &p->agent;
    if (a->stopping)
        return;
    a->stopping = true;
    manager_tell("STOPPING=1");
    log_info("ending; %u exchanges are under way", a->exchanges.running);
    listeners_close(&a->listeners);
    exchanges_stop(&a->exchanges);
    p->stop_at = loop_now() + STOP_MAX;
    check_stop(&p->stop);
}

/* --- events --- */

/* A confined agent cannot make another one. A user's agent only tells that user things by it; the system's needs
 * it to serve. */
static void starter_lost(struct watch *w, uint32_t events)
{
    struct process *p = (struct process *)(void *)((char *)w - offsetof(struct process, agent.starter.channel));
    struct agent *a = &p->agent;
    (void)events;
    loop_unwatch(&a->loop, w);
    starter_close(&a->starter);
    if (a->stopping)
        return;
    log_warning("the process that starts programs for the agent is lost, and %s anew",
                a->paths.system ? "the agent ends: start it" : "with it every notify_command: start the agent");
    if (!a->paths.system)
        return;
    a->failed = true;
    stop(p);
}

static void signals_ready(struct watch *w, uint32_t events)
{
    struct process *p = (struct process *)(void *)((char *)w - offsetof(struct process, signals));
    struct signalfd_siginfo info;
    (void)events;
    while (read(w->fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            waitpid(-1, NULL, WNOHANG); /* the starter, whose channel tells of its end */
        else if (info.ssi_signo == SIGHUP)
            table_reload(&p->agent.table);
        else
            stop(p);
    }
}

/* A timer on the wall clock that is cancelled when somebody sets that clock, timerfd_create(2); the kernel does so
 * after a suspend as well. */
static bool arm_wall_clock(struct process *p)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct itimerspec far = {.it_value = {.tv_sec = now.tv_sec + SETTABLE_FAR}};
    return timerfd_settime(p->wall_clock.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) == 0;
}

static void wall_clock_ready(struct watch *w, uint32_t events)
{
    struct process *p = (struct process *)(void *)((char *)w - offsetof(struct process, wall_clock));
    uint64_t count;
    (void)events;
    if (read(w->fd, &count, sizeof count) < 0 && errno == EAGAIN)
        return;
    log_info("the clock was set, or the machine slept: every token is looked at anew");
    arm_wall_clock(p);
    table_each(&p->agent.table, entry_clock_was_set);
}

static bool watch_events(struct process *p, struct report *why)
{
    sigset_t set;
    struct loop *l = &p->agent.loop;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    p->agent.starter.channel.ready = starter_lost;
    p->signals = (struct watch){.ready = signals_ready, .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)};
    p->wall_clock =
        (struct watch){.ready = wall_clock_ready, .fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)};
    if (p->signals.fd >= 0 && p->wall_clock.fd >= 0 && arm_wall_clock(p) && loop_watch(l, &p->signals, EPOLLIN) &&
        loop_watch(l, &p->wall_clock, EPOLLIN) && loop_watch(l, &p->agent.starter.channel, 0) &&
        timer_register(l, &p->stop, check_stop))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "signals and clock cannot be watched: %s", strerror(errno));
}

/* --- the start --- */

static bool check_store(const struct paths *paths, struct report *why)
{
    if (paths->system && geteuid() != 0 && geteuid() != paths->owner)
        return report_set(why, FAILURE_CONFIG, "the store %s belongs to user id %lu: run the agent as that user",
                          paths->state, (unsigned long)paths->owner);
    return true;
}

/* For whoever finds the store taken. The lock alone says that it is: this may fail, and stay behind. */
static void sign_lock(int lock)
{
    if (ftruncate(lock, 0) == 0)
        dprintf(lock, "%ld\n", (long)getpid());
}

/* The process that has signed the lock; 0 where that cannot be told. */
static pid_t lock_holder(const struct paths *paths)
{
    char path[PATH_MAX];
    char text[24] = "";
    if (snprintf(path, sizeof path, "%s/%s.lock", paths->state, AGENT_LOCK) >= (int)sizeof path)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    long pid = got > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 1 && pid <= INT_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM) ? (pid_t)pid : 0;
}

static bool complain_of_other(const struct paths *paths, struct report *why)
{
    pid_t other = lock_holder(paths);
    if (other > 0)
        return report_set(why, FAILURE_CONFIG,
                          "another agent serves the store %s (process %ld): run 'kill %ld' first", paths->state,
                          (long)other, (long)other);
    return report_set(why, FAILURE_CONFIG,
                      "another agent serves the store %s: find its process with 'ps -C agent', and end it with "
                      "'kill' first",
                      paths->state);
}

/* Two agents never serve one store: each would think the other's renewals to be somebody else's. */
static bool lock_store(struct process *p, struct report *why)
{
    const struct paths *paths = &p->agent.paths;
    p->lock = store_lock(paths, AGENT_LOCK, 0, why);
    if (p->lock < 0 && why->code == FAILURE_BUSY)
        return complain_of_other(paths, why);
    if (p->lock >= 0)
        sign_lock(p->lock);
    return p->lock >= 0;
}

static bool open_sockets(struct process *p, const struct options *o, int inherited, struct report *why)
{
    struct listeners *l = &p->agent.listeners;
    char path[LISTENERS_PATH_MAX];
    for (int i = 0; i < inherited; i++)
        if (!listeners_inherit(l, FIRST_SOCKET + i, why))
            return false;
    for (size_t i = 0; i < o->socket_count; i++)
        if (!listeners_add(l, o->sockets[i], why))
            return false;
    if (l->count > 0)
        return true;
    return listeners_default(o->system, path, why) && listeners_add(l, path, why);
}

/* From here on there may be threads. */
static void confine(struct process *p)
{
    struct agent *a = &p->agent;
    const char *sockets[LISTENERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < a->listeners.count; i++)
        if (a->listeners.all[i].path)
            sockets[count++] = a->listeners.all[i].path;
    bool ok = confine_files(a->paths.state, sockets, count, &p->weakness);
    confine_note(&a->store, ok, a->paths.state);
}

static bool open_all(struct process *p, const struct options *o, int inherited, struct report *why)
{
    struct agent *a = &p->agent;
    secret_init(&a->reply, PROTOCOL_MESSAGE_MAX);
    exchanges_open(&a->exchanges, a);
    confine_privileges(&p->weakness);
    if (!check_store(&a->paths, why) || !starter_open(&a->starter, &a->paths, why) || !lock_store(p, why) ||
        !loop_open(&a->loop, why) || !watch_events(p, why) || !listeners_open(&a->listeners, a, why))
        return false;
    if (!clients_open(&a->clients, a))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    if (!open_sockets(p, o, inherited, why))
        return false;
    confine(p);
    if (!multi_open(&a->multi, &a->loop, why) || !disk_open(&a->disk, &a->loop, why) ||
        !table_open(&a->table, a, why))
        return false;
    return listeners_start(&a->listeners) ||
           report_set(why, FAILURE_UNREACHABLE, "the sockets cannot be watched: %s", strerror(errno));
}

static void close_fd(struct watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

static void close_all(struct process *p)
{
    struct agent *a = &p->agent;
    listeners_close(&a->listeners);
    disk_close(&a->disk);
    table_close(&a->table);
    clients_close(&a->clients);
    multi_close(&a->multi);
    close_fd(&p->signals);
    close_fd(&p->wall_clock);
    loop_close(&a->loop);
    secret_free(&a->reply);
    starter_close(&a->starter);
    int cut = p->lock >= 0 ? ftruncate(p->lock, 0) : 0;
    (void)cut;
    store_unlock(&p->lock);
}

/* Tells whoever started us that we can be reached. */
static void tell_ready(struct process *p)
{
    manager_tell("READY=1");
    if (*p->weakness.text)
        log_info("%s", p->weakness.text);
    log_info("serving %zu accounts of %s", p->agent.table.count, p->agent.paths.accounts);
    if (p->ready < 0)
        return;
    ssize_t put = write(p->ready, "r", 1);
    (void)put;
    close(p->ready);
    p->ready = -1;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
}

int process_run(const struct paths *paths, const struct options *o, int inherited, int ready)
{
    static struct process p;
    struct report why = {0};
    p = (struct process){.lock = -1, .ready = ready};
    p.agent.paths = *paths;
    p.signals.fd = p.wall_clock.fd = -1;
    p.agent.table.changes.fd = p.agent.starter.channel.fd = -1;
    p.agent.loop.fast_fd = p.agent.loop.slow_fd = p.agent.loop.clock.fd = -1;
    bool ok = open_all(&p, o, inherited, &why);
    if (ok) {
        log_open(o->foreground);
        tell_ready(&p);
        loop_run(&p.agent.loop);
    } else {
        fprintf(stderr, "xoauth2: %s\n", why.text);
    }
    close_all(&p);
    return ok && !p.agent.failed ? 0 : 1;
}
