#include "config.h"

#include "loopback.h"

#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT_TRIES = 10, READ_CHUNK = 4096, PAGE_MAX = 16384, BACKLOG = 16, SHORTAGE_PAUSE = 100 /* ms */ };

/* Opens a listener; port 0 takes a free one. -1 with errno. */
static int listen_on(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int one = 1;
    if ((address->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0) ||
        bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int listen_v4(unsigned *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = listen_on((struct sockaddr *)&a, len);
    if (fd >= 0 && getsockname(fd, (struct sockaddr *)&a, &len) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static int listen_v6(unsigned port)
{
    struct sockaddr_in6 a = {
        .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons((uint16_t)port)};
    return listen_on((struct sockaddr *)&a, sizeof a);
}

/* Opens both families on the same port. Where there is no IPv6, IPv4 is enough; where somebody else has the port, a
 * browser might reach them, so another port is tried. */
static bool open_pair(struct loopback *l)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        l->listener[0] = listen_v4(&l->port);
        if (l->listener[0] < 0)
            return false;
        l->listener[1] = listen_v6(l->port);
        if (l->listener[1] >= 0 || errno != EADDRINUSE)
            return true;
        close(l->listener[0]);
        l->listener[0] = -1;
        errno = EADDRINUSE;
    }
    return false;
}

bool loopback_open(struct loopback *l, const char *host, loopback_judge *judge, void *arg, struct report *why)
{
    *l = (struct loopback){.listener = {-1, -1}, .judge = judge, .arg = arg};
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++) {
        l->connection[i].fd = -1;
        secret_init(&l->connection[i].in, LOOPBACK_REQUEST_MAX + READ_CHUNK);
        secret_init(&l->connection[i].out, PAGE_MAX);
    }
    bool both = strcmp(host, "localhost") == 0;
    if (!both)
        l->listener[0] = listen_v4(&l->port);
    if (both ? !open_pair(l) : l->listener[0] < 0)
        return report_set(why, FAILURE_UNREACHABLE, "cannot listen on %s for the browser's answer: %s", host,
                          strerror(errno));
    snprintf(l->authority, sizeof l->authority, "%s:%u", host, l->port);
    return true;
}

static void connection_close(struct loopback_connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->sent = 0;
    c->closing = false;
    secret_free(&c->in);
    secret_free(&c->out);
}

static void close_listeners(struct loopback *l)
{
    for (int i = 0; i < 2; i++) {
        if (l->listener[i] >= 0)
            close(l->listener[i]);
        l->listener[i] = -1;
    }
}

void loopback_close(struct loopback *l)
{
    close_listeners(l);
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++)
        connection_close(&l->connection[i]);
}

nfds_t loopback_watch(const struct loopback *l, struct pollfd fds[LOOPBACK_FDS_MAX])
{
    nfds_t count = 0;
    for (int i = 0; i < 2; i++)
        if (l->listener[i] >= 0)
            fds[count++] = (struct pollfd){.fd = l->listener[i], .events = POLLIN};
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++) {
        const struct loopback_connection *c = &l->connection[i];
        if (c->fd >= 0)
            fds[count++] = (struct pollfd){.fd = c->fd, .events = c->sent < c->out.len ? POLLOUT : POLLIN};
    }
    return count;
}

int64_t loopback_deadline(const struct loopback *l)
{
    int64_t first = INT64_MAX;
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++)
        if (l->connection[i].fd >= 0 && l->connection[i].deadline < first)
            first = l->connection[i].deadline;
    return first;
}

static const char *reason(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Bad Request";
    }
}

static void add_escaped(struct secret *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            secret_adds(out, "&amp;");
            break;
        case '<':
            secret_adds(out, "&lt;");
            break;
        case '>':
            secret_adds(out, "&gt;");
            break;
        case '"':
            secret_adds(out, "&quot;");
            break;
        default:
            secret_add(out, text, 1);
        }
    }
}

/* Writes the answer. The page must not be kept, must not tell its address to anybody, and runs no script. */
static void answer(struct loopback_connection *c, const struct loopback_page *page)
{
    struct secret body;
    secret_init(&body, PAGE_MAX);
    secret_adds(&body, "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>");
    add_escaped(&body, page->title);
    secret_adds(&body, "</title>\n<h1>");
    add_escaped(&body, page->title);
    secret_adds(&body, "</h1>\n<p>");
    add_escaped(&body, page->text);
    secret_adds(&body, "</p>\n</html>\n");
    char head[512];
    snprintf(head, sizeof head,
             "HTTP/1.1 %u %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n%s"
             "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
             "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nConnection: close\r\n\r\n",
             page->status, reason(page->status), body.len, page->status == 405 ? "Allow: GET\r\n" : "");
    secret_adds(&c->out, head);
    if (body.len > 0)
        secret_add(&c->out, body.data, body.len);
    secret_free(&body);
}

/* Sends what it can. When all is sent, the browser is left time to read it: closing with unread bytes in our own
 * receive buffer would reset the connection and might destroy the page on its way. */
static void connection_send(struct loopback_connection *c)
{
    ssize_t sent = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent < 0) {
        connection_close(c);
        return;
    }
    c->sent += (size_t)sent;
    if (c->sent < c->out.len)
        return;
    c->closing = true;
    shutdown(c->fd, SHUT_WR);
}

/* Judges a request that has arrived whole, or has become hopeless. */
static void connection_answer(struct loopback *l, struct loopback_connection *c, char *target, unsigned status,
                              const char *problem)
{
    struct loopback_page page = {.status = status, .title = "Nothing to do here"};
    snprintf(page.text, sizeof page.text, "%s", problem ? problem : "");
    if (target)
        l->judge(l->arg, target, &page);
    answer(c, &page);
    secret_reset(&c->in);
    if (c->out.failed)
        connection_close(c);
    else
        connection_send(c);
}

static void connection_read(struct loopback *l, struct loopback_connection *c)
{
    char *room = secret_room(&c->in, READ_CHUNK);
    ssize_t got = room ? recv(c->fd, room, READ_CHUNK, 0) : 0;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        connection_close(c);
        return;
    }
    if (c->closing)
        return;
    secret_grow(&c->in, (size_t)got);
    char *target = NULL;
    unsigned status = 400;
    const char *problem = NULL;
    switch (loopback_parse(c->in.data, c->in.len, l->authority, &target, &status, &problem)) {
    case REQUEST_MORE:
        break;
    case REQUEST_GOOD:
        connection_answer(l, c, target, status, NULL);
        break;
    case REQUEST_BAD:
        connection_answer(l, c, NULL, status, problem);
        break;
    }
}

/* A place for a new connection: a free one, else that of the connection which has been there longest. */
static struct loopback_connection *place(struct loopback *l)
{
    struct loopback_connection *oldest = &l->connection[0];
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++) {
        struct loopback_connection *c = &l->connection[i];
        if (c->fd < 0)
            return c;
        if (c->deadline < oldest->deadline)
            oldest = c;
    }
    connection_close(oldest);
    return oldest;
}

static void accept_one(struct loopback *l, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            poll(NULL, 0, SHORTAGE_PAUSE); /* the listener stays readable: do not spin */
        return;
    }
    struct loopback_connection *c = place(l);
    c->fd = fd;
    c->deadline = clock_monotonic() + LOOPBACK_CONNECTION_TIME;
}

static void serve_connection(struct loopback *l, const struct pollfd *p)
{
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++) {
        struct loopback_connection *c = &l->connection[i];
        if (c->fd != p->fd)
            continue;
        if (c->sent < c->out.len)
            connection_send(c);
        else
            connection_read(l, c);
        return;
    }
}

static void drop_late(struct loopback *l)
{
    int64_t now = clock_monotonic();
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++)
        if (l->connection[i].fd >= 0 && l->connection[i].deadline <= now)
            connection_close(&l->connection[i]);
}

/* Connections first: accepting may give a number to a new one that an old one had when poll(2) was called. */
void loopback_serve(struct loopback *l, const struct pollfd fds[], nfds_t count)
{
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].revents && fds[i].fd != l->listener[0] && fds[i].fd != l->listener[1])
            serve_connection(l, &fds[i]);
    for (nfds_t i = 0; i < count; i++)
        if (fds[i].revents && (fds[i].fd == l->listener[0] || fds[i].fd == l->listener[1]))
            accept_one(l, fds[i].fd);
    drop_late(l);
}

void loopback_finish(struct loopback *l)
{
    close_listeners(l);
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++)
        if (l->connection[i].out.len == 0)
            connection_close(&l->connection[i]);
    int64_t deadline = clock_monotonic() + LOOPBACK_LINGER_TIME;
    struct pollfd fds[LOOPBACK_FDS_MAX];
    nfds_t count;
    while ((count = loopback_watch(l, fds)) > 0 && clock_left(deadline) > 0)
        if (poll(fds, count, clock_left(deadline)) > 0)
            loopback_serve(l, fds, count);
}
