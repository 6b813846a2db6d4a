#include "config.h"

#include "exchanges.h"

#include "account.h"
#include "agent.h"
#include "clock.h"
#include "log.h"
#include "multi.h"
#include "notify.h"
#include "renew.h"
#include "serve.h"
#include "token.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS_MAX = 2 }; /* a second one if somebody else's newer refresh token turns up */

struct renewing {
    struct transfer transfer;
    struct entry *entry;
    struct timer timer; /* for another try: of the lock, or of the request */
    int64_t deadline;   /* of the lock; milliseconds of loop_now() */
    int lock;
    unsigned rounds;
    unsigned tries;
    int64_t sent_at; /* milliseconds of loop_now() */
    bool unsaved;    /* the new tokens are not on disk yet, though they should be */
    struct account account;
    struct state state;
    struct renewal renewal;
    struct state_writer writer;
    struct http_exchange *exchange;
    struct disk_task task; /* the lock, making room for the state on disk, then putting it there */
    bool prepared;
    bool committed;
    struct report why;     /* how the exchange ended */
    struct report trouble; /* why it is not on disk */
};

static void begin_round(struct renewing *r);

/* --- the end of one --- */

static void free_renewing(struct renewing *r)
{
    struct agent *a = r->entry->agent;
    multi_stop(&r->transfer);
    http_end(&r->exchange);
    renew_close(&r->renewal);
    state_abandon(&r->writer);
    state_free(&r->state);
    account_free(&r->account);
    store_unlock(&r->lock);
    timer_release(&a->loop, &r->timer);
    r->entry->renewing = NULL;
    a->exchanges.running--;
    free(r);
}

/* Beside what the state says, a provider is left alone for longer and longer while it fails; so is a disk. For ever,
 * until a file changes, where only a login helps. */
static void leave_alone(struct entry *e, const struct report *why)
{
    int64_t now = clock_wall();
    if (why->code == FAILURE_LOGIN_NEEDED) {
        note_set(&e->refusal, why);
        e->refusal_until = INT64_MAX;
        e->held_until = SCHEDULE_NEVER;
        return;
    }
    unsigned failures = ++e->standing.failures;
    e->held_until = now + schedule_pause(failures, SCHEDULE_PAUSE_MAX);
    int64_t until = now + schedule_pause(failures, SCHEDULE_PAUSE_ASKED_MAX);
    if (e->refusal && until <= e->refusal_until)
        return;
    note_set(&e->refusal, why);
    e->refusal_until = until;
}

static void log_outcome(const struct entry *e, const struct report *why)
{
    if (why->code == FAILURE_NONE)
        log_info("%s: the token was renewed", e->name);
    else if (why->code != FAILURE_LOGIN_NEEDED) /* which is announced */
        log_warning("%s: %s", e->name, why->text);
}

/* A confined agent can write in no other folder than the one that it found at its start. */
static void check_place(struct agent *a)
{
    if (a->stopping || !confine_is_elsewhere(&a->store, a->paths.state))
        return;
    log_warning("the folder %s is another one than when the agent started, which ends now: start it anew",
                a->paths.state);
    a->failed = true;
    kill(getpid(), SIGTERM);
}

/* A token that is of no use from the start is a failure, or we would ask for the next one at once, and for ever.
 * One that is not on disk any more somebody has removed, or edited, since it was written. */
static void judge_token(struct entry *e, struct report *why)
{
    if (schedule_is_valid(&e->standing, clock_wall())) {
        e->useless = 0;
        return;
    }
    if (e->problem) {
        report_set(why, e->problem->code, "%s", e->problem->text);
        return;
    }
    if (!e->standing.has_token && !e->rejected) {
        report_set(why, FAILURE_UNREACHABLE, "the state of %s was changed while its token was renewed: try again",
                   e->name);
        return;
    }
    e->standing.failures = e->useless++;
    report_set(why, FAILURE_UNREACHABLE,
               "the provider gave %s a token that ends within %d s, which is of no use: try again later, and ask the "
               "provider if it stays",
               e->name, STATE_LAST_SECONDS);
}

/* Failures are counted even where the state says nothing of them, as of a file that is missing. */
static void load_state(struct entry *e, const struct report *why)
{
    unsigned failures = e->standing.failures;
    if (e->gone)
        return;
    entry_load_state(e);
    if (why->code != FAILURE_NONE)
        e->standing.failures = failures;
}

/* `*end` is FAILURE_NONE after a success. Everybody who waits gets his answer. */
static void finish(struct renewing *r, const struct report *end)
{
    struct report why = *end; /* it may be part of what is freed here */
    struct entry *e = r->entry;
    struct agent *a = e->agent;
    bool adopted = why.code == FAILURE_NONE && r->tries == 0;
    load_state(e, &why);
    free_renewing(r);
    if (why.code == FAILURE_NONE && !adopted && !e->gone)
        judge_token(e, &why);
    if (!adopted)
        log_outcome(e, &why);
    if (why.code != FAILURE_NONE) {
        leave_alone(e, &why);
        check_place(a);
    }
    notify_if_needed(e);
    entry_schedule(e);
    serve_waiting(e, &why);
    if (e->gone)
        entry_free(e);
    job_queue(&a->loop, &a->exchanges.start);
}

void exchanges_say_none(const struct entry *e, struct report *why)
{
    if (e->gone)
        report_set(why, FAILURE_NO_ACCOUNT, "the account %s was removed", e->name);
    else
        report_set(why, FAILURE_UNREACHABLE, "the agent is being stopped: try again");
}

/* What has sent nothing yet ends where nothing is begun any more. */
static bool given_up(struct renewing *r)
{
    const struct entry *e = r->entry;
    struct report why;
    if (!e->gone && !e->agent->stopping)
        return false;
    exchanges_say_none(e, &why);
    finish(r, &why);
    return true;
}

/* --- disk --- */

static struct renewing *renewing_of(struct disk_task *t)
{
    return (struct renewing *)(void *)((char *)t - offsetof(struct renewing, task));
}

static void start_task(struct renewing *r, void (*work)(struct disk_task *t), void (*done)(struct disk_task *t),
                       bool urgent)
{
    r->task = (struct disk_task){.work = work, .done = done};
    disk_submit(&r->entry->agent->disk, &r->task, urgent);
}

/* In the disk's thread. */
static void save(struct disk_task *t)
{
    struct renewing *r = renewing_of(t);
    const struct entry *e = r->entry;
    r->committed = state_save(&r->state, &e->agent->paths, e->name, &r->trouble);
}

/* In the disk's thread: if that fails, once more with a new file, since a new refresh token may be nowhere else. */
static void commit(struct disk_task *t)
{
    struct renewing *r = renewing_of(t);
    r->committed = state_commit(&r->writer, &r->state, &r->trouble);
    if (!r->committed)
        save(t);
}

static void save_later(struct renewing *r);

/* What a failure taught is kept if it can be; new tokens must be. */
static void commit_done(struct disk_task *t)
{
    struct renewing *r = renewing_of(t);
    if (r->committed || r->why.code != FAILURE_NONE)
        finish(r, &r->why);
    else
        save_later(r);
}

static void start_commit(struct renewing *r, const struct report *why)
{
    r->why = *why;
    start_task(r, commit, commit_done, why->code == FAILURE_NONE);
}

/* Whether the store has another refresh token than the one that was sent: a process on another machine that shares
 * the folder may have renewed it, since its lock need not reach us. Then the state becomes what is on disk. */
static bool reread(struct renewing *r)
{
    struct state newer;
    struct report ignored;
    const struct entry *e = r->entry;
    const char *sent = r->renewal.sent;
    if (!sent || !r->state.refresh_token || strcmp(r->state.refresh_token, sent) != 0)
        return false;
    state_init(&newer);
    if (state_load(&newer, &e->agent->paths, e->name, &ignored) == READFILE_OK && newer.refresh_token &&
        strcmp(newer.refresh_token, sent) != 0) {
        state_free(&r->state);
        r->state = newer;
        return true;
    }
    state_free(&newer);
    return false;
}

/* --- the exchange --- */

/* What a failure taught is kept, if it can be, but it must not replace somebody else's newer refresh token; that is
 * tried instead. */
static void keep_failure(struct renewing *r, const struct report *why)
{
    if (!reread(r)) {
        start_commit(r, why);
    } else if (r->rounds >= ROUNDS_MAX) {
        finish(r, why);
    } else {
        http_end(&r->exchange);
        renew_close(&r->renewal);
        state_abandon(&r->writer);
        begin_round(r);
    }
}

/* Another try is allowed where the server has certainly not used the refresh token. */
static bool try_again(struct renewing *r, const struct http_reply *reply, bool answered)
{
    struct agent *a = r->entry->agent;
    int pause = renew_pause(reply, answered);
    if (pause < 0 || r->tries >= RENEW_TRIES_MAX || a->stopping || loop_now() - r->sent_at > RENEW_QUICK)
        return false;
    http_end(&r->exchange);
    timer_set(&a->loop, &r->timer, loop_now() + pause);
    return true;
}

/* The old refresh token may be dead by now, so the new one is held, and the lock with it, until the disk takes it. */
static void save_later(struct renewing *r)
{
    const struct entry *e = r->entry;
    if (!r->unsaved)
        log_warning("%s: %s; the new tokens are in memory alone, and it will be tried again", e->name,
                    r->trouble.text);
    r->unsaved = true;
    timer_set(&e->agent->loop, &r->timer, loop_now() + EXCHANGES_SAVE_MS);
}

static void take_answer(struct renewing *r, const struct http_reply *reply, struct report *why)
{
    switch (renew_finish(&r->renewal, reply, why)) {
    case RENEW_OK:
        *why = (struct report){0};
        start_commit(r, why);
        return;
    case RENEW_FAILED:
        if (why->code == FAILURE_UNREACHABLE && try_again(r, reply, true))
            return;
        break;
    case RENEW_REFUSED:
        break;
    }
    keep_failure(r, why);
}

static void transfer_done(struct transfer *t)
{
    struct renewing *r = (struct renewing *)(void *)t;
    struct http_reply reply;
    struct report why = {0};
    enum http_step step = http_finish(r->exchange, t->result, &reply, &why);
    if (step == HTTP_AGAIN && multi_start(&r->entry->agent->multi, t, http_handle(r->exchange))) {
        http_reply_free(&reply);
        return;
    }
    if (step == HTTP_AGAIN)
        report_set(&why, FAILURE_UNREACHABLE, "not enough memory for a request");
    if (step == HTTP_DONE || (step == HTTP_FAILED && oauth_is_whole(&reply))) {
        take_answer(r, &reply, &why);
    } else {
        renew_unanswered(&r->renewal, &why);
        if (why.code != FAILURE_UNREACHABLE || !try_again(r, &reply, false))
            keep_failure(r, &why);
    }
    http_reply_free(&reply);
}

static void send_request(struct renewing *r)
{
    struct report why = {0};
    r->tries++;
    r->sent_at = loop_now();
    r->exchange = renew_start(&r->renewal, HTTP_TOTAL_TIMEOUT, &why);
    if (r->exchange && multi_start(&r->entry->agent->multi, &r->transfer, http_handle(r->exchange)))
        return;
    if (r->exchange)
        report_set(&why, FAILURE_UNREACHABLE, "not enough memory for a request");
    finish(r, &why);
}

/* --- before it --- */

/* In the disk's thread. */
static void prepare(struct disk_task *t)
{
    struct renewing *r = renewing_of(t);
    const struct entry *e = r->entry;
    r->prepared = state_prepare(&r->writer, &e->agent->paths, e->name, &r->trouble);
}

static void prepare_done(struct disk_task *t)
{
    struct renewing *r = renewing_of(t);
    if (!r->prepared)
        finish(r, &r->trouble);
    else if (!given_up(r))
        send_request(r);
}

/* Whether the failure on disk is the one that we knew of when we decided to ask. Any other is of a process that has
 * just asked, so its answer is ours too. */
static bool is_known_failure(const struct renewing *r)
{
    const struct state_error *e = &r->state.last_error;
    return e->code == r->entry->standing.error && e->at == r->entry->standing.error_at;
}

/* Whether the token on disk is to be renewed by now, which is before somebody would have to wait for it; another
 * process may have done so. */
static bool is_due(const struct renewing *r)
{
    const struct state *s = &r->state;
    const struct entry *e = r->entry;
    int64_t now = clock_wall();
    const struct standing on_disk = {.has_token = s->access_token != NULL,
                                     .has_refresh = true,
                                     .obtained_at = s->obtained_at,
                                     .expires_at = s->expires_at,
                                     .margin = account_refresh_margin(&r->account)};
    if (e->rejected && s->access_token && strcmp(e->rejected, s->access_token) == 0)
        return true;
    return schedule_renewal(&on_disk, now, e->jitter) <= now;
}

/* Is a renewal still needed, is it possible, do it. */
static void begin_round(struct renewing *r)
{
    struct entry *e = r->entry;
    const struct paths *p = &e->agent->paths;
    struct report why = {0};
    r->rounds++;
    r->tries = 0;
    if (!is_due(r)) {
        finish(r, &why);
        return;
    }
    if (!token_may_ask(e->name, p, &r->state, is_known_failure(r), &why) ||
        !renew_open(&r->renewal, &r->account, p, &r->state, &why)) {
        finish(r, &why);
        return;
    }
    start_task(r, prepare, prepare_done, false);
}

/* Whether the account may still be renewed here, by its file as it was read before and as it is now. */
static bool is_served_here(const struct renewing *r, struct report *why)
{
    const struct entry *e = r->entry;
    if (e->problem)
        return report_set(why, e->problem->code, "%s", e->problem->text);
    if (entry_needs_process(&r->account))
        return report_set(why, FAILURE_UNREACHABLE, "the account file of %s was changed just now: try again",
                          e->name);
    return true;
}

static void begin(struct renewing *r)
{
    struct entry *e = r->entry;
    const struct paths *p = &e->agent->paths;
    struct report why = {0};
    enum readfile_result result = account_load(&r->account, p, e->name, &why);
    if (result == READFILE_MISSING)
        report_set(&why, FAILURE_NO_ACCOUNT, "the account %s was removed", e->name);
    if (result == READFILE_OK && (!is_served_here(r, &why) || !entry_take_origin(e, &r->account, &why)))
        result = READFILE_REFUSED;
    if (result == READFILE_OK) {
        e->standing.margin = account_refresh_margin(&r->account); /* a provider file's may be another since */
        result = state_load(&r->state, p, e->name, &why);
        r->state.unattended = e->unattended;
        origin_forget(&e->origin, &r->state);
        if (result == READFILE_MISSING) /* an empty one, which token_may_ask() refuses with the remedy */
            result = READFILE_OK;
    }
    if (result == READFILE_OK)
        begin_round(r);
    else
        finish(r, &why);
}

/* In the disk's thread: whoever takes the lock looks through the whole folder for what others left unfinished. */
static void lock(struct disk_task *t)
{
    struct renewing *r = renewing_of(t);
    const struct entry *e = r->entry;
    r->lock = store_lock(&e->agent->paths, e->name, 0, &r->trouble);
}

static void lock_done(struct disk_task *t)
{
    struct renewing *r = renewing_of(t);
    struct agent *a = r->entry->agent;
    if (r->lock < 0 && r->trouble.code == FAILURE_BUSY && loop_now() < r->deadline)
        timer_set(&a->loop, &r->timer, loop_now() + EXCHANGES_LOCK_MS);
    else if (r->lock < 0)
        finish(r, &r->trouble);
    else if (!given_up(r))
        begin(r);
}

static void try_lock(struct renewing *r)
{
    if (!given_up(r))
        start_task(r, lock, lock_done, false);
}

static void timer_fired(struct timer *t)
{
    struct renewing *r = (struct renewing *)(void *)((char *)t - offsetof(struct renewing, timer));
    if (r->lock < 0)
        try_lock(r);
    else if (r->unsaved)
        start_task(r, save, commit_done, true);
    else
        send_request(r);
}

static void start_one(struct entry *e)
{
    struct agent *a = e->agent;
    struct report why;
    struct renewing *r = calloc(1, sizeof *r);
    if (!r || !timer_register(&a->loop, &r->timer, timer_fired)) {
        free(r);
        report_set(&why, FAILURE_UNREACHABLE, "not enough memory");
        leave_alone(e, &why);
        entry_schedule(e);
        serve_waiting(e, &why);
        return;
    }
    r->transfer.done = transfer_done;
    r->entry = e;
    r->lock = -1;
    r->deadline = loop_now() + TOKEN_WAIT_MAX;
    r->writer = (struct state_writer)STATE_WRITER_NONE;
    account_init(&r->account);
    state_init(&r->state);
    e->renewing = r;
    a->exchanges.running++;
    timer_clear(&a->loop, &e->timer);
    try_lock(r);
}

/* --- turns --- */

static struct entry *next_wanted(struct exchanges *x)
{
    struct entry *e = x->first;
    x->first = e->next_wanted;
    if (!x->first)
        x->last = &x->first;
    e->wanted = false;
    return e;
}

static void run_start(struct job *j)
{
    struct exchanges *x = (struct exchanges *)(void *)((char *)j - offsetof(struct exchanges, start));
    if (x->first && x->running < EXCHANGES_MAX)
        start_one(next_wanted(x));
    if (x->first && x->running < EXCHANGES_MAX)
        job_queue(&x->agent->loop, j);
}

void exchanges_open(struct exchanges *x, struct agent *a)
{
    *x = (struct exchanges){.agent = a, .start = {.run = run_start}};
    x->last = &x->first;
}

static void unwant(struct exchanges *x, struct entry *e)
{
    struct entry **at = &x->first;
    if (!e->wanted)
        return;
    while (*at != e)
        at = &(*at)->next_wanted;
    *at = e->next_wanted;
    if (x->last == &e->next_wanted)
        x->last = at;
    e->wanted = false;
}

void exchanges_want(struct entry *e, bool urgent)
{
    struct exchanges *x = &e->agent->exchanges;
    if (e->renewing || (e->wanted && !urgent) || x->agent->stopping)
        return;
    unwant(x, e);
    struct entry **at = urgent ? &x->first : x->last;
    e->next_wanted = *at;
    *at = e;
    if (!e->next_wanted)
        x->last = &e->next_wanted;
    e->wanted = true;
    job_queue(&x->agent->loop, &x->start);
}

void exchanges_leave(struct entry *e)
{
    struct report why;
    unwant(&e->agent->exchanges, e);
    timer_clear(&e->agent->loop, &e->timer);
    if (e->renewing)
        return;
    exchanges_say_none(e, &why);
    serve_waiting(e, &why);
    entry_free(e);
}

void exchanges_stop(struct exchanges *x)
{
    struct report why;
    while (x->first) {
        struct entry *e = next_wanted(x);
        exchanges_say_none(e, &why);
        serve_waiting(e, &why);
    }
}

void exchanges_abandon(struct entry *e)
{
    unwant(&e->agent->exchanges, e);
    if (!e->renewing)
        return;
    log_warning("%s: its renewal did not end in time and is given up", e->name);
    free_renewing(e->renewing);
}
