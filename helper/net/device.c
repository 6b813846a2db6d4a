#include "config.h"

#include "device.h"

#include "clock.h"
#include "jsontext.h"
#include "login_again.h"
#include "login_register.h"
#include "qr.h"
#include "text.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TICK = 1000 /* milliseconds between two looks at the clock */, USER_CODE_MAX = 128, URL_MAX = 2048 };

void device_free(struct device_code *code)
{
    secret_free_string(&code->device_code);
    secret_free_string(&code->user_code);
    secret_free_string(&code->verification_uri);
    secret_free_string(&code->verification_uri_complete);
}

/* A string that will be shown, made harmless. */
static char *shown(struct json_object *root, const char *key, size_t limit)
{
    const char *value = jsontext_string(root, key);
    char *copy = value && strlen(value) <= limit ? strdup(value) : NULL;
    if (copy)
        text_neutralize(copy);
    return copy;
}

/* The same for an address that a person shall open. */
static char *shown_url(struct json_object *root, const char *key)
{
    char *url = shown(root, key, URL_MAX);
    if (url && strncasecmp(url, "https://", 8) != 0 && !settings_url_allowed(url))
        secret_free_string(&url);
    return url;
}

static int64_t clamp(int64_t value, int64_t missing, int64_t max)
{
    return value <= 0 ? missing : value > max ? max : value;
}

static void take(struct json_object *root, struct device_code *code)
{
    code->device_code = jsontext_copy(root, "device_code");
    code->user_code = shown(root, "user_code", USER_CODE_MAX);
    code->verification_uri = shown_url(root, "verification_uri");
    if (!code->verification_uri) /* the name before RFC 8628, which Google still uses */
        code->verification_uri = shown_url(root, "verification_url");
    code->verification_uri_complete = shown_url(root, "verification_uri_complete");
    code->expires_in =
        clamp(jsontext_seconds(root, "expires_in", DEVICE_WAIT_MAX), DEVICE_LIFETIME_ASSUMED, DEVICE_WAIT_MAX);
    code->interval =
        clamp(jsontext_seconds(root, "interval", DEVICE_INTERVAL_MAX), DEVICE_INTERVAL_DEFAULT, DEVICE_INTERVAL_MAX);
}

bool device_parse(const struct http_reply *reply, const char *host, struct device_code *code, struct report *why)
{
    *code = (struct device_code){0};
    struct json_object *root = jsontext_parse(reply->body.data, reply->body.len);
    if (root)
        take(root, code);
    jsontext_free(&root);
    if (code->device_code && code->user_code && code->verification_uri)
        return true;
    device_free(code);
    return report_set(why, FAILURE_UNREACHABLE,
                      "%s gave no device code that can be used: use the browser login (--browser)", host);
}

/* Section 3.5: after a time-out the client asks less often; doubling is what it recommends. */
static enum device_step back_off(int64_t *interval, int64_t retry_after)
{
    *interval = *interval > DEVICE_INTERVAL_MAX / 2 ? DEVICE_INTERVAL_MAX : *interval * 2;
    if (*interval < retry_after)
        *interval = retry_after;
    return DEVICE_WAIT;
}

enum device_step device_judge(int64_t *interval, bool answered, const struct oauth_answer *answer, enum failure code)
{
    if (!answered)
        return code == FAILURE_UNREACHABLE ? back_off(interval, 0) : DEVICE_STOP;
    if (answer->ok)
        return DEVICE_DONE;
    if (answer->error && strcmp(answer->error, "authorization_pending") == 0)
        return DEVICE_WAIT;
    if (answer->error && strcmp(answer->error, "slow_down") == 0) {
        *interval += DEVICE_SLOW_DOWN;
        return DEVICE_WAIT;
    }
    return code == FAILURE_UNREACHABLE ? back_off(interval, answer->retry_after) : DEVICE_STOP;
}

static bool ask_for_code(struct login *l, struct device_code *code, struct report *why)
{
    const char *url = l->client.device_authorization_endpoint;
    const struct http_field fields[] = {
        {"scope", l->scope},
        {NULL, NULL},
    };
    struct http_reply reply = {0};
    bool ok = http_perform(oauth_start(&l->client, url, fields, HTTP_TOTAL_TIMEOUT, why), &reply, why);
    char *host = http_host(url);
    if (ok && reply.status >= 200 && reply.status <= 299) {
        ok = device_parse(&reply, host ? host : "the provider", code, why);
    } else if (ok) {
        struct oauth_answer answer = {0};
        oauth_finish(&l->client, url, fields, &reply, &answer, why);
        login_register_heard(l, answer.error);
        oauth_answer_free(&answer);
        ok = false;
    }
    free(host);
    http_reply_free(&reply);
    return ok;
}

static void show_code(struct login *l, const struct device_code *code)
{
    struct terminal *t = &l->terminal;
    terminal_say(
        t,
        "To sign in as %s, open this address in a browser on any device:\n\n  %s\n\nand enter the code:\n\n  %s\n\n",
        l->name, code->verification_uri, code->user_code);
    qr_show(t, code->verification_uri_complete ? code->verification_uri_complete : code->verification_uri);
    if (!t->is_tty)
        terminal_say(t, "Waiting for the login, at most %lld minutes.\n", (long long)(code->expires_in + 59) / 60);
}

/* Waits until `until`, at most to `deadline`, and shows how much time is left. */
static void wait_until(struct terminal *t, int64_t until, int64_t deadline)
{
    if (until > deadline)
        until = deadline;
    int left;
    while ((left = clock_left(until)) > 0) {
        int seconds = (clock_left(deadline) + 999) / 1000;
        terminal_line(t, "Waiting for the login: %d:%02d left (Ctrl-C to give up)", seconds / 60, seconds % 60);
        poll(NULL, 0, left < TICK ? left : TICK);
    }
}

/* One request for the token. */
static enum device_step ask_for_token(struct login *l, const struct device_code *code, int64_t *interval,
                                      struct oauth_answer *answer, struct report *why)
{
    const struct http_field fields[] = {
        {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
        {"device_code", code->device_code},
        {NULL, NULL},
    };
    oauth_answer_free(answer);
    l->asked_at = clock_wall();
    bool answered = oauth_token_request(&l->client, fields, HTTP_TOTAL_TIMEOUT, answer, why);
    login_register_heard(l, answer->error);
    return device_judge(interval, answered, answer, why->code);
}

static bool expired(struct login *l, struct report *why)
{
    char command[LOGIN_AGAIN_MAX];
    login_again(l, "--device", command);
    return report_set(why, FAILURE_LOGIN_NEEDED,
                      "the code has expired before the login was finished: run '%s' for a new one", command);
}

/* Section 3.5: `expired_token` is the server's way to say that the time is over. */
static bool stopped(struct login *l, const struct oauth_answer *answer, struct report *why)
{
    if (answer->error && strcmp(answer->error, "expired_token") == 0)
        return expired(l, why);
    return false;
}

bool device_login(struct login *l, struct oauth_answer *answer, struct report *why)
{
    struct device_code code = {0};
    *answer = (struct oauth_answer){0};
    if (!ask_for_code(l, &code, why))
        return false;
    show_code(l, &code);
    enum device_step step = DEVICE_WAIT;
    int64_t interval = code.interval;
    int64_t deadline = clock_monotonic() + code.expires_in * 1000;
    while (step == DEVICE_WAIT && clock_left(deadline) > 0) {
        wait_until(&l->terminal, clock_monotonic() + interval * 1000, deadline);
        if (clock_left(deadline) > 0)
            step = ask_for_token(l, &code, &interval, answer, why);
    }
    device_free(&code);
    terminal_line(&l->terminal, "%s", "");
    if (step == DEVICE_WAIT)
        return expired(l, why);
    return step == DEVICE_DONE || stopped(l, answer, why);
}
