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

/* Whether an agent gave any answer within the time. */
static bool make(struct exchange *x, bool system, int64_t timeout)
{
    char path[TRANSPORT_PATH_MAX];
    struct report ignored;
    int fd = -1;
    int64_t deadline = transport_now() + timeout;
    if (system)
        snprintf(path, sizeof path, "%s", RUNDIR "/agent.sock");
    else if (!transport_user_socket(path))
        return false;
    if (!protocol_end(&x->request) || transport_connect(path, deadline, &fd, &ignored) != TRANSPORT_CONNECTED)
        return false;
    bool ok = transport_exchange(fd, &x->request, deadline, &x->reply, &x->message) == TRANSPORT_REPLY;
    close(fd);
    return ok;
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
    if (!text || !*text || code == FAILURE_NO_ACCOUNT || code == FAILURE_NOT_ALLOWED)
        return INQUIRY_NOBODY;
    report_set(why, code, "%s", text);
    return INQUIRY_FAILED;
}

enum inquiry inquiry_token(bool system, const char *user, struct token_reply *reply, struct report *why)
{
    struct exchange x;
    enum inquiry result = INQUIRY_NOBODY;
    secret_free(&reply->token);
    secret_init(&reply->token, STATE_TOKEN_MAX);
    reply->expires_at = 0;
    open_exchange(&x, "get", user);
    if (make(&x, system, TOKEN_WAIT_MAX + TOKEN_WAIT_SPARE))
        result = is_ok(&x) ? take_token(&x, reply, why) : take_error(&x, why);
    close_exchange(&x);
    return result;
}

bool inquiry_status(bool system, const char *account, struct inquiry_status *status)
{
    struct exchange x;
    *status = (struct inquiry_status){0};
    open_exchange(&x, "status", account);
    bool ok = make(&x, system, STATUS_WAIT_MAX) && is_ok(&x);
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
