#include "config.h"

#include "token_endpoint.h"

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 16384, LIFETIME = 3600, LOOK_MS = 5, PATIENCE_MS = 20000 };

static int number_of(const int *shared)
{
    return __atomic_load_n(shared, __ATOMIC_SEQ_CST);
}

static int add(int *shared, int what)
{
    return __atomic_add_fetch(shared, what, __ATOMIC_SEQ_CST);
}

static void nap(int milliseconds)
{
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L}, NULL);
}

/* --- in a process of its own for each connection --- */

static bool is_whole(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strcasestr(request, "\r\ncontent-length:");
    return end && length && strlen(end + 4) >= strtoul(length + 17, NULL, 10);
}

static void put(int fd, int status, const char *headers, const char *body)
{
    char reply[1024];
    int len = snprintf(reply, sizeof reply,
                       "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n"
                       "Connection: close\r\n\r\n%s",
                       status, headers, strlen(body), body);
    (void)send(fd, reply, (size_t)len, MSG_NOSIGNAL);
}

static void put_unavailable(int fd, const struct endpoint *e)
{
    char header[64] = "";
    if (number_of(&e->retry_after) > 0)
        snprintf(header, sizeof header, "Retry-After: %d\r\n", number_of(&e->retry_after));
    put(fd, 503, header, "{}");
}

static void put_tokens(int fd, struct endpoint *e, int number, const char *request)
{
    char wanted[64];
    char body[256];
    int old = number_of(&e->generation);
    snprintf(wanted, sizeof wanted, "refresh_token=rt-%d-%d", number, old);
    const char *found = strstr(request, wanted);
    if (!found || (found[strlen(wanted)] != '&' && found[strlen(wanted)] != '\0')) {
        add(&e->stale, 1);
        put(fd, 400, "", "{\"error\":\"invalid_grant\"}");
        return;
    }
    int new = add(&e->generation, 1);
    snprintf(
        body, sizeof body,
        "{\"access_token\":\"at-%d-%d\",\"refresh_token\":\"rt-%d-%d\",\"expires_in\":%d,\"token_type\":\"Bearer\"}",
        number, new, number, new, number_of(&e->lifetime));
    put(fd, 200, "", body);
}

static void answer(int fd, struct endpoint *e, int number, const char *request)
{
    while (number_of(&e->held))
        nap(LOOK_MS);
    nap(number_of(&e->delay));
    if (number_of(&e->unavailable) > 0) {
        add(&e->unavailable, -1);
        put_unavailable(fd, e);
        return;
    }
    switch ((enum endpoint_mode)number_of(&e->mode)) {
    case ENDPOINT_GOOD:
        put_tokens(fd, e, number, request);
        break;
    case ENDPOINT_REFUSES:
        put(fd, 400, "", "{\"error\":\"invalid_grant\",\"error_description\":\"revoked\"}");
        break;
    case ENDPOINT_CONFIG:
        put(fd, 401, "", "{\"error\":\"invalid_client\"}");
        break;
    case ENDPOINT_DOWN:
        put_unavailable(fd, e);
        break;
    case ENDPOINT_BROKEN:
        put(fd, 500, "", "{}");
        break;
    }
}

static void serve(int fd, struct endpoint *endpoints)
{
    static char request[REQUEST_MAX + 1];
    size_t len = 0;
    int number = 0;
    while (len < REQUEST_MAX && !is_whole(request)) {
        ssize_t got = read(fd, request + len, REQUEST_MAX - len);
        if (got <= 0)
            return;
        len += (size_t)got;
        request[len] = '\0';
    }
    if (sscanf(request, "POST /%d ", &number) != 1 || number < 0 || number >= ENDPOINTS)
        return;
    struct endpoint *e = &endpoints[number];
    add(&e->requests, 1);
    add(&e->busy, 1);
    answer(fd, e, number, request);
    add(&e->busy, -1);
}

static void run(int listener, struct endpoint *endpoints)
{
    signal(SIGCHLD, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(fd, endpoints);
            _exit(0);
        }
        close(fd);
    }
}

/* --- in the test --- */

void token_endpoint_start(struct token_endpoint *t)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0 && bind(listener, (struct sockaddr *)&address, len) == 0 &&
                listen(listener, 128) == 0 && getsockname(listener, (struct sockaddr *)&address, &len) == 0);
    t->port = ntohs(address.sin_port);
    t->endpoints =
        mmap(NULL, ENDPOINTS * sizeof *t->endpoints, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(t->endpoints, MAP_FAILED);
    for (int i = 0; i < ENDPOINTS; i++)
        t->endpoints[i].lifetime = LIFETIME;
    t->pid = fork();
    assert_true(t->pid >= 0);
    if (t->pid == 0)
        run(listener, t->endpoints);
    close(listener);
}

void token_endpoint_stop(struct token_endpoint *t)
{
    kill(t->pid, SIGKILL);
    waitpid(t->pid, NULL, 0);
    munmap(t->endpoints, ENDPOINTS * sizeof *t->endpoints);
}

void token_endpoint_await(const struct endpoint *e)
{
    for (int waited = 0; number_of(&e->busy) == 0; waited += LOOK_MS) {
        assert_true(waited < PATIENCE_MS);
        nap(LOOK_MS);
    }
}
