#include "config.h"

#include "source.h"

#include "process.h"
#include "protocol.h"
#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One request on its way through the sources. */
struct errand {
    const struct source_places *places;
    const char *account;
    unsigned timeout; /* seconds; for the text alone */
    int64_t deadline;
    struct secret request;
    struct secret reply;
    struct protocol_message message; /* points into `reply` */
};

enum answer {
    ANSWER_OK,     /* `message` is the reply "ok" */
    ANSWER_ABSENT, /* there is no such source */
    ANSWER_NEXT,   /* reported; the next source may know better */
    ANSWER_FINAL,  /* reported */
};

/* The other remedy, where nobody meant to use OAuth. Only this side knows that the user has a program before him
 * which may choose another mechanism. */
static const char OR_PLAIN[] = "or restrict this program to PLAIN";

/* The text for a failure that came without one. */
static void report_bare(const struct errand *e, enum failure code, const char *who, struct report *why)
{
    switch (code) {
    case FAILURE_NO_ACCOUNT:
        report_set(why, code, "no account for %s: run 'xoauth2 login %s', %s", e->account, e->account, OR_PLAIN);
        break;
    case FAILURE_LOGIN_NEEDED:
        report_set(why, code, "the login of %s has ended: run 'xoauth2 login %s'", e->account, e->account);
        break;
    case FAILURE_BUSY:
        report_set(why, code, "%s has too many requests: try again later", who);
        break;
    case FAILURE_NONE:
    case FAILURE_NOT_ALLOWED:
    case FAILURE_WRONG_HOST:
    case FAILURE_UNREACHABLE:
    case FAILURE_CONFIG:
        report_set(why, code, "%s gave no token for %s (%s): run 'xoauth2 status %s'", who, e->account,
                   failure_name(code), e->account);
        break;
    }
}

/* Whether the next source is asked after this failure of one. */
static enum answer hand_on(enum failure code)
{
    return code == FAILURE_NO_ACCOUNT || code == FAILURE_NOT_ALLOWED ? ANSWER_NEXT : ANSWER_FINAL;
}

static enum answer read_reply(const struct errand *e, const char *who, struct report *why)
{
    const struct protocol_message *m = &e->message;
    if (strcmp(m->verb, "ok") == 0)
        return ANSWER_OK;
    const char *name = strcmp(m->verb, "error") == 0 ? protocol_get(m, "code") : NULL;
    if (!name) {
        report_set(why, FAILURE_UNREACHABLE, "%s gave an answer that is none: check that it is the same version",
                   who);
        return ANSWER_NEXT;
    }
    enum failure code = failure_from_name(name);
    const char *text = protocol_get(m, "message");
    if (!text || !*text)
        report_bare(e, code, who, why);
    else if (code == FAILURE_NO_ACCOUNT && !strstr(text, OR_PLAIN))
        report_set(why, code, "%s, %s", text, OR_PLAIN);
    else
        report_set(why, code, "%s", text);
    return hand_on(code);
}

static enum answer exchange(struct errand *e, int fd, const char *who, struct report *why)
{
    switch (transport_exchange(fd, &e->request, e->deadline, &e->reply, &e->message)) {
    case TRANSPORT_REPLY:
        return read_reply(e, who, why);
    case TRANSPORT_TIMEOUT:
        report_set(why, FAILURE_UNREACHABLE, "no answer from %s within %u s: try again, or raise xoauth2_timeout",
                   who, e->timeout);
        return ANSWER_FINAL;
    case TRANSPORT_CLOSED:
        report_set(why, FAILURE_UNREACHABLE, "%s ended without an answer: run 'xoauth2 token %s' to see why", who,
                   e->account);
        return ANSWER_NEXT;
    case TRANSPORT_GARBAGE:
        break;
    }
    report_set(why, FAILURE_UNREACHABLE, "%s gave an answer that is none: check that it is the same version", who);
    return ANSWER_NEXT;
}

static enum answer ask_agent(struct errand *e, const char *path, bool chosen, struct report *why)
{
    int fd = -1;
    if (!path)
        return ANSWER_ABSENT;
    switch (transport_connect(path, e->deadline, &fd, why)) {
    case TRANSPORT_CONNECTED:
        break;
    case TRANSPORT_ABSENT:
        if (!chosen)
            return ANSWER_ABSENT;
        report_set(why, FAILURE_UNREACHABLE, "no agent at %s (%s): start it, or remove xoauth2_agent_socket", path,
                   strerror(errno));
        return ANSWER_NEXT;
    case TRANSPORT_DISTRUSTED:
    case TRANSPORT_FAILED:
        return ANSWER_NEXT;
    }
    char who[TRANSPORT_PATH_MAX + 32];
    snprintf(who, sizeof who, "the agent at %s", path);
    enum answer answer = exchange(e, fd, who, why);
    close(fd);
    return answer;
}

/* Whether the program itself is why it cannot be run, and not the state of the host. */
static bool is_about_program(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ENOEXEC:
    case ELOOP:
    case ENAMETOOLONG:
        return true;
    default:
        return false;
    }
}

static void report_unstarted(const char *program, int error, struct report *why)
{
    if (is_about_program(error))
        report_set(why, FAILURE_CONFIG, "cannot run %s (%s): install it, or correct xoauth2_helper", program,
                   strerror(error));
    else
        report_set(why, FAILURE_UNREACHABLE, "cannot run %s now (%s): try again later", program, strerror(error));
}

static enum answer ask_helper(struct errand *e, struct report *why)
{
    struct process child;
    const char *program = e->places->helper;
    if (!program)
        return ANSWER_ABSENT;
    int error = process_start(&child, program);
    if (error == ENOENT && !e->places->helper_chosen)
        return ANSWER_ABSENT;
    if (error != 0) {
        report_unstarted(program, error, why);
        return ANSWER_NEXT;
    }
    char who[512];
    snprintf(who, sizeof who, "the helper %s", program);
    enum answer answer = exchange(e, child.fd, who, why);
    process_end(&child);
    return answer;
}

static enum answer ask(struct errand *e, enum source source, struct report *why)
{
    switch (source) {
    case SOURCE_USER_AGENT:
        return ask_agent(e, e->places->user_socket, e->places->user_socket_chosen, why);
    case SOURCE_SYSTEM_AGENT:
        return ask_agent(e, e->places->system_socket, false, why);
    case SOURCE_HELPER:
        return ask_helper(e, why);
    case SOURCE_NONE:
        break;
    }
    return ANSWER_ABSENT;
}

/* How much a failure says about what the user has to do. */
static int rank(enum failure code)
{
    static const int RANKS[] = {
        [FAILURE_NONE] = 0,   [FAILURE_NO_ACCOUNT] = 1,   [FAILURE_UNREACHABLE] = 2, [FAILURE_BUSY] = 3,
        [FAILURE_CONFIG] = 4, [FAILURE_LOGIN_NEEDED] = 5, [FAILURE_NOT_ALLOWED] = 6, [FAILURE_WRONG_HOST] = 6,
    };
    return RANKS[code];
}

/* When nobody was there to ask, so that nobody could say why. */
static void nobody_there(const struct errand *e, struct report *why)
{
    if (!e->places->helper)
        report_set(why, FAILURE_UNREACHABLE,
                   "no agent at %s: start it, since a program with raised privileges asks no other source of tokens",
                   e->places->system_socket);
    else
        report_set(why, FAILURE_CONFIG, "no agent at %s, and no helper %s: start the agent, or install the helper",
                   e->places->system_socket, e->places->helper);
}

/* The helper knows no account, and cannot see those of the machine. */
static void machine_unasked(const struct errand *e, struct report *why)
{
    report_set(
        why, FAILURE_UNREACHABLE,
        "no account for %s of this user, and no agent at %s, which alone may use this machine's accounts: start "
        "it, or run 'xoauth2 login %s', %s",
        e->account, e->places->system_socket, e->account, OR_PLAIN);
}

static bool machine_has_accounts(const struct source_places *places)
{
    return places->machine_has_accounts && places->machine_has_accounts();
}

static bool put_query(struct secret *out, const char *verb, const struct source_query *q)
{
    return protocol_begin(out, verb) && protocol_put(out, "user", q->account) &&
           protocol_put(out, "authid", q->account) && protocol_put(out, "authzid", q->authzid) &&
           protocol_put(out, "service", q->service) && protocol_put(out, "host", q->host) &&
           protocol_put(out, "port", q->port) && protocol_put(out, "mechanism", q->mechanism);
}

static void errand_begin(struct errand *e, const struct source_places *places, const struct source_query *query,
                         const char *verb, int64_t milliseconds)
{
    *e = (struct errand){
        .places = places,
        .account = query->account,
        .timeout = (unsigned)(milliseconds / 1000),
        .deadline = transport_now() + milliseconds,
    };
    secret_init(&e->request, PROTOCOL_MESSAGE_MAX);
    secret_init(&e->reply, PROTOCOL_MESSAGE_MAX);
    put_query(&e->request, verb, query);
}

static void errand_end(struct errand *e)
{
    secret_free(&e->request);
    secret_free(&e->reply);
}

/* Asks one source after the other until one answers for good. */
static enum answer ask_all(struct errand *e, enum source *from, struct report *why)
{
    bool machine_asked = true;
    for (enum source source = SOURCE_USER_AGENT; source <= SOURCE_HELPER; source++) {
        struct report failure = {0};
        if (transport_now() >= e->deadline && why->code != FAILURE_NONE)
            return ANSWER_FINAL;
        enum answer answer = ask(e, source, &failure);
        *from = source;
        if (answer == ANSWER_OK)
            return answer;
        if (source == SOURCE_SYSTEM_AGENT)
            machine_asked = answer != ANSWER_ABSENT;
        if (answer != ANSWER_ABSENT && rank(failure.code) >= rank(why->code))
            *why = failure;
        if (answer == ANSWER_FINAL)
            return answer;
    }
    if (why->code == FAILURE_NONE)
        nobody_there(e, why);
    else if (why->code == FAILURE_NO_ACCOUNT && !machine_asked && machine_has_accounts(e->places))
        machine_unasked(e, why);
    return ANSWER_FINAL;
}

bool source_get(const struct source_places *places, const struct source_query *query, unsigned timeout,
                struct secret *token, enum source *from, struct report *why)
{
    struct errand e;
    bool done = false;
    *why = (struct report){0};
    *from = SOURCE_NONE;
    errand_begin(&e, places, query, "get", (int64_t)timeout * 1000);
    if (!protocol_end(&e.request)) {
        report_set(why, FAILURE_UNREACHABLE, "not enough memory to ask for a token: try again later");
    } else if (ask_all(&e, from, why) == ANSWER_OK) {
        const char *value = protocol_get(&e.message, "token");
        secret_reset(token);
        done = secret_adds(token, value ? value : "");
        if (!done)
            report_set(why, FAILURE_UNREACHABLE, "not enough memory for the token: try again later");
    }
    errand_end(&e);
    return done;
}

void source_reject(const struct source_places *places, enum source from, const struct source_query *query,
                   const struct secret *token, const char *challenge, struct report *advice)
{
    struct errand e;
    *advice = (struct report){0};
    errand_begin(&e, places, query, "reject", SOURCE_REJECT_MS);
    if (protocol_put(&e.request, "token", token->data) && protocol_put(&e.request, "challenge", challenge) &&
        protocol_end(&e.request) && ask(&e, from, advice) == ANSWER_OK) {
        const char *text = protocol_get(&e.message, "message");
        report_set(advice, FAILURE_NONE, "%s", text ? text : "");
    } else {
        *advice = (struct report){0};
    }
    errand_end(&e);
}
