#include "config.h"

#include "starter.h"

#include "notify.h"
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHANNEL = 3, DESCRIPTORS = 2, STARTER_SIGNALS = 4 };

enum kind { ORDER_RELAY = 1, ORDER_NOTIFY };

/* One message; the answer is a report, with FAILURE_NONE where it went well. */
struct order {
    enum kind kind;
    char account[ACCOUNT_NAME_MAX + 1];
    char heading[REPORT_TEXT_MAX];
    char text[REPORT_TEXT_MAX];
};

/* Room for the descriptors that come with a message. */
union ancillary {
    struct cmsghdr header;
    char room[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
};

/* --- in the starter --- */

/* Takes an order and the two descriptors, or -1, that came with it. False when the agent has ended. */
static bool take_order(struct order *o, int descriptors[DESCRIPTORS])
{
    union ancillary ancillary;
    struct iovec part = {.iov_base = o, .iov_len = sizeof *o};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &ancillary, .msg_controllen = sizeof ancillary};
    ssize_t got;
    memset(o, 0, sizeof *o);
    descriptors[0] = descriptors[1] = -1;
    do
        got = recvmsg(CHANNEL, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(descriptors, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    o->account[sizeof o->account - 1] = o->heading[sizeof o->heading - 1] = o->text[sizeof o->text - 1] = '\0';
    return got > 0;
}

static void carry_out(const struct order *o, const int descriptors[DESCRIPTORS], const struct paths *p,
                      struct report *why)
{
    bool ok = false;
    if (o->kind == ORDER_RELAY && descriptors[1] >= 0)
        ok = relay_run(descriptors[0], descriptors[1], why);
    else if (o->kind == ORDER_NOTIFY)
        ok = notify_run(p, o->account, o->heading, o->text, why);
    else
        report_set(why, FAILURE_CONFIG, "the agent's starter does not understand an order");
    if (ok)
        *why = (struct report){0};
}

/* What was started is nobody's business any more. The agent ends by signals that a terminal or service manager sends
 * to this process too; its own end comes with the agent's. */
static void ignore_signals(void)
{
    static const int IGNORED[STARTER_SIGNALS] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < STARTER_SIGNALS; i++)
        signal(IGNORED[i], SIG_IGN);
}

static bool keep_only(int channel)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool ok = null >= 0;
    for (int fd = STDIN_FILENO; ok && fd <= STDERR_FILENO; fd++)
        ok = dup2(null, fd) == fd;
    ok = ok && (channel == CHANNEL || dup2(channel, CHANNEL) == CHANNEL) && fcntl(CHANNEL, F_SETFD, FD_CLOEXEC) == 0;
    closefrom(CHANNEL + 1);
    return ok;
}

/* An agent that waits no more has answered its client itself. */
static bool is_given_up(void)
{
    struct pollfd channel = {.fd = CHANNEL}; /* a hang-up is told all the same */
    return poll(&channel, 1, 0) > 0;
}

static void serve(int channel, const struct paths *p)
{
    struct order o;
    struct report why;
    int descriptors[DESCRIPTORS];
    ignore_signals();
    if (!keep_only(channel))
        return;
    while (take_order(&o, descriptors) && !is_given_up()) {
        carry_out(&o, descriptors, p, &why);
        for (size_t i = 0; i < DESCRIPTORS; i++)
            if (descriptors[i] >= 0)
                close(descriptors[i]);
        if (send(CHANNEL, &why, sizeof why, MSG_NOSIGNAL) < 0)
            return;
    }
}

/* --- in the agent --- */

bool starter_open(struct starter *s, const struct paths *p, struct report *why)
{
    int ends[2];
    s->channel.fd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return report_set(why, FAILURE_UNREACHABLE, "cannot make a channel between processes: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        serve(ends[1], p);
        _exit(0);
    }
    close(ends[1]);
    if (pid > 0) {
        s->channel.fd = ends[0];
        return true;
    }
    close(ends[0]);
    return report_set(why, FAILURE_UNREACHABLE, "cannot start a process: %s", strerror(errno));
}

void starter_close(struct starter *s)
{
    if (s->channel.fd >= 0)
        close(s->channel.fd);
    s->channel.fd = -1;
}

static bool send_order(int channel, const struct order *o, const int *descriptors)
{
    union ancillary ancillary = {.room = {0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)o, .iov_len = sizeof *o};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptors) {
        message.msg_control = &ancillary;
        message.msg_controllen = sizeof ancillary;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                                   .cmsg_len = CMSG_LEN(DESCRIPTORS * sizeof(int))};
        memcpy(CMSG_DATA(header), descriptors, DESCRIPTORS * sizeof(int));
    }
    return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof *o;
}

static bool take_answer(int channel, struct report *answer)
{
    struct pollfd ready = {.fd = channel, .events = POLLIN};
    int count;
    do
        count = poll(&ready, 1, STARTER_WAIT);
    while (count < 0 && errno == EINTR);
    return count == 1 && recv(channel, answer, sizeof *answer, MSG_DONTWAIT) == (ssize_t)sizeof *answer;
}

/* One that fails once is given up: an answer that comes too late would be taken for that of the next order. */
static bool order(struct starter *s, const struct order *o, const int *descriptors, struct report *why)
{
    int channel = s->channel.fd;
    if (channel >= 0 && send_order(channel, o, descriptors) && take_answer(channel, why))
        return why->code == FAILURE_NONE;
    if (channel >= 0)
        shutdown(channel, SHUT_RDWR);
    return report_set(why, FAILURE_UNREACHABLE,
                      "the process that starts programs for the agent is lost: try again, and if it stays, start "
                      "the agent anew");
}

bool starter_relay(struct starter *s, int input, int connection, struct report *why)
{
    const struct order o = {.kind = ORDER_RELAY};
    const int descriptors[DESCRIPTORS] = {input, connection};
    return order(s, &o, descriptors, why);
}

bool starter_notify(struct starter *s, const char *account, const char *heading, const char *text, struct report *why)
{
    struct order o = {.kind = ORDER_NOTIFY};
    snprintf(o.account, sizeof o.account, "%s", account);
    snprintf(o.heading, sizeof o.heading, "%s", heading);
    snprintf(o.text, sizeof o.text, "%s", text);
    return order(s, &o, NULL, why);
}
