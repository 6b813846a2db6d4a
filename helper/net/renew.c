#include "config.h"

#include "renew.h"

#include "clock.h"
#include "origin.h"
#include "runner.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = GRANT_FIELDS };

/* --- where a refresh token may go --- */

enum setting renew_origin_changed(const struct oauth_client *c, const struct state *s)
{
    const struct origin now = {
        .issuer = c->issuer, .client_id = c->client_id, .token_endpoint = c->token_endpoint};
    return origin_changed(&now, s);
}

const char *renew_endpoint(const struct oauth_client *c, const struct state *s, const char *configured,
                           const char *recorded)
{
    if (renew_origin_changed(c, s) != SETTING_COUNT)
        return NULL;
    return configured ? configured : recorded;
}

/* A refresh token belongs to one client at one issuer; sent for another it can only be refused, or stolen. */
static bool check_origin(const struct oauth_client *c, const struct state *s, const struct paths *p,
                         struct report *why)
{
    enum setting changed = renew_origin_changed(c, s);
    return changed == SETTING_COUNT || origin_report(changed, c->account->name, p, why);
}

/* What the metadata told when the endpoint was found. */
static void recall_authentication(struct oauth_client *c, const struct state *s)
{
    if (!account_value(c->account, SETTING_CLIENT_AUTHENTICATION) && s->client_authentication)
        c->basic = strcmp(s->client_authentication, "basic") == 0;
}

bool renew_recall(struct oauth_client *c, const struct state *s, struct report *why)
{
    recall_authentication(c, s);
    if ((c->token_endpoint || state_set(&c->token_endpoint, s->token_endpoint)) &&
        (c->client_id || state_set(&c->client_id, s->client_id)))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

static bool set_endpoint(struct oauth_client *c, const struct state *s, struct report *why)
{
    if (!c->token_endpoint && !s->token_endpoint)
        return report_set(why, FAILURE_LOGIN_NEEDED,
                          "where to renew the token of %s is not known: run 'xoauth2 login %s'", c->account->name,
                          c->login);
    return renew_recall(c, s, why);
}

static bool set_scope(struct renewal *r, struct report *why)
{
    const struct account *a = r->client.account;
    const char *sends = account_value(a, SETTING_REFRESH_SENDS_SCOPE);
    if (!sends || strcmp(sends, "yes") != 0)
        return true;
    return account_expand(a, SETTING_SCOPE, &r->scope, why);
}

/* For a grant without a person the endpoint may be one that was found before; nothing is lost without it. */
static bool recall_endpoint(struct oauth_client *c, const struct state *s, struct report *why)
{
    const char *url = renew_endpoint(c, s, c->token_endpoint, s->token_endpoint);
    if (!url || url == c->token_endpoint)
        return true;
    recall_authentication(c, s);
    c->token_endpoint = strdup(url);
    return c->token_endpoint || report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

bool renew_discover(struct renewal *r, struct report *why)
{
    enum grant kind = r->grant.kind;
    if (r->client.token_endpoint || (kind != GRANT_CLIENT_CREDENTIALS && kind != GRANT_JWT_BEARER))
        return true;
    return oauth_discover(&r->client, why);
}

bool renew_open(struct renewal *r, const struct account *a, const struct paths *p, struct state *s,
                struct report *why)
{
    *r = (struct renewal){.state = s};
    if (!oauth_client_open(&r->client, a, p, why) || !grant_open(&r->grant, &r->client, p, why))
        return false;
    if (r->grant.kind != GRANT_AUTHORIZATION_CODE)
        return recall_endpoint(&r->client, s, why);
    if (!s->refresh_token)
        return report_set(why, FAILURE_LOGIN_NEEDED, "%s %s: run 'xoauth2 login %s'", a->name,
                          s->access_token ? "has no refresh token, so its login has ended" : "is not logged in",
                          r->client.login);
    return check_origin(&r->client, s, p, why) && set_endpoint(&r->client, s, why) && set_scope(r, why);
}

void renew_close(struct renewal *r)
{
    if (!r)
        return;
    oauth_client_close(&r->client);
    grant_close(&r->grant);
    free(r->scope);
    secret_free_string(&r->sent);
}

/* --- the request and its answer --- */

static void fill(const struct renewal *r, struct http_field fields[FIELDS])
{
    if (r->grant.kind != GRANT_AUTHORIZATION_CODE) {
        grant_fill(&r->grant, fields);
        return;
    }
    fields[0] = (struct http_field){"grant_type", "refresh_token"};
    fields[1] = (struct http_field){"refresh_token", r->sent};
    fields[2] = (struct http_field){"scope", r->scope};
    fields[3] = (struct http_field){NULL, NULL};
}

static struct http_exchange *start_grant(struct renewal *r, int64_t timeout, struct report *why)
{
    struct http_field fields[FIELDS];
    const struct account *a = r->client.account;
    r->sent_at = clock_wall();
    if (r->grant.kind == GRANT_MANAGED_IDENTITY)
        return grant_start_identity(&r->grant, &r->client, timeout, why);
    if (r->grant.kind == GRANT_COMMAND || !r->client.token_endpoint) {
        report_set(why, FAILURE_CONFIG, "where to get the token of %s is not known yet: run 'xoauth2 refresh %s'",
                   a->name, r->client.login);
        return NULL;
    }
    if (!grant_prepare(&r->grant, &r->client, why))
        return NULL;
    fill(r, fields);
    return oauth_start(&r->client, r->client.token_endpoint, fields, timeout, why);
}

struct http_exchange *renew_start(struct renewal *r, int64_t timeout, struct report *why)
{
    struct http_field fields[FIELDS];
    if (r->grant.kind != GRANT_AUTHORIZATION_CODE)
        return start_grant(r, timeout, why);
    if (!state_set(&r->sent, r->state->refresh_token)) {
        report_set(why, FAILURE_UNREACHABLE, "not enough memory");
        return NULL;
    }
    r->sent_at = clock_wall();
    fill(r, fields);
    return oauth_start(&r->client, r->client.token_endpoint, fields, timeout, why);
}

static int64_t bounded_delay(int64_t retry_after)
{
    if (retry_after <= 0)
        return RENEW_RETRY_DELAY;
    return retry_after < RENEW_RETRY_DELAY_MAX ? retry_after : RENEW_RETRY_DELAY_MAX;
}

/* Remembers a failure. Where memory is short the words are missing; the class is what counts. */
static void record(struct state *s, const struct report *why, const char *error, int64_t retry_after)
{
    int64_t now = clock_wall();
    state_set(&s->last_error.error, error);
    state_set(&s->last_error.message, why->text);
    s->last_error.code = why->code;
    s->last_error.at = now;
    s->last_error.retry_at = why->code == FAILURE_UNREACHABLE ? now + bounded_delay(retry_after) : 0;
}

void renew_unanswered(struct renewal *r, const struct report *why)
{
    record(r->state, why, NULL, 0);
}

static enum renew_result result_of(bool ok, const struct oauth_answer *answer, const struct report *why)
{
    if (ok)
        return RENEW_OK;
    bool refused = answer->error && strcmp(answer->error, "invalid_grant") == 0;
    return refused && why->code == FAILURE_LOGIN_NEEDED ? RENEW_REFUSED : RENEW_FAILED;
}

/* Whom the request went to, for reports. */
static const char *endpoint_of(const struct renewal *r)
{
    return r->grant.kind == GRANT_MANAGED_IDENTITY ? "http://managed-identity" : r->client.token_endpoint;
}

/* Where nobody logs in, no login can help. */
static void forbid_login(const struct renewal *r, struct report *why)
{
    struct report cause = *why;
    if (r->grant.kind == GRANT_AUTHORIZATION_CODE || why->code != FAILURE_LOGIN_NEEDED)
        return;
    report_set(why, FAILURE_CONFIG,
               "%s; no login is needed for %s, so check its account file %s, its key and this machine's clock",
               cause.text, r->client.account->name, r->client.account->file.path);
}

/* What a good answer brings may be nowhere else: where memory is short it is waited for. */
static bool apply(struct renewal *r, const struct oauth_answer *answer, struct report *why)
{
    int64_t deadline = clock_monotonic() + OAUTH_MEMORY_PATIENCE;
    bool ok;
    do
        ok = oauth_apply(r->state, answer, &r->client, r->sent_at, why);
    while (!ok && why->code == FAILURE_UNREACHABLE && clock_nap(deadline));
    return ok;
}

enum renew_result renew_finish(struct renewal *r, const struct http_reply *reply, struct report *why)
{
    struct oauth_answer answer;
    struct http_field fields[FIELDS];
    fill(r, fields);
    oauth_finish(&r->client, endpoint_of(r), fields, reply, &answer, why);
    bool ok = answer.ok && apply(r, &answer, why);
    if (!ok)
        forbid_login(r, why);
    if (!ok)
        record(r->state, why, answer.error, answer.retry_after);
    enum renew_result result = result_of(ok, &answer, why);
    oauth_answer_free(&answer);
    return result;
}

/* --- all of it --- */

int renew_pause(const struct http_reply *reply, bool answered)
{
    if (!answered)
        return reply->sent ? -1 : RENEW_PAUSE;
    if (reply->status != 429 && reply->status != 503)
        return -1;
    if (reply->retry_after == 0)
        return RENEW_PAUSE;
    return reply->retry_after <= RENEW_PAUSE_MAX ? (int)reply->retry_after * 1000 : -1;
}

/* A token of token_command. */
static enum renew_result run_command(struct renewal *r, int64_t timeout, struct report *why)
{
    struct oauth_answer answer;
    int64_t now = clock_wall();
    bool ok =
        grant_run_command(r->client.account, timeout < RUNNER_TIMEOUT ? timeout : RUNNER_TIMEOUT, &answer, why) &&
        oauth_apply(r->state, &answer, &r->client, now, why);
    if (!ok)
        record(r->state, why, NULL, 0);
    oauth_answer_free(&answer);
    return ok ? RENEW_OK : RENEW_FAILED;
}

/* One try. `*pause` says when another is allowed. */
static enum renew_result try_once(struct renewal *r, int64_t timeout, int *pause, struct report *why)
{
    struct http_reply reply;
    enum renew_result result = RENEW_FAILED;
    struct http_exchange *x = renew_start(r, timeout, why);
    *pause = -1;
    if (!x)
        return RENEW_FAILED;
    bool answered = http_perform(x, &reply, why) || oauth_is_whole(&reply);
    if (answered)
        result = renew_finish(r, &reply, why);
    else
        renew_unanswered(r, why);
    if (result == RENEW_FAILED && why->code == FAILURE_UNREACHABLE)
        *pause = renew_pause(&reply, answered);
    http_reply_free(&reply);
    return result;
}

enum renew_result renew_now(struct renewal *r, int64_t timeout, struct report *why)
{
    int64_t began = clock_monotonic();
    int64_t deadline = began + timeout;
    int pause;
    if (r->grant.kind == GRANT_COMMAND)
        return run_command(r, timeout, why);
    enum renew_result result = try_once(r, timeout, &pause, why);
    for (int tries = 1; pause >= 0 && pause < clock_left(deadline) && tries < RENEW_TRIES_MAX; tries++) {
        if (clock_monotonic() - began > RENEW_QUICK)
            break;
        poll(NULL, 0, pause);
        result = try_once(r, clock_left(deadline), &pause, why);
    }
    return result;
}
