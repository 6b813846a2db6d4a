#include "config.h"

#include "login_register.h"

#include "authorize.h"
#include "clock.h"
#include "glob.h"
#include "http.h"
#include "login_account.h"
#include "login_again.h"
#include "register.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One registration in the making. */
struct registering {
    struct login *login;
    char redirect_uri[64];
    struct registration kept;
};

bool login_register_applies(const struct login *l)
{
    const struct oauth_client *c = &l->client;
    return c->issuer && !c->client_id && !c->token_endpoint && c->client_secret.len == 0 && !c->key &&
           !c->assertion_file;
}

/* --- what is kept --- */

/* Whether every word of `wanted` stands in `list`, both separated by blanks. */
static bool has_all(const char *list, const char *wanted)
{
    size_t len;
    const char *word;
    while (wanted && (word = glob_next(&wanted, &len))) {
        const char *left = list;
        const char *other;
        size_t other_len;
        bool found = false;
        while (left && !found && (other = glob_next(&left, &other_len)))
            found = other_len == len && memcmp(other, word, len) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* Whether the registration is good for this login. */
static bool is_fitting(const struct registering *r)
{
    return strcmp(r->kept.redirect_uri, r->redirect_uri) == 0 &&
           (!r->kept.scope || has_all(r->kept.scope, r->login->scope));
}

/* Asks the token endpoint for what no server gives, and listens whether it is the client or the code that it does not
 * know (RFC 6749, section 5.2). The authorization endpoint could only tell the person, with a page that leads
 * nowhere. */
static bool is_known(const struct registering *r)
{
    struct login *l = r->login;
    struct authorization random;
    struct oauth_answer answer = {0};
    struct report ignored;
    if (!authorize_begin(&random, &ignored))
        return true;
    const struct http_field fields[] = {{"grant_type", "authorization_code"},
                                        {"code", random.state},
                                        {"code_verifier", random.verifier},
                                        {"redirect_uri", r->redirect_uri},
                                        {NULL, NULL}};
    bool unknown = oauth_token_request(&l->client, fields, REGISTER_PROBE_TIMEOUT, &answer, &ignored) &&
                   answer.error && strcmp(answer.error, "invalid_client") == 0;
    oauth_answer_free(&answer);
    authorize_end(&random);
    return !unknown;
}

static bool use(struct login *l, const char *client_id, struct report *why)
{
    free(l->client.client_id);
    l->client.client_id = strdup(client_id);
    l->registered = l->client.client_id;
    return l->registered || report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

/* --- a new one --- */

/* The server's refusal, with what to do. */
static bool refused(const struct login *l, const struct report *cause, struct report *why)
{
    char command[LOGIN_AGAIN_MAX];
    login_again(l, "--client-id ID", command);
    if (cause->code == FAILURE_CONFIG)
        return report_set(why, cause->code, "%s, then run '%s'", cause->text, command);
    return report_set(why, cause->code, "%s", cause->text);
}

/* Sends the request. */
static bool ask(struct registering *r, struct report *why)
{
    struct login *l = r->login;
    const char *url = l->client.registration_endpoint;
    const struct register_request request = {
        .redirect_uri = r->redirect_uri, .scope = l->scope, .device = l->client.device_authorization_endpoint};
    struct report cause = {0};
    struct http_reply reply = {0};
    char *body = register_body(&request);
    char *host = http_host(url);
    bool ok =
        body ? http_perform(http_start_json(l->client.http, url, body, HTTP_TOTAL_TIMEOUT, &cause), &reply, &cause) &&
                   register_parse(&reply, host ? host : "the provider", r->redirect_uri, &r->kept.client_id, &cause)
             : report_set(&cause, FAILURE_UNREACHABLE, "not enough memory");
    if (!ok)
        refused(l, &cause, why);
    http_reply_free(&reply);
    free(host);
    free(body);
    return ok;
}

/* Registers, and keeps it. The lock is held. */
static bool register_now(struct registering *r, struct report *why)
{
    struct login *l = r->login;
    struct state_writer writer = STATE_WRITER_NONE;
    registration_free(&r->kept);
    if (!registration_prepare(&writer, &l->paths, l->client.issuer, why))
        return false;
    terminal_say(&l->terminal, "Registering this program at %s.\n", l->client.issuer);
    r->kept = (struct registration){.issuer = strdup(l->client.issuer),
                                    .redirect_uri = strdup(r->redirect_uri),
                                    .scope = l->scope ? strdup(l->scope) : NULL,
                                    .registered_at = clock_wall()};
    bool ok = (r->kept.issuer && r->kept.redirect_uri && (r->kept.scope || !l->scope)) ||
              report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    ok = ok && ask(r, why) && registration_commit(&writer, &r->kept, why);
    state_abandon(&writer);
    return ok && use(l, r->kept.client_id, why);
}

/* Takes the kept registration, or a new one in its place. `gone` is an id that the server does not know. The lock is
 * held. */
static bool choose(struct registering *r, const char *gone, struct report *why)
{
    struct login *l = r->login;
    enum readfile_result result = registration_load(&r->kept, &l->paths, l->client.issuer, why);
    if (result != READFILE_OK)
        return result == READFILE_MISSING && register_now(r, why);
    if (!is_fitting(r) || (gone && strcmp(gone, r->kept.client_id) == 0))
        return register_now(r, why);
    if (!use(l, r->kept.client_id, why))
        return false;
    if (is_known(r))
        return true;
    terminal_say(&l->terminal, "%s no longer knows this program.\n", l->client.issuer);
    return register_now(r, why);
}

static bool choose_locked(struct login *l, const char *gone, struct report *why)
{
    const char *host = account_value(&l->account, SETTING_REDIRECT_HOST);
    struct registering r = {.login = l};
    snprintf(r.redirect_uri, sizeof r.redirect_uri, "http://%s/", host ? host : "127.0.0.1");
    int64_t deadline = clock_monotonic() + HTTP_TOTAL_TIMEOUT + REGISTER_PROBE_TIMEOUT;
    int lock = registration_lock(&l->paths, l->client.issuer, deadline, why);
    bool ok = lock >= 0 && choose(&r, gone, why);
    store_unlock(&lock);
    registration_free(&r.kept);
    return ok;
}

bool login_register(struct login *l, struct report *why)
{
    if (!l->client.registration_endpoint)
        return login_account_check_client(l, why);
    return choose_locked(l, NULL, why);
}

void login_register_heard(struct login *l, const char *error)
{
    if (l->registered && error && strcmp(error, "invalid_client") == 0)
        l->client_unknown = true;
}

bool login_register_again(struct login *l, struct report *why)
{
    if (!l->client_unknown)
        return false;
    l->client_unknown = false;
    terminal_say(&l->terminal, "%s no longer knows this program.\n", l->client.issuer);
    char *gone = l->client.client_id;
    l->client.client_id = NULL;
    bool ok = choose_locked(l, gone, why);
    free(gone);
    return ok;
}
