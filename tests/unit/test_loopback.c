#include "config.h"

#include "loopback.h"

#include "clock.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define HOST "Host: 127.0.0.1:4711\r\n"

/* --- the request reader --- */

static enum request_result parse_bytes(const char *data, size_t len, char *target, unsigned *status)
{
    char *copy = malloc(len + 1);
    char *found = NULL;
    const char *problem = NULL;
    memcpy(copy, data, len);
    copy[len] = '\0';
    *status = 0;
    enum request_result result = loopback_parse(copy, len, "127.0.0.1:4711", &found, status, &problem);
    target[0] = '\0';
    if (result == REQUEST_GOOD)
        snprintf(target, 256, "%s", found);
    assert_true((result == REQUEST_BAD) == (problem != NULL));
    free(copy);
    return result;
}

static void expect_bad(const char *request, unsigned wanted)
{
    char target[256];
    unsigned status;
    assert_int_equal(parse_bytes(request, strlen(request), target, &status), REQUEST_BAD);
    assert_int_equal(status, wanted);
}

static void whole_request(void **unused)
{
    (void)unused;
    static const char REQUEST[] = "GET /?code=a&state=b HTTP/1.1\r\nhOST:   127.0.0.1:4711  \r\nAccept: */*\r\n\r\n";
    char target[256];
    unsigned status;
    assert_int_equal(parse_bytes(REQUEST, strlen(REQUEST), target, &status), REQUEST_GOOD);
    assert_string_equal(target, "/?code=a&state=b");
}

static void every_part_of_a_request_is_not_enough(void **unused)
{
    (void)unused;
    static const char REQUEST[] = "GET /?code=a HTTP/1.1\r\n" HOST "\r\n";
    char target[256];
    unsigned status;
    for (size_t len = 0; len < strlen(REQUEST); len++)
        assert_int_equal(parse_bytes(REQUEST, len, target, &status), REQUEST_MORE);
}

static void host_of_somebody_else(void **unused)
{
    (void)unused;
    expect_bad("GET /?code=a HTTP/1.1\r\nHost: evil.example:4711\r\n\r\n", 403);
    expect_bad("GET /?code=a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 403);
    expect_bad("GET /?code=a HTTP/1.1\r\nHost: 127.0.0.1:47110\r\n\r\n", 403);
    expect_bad("GET /?code=a HTTP/1.1\r\nHost:\r\n\r\n", 403);
}

static void no_host_or_two(void **unused)
{
    (void)unused;
    expect_bad("GET /?code=a HTTP/1.1\r\n\r\n", 403);
    expect_bad("GET /?code=a HTTP/1.1\r\n" HOST "Host: evil.example\r\n\r\n", 403);
    expect_bad("GET /?code=a HTTP/1.1\r\n" HOST HOST "\r\n", 403);
}

static void other_methods(void **unused)
{
    (void)unused;
    expect_bad("POST /?code=a HTTP/1.1\r\n" HOST "\r\n", 405);
    expect_bad("HEAD /?code=a HTTP/1.1\r\n" HOST "\r\n", 405);
    expect_bad("get /?code=a HTTP/1.1\r\n" HOST "\r\n", 405);
}

static void other_addresses(void **unused)
{
    (void)unused;
    expect_bad("GET /favicon.ico HTTP/1.1\r\n" HOST "\r\n", 404);
    expect_bad("GET / HTTP/1.1\r\n" HOST "\r\n", 404);
    expect_bad("GET //?code=a HTTP/1.1\r\n" HOST "\r\n", 404);
    expect_bad("GET /x?code=a HTTP/1.1\r\n" HOST "\r\n", 404);
}

static void no_http(void **unused)
{
    (void)unused;
    expect_bad("\r\n\r\n", 400);
    expect_bad("GET\r\n\r\n", 400);
    expect_bad("GET /?a\r\n" HOST "\r\n", 400);
    expect_bad("GET /?a b HTTP/1.1\r\n" HOST "\r\n", 400);
    expect_bad("GET /?a HTTP/2.0\r\n" HOST "\r\n", 400);
    expect_bad("GET http://127.0.0.1:4711/?a HTTP/1.1\r\n" HOST "\r\n", 400);
    expect_bad("GET /?a HTTP/1.1\r\nno colon\r\n" HOST "\r\n", 400);
    expect_bad("GET /?a HTTP/1.1\r\nA: b\r\n folded: c\r\n" HOST "\r\n", 400);
    expect_bad("GET /?a HTTP/1.1\r\n: x\r\n" HOST "\r\n", 400);
    expect_bad("\026\003\001\002 tls\r\n\r\n", 400);
}

static void request_with_a_nul(void **unused)
{
    (void)unused;
    static const char REQUEST[] = "GET /?code=a\0 HTTP/1.1\r\n" HOST "\r\n";
    char target[256];
    unsigned status;
    assert_int_equal(parse_bytes(REQUEST, sizeof REQUEST - 1, target, &status), REQUEST_BAD);
    assert_int_equal(status, 400);
}

static void request_without_an_end(void **unused)
{
    (void)unused;
    char *data = malloc(LOOPBACK_REQUEST_MAX);
    char target[256];
    unsigned status;
    memset(data, 'x', LOOPBACK_REQUEST_MAX);
    assert_int_equal(parse_bytes(data, LOOPBACK_REQUEST_MAX - 1, target, &status), REQUEST_MORE);
    assert_int_equal(parse_bytes(data, LOOPBACK_REQUEST_MAX, target, &status), REQUEST_BAD);
    assert_int_equal(status, 431);
    free(data);
}

/* --- the listener --- */

static struct loopback listener;
static char judged[256]; /* the last target */
static int judgements;

static void judge(void *arg, const char *target, struct loopback_page *page)
{
    assert_ptr_equal(arg, &listener);
    snprintf(judged, sizeof judged, "%s", target);
    judgements++;
    page->status = 200;
    page->title = "Done & <over>";
    snprintf(page->text, sizeof page->text, "it's \"good\" <script>");
}

static int start_on(const char *host)
{
    struct report why;
    judgements = 0;
    judged[0] = '\0';
    return loopback_open(&listener, host, judge, &listener, &why) ? 0 : -1;
}

static int start(void **unused)
{
    (void)unused;
    return start_on("127.0.0.1");
}

static int stop(void **unused)
{
    (void)unused;
    loopback_close(&listener);
    return 0;
}

/* Lets the listener do all that is to be done now. What was sent may take a moment to arrive. */
static void turn(void)
{
    enum { ARRIVAL_MS = 10 };
    struct pollfd fds[LOOPBACK_FDS_MAX];
    for (int idle = 0; idle < 2;) {
        nfds_t count = loopback_watch(&listener, fds);
        assert_true(count <= LOOPBACK_FDS_MAX);
        int ready = poll(fds, count, ARRIVAL_MS);
        idle = ready > 0 ? 0 : idle + 1;
        loopback_serve(&listener, fds, count);
    }
}

static int connect_to(int family)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    v4.sin_port = v6.sin6_port = htons((uint16_t)listener.port);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    bool is_v4 = family == AF_INET;
    assert_int_equal(
        connect(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, is_v4 ? sizeof v4 : sizeof v6), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void put_request(int fd, const char *target)
{
    char request[512];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, listener.authority);
    put(fd, request);
}

/* Reads to the end of the connection. */
static void get_answer(int fd, char *answer, size_t size)
{
    size_t len = 0;
    ssize_t got;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20}, sizeof(struct timeval));
    while (len < size - 1 && (got = recv(fd, answer + len, size - 1 - len, 0)) > 0)
        len += (size_t)got;
    answer[len] = '\0';
    close(fd);
}

static void expect_answer(int fd, const char *beginning)
{
    char answer[8192];
    get_answer(fd, answer, sizeof answer);
    assert_int_equal(strncmp(answer, beginning, strlen(beginning)), 0);
}

static void redirect_is_judged_and_answered(void **unused)
{
    (void)unused;
    char answer[8192];
    int fd = connect_to(AF_INET);
    put_request(fd, "/?code=a&state=b");
    turn();
    assert_int_equal(judgements, 1);
    assert_string_equal(judged, "/?code=a&state=b");
    get_answer(fd, answer, sizeof answer);
    assert_int_equal(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
    assert_non_null(strstr(answer, "\r\nReferrer-Policy: no-referrer\r\n"));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(answer, "<h1>Done &amp; &lt;over&gt;</h1>"));
    assert_non_null(strstr(answer, "it's &quot;good&quot; &lt;script&gt;"));
    assert_null(strstr(answer, "<script>"));
    char *body = strstr(answer, "\r\n\r\n") + 4;
    assert_int_equal(strtoul(strstr(answer, "Content-Length: ") + 16, NULL, 10), strlen(body));
}

static void favicon_changes_nothing(void **unused)
{
    (void)unused;
    int fd = connect_to(AF_INET);
    put_request(fd, "/favicon.ico");
    turn();
    expect_answer(fd, "HTTP/1.1 404 Not Found\r\n");
    assert_int_equal(judgements, 0);
}

static void request_in_pieces(void **unused)
{
    (void)unused;
    char request[256];
    snprintf(request, sizeof request, "GET /?code=a HTTP/1.1\r\nHost: %s\r\n\r\n", listener.authority);
    int fd = connect_to(AF_INET);
    for (const char *c = request; *c; c++) {
        assert_int_equal(judgements, 0);
        assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
        turn();
    }
    assert_int_equal(judgements, 1);
    expect_answer(fd, "HTTP/1.1 200 OK\r\n");
}

static void silent_clients_take_no_place_from_the_browser(void **unused)
{
    (void)unused;
    enum { CLIENTS = 3 * LOOPBACK_CONNECTIONS_MAX };
    int silent[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        silent[i] = connect_to(AF_INET);
        put(silent[i], "GET /?co");
        turn();
    }
    int fd = connect_to(AF_INET);
    put_request(fd, "/?code=a");
    turn();
    assert_int_equal(judgements, 1);
    expect_answer(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < CLIENTS; i++)
        close(silent[i]);
}

static void endless_request_is_cut_off(void **unused)
{
    (void)unused;
    char filler[4096];
    memset(filler, 'x', sizeof filler);
    int fd = connect_to(AF_INET);
    ssize_t sent = 0;
    for (int i = 0; i < 64 && sent >= 0; i++) {
        sent = send(fd, filler, sizeof filler, MSG_NOSIGNAL | MSG_DONTWAIT);
        turn();
        for (int c = 0; c < LOOPBACK_CONNECTIONS_MAX; c++)
            assert_true(listener.connection[c].in.len <= LOOPBACK_REQUEST_MAX + sizeof filler);
    }
    expect_answer(fd, "HTTP/1.1 431 ");
    assert_int_equal(judgements, 0);
}

static void late_client_is_dropped(void **unused)
{
    (void)unused;
    char byte;
    int fd = connect_to(AF_INET);
    put(fd, "GET ");
    turn();
    assert_true(loopback_deadline(&listener) <= clock_monotonic() + LOOPBACK_CONNECTION_TIME);
    listener.connection[0].deadline = clock_monotonic();
    turn();
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
    assert_true(loopback_deadline(&listener) == INT64_MAX);
    close(fd);
}

static void client_that_goes_away(void **unused)
{
    (void)unused;
    int fd = connect_to(AF_INET);
    put(fd, "GET ");
    turn();
    close(fd);
    turn();
    assert_int_equal(listener.connection[0].fd, -1);
    fd = connect_to(AF_INET);
    put_request(fd, "/?code=a");
    const struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    turn();
    turn();
    assert_int_equal(listener.connection[0].fd, -1);
}

static void last_answer_arrives_although_the_listener_ends(void **unused)
{
    (void)unused;
    int fd = connect_to(AF_INET);
    int other = connect_to(AF_INET);
    put_request(fd, "/?code=a");
    turn();
    shutdown(fd, SHUT_WR); /* the browser has read the answer and closes */
    loopback_finish(&listener);
    loopback_close(&listener);
    expect_answer(fd, "HTTP/1.1 200 OK\r\n");
    expect_answer(other, "");
}

static void localhost_is_served_on_both_families(void **unused)
{
    (void)unused;
    assert_int_equal(start_on("localhost"), 0);
    char expected[64];
    snprintf(expected, sizeof expected, "localhost:%u", listener.port);
    assert_string_equal(listener.authority, expected);
    int families = listener.listener[1] >= 0 ? 2 : 1; /* one where this machine has no IPv6 */
    for (int i = 0; i < families; i++) {
        int fd = connect_to(i == 0 ? AF_INET : AF_INET6);
        put_request(fd, "/?code=a");
        turn();
        expect_answer(fd, "HTTP/1.1 200 OK\r\n");
    }
    assert_int_equal(judgements, families);
}

static void only_loopback_is_listened_on(void **unused)
{
    (void)unused;
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    assert_int_equal(getsockname(listener.listener[0], (struct sockaddr *)&a, &len), 0);
    assert_int_equal(ntohl(a.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(listener.listener[1], -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_request),
        cmocka_unit_test(every_part_of_a_request_is_not_enough),
        cmocka_unit_test(host_of_somebody_else),
        cmocka_unit_test(no_host_or_two),
        cmocka_unit_test(other_methods),
        cmocka_unit_test(other_addresses),
        cmocka_unit_test(no_http),
        cmocka_unit_test(request_with_a_nul),
        cmocka_unit_test(request_without_an_end),
        cmocka_unit_test_setup_teardown(redirect_is_judged_and_answered, start, stop),
        cmocka_unit_test_setup_teardown(favicon_changes_nothing, start, stop),
        cmocka_unit_test_setup_teardown(request_in_pieces, start, stop),
        cmocka_unit_test_setup_teardown(silent_clients_take_no_place_from_the_browser, start, stop),
        cmocka_unit_test_setup_teardown(endless_request_is_cut_off, start, stop),
        cmocka_unit_test_setup_teardown(late_client_is_dropped, start, stop),
        cmocka_unit_test_setup_teardown(client_that_goes_away, start, stop),
        cmocka_unit_test_setup_teardown(last_answer_arrives_although_the_listener_ends, start, stop),
        cmocka_unit_test_teardown(localhost_is_served_on_both_families, stop),
        cmocka_unit_test_setup_teardown(only_loopback_is_listened_on, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
