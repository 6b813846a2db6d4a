#include "config.h"

#include "serve.h"

#include "account.h"
#include "agent.h"
#include "clients.h"
#include "clock.h"
#include "exchanges.h"
#include "log.h"
#include "lookup.h"
#include "relay.h"
#include "token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- replies --- */

/* Sends what was made in the common buffer. */
static void send_made(struct client *c, bool made)
{
    struct secret *reply = &c->agent->reply;
    if (made)
        client_send(c, reply->data, reply->len);
    else
        client_close(c);
}

static void send_error(struct client *c, const struct report *why)
{
    send_made(c, protocol_error(&c->agent->reply, why));
}

static void send_note(struct client *c, const struct note *note)
{
    struct report why;
    report_set(&why, note->code, "%s", note->text);
    send_error(c, &why);
}

static void send_token(struct client *c, struct entry *e)
{
    e->served++;
    client_send(c, e->reply, e->reply_len);
}

void serve_malformed(struct client *c, bool too_long)
{
    struct report why;
    report_set(&why, FAILURE_CONFIG,
               too_long ? "the request is too long: see xoauth2-protocol(7)"
                        : "the request is malformed: see xoauth2-protocol(7)");
    send_error(c, &why);
}

void serve_busy(struct client *c)
{
    struct report why;
    report_set(&why, FAILURE_BUSY, "the agent has too many requests: try again later");
    send_error(c, &why);
}

/* --- who may ask --- */

/* The peer may know all of the store: what is wrong with its files, too. */
static bool is_master(const struct client *c)
{
    const struct paths *p = &c->agent->paths;
    return c->peer.uid == p->owner || (p->system && c->peer.uid == 0);
}

/* The peer may have the token of `e`. */
static bool is_permitted(const struct client *c, const struct entry *e)
{
    return is_master(c) || (c->agent->paths.system && allow_permits(&e->allow, c->watch.fd, &c->peer));
}

static void log_refused(const struct client *c, const char *account)
{
    char program[PEER_PROGRAM_MAX];
    peer_program(&c->peer, program);
    log_refusal("refused %s to user id %lu, process %ld (%s)", account, (unsigned long)c->peer.uid,
                (long)c->peer.pid, program);
}

static void say_not_allowed(const struct client *c, const struct entry *e, struct report *why)
{
    char path[PATH_MAX];
    account_path(&c->agent->paths, e->name, path);
    report_set(why, FAILURE_NOT_ALLOWED, "user id %lu may not use %s: add it to 'allow:' in %s",
               (unsigned long)c->peer.uid, e->name, path);
    log_refused(c, e->name);
}

/* Whom a broken file allows is not known, and its folder may be closed to the peer: its text stays here. The code
 * lets a client ask its next source, where the same user may have an account that works. */
static void hide_details(const struct client *c, const char *user, struct report *why)
{
    const struct report none = {0};
    if (is_master(c))
        return;
    if (why->code == FAILURE_NO_ACCOUNT)
        lookup_none(user, true, &none, why);
    else
        report_set(why, FAILURE_NOT_ALLOWED,
                   "the system's account for %s cannot be used: as root, run 'xoauth2 --system doctor %s'", user,
                   user);
}

/* Finds the account of a request that the peer may make. NULL with a report. */
static struct entry *look_for(struct client *c, const struct protocol_message *request, struct report *why)
{
    const char *user = token_user(request, why);
    if (!user)
        return NULL;
    if (!c->agent->paths.system && !is_master(c)) {
        report_set(why, FAILURE_NOT_ALLOWED, "this agent is for user id %lu alone, not for user id %lu",
                   (unsigned long)geteuid(), (unsigned long)c->peer.uid);
        log_refused(c, user);
        return NULL;
    }
    struct entry *e = table_find(&c->agent->table, user, protocol_get(request, "host"), why);
    if (!e) {
        hide_details(c, user, why);
        return NULL;
    }
    if (is_permitted(c, e))
        return e;
    say_not_allowed(c, e, why);
    return NULL;
}

/* The same; answers the request where it returns NULL. */
static struct entry *find(struct client *c, const struct protocol_message *request)
{
    struct report why;
    struct entry *e = look_for(c, request, &why);
    if (!e)
        send_error(c, &why);
    return e;
}

/* Whether a process may answer a request that came behind one that it answers. It asks nobody who may. */
static bool may_follow(struct client *c, const struct protocol_message *request)
{
    struct report ignored;
    if (strcmp(request->verb, "get") != 0 && strcmp(request->verb, "reject") != 0)
        return false;
    const struct entry *e = look_for(c, request, &ignored);
    return e && account_hosts_allow(e->hosts, protocol_get(request, "host"));
}

/* A few of those that have arrived behind a request go with it, up to one that is to be answered here: for that,
 * and for what comes later, the client connects again. They are parsed in a copy, since parsing changes them. */
static void add_rest(struct client *c, struct secret *requests)
{
    struct protocol_message request;
    struct secret rest;
    size_t used;
    secret_init(&rest, PROTOCOL_MESSAGE_MAX);
    bool more = c->rest_len > 0 && secret_add(&rest, c->rest, c->rest_len);
    for (int i = 1; more && rest.len > 0 && i < RELAY_REQUESTS_MAX; i++) {
        more = protocol_parse(rest.data, rest.len, &used, &request) == PROTOCOL_COMPLETE &&
               may_follow(c, &request) && relay_add(requests, &request);
        secret_drop_front(&rest, used);
    }
    secret_free(&rest);
}

/* A process of its own answers, and ends the connection. The entry may be gone when the rest was looked at. */
static void relay(struct client *c, struct entry *e, const struct protocol_message *request)
{
    struct report why;
    struct secret requests;
    secret_init(&requests, PROTOCOL_MESSAGE_MAX);
    bool ok = relay_add(&requests, request) || report_set(&why, FAILURE_UNREACHABLE, "not enough memory");
    if (ok) {
        e->served++;
        add_rest(c, &requests);
        ok = relay_start(&c->agent->starter, c->watch.fd, &requests, &why);
    }
    secret_free(&requests);
    if (ok)
        client_close(c);
    else
        send_error(c, &why);
}

/* --- get --- */

static bool has_valid(const struct entry *e, int64_t now)
{
    return e->reply && schedule_is_valid(&e->standing, now);
}

/* The words for a wrong host are in the account's file; this is no fast path. */
static void refuse_host(struct client *c, const struct entry *e, const char *host)
{
    struct account a;
    struct report why = {0};
    enum readfile_result result = account_load(&a, &c->agent->paths, e->name, &why);
    if (result == READFILE_OK && token_check_host(&a, host, &why))
        report_set(&why, FAILURE_WRONG_HOST, "the account file of %s was changed just now: try again", e->name);
    if (result == READFILE_MISSING)
        report_set(&why, FAILURE_NO_ACCOUNT, "the account %s was removed", e->name);
    account_free(&a);
    send_error(c, &why);
}

static void wait_for_token(struct client *c, struct entry *e, bool valid)
{
    struct report why;
    exchanges_want(e, true);
    if (e->renewing || e->wanted) {
        client_wait(c, e, valid ? SERVE_WAIT_VALID : TOKEN_WAIT_MAX);
        return;
    }
    exchanges_say_none(e, &why);
    if (valid)
        send_token(c, e);
    else
        send_error(c, &why);
}

static void serve_get(struct client *c, const struct protocol_message *request)
{
    struct entry *e = find(c, request);
    if (!e)
        return; /* and the request may be gone with the client */
    const char *host = protocol_get(request, "host");
    int64_t now = clock_wall();
    bool valid = has_valid(e, now);
    if (!account_hosts_allow(e->hosts, host))
        refuse_host(c, e, host);
    else if (e->relayed)
        relay(c, e, request);
    else if (valid && schedule_is_fresh(&e->standing, now))
        send_token(c, e);
    else if (e->state_problem)
        send_note(c, e->state_problem);
    else if (e->renewing || !e->refusal || e->refusal_until <= now)
        wait_for_token(c, e, valid);
    else if (valid)
        send_token(c, e);
    else
        send_note(c, e->refusal);
}

/* --- the end of a wait --- */

static void answer(struct client *c, struct entry *e, const struct report *why)
{
    struct report other;
    if (has_valid(e, clock_wall())) {
        send_token(c, e);
        return;
    }
    if (why->code == FAILURE_NONE) {
        report_set(&other, FAILURE_UNREACHABLE, "the token of %s was gone as soon as it came: try again", e->name);
        why = &other;
    }
    send_error(c, why);
}

/* Who asks again at once waits in a list of its own, not in the one that is being worked off. */
void serve_waiting(struct entry *e, const struct report *why)
{
    struct client *list = e->waiting;
    e->waiting = NULL;
    if (list)
        list->waits_at = &list;
    while (list) {
        struct client *c = list;
        client_end_wait(c);
        answer(c, e, why);
    }
}

void serve_too_late(struct client *c, struct entry *e)
{
    struct report why;
    report_set(&why, FAILURE_UNREACHABLE, "the provider of %s has not answered yet: try again in a minute", e->name);
    answer(c, e, &why);
}

/* --- reject --- */

static int64_t reject_pause(unsigned rejects)
{
    int64_t seconds = SERVE_REJECT_FIRST;
    for (; rejects > 1 && seconds < SERVE_REJECT_MAX; rejects--)
        seconds *= 2;
    return (seconds < SERVE_REJECT_MAX ? seconds : SERVE_REJECT_MAX) * 1000;
}

/* Removes the token from the disk; where another process has the lock, the renewal knows that it must not be kept. */
static void drop_on_disk(struct entry *e, const char *token)
{
    const struct paths *p = &e->agent->paths;
    struct report why;
    int lock = store_lock(p, e->name, 0, &why);
    if (lock >= 0 && !token_drop(e->name, p, token, &why))
        log_warning("%s", why.text);
    store_unlock(&lock);
}

static void drop(struct entry *e, const char *token)
{
    if (!entry_forget_token(e, token))
        return;
    secret_free_string(&e->rejected);
    e->rejected = strdup(token);
    drop_on_disk(e, token);
    if (!e->renewing)
        entry_load_state(e);
}

/* Whether the successor of a rejected token came too short a time ago to be dropped too: then the trouble is not the
 * token, and asking the provider again and again would not help. */
static bool is_loop(struct entry *e, int64_t *left)
{
    int64_t now = loop_now();
    if (e->rejected_at == 0 || now - e->rejected_at > SERVE_REJECT_FORGET * 1000)
        e->rejects = 0;
    *left = e->rejects > 0 ? e->rejected_at + reject_pause(e->rejects) - now : 0;
    if (*left > 0)
        return true;
    e->rejects++;
    e->rejected_at = now;
    return false;
}

static void reject_token(struct entry *e, const char *token, struct report *message)
{
    int64_t left;
    if (e->token_len != strlen(token) || !e->reply || memcmp(e->reply + e->token_at, token, e->token_len) != 0)
        return;
    if (!is_loop(e, &left)) {
        drop(e, token);
        return;
    }
    report_set(message, FAILURE_NONE,
               "the mail server refused the new token of %s too: the next one is asked for in %" PRId64 " s at the "
               "earliest; run 'xoauth2%s login %s'",
               e->name, left / 1000 + 1, paths_option(&e->agent->paths), e->name);
    log_refusal("%s", message->text);
}

static void serve_reject(struct client *c, const struct protocol_message *request)
{
    struct report message;
    struct report why;
    bool stale = false;
    struct entry *e = find(c, request);
    if (!e)
        return;
    if (e->relayed) {
        relay(c, e, request);
        return;
    }
    if (!token_judge(e->name, &c->agent->paths, request, &stale, &message, &why)) {
        send_error(c, &why);
        return;
    }
    if (stale)
        reject_token(e, protocol_get(request, "token"), &message);
    secret_reset(&c->agent->reply);
    send_made(c, token_put_message(&message, &c->agent->reply, &why));
}

/* --- status --- */

static bool put_number(struct secret *out, const char *key, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    return protocol_put(out, key, text);
}

static bool put_entry(struct secret *out, const struct entry *e)
{
    const struct standing *s = &e->standing;
    const struct note *note = e->state_problem ? e->state_problem : e->refusal;
    int64_t next = e->timer.place > 0 ? clock_wall() + (e->timer.due - loop_now()) / 1000 : 0;
    return protocol_begin(out, "ok") && protocol_put(out, "account", e->name) &&
           put_number(out, "served", (int64_t)e->served) && put_number(out, "waiting", clients_waiting(e)) &&
           protocol_put(out, "renewing", e->renewing || e->wanted ? "yes" : "no") &&
           (s->expires_at == 0 || put_number(out, "expires_at", s->expires_at)) &&
           (next == 0 || put_number(out, "next_refresh", next)) &&
           (!note || (protocol_put(out, "last_error", failure_name(note->code)) &&
                      protocol_put(out, "message", note->text))) &&
           protocol_end(out);
}

static bool put_agent(struct secret *out, const struct agent *a)
{
    return protocol_begin(out, "ok") && put_number(out, "pid", getpid()) &&
           put_number(out, "accounts", (int64_t)a->table.count) && put_number(out, "clients", a->clients.count) &&
           put_number(out, "exchanges", a->exchanges.running) && protocol_end(out);
}

static void serve_status(struct client *c, const struct protocol_message *request)
{
    struct secret *reply = &c->agent->reply;
    struct report why;
    if (c->peer.uid != 0 && c->peer.uid != geteuid()) {
        report_set(&why, FAILURE_NOT_ALLOWED, "only root and user id %lu may ask this agent how it stands",
                   (unsigned long)geteuid());
        send_error(c, &why);
        return;
    }
    const char *user = protocol_get(request, "user");
    struct entry *e = user ? table_find(&c->agent->table, user, NULL, &why) : NULL;
    if (user && !e) {
        send_error(c, &why);
        return;
    }
    secret_reset(reply);
    send_made(c, e ? put_entry(reply, e) : put_agent(reply, c->agent));
}

/* --- all --- */

void serve_request(struct client *c, const struct protocol_message *request)
{
    struct report why;
    if (strcmp(request->verb, "get") == 0) {
        serve_get(c, request);
    } else if (strcmp(request->verb, "reject") == 0) {
        serve_reject(c, request);
    } else if (strcmp(request->verb, "status") == 0) {
        serve_status(c, request);
    } else {
        token_unknown(request, &why);
        send_error(c, &why);
    }
}
