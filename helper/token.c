#include "config.h"

#include "token.h"

#include "base64.h"
#include "challenge.h"
#include "clock.h"
#include "fetch.h"
#include "keeper.h"
#include "lookup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { REJECT_WAIT_MAX = 3000 /* milliseconds that a reject may wait for the lock */ };

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_error(const struct state_error *a, const struct state_error *b)
{
    return a->code == b->code && a->at == b->at && same_text(a->message, b->message);
}

/* Loads the state, which is empty where there is none. */
static bool read_state(struct state *s, const struct account *a, const struct paths *p, struct report *why)
{
    enum readfile_result result = keeper_load(s, a, p, why);
    return result == READFILE_OK || result == READFILE_MISSING;
}

static bool remembered(const char *name, const struct paths *p, const struct state_error *e, struct report *why)
{
    if (e->message)
        return report_set(why, e->code, "%s", e->message);
    return report_set(why, e->code,
                      "the last attempt to renew the token of %s failed (%s): run 'xoauth2%s refresh %s'", name,
                      failure_name(e->code), paths_option(p), name);
}

static bool login_needed(const char *name, const struct paths *p, const struct state *s, struct report *why)
{
    if (s->access_token || s->login_at)
        return report_set(why, FAILURE_LOGIN_NEEDED, "the login of %s has ended: run 'xoauth2%s login %s'", name,
                          paths_option(p), name);
    return report_set(why, FAILURE_LOGIN_NEEDED, "%s is not logged in: run 'xoauth2%s login %s'", name,
                      paths_option(p), name);
}

/* Whether the last failure answers this request too: a dead refresh token, or a time before which nobody shall try
 * again. An error from the future means that the clock was set back. */
static bool is_known_failure(const struct state_error *e, int64_t now)
{
    if (e->code == FAILURE_LOGIN_NEEDED)
        return true;
    return (e->code == FAILURE_UNREACHABLE || e->code == FAILURE_BUSY) && e->at <= now && e->retry_at > now;
}

bool token_may_ask(const char *name, const struct paths *p, const struct state *s, bool force, struct report *why)
{
    if (!s->refresh_token && !s->unattended)
        return login_needed(name, p, s, why);
    if (!force && is_known_failure(&s->last_error, clock_wall()))
        return remembered(name, p, &s->last_error, why);
    return true;
}

/* What a request was told to get, and what it has seen. */
struct request {
    const struct account *account;
    const struct paths *paths;
    bool force;
    int64_t deadline;
    struct state state; /* as last read */
};

/* Reads the state again. `old` gets the state as it was. */
static bool reread(struct request *r, struct state *old, struct report *why)
{
    struct state now;
    if (!read_state(&now, r->account, r->paths, why))
        return false;
    *old = r->state;
    r->state = now;
    return true;
}

/* Under the lock: takes over what another process got, or failed to get, while we waited; else asks the provider. */
static bool adopt_or_fetch(struct request *r, int lock, struct report *why)
{
    struct state before;
    if (!reread(r, &before, why))
        return false;
    const struct state_error *error = &r->state.last_error;
    bool renewed = !same_text(before.access_token, r->state.access_token);
    bool failed = error->code != FAILURE_NONE && !same_error(&before.last_error, error);
    state_free(&before);
    if (r->force ? renewed && r->state.access_token
                 : state_is_fresh(&r->state, clock_wall(), account_refresh_margin(r->account)))
        return true;
    if (failed)
        return remembered(r->account->name, r->paths, error, why);
    if (!token_may_ask(r->account->name, r->paths, &r->state, r->force, why) ||
        !fetch_token(r->paths, r->account->state_name, r->force, lock, r->deadline, why) || !reread(r, &before, why))
        return false;
    state_free(&before);
    if (r->state.access_token)
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "the token of %s was removed as soon as it came: try again",
                      r->account->name);
}

static bool renew(struct request *r, struct report *why)
{
    if (!token_may_ask(r->account->name, r->paths, &r->state, r->force, why))
        return false;
    int lock = store_lock(r->paths, r->account->state_name, r->deadline, why);
    bool ok = lock >= 0 && adopt_or_fetch(r, lock, why);
    store_unlock(&lock);
    return ok;
}

bool token_check_host(const struct account *a, const char *host, struct report *why)
{
    if (account_host_allowed(a, host))
        return true;
    return report_set(why, FAILURE_WRONG_HOST,
                      "the token of %s is not for %s: add it to 'hosts:' in %s if it is right", a->name, host,
                      a->file.path);
}

bool token_get(const struct account *a, const struct paths *p, const char *host, bool force,
               struct token_reply *reply, struct report *why)
{
    struct request r = {.account = a, .paths = p, .force = force};
    secret_free(&reply->token);
    secret_init(&reply->token, STATE_TOKEN_MAX);
    reply->expires_at = 0;
    r.deadline = clock_monotonic() + TOKEN_WAIT_MAX;
    if (!token_check_host(a, host, why) || !read_state(&r.state, a, p, why))
        return false;
    bool ok = (!force && state_is_fresh(&r.state, clock_wall(), account_refresh_margin(a))) || renew(&r, why) ||
              (!force && state_is_valid(&r.state, clock_wall()));
    if (ok && !secret_adds(&reply->token, r.state.access_token))
        ok = report_set(why, FAILURE_UNREACHABLE, "not enough memory for the token of %s", a->name);
    if (ok)
        reply->expires_at = r.state.expires_at;
    state_free(&r.state);
    return ok;
}

static void explain_verdict(const char *name, const struct paths *p, enum challenge_verdict verdict,
                            struct report *message)
{
    const char *option = paths_option(p);
    switch (verdict) {
    case CHALLENGE_STALE:
        report_set(message, FAILURE_NONE,
                   "the mail server refused the token of %s as invalid: it was dropped, try again; "
                   "if that goes on, run 'xoauth2%s login %s'",
                   name, option, name);
        return;
    case CHALLENGE_FORBIDDEN:
        report_set(message, FAILURE_NONE,
                   "the mail server does not let the token of %s do this: run 'xoauth2%s login "
                   "--scope SCOPE %s' with the scopes that it wants",
                   name, option, name);
        return;
    case CHALLENGE_MALFORMED:
        report_set(message, FAILURE_NONE,
                   "the mail server did not understand the login of %s: check that it takes this "
                   "user name and tokens of this provider",
                   name);
        return;
    case CHALLENGE_OTHER:
        break;
    }
    report_set(message, FAILURE_NONE,
               "the mail server refused the login of %s: check with 'xoauth2%s status %s' who is "
               "signed in",
               name, option, name);
}

static void explain(const char *name, const struct paths *p, const struct challenge *c, struct report *message)
{
    explain_verdict(name, p, c->verdict, message);
    size_t used = strlen(message->text);
    if (*c->configuration)
        snprintf(message->text + used, sizeof message->text - used,
                 ". The server names as its OAuth server the one of %s: if that is not where %s signed in, and you "
                 "trust it, run 'xoauth2%s login --issuer URL %s' with its issuer",
                 c->configuration, name, paths_option(p), name);
}

/* Removes the access token if it is `token`. Returns whether it was. */
static bool forget(struct state *s, const char *token)
{
    if (!s->access_token || strcmp(s->access_token, token) != 0)
        return false;
    state_set(&s->access_token, NULL);
    s->obtained_at = 0;
    s->expires_at = 0;
    return true;
}

bool token_drop(const char *name, const struct paths *p, const char *token, struct report *why)
{
    struct state s;
    enum readfile_result result = state_load(&s, p, name, why);
    if (result != READFILE_OK)
        return result == READFILE_MISSING;
    bool ok = !forget(&s, token) || state_save(&s, p, name, why);
    state_free(&s);
    return ok;
}

static bool drop(const struct account *a, const struct paths *p, const char *token, struct report *why)
{
    struct state s;
    if (!read_state(&s, a, p, why))
        return false;
    bool ok = !forget(&s, token) || keeper_save(&s, a, p, why);
    state_free(&s);
    return ok;
}

bool token_reject(const struct account *a, const struct paths *p, const char *token, const char *challenge,
                  size_t len, struct report *message, struct report *why)
{
    struct challenge c = challenge_read(challenge, len);
    explain(a->name, p, &c, message);
    if (c.verdict != CHALLENGE_STALE)
        return true;
    int lock = store_lock(p, a->state_name, clock_monotonic() + REJECT_WAIT_MAX, why);
    bool ok = lock >= 0 && drop(a, p, token, why);
    store_unlock(&lock);
    return ok;
}

bool token_put(const char *name, const char *token, int64_t expires_at, struct secret *reply, struct report *why)
{
    char when[24] = "";
    if (expires_at > 0)
        snprintf(when, sizeof when, "%" PRId64, expires_at);
    if (protocol_begin(reply, "ok") && protocol_put(reply, "token", token) &&
        protocol_put(reply, "expires_at", when) && protocol_end(reply))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "the token of %s does not fit into a message", name);
}

static bool answer_get(const struct account *a, const struct paths *p, const struct protocol_message *request,
                       struct secret *reply, struct report *why)
{
    struct token_reply token = {.expires_at = 0};
    bool ok = token_get(a, p, protocol_get(request, "host"), false, &token, why) &&
              token_put(a->name, token.token.data, token.expires_at, reply, why);
    secret_free(&token.token);
    return ok;
}

/* Decodes the challenge of a `reject`. */
static bool take_challenge(const struct protocol_message *request, struct secret *challenge, struct report *why)
{
    const char *encoded = protocol_get(request, "challenge");
    secret_init(challenge, PROTOCOL_MESSAGE_MAX);
    if (protocol_get(request, "token") && encoded && base64_decode(encoded, challenge))
        return true;
    return report_set(why, FAILURE_CONFIG, "a 'reject' without a token and a challenge in base64");
}

bool token_judge(const char *name, const struct paths *p, const struct protocol_message *request, bool *stale,
                 struct report *message, struct report *why)
{
    struct secret text;
    bool ok = take_challenge(request, &text, why);
    struct challenge c = challenge_read(ok && text.data ? text.data : "", ok ? text.len : 0);
    secret_free(&text);
    explain(name, p, &c, message);
    *stale = c.verdict == CHALLENGE_STALE;
    return ok;
}

bool token_put_message(const struct report *message, struct secret *reply, struct report *why)
{
    if (protocol_begin(reply, "ok") && protocol_put(reply, "message", message->text) && protocol_end(reply))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "not enough memory for an answer");
}

static bool answer_reject(const struct account *a, const struct paths *p, const struct protocol_message *request,
                          struct secret *reply, struct report *why)
{
    struct report message;
    struct secret challenge;
    bool ok = take_challenge(request, &challenge, why) &&
              token_reject(a, p, protocol_get(request, "token"), challenge.data ? challenge.data : "", challenge.len,
                           &message, why);
    secret_free(&challenge);
    return ok && token_put_message(&message, reply, why);
}

typedef bool answer_function(const struct account *a, const struct paths *p, const struct protocol_message *request,
                             struct secret *reply, struct report *why);

static answer_function *function_for(const char *verb)
{
    if (strcmp(verb, "get") == 0)
        return answer_get;
    return strcmp(verb, "reject") == 0 ? answer_reject : NULL;
}

const char *token_user(const struct protocol_message *request, struct report *why)
{
    const char *user = protocol_get(request, "authid");
    if (!user || !*user)
        user = protocol_get(request, "user");
    if (user && *user)
        return user;
    report_set(why, FAILURE_CONFIG, "the request names no user: set the user name in the program");
    return NULL;
}

bool token_unknown(const struct protocol_message *request, struct report *why)
{
    return report_set(why, FAILURE_CONFIG, "this version of xoauth2 does not know the request '%s': update it",
                      request->verb);
}

static bool answer(enum lookup_stores stores, const struct protocol_message *request, struct secret *reply,
                   struct report *why)
{
    struct account a;
    struct paths p;
    answer_function *function = function_for(request->verb);
    if (!function)
        return token_unknown(request, why);
    const char *user = token_user(request, why);
    if (!user || !lookup(&a, &p, stores, user, protocol_get(request, "host"), why))
        return false;
    bool ok = function(&a, &p, request, reply, why);
    account_free(&a);
    return ok;
}

static void answer_or_explain(enum lookup_stores stores, const struct protocol_message *request, struct secret *reply)
{
    struct report why;
    secret_reset(reply);
    if (!answer(stores, request, reply, &why))
        protocol_error(reply, &why);
}

void token_answer(const struct protocol_message *request, struct secret *reply)
{
    answer_or_explain(LOOKUP_ALL, request, reply);
}

void token_answer_system(const struct protocol_message *request, struct secret *reply)
{
    answer_or_explain(LOOKUP_SYSTEM, request, reply);
}
