#include "config.h"

#include "peer.h"

#include "fuzz.h"
#include "plugin/process.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* One that will be asked. */
struct peer {
    const char *answer;
    size_t len;
    enum transport_connection result;
    int error;
};

static struct peer peers[PEER_ANSWERS_MAX];
static size_t known;
static size_t asked;
static int far_end = -1; /* of the last connection */

enum transport_connection __wrap_transport_connect(const char *path, int64_t deadline, int *fd, struct report *why);
int __wrap_process_start(struct process *child, const char *program);

void peer_reset(void)
{
    if (far_end >= 0)
        close(far_end);
    far_end = -1;
    known = asked = 0;
}

static void add(const struct peer *p)
{
    if (known < PEER_ANSWERS_MAX)
        peers[known++] = *p;
}

void peer_answer(const char *answer, size_t len)
{
    add(&(struct peer){.answer = answer, .len = len, .result = TRANSPORT_CONNECTED});
}

void peer_absent(enum transport_connection result, int error)
{
    add(&(struct peer){.result = result, .error = error});
}

size_t peer_count(void)
{
    return asked;
}

/* The answer goes in as far as there is room; a longer one is a reply that ends early. */
static int make_connection(const struct peer *p)
{
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    if (p->len > 0)
        MUST(send(ends[1], p->answer, p->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0);
    MUST(shutdown(ends[1], SHUT_WR) == 0);
    if (far_end >= 0)
        close(far_end);
    far_end = ends[1];
    return ends[0];
}

static const struct peer *next(void)
{
    static const struct peer NOBODY = {.result = TRANSPORT_ABSENT, .error = ENOENT};
    asked++;
    return asked <= known ? &peers[asked - 1] : &NOBODY;
}

enum transport_connection __wrap_transport_connect(const char *path, int64_t deadline, int *fd, struct report *why)
{
    const struct peer *p = next();
    (void)deadline;
    *fd = -1;
    if (p->result == TRANSPORT_CONNECTED)
        *fd = make_connection(p);
    else if (p->result == TRANSPORT_DISTRUSTED)
        report_set(why, FAILURE_NOT_ALLOWED, "%s is not trusted", path);
    else if (p->result == TRANSPORT_FAILED)
        report_set(why, FAILURE_UNREACHABLE, "%s cannot be reached", path);
    errno = p->error;
    return p->result;
}

int __wrap_process_start(struct process *child, const char *program)
{
    const struct peer *p = next();
    (void)program;
    *child = (struct process){.pid = -1, .fd = -1};
    if (p->result != TRANSPORT_CONNECTED)
        return p->error;
    child->fd = make_connection(p);
    return 0;
}

bool peer_request(struct protocol_message *message)
{
    static char request[PROTOCOL_MESSAGE_MAX];
    size_t used;
    ssize_t got = far_end >= 0 ? recv(far_end, request, sizeof request, MSG_DONTWAIT) : -1;
    return got > 0 && protocol_parse(request, (size_t)got, &used, message) == PROTOCOL_COMPLETE &&
           used == (size_t)got;
}
