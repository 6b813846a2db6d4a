#include "config.h"

#include "inquiry.h"

#include "protocol.h"
#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STATUS_WAIT_MAX = 2000,  /* milliseconds */
    TOKEN_WAIT_SPARE = 1000, /* milliseconds more than the agent takes at most */
};

/* One question and its answer. */
struct exchange {
    struct secret request;
    struct secret reply;
    struct protocol_message message; /* points into `reply` */
};

static void open_exchange(struct exchange *x, const char *verb, const char *user)
{
    secret_init(&x->request, PROTOCOL_MESSAGE_MAX);
    secret_init(&x->reply, PROTOCOL_MESSAGE_MAX);
    protocol_begin(&x->request, verb);
    protocol_put(&x->request, "user", user);
}

static void close_exchange(struct exchange *x)
{
    secret_free(&x->request);
    secret_free(&x->reply);
}

/* INQUIRY_ANSWERED for any answer within the time, else INQUIRY_REFUSED with a report, or INQUIRY_NOBODY. */
static enum inquiry make(struct exchange *x, bool system, int64_t timeout, struct report *why)
{
    char path[TRANSPORT_PATH_MAX];
    int fd = -1;
    int64_t deadline = transport_now() + timeout;
    if (system)
        snprintf(path, sizeof path, "%s", RUNDIR "/agent.sock");
    else if (!transport_user_socket(path))
        return INQUIRY_NOBODY;
    if (!protocol_end(&x->request))
        return INQUIRY_NOBODY;
    enum transport_connection connection = transport_connect(path, deadline, &fd, why);
    if (connection != TRANSPORT_CONNECTED)
        return connection == TRANSPORT_ABSENT ? INQUIRY_NOBODY : INQUIRY_REFUSED;
    bool ok = transport_exchange(fd, &x->request, deadline, &x->reply, &x->message) == TRANSPORT_REPLY;
    close(fd);
    return ok ? INQUIRY_ANSWERED : INQUIRY_NOBODY;
}

static bool is_ok(const struct exchange *x)
{
    return strcmp(x->message.verb, "ok") == 0;
}

static int64_t number_of(const struct exchange *x, const char *key)
{
    const char *text = protocol_get(&x->message, key);
    return text ? strtoll(text, NULL, 10) : 0;
}

static enum inquiry take_token(const struct exchange *x, struct token_reply *reply, struct report *why)
{
    const char *token = protocol_get(&x->message, "token");
    if (!token || !*token)
        return INQUIRY_NOBODY;
    reply->expires_at = number_of(x, "expires_at");
    if (secret_adds(&reply->token, token))
        return INQUIRY_ANSWERED;
    report_set(why, FAILURE_UNREACHABLE, "not enough memory for the token");
    return INQUIRY_FAILED;
}

static enum inquiry take_error(const struct exchange *x, struct report *why)
{
    const char *name = protocol_get(&x->message, "code");
    const char *text = protocol_get(&x->message, "message");
    enum failure code = name ? failure_from_name(name) : FAILURE_NO_ACCOUNT;
    if (!text || !*text || code == FAILURE_NO_ACCOUNT)
        return INQUIRY_UNKNOWN;
    report_set(why, code, "%s", text);
    return code == FAILURE_NOT_ALLOWED ? INQUIRY_REFUSED : INQUIRY_FAILED;
}

enum inquiry inquiry_token(bool system, const char *user, struct token_reply *reply, struct report *why)
{
    struct exchange x;
    secret_free(&reply->token);
    secret_init(&reply->token, STATE_TOKEN_MAX);
    reply->expires_at = 0;
    open_exchange(&x, "get", user);
    enum inquiry result = make(&x, system, TOKEN_WAIT_MAX + TOKEN_WAIT_SPARE, why);
    if (result == INQUIRY_ANSWERED)
        result = is_ok(&x) ? take_token(&x, reply, why) : take_error(&x, why);
    close_exchange(&x);
    return result;
}

bool inquiry_account_token(const struct account *a, const struct paths *p, struct token_reply *reply,
                           struct report *why)
{
    enum inquiry result = inquiry_token(p->system, *a->subject ? a->subject : a->name, reply, why);
    if (result == INQUIRY_ANSWERED || result == INQUIRY_FAILED)
        return result == INQUIRY_ANSWERED;
    return token_get(a, p, NULL, false, reply, why);
}

/* Asks for a token that is not looked at: the agent tells root alone how it stands with an account. Who is refused
 * is not nobody. */
static bool is_known(const char *user)
{
    struct exchange x;
    struct report ignored;
    open_exchange(&x, "get", user);
    bool known = make(&x, true, STATUS_WAIT_MAX, &ignored) == INQUIRY_ANSWERED;
    if (known && !is_ok(&x)) {
        enum inquiry result = take_error(&x, &ignored);
        known = result != INQUIRY_UNKNOWN && ignored.code != FAILURE_BUSY;
    }
    close_exchange(&x);
    return known;
}

void inquiry_explain(bool system, const char *verb, const char *user, struct report *why)
{
    if (!system && why->code == FAILURE_NO_ACCOUNT && is_known(user))
        report_set(why, FAILURE_NOT_ALLOWED,
                   "%s is an account of this machine, whose files this user cannot read: as root, run "
                   "'xoauth2 --system %s %s'",
                   user, verb, user);
}

bool inquiry_status(bool system, const char *account, struct inquiry_status *status)
{
    struct exchange x;
    struct report ignored;
    *status = (struct inquiry_status){0};
    open_exchange(&x, "status", account);
    bool ok = make(&x, system, STATUS_WAIT_MAX, &ignored) == INQUIRY_ANSWERED && is_ok(&x);
    if (ok) {
        const char *renewing = protocol_get(&x.message, "renewing");
        status->renewing = renewing && strcmp(renewing, "yes") == 0;
        status->next_refresh = number_of(&x, "next_refresh");
        status->served = number_of(&x, "served");
        status->waiting = number_of(&x, "waiting");
    }
    close_exchange(&x);
    return ok;
}
