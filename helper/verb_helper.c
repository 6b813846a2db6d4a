#include "config.h"

#include "command.h"

#include "caller.h"
#include "clock.h"
#include "protocol.h"
#include "token.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
    IDLE_MAX = 60000, /* milliseconds from one reply to the end of the next request */
    READ_SIZE = 4096,
};

/* Reads what is there into the buffer. False at the end, when the wait is over, and when the buffer is full. */
static bool read_more(struct secret *in, int64_t deadline)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready;
    do
        ready = poll(&p, 1, clock_left(deadline));
    while (ready < 0 && errno == EINTR);
    char *room = ready > 0 ? secret_room(in, READ_SIZE) : NULL;
    ssize_t got = room ? read(STDIN_FILENO, room, READ_SIZE) : -1;
    if (got > 0)
        secret_grow(in, (size_t)got);
    return got > 0 || (room && got < 0 && (errno == EINTR || errno == EAGAIN));
}

static bool send_reply(struct secret *reply)
{
    bool ok = command_write(reply->data, reply->len);
    secret_reset(reply);
    return ok;
}

static void refuse(struct secret *reply, const char *fault)
{
    struct report why;
    report_set(&why, FAILURE_CONFIG, "the request is %s: see xoauth2-protocol(7)", fault);
    protocol_error(reply, &why);
    send_reply(reply);
}

/* Answers every whole request in the buffer; after each the deadline is a new one. False after bytes that are no
 * request, and when nobody takes the answer. */
static bool answer_all(bool system, struct secret *in, struct secret *reply, int64_t *deadline)
{
    struct protocol_message request;
    size_t used;
    while (in->len > 0) {
        enum protocol_result result = protocol_parse(in->data, in->len, &used, &request);
        if (result == PROTOCOL_MORE)
            return true;
        if (result != PROTOCOL_COMPLETE) {
            refuse(reply, result == PROTOCOL_TOO_LONG ? "too long" : "malformed");
            return false;
        }
        (system ? token_answer_system : token_answer)(&request, reply);
        secret_drop_front(in, used);
        if (!send_reply(reply))
            return false;
        *deadline = clock_monotonic() + IDLE_MAX;
    }
    return true;
}

int verb_helper(const struct command *c)
{
    struct secret in;
    struct secret reply;
    secret_init(&in, PROTOCOL_MESSAGE_MAX + READ_SIZE);
    secret_init(&reply, PROTOCOL_MESSAGE_MAX);
    caller_watch(STDOUT_FILENO);
    int64_t deadline = clock_monotonic() + IDLE_MAX;
    bool ok;
    do
        ok = answer_all(c->system, &in, &reply, &deadline);
    while (ok && read_more(&in, deadline));
    if (ok && in.len > 0) { /* it ended within a request */
        refuse(&reply, "malformed");
        ok = false;
    }
    caller_watch(-1);
    secret_free(&in);
    secret_free(&reply);
    return ok ? EXIT_OK : EXIT_FAILED;
}
