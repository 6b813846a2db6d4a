#include "config.h"

#include "http.h"

#include "folder.h"
#include "test.h"
#include "web_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_REPLY "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n"

static const struct http_field FORM[] = {
    {"grant_type", "refresh_token"}, {"refresh_token", "the-secret"}, {"scope", NULL}, {"empty", ""}, {NULL, NULL}};

/* One client with its account, and the server that it talks to. */
struct talk {
    struct account account;
    struct http *http;
    struct web_server server;
    struct http_reply reply;
    struct report why;
    bool ok;
    char url[200];
};

static void talk_begin(struct talk *t)
{
    *t = (struct talk){0};
    account_init(&t->account);
    t->http = http_open(&t->account, &t->why);
    assert_non_null(t->http);
}

/* Starts the server and makes the URL of `path` on it. */
static void talk_serve(struct talk *t, const struct web_turn *turns, size_t count, const char *certificate,
                       const char *key)
{
    web_start(&t->server, turns, count, certificate, key);
    snprintf(t->url, sizeof t->url, "%s://127.0.0.1:%d/token", certificate ? "https" : "http", t->server.port);
}

static void talk_post(struct talk *t, int64_t timeout)
{
    t->ok = http_post(t->http, t->url, FORM, NULL, NULL, timeout, &t->reply, &t->why);
}

static void talk_get(struct talk *t, const char *token)
{
    t->ok = http_get(t->http, t->url, token, 5000, &t->reply, &t->why);
}

static void talk_end(struct talk *t)
{
    if (t->server.pid > 0)
        web_stop(&t->server);
    web_free(&t->server);
    http_reply_free(&t->reply);
    http_close(&t->http);
    account_free(&t->account);
}

/* The most common case: a POST against one turn. Leaves the requests to look at; talk_end() must follow. */
static void post_once(struct talk *t, enum web_act act, const char *reply, int64_t timeout)
{
    const struct web_turn turn = {.act = act, .reply = reply};
    talk_begin(t);
    talk_serve(t, &turn, 1, NULL, NULL);
    talk_post(t, timeout);
    web_stop(&t->server);
    t->server.pid = 0;
}

static void assert_unreachable(const struct talk *t, bool sent)
{
    assert_false(t->ok);
    assert_int_equal(t->why.code, FAILURE_UNREACHABLE);
    assert_int_equal(t->reply.sent, sent);
    assert_null(strstr(t->why.text, "the-secret"));
}

static const char *body_of(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    return end ? end + 4 : "";
}

static void form_and_headers(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_REPLY, JSON_REPLY, 5000);
    assert_true(t.ok);
    assert_int_equal(t.reply.status, 200);
    assert_string_equal(t.reply.body.data, "{}");
    assert_int_equal(t.server.count, 1);
    const char *request = t.server.requests[0];
    assert_non_null(strstr(request, "POST /token HTTP/1.1\r\n"));
    assert_non_null(strstr(request, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(request, "\r\nUser-Agent: xoauth2/" PACKAGE_VERSION "\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_null(strstr(request, "Accept-Encoding"));
    assert_null(strstr(request, "Authorization"));
    assert_null(strstr(request, "Expect"));
    assert_string_equal(body_of(request), "grant_type=refresh_token&refresh_token=the-secret");
    talk_end(&t);
}

static void form_with_reserved_characters(void **state)
{
    const struct http_field form[] = {{"a", "1&b=2+3 %\xC3\xA4\r\n"}, {NULL, NULL}};
    const struct web_turn turn = {.act = WEB_REPLY, .reply = JSON_REPLY};
    struct talk t;
    (void)state;
    talk_begin(&t);
    talk_serve(&t, &turn, 1, NULL, NULL);
    assert_true(http_post(t.http, t.url, form, NULL, NULL, 5000, &t.reply, &t.why));
    web_stop(&t.server);
    t.server.pid = 0;
    assert_string_equal(body_of(t.server.requests[0]), "a=1%26b%3D2%2B3%20%25%C3%A4%0D%0A");
    talk_end(&t);
}

static void check_basic(const char *user, const char *secret, const char *header)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = JSON_REPLY};
    struct talk t;
    talk_begin(&t);
    talk_serve(&t, &turn, 1, NULL, NULL);
    assert_true(http_post(t.http, t.url, FORM, user, secret, 5000, &t.reply, &t.why));
    web_stop(&t.server);
    t.server.pid = 0;
    assert_non_null(strstr(t.server.requests[0], header));
    talk_end(&t);
}

static void basic_authentication(void **state)
{
    (void)state;
    check_basic("s6BhdRkqt3", "gX1fBat3bV", "\r\nAuthorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\r\n");
    check_basic("a:b", "c%d e", "\r\nAuthorization: Basic YSUzQWI6YyUyNWQlMjBl\r\n"); /* a%3Ab:c%25d%20e */
}

static void bearer_token_of_a_get(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = JSON_REPLY};
    struct talk t;
    (void)state;
    talk_begin(&t);
    talk_serve(&t, &turn, 1, NULL, NULL);
    talk_get(&t, "tok.en");
    assert_true(t.ok);
    web_stop(&t.server);
    t.server.pid = 0;
    assert_non_null(strstr(t.server.requests[0], "GET /token HTTP/1.1\r\n"));
    assert_non_null(strstr(t.server.requests[0], "\r\nAuthorization: Bearer tok.en\r\n"));
    talk_end(&t);
}

static void bearer_token_not_in_the_next_request(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_KEEP_OPEN, .reply = JSON_REPLY},
                                     {.act = WEB_REPLY, .reply = JSON_REPLY}};
    struct talk t;
    (void)state;
    talk_begin(&t);
    talk_serve(&t, turns, 2, NULL, NULL);
    talk_get(&t, "tok.en");
    assert_true(t.ok);
    http_reply_free(&t.reply);
    talk_get(&t, NULL);
    assert_true(t.ok);
    web_stop(&t.server);
    t.server.pid = 0;
    assert_int_equal(t.server.count, 2);
    assert_null(strstr(t.server.requests[1], "Authorization"));
    talk_end(&t);
}

static void redirected_form_stays_here(void **state)
{
    static const char *const STATUS[] = {"301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"};
    (void)state;
    for (size_t i = 0; i < sizeof STATUS / sizeof STATUS[0]; i++) {
        const struct web_turn second_turn = {.act = WEB_REPLY, .reply = JSON_REPLY};
        struct web_server second;
        char reply[300];
        struct talk t;
        web_start(&second, &second_turn, 1, NULL, NULL);
        snprintf(reply, sizeof reply,
                 "HTTP/1.1 %s\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:%d/steal\r\n\r\n", STATUS[i],
                 second.port);
        post_once(&t, WEB_REPLY, reply, 5000);
        web_stop(&second);
        assert_true(t.ok);
        assert_int_equal(t.reply.status / 100, 3);
        assert_int_equal(t.server.count, 1);
        assert_int_equal(second.count, 0);
        web_free(&second);
        talk_end(&t);
    }
}

static void redirected_form_not_sent_to_the_same_host(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_REPLY, HEAD("307 Temporary") "Location: /other\r\n\r\n", 5000);
    assert_true(t.ok);
    assert_int_equal(t.reply.status, 307);
    assert_int_equal(t.server.count, 1);
    talk_end(&t);
}

static void redirected_get_within_the_host(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = HEAD("302 Found") "Location: /elsewhere\r\n\r\n"},
                                     {.act = WEB_REPLY, .reply = JSON_REPLY}};
    struct talk t;
    (void)state;
    talk_begin(&t);
    talk_serve(&t, turns, 2, NULL, NULL);
    talk_get(&t, NULL);
    assert_true(t.ok);
    assert_int_equal(t.reply.status, 200);
    assert_string_equal(t.reply.body.data, "{}");
    web_stop(&t.server);
    t.server.pid = 0;
    assert_non_null(strstr(t.server.requests[1], "GET /elsewhere "));
    talk_end(&t);
}

static void redirect_loop(void **state)
{
    static const struct web_turn TURN = {.act = WEB_REPLY, .reply = HEAD("302 Found") "Location: /again\r\n\r\n"};
    struct web_turn turns[8];
    struct talk t;
    (void)state;
    for (size_t i = 0; i < 8; i++)
        turns[i] = TURN;
    talk_begin(&t);
    talk_serve(&t, turns, 8, NULL, NULL);
    talk_get(&t, NULL);
    assert_true(t.ok);
    assert_int_equal(t.reply.status, 302);
    web_stop(&t.server);
    t.server.pid = 0;
    assert_int_equal(t.server.count, 1 + HTTP_REDIRECTS_MAX);
    talk_end(&t);
}

static void redirected_get_to_another_origin(void **state)
{
    const struct web_turn second_turn = {.act = WEB_REPLY, .reply = JSON_REPLY};
    static const char *const WHERE[] = {
        "http://127.0.0.1:", "http://localhost:", "https://127.0.0.1:", "file:///etc/passwd#"};
    (void)state;
    for (size_t i = 0; i < sizeof WHERE / sizeof WHERE[0]; i++) {
        struct web_server second;
        struct talk t;
        char reply[300];
        web_start(&second, &second_turn, 1, NULL, NULL);
        snprintf(reply, sizeof reply, HEAD("302 Found") "Location: %s%d/\r\n\r\n", WHERE[i], second.port);
        const struct web_turn turn = {.act = WEB_REPLY, .reply = reply};
        talk_begin(&t);
        talk_serve(&t, &turn, 1, NULL, NULL);
        talk_get(&t, "tok.en");
        web_stop(&second);
        assert_true(t.ok);
        assert_int_equal(t.reply.status, 302);
        assert_int_equal(second.count, 0);
        web_free(&second);
        talk_end(&t);
    }
}

static void oversized_body_announced(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_REPLY, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n{", 5000);
    assert_unreachable(&t, true);
    assert_non_null(strstr(t.why.text, "too large"));
    talk_end(&t);
}

static void endless_body(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_FLOOD, "HTTP/1.1 200 OK\r\n\r\n", 20000);
    assert_unreachable(&t, true);
    assert_non_null(strstr(t.why.text, "too large"));
    talk_end(&t);
}

static void oversized_headers(void **state)
{
    static char reply[HTTP_HEADERS_MAX + 2000];
    struct talk t;
    (void)state;
    size_t len = (size_t)sprintf(reply, "HTTP/1.1 200 OK\r\n");
    while (len < HTTP_HEADERS_MAX)
        len += (size_t)sprintf(reply + len, "X-Filler: %0980d\r\n", 0);
    strcpy(reply + len, "Content-Length: 2\r\n\r\n{}");
    post_once(&t, WEB_REPLY, reply, 5000);
    assert_unreachable(&t, true);
    talk_end(&t);
}

static void dripping_headers(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_DRIP, "HTTP/1.1 200 OK\r\nX-Slow: 0123456789", 3000);
    assert_unreachable(&t, true);
    assert_non_null(strstr(t.why.text, "127.0.0.1 did not answer in time"));
    talk_end(&t);
}

static void dripping_body(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_DRIP, "HTTP/1.1 200 OK\r\n\r\n", 1000);
    assert_unreachable(&t, true);
    assert_non_null(strstr(t.why.text, "127.0.0.1 did not answer in time"));
    talk_end(&t);
}

static void silent_server(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_HANG, NULL, 3000);
    assert_unreachable(&t, true);
    talk_end(&t);
}

static void early_close(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_REPLY, "", 5000);
    assert_unreachable(&t, true);
    assert_int_equal(t.server.count, 1);
    talk_end(&t);
}

static void truncated_body(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_REPLY, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":1}", 5000);
    assert_unreachable(&t, true);
    talk_end(&t);
}

static void not_http(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_REPLY, "* OK IMAP4rev1 ready\r\n", 5000);
    assert_unreachable(&t, true);
    talk_end(&t);
}

static void connection_refused(void **state)
{
    struct talk t;
    (void)state;
    talk_begin(&t);
    talk_serve(&t, NULL, 0, NULL, NULL);
    web_stop(&t.server);
    t.server.pid = 0;
    talk_post(&t, 5000);
    assert_unreachable(&t, false);
    assert_non_null(strstr(t.why.text, "127.0.0.1"));
    talk_end(&t);
}

/* Not asked for, so not decoded either: a bomb stays small. */
static void gzip_not_asked_for(void **state)
{
    static const char REPLY[] =
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00";
    const struct web_turn turn = {.act = WEB_REPLY, .reply = REPLY, .len = sizeof REPLY - 1};
    struct talk t;
    (void)state;
    talk_begin(&t);
    talk_serve(&t, &turn, 1, NULL, NULL);
    talk_post(&t, 5000);
    assert_true(t.ok);
    assert_int_equal(t.reply.body.len, 4);
    assert_memory_equal(t.reply.body.data, "\x1f\x8b\x08\x00", 4);
    talk_end(&t);
}

static void wrong_content_type(void **state)
{
    struct talk t;
    (void)state;
    post_once(&t, WEB_REPLY, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", 5000);
    assert_true(t.ok);
    assert_string_equal(t.reply.body.data, "{}");
    talk_end(&t);
}

static int64_t retry_after_of(const char *header)
{
    struct talk t;
    char reply[200];
    snprintf(reply, sizeof reply, HEAD("503 Unavailable") "%s\r\n\r\n", header);
    post_once(&t, WEB_REPLY, reply, 5000);
    assert_true(t.ok);
    assert_int_equal(t.reply.status, 503);
    int64_t seconds = t.reply.retry_after;
    talk_end(&t);
    return seconds;
}

static void retry_after(void **state)
{
    (void)state;
    assert_int_equal(retry_after_of("X-Nothing: 1"), 0);
    assert_int_equal(retry_after_of("Retry-After: 7"), 7);
    assert_int_equal(retry_after_of("Retry-After: -7"), 0);
    assert_int_equal(retry_after_of("Retry-After: soon"), 0);
    assert_int_equal(retry_after_of("Retry-After: 9999999999"), HTTP_RETRY_AFTER_MAX);
    assert_int_equal(retry_after_of("Retry-After: Fri, 31 Dec 2100 23:59:59 GMT"), HTTP_RETRY_AFTER_MAX);
    assert_int_equal(retry_after_of("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"), 0);
}

static void address_not_allowed(void **state)
{
    static const char *const URLS[] = {
        "http://example.org/token",    "ftp://127.0.0.1/", "file:///etc/passwd", "", "https://",
        "https://user:pass@127.0.0.1/"};
    (void)state;
    for (size_t i = 0; i < sizeof URLS / sizeof URLS[0]; i++) {
        struct talk t;
        talk_begin(&t);
        snprintf(t.url, sizeof t.url, "%s", URLS[i]);
        talk_post(&t, 5000);
        assert_false(t.ok);
        assert_false(t.reply.sent);
        talk_end(&t);
    }
}

/* A form in the clear must not leave this machine. */
static void proxy_of_the_environment_not_for_http(void **state)
{
    const struct web_turn proxy_turn = {.act = WEB_REPLY, .reply = JSON_REPLY};
    struct web_server proxy;
    struct talk t;
    char address[100];
    (void)state;
    web_start(&proxy, &proxy_turn, 1, NULL, NULL);
    snprintf(address, sizeof address, "http://127.0.0.1:%d", proxy.port);
    setenv("http_proxy", address, 1);
    setenv("all_proxy", address, 1);
    post_once(&t, WEB_REPLY, JSON_REPLY, 5000);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    web_stop(&proxy);
    assert_true(t.ok);
    assert_int_equal(t.server.count, 1);
    assert_int_equal(proxy.count, 0);
    web_free(&proxy);
    talk_end(&t);
}

static void check_proxy_used(bool from_environment)
{
    const struct web_turn proxy_turn = {.act = WEB_REPLY, .reply = HEAD("407 No") "\r\n"};
    struct web_server proxy;
    struct talk t;
    char address[100];
    web_start(&proxy, &proxy_turn, 1, NULL, NULL);
    snprintf(address, sizeof address, "http://127.0.0.1:%d", proxy.port);
    talk_begin(&t);
    if (from_environment)
        setenv("https_proxy", address, 1);
    else
        t.account.file.value[SETTING_PROXY] = address;
    snprintf(t.url, sizeof t.url, "https://provider.invalid/token");
    talk_post(&t, 5000);
    unsetenv("https_proxy");
    web_stop(&proxy);
    assert_false(t.ok);
    assert_int_equal(t.why.code, FAILURE_UNREACHABLE);
    assert_false(t.reply.sent);
    assert_int_equal(proxy.count, 1);
    assert_non_null(strstr(proxy.requests[0], "CONNECT provider.invalid:443 "));
    assert_null(strstr(proxy.requests[0], "the-secret"));
    web_free(&proxy);
    talk_end(&t);
}

static void proxy_for_https(void **state)
{
    (void)state;
    check_proxy_used(false);
    check_proxy_used(true);
}

/* --- TLS --- */

struct tls_case {
    const char *name; /* in the certificate */
    bool ca_file;
    bool ca_path;
    bool missing_file;
};

static void talk_tls(struct talk *t, const struct tls_case *c)
{
    static const struct web_turn TURN = {.act = WEB_REPLY, .reply = JSON_REPLY};
    char hashed[16], certificate[500], key[500], folder[500], linked[600];
    talk_begin(t);
    snprintf(certificate, sizeof certificate, "%s", folder_path("certificate.pem"));
    snprintf(key, sizeof key, "%s", folder_path("key.pem"));
    web_certificate(c->name, certificate, key, hashed);
    snprintf(folder, sizeof folder, "%s", folder_sub("hashed", 0700));
    snprintf(linked, sizeof linked, "%s/%s", folder, hashed);
    unlink(linked);
    assert_int_equal(symlink(certificate, linked), 0);
    if (c->ca_file)
        t->account.file.value[SETTING_CA_FILE] = c->missing_file ? "/nonexistent/ca.pem" : certificate;
    if (c->ca_path)
        t->account.file.value[SETTING_CA_PATH] = folder;
    talk_serve(t, &TURN, 1, certificate, key);
    talk_post(t, 60000);
    web_stop(&t->server);
    t->server.pid = 0;
}

static void certificate_of_the_ca_file(void **state)
{
    struct talk t;
    (void)state;
    talk_tls(&t, &(struct tls_case){.name = "127.0.0.1", .ca_file = true});
    assert_true(t.ok);
    assert_string_equal(t.reply.body.data, "{}");
    talk_end(&t);
}

static void certificate_of_the_ca_path(void **state)
{
    struct talk t;
    (void)state;
    talk_tls(&t, &(struct tls_case){.name = "127.0.0.1", .ca_path = true});
    assert_true(t.ok);
    talk_end(&t);
}

/* Also proves that leaving out the distribution's bundle leaves the check in. */
static void certificate_of_nobody(void **state)
{
    struct talk t;
    (void)state;
    talk_tls(&t, &(struct tls_case){.name = "127.0.0.1"});
    assert_unreachable(&t, false);
    assert_int_equal(t.server.count, 0);
    assert_non_null(strstr(t.why.text, "the certificate of 127.0.0.1 cannot be trusted"));
    assert_non_null(strstr(t.why.text, "ca_file"));
    talk_end(&t);
}

static void certificate_of_another_host(void **state)
{
    struct talk t;
    (void)state;
    talk_tls(&t, &(struct tls_case){.name = "other.example.org", .ca_file = true});
    assert_unreachable(&t, false);
    assert_int_equal(t.server.count, 0);
    talk_end(&t);
}

static void ca_file_missing(void **state)
{
    struct talk t;
    (void)state;
    talk_tls(&t, &(struct tls_case){.name = "127.0.0.1", .ca_file = true, .missing_file = true});
    assert_false(t.ok);
    assert_int_equal(t.why.code, FAILURE_CONFIG);
    assert_int_equal(t.server.count, 0);
    assert_non_null(strstr(t.why.text, "ca_file"));
    talk_end(&t);
}

static void host_of_a_url(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {{"https://login.example.org:8443/x?y", "login.example.org"},
                                           {"http://[::1]:80/", "[::1]"},
                                           {"https://a.example/", "a.example"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *host = http_host(CASES[i][0]);
        assert_string_equal(host, CASES[i][1]);
        free(host);
    }
    assert_null(http_host("no address"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form_and_headers),
        cmocka_unit_test(form_with_reserved_characters),
        cmocka_unit_test(basic_authentication),
        cmocka_unit_test(bearer_token_of_a_get),
        cmocka_unit_test(bearer_token_not_in_the_next_request),
        cmocka_unit_test(redirected_form_stays_here),
        cmocka_unit_test(redirected_form_not_sent_to_the_same_host),
        cmocka_unit_test(redirected_get_within_the_host),
        cmocka_unit_test(redirect_loop),
        cmocka_unit_test(redirected_get_to_another_origin),
        cmocka_unit_test(oversized_body_announced),
        cmocka_unit_test(endless_body),
        cmocka_unit_test(oversized_headers),
        cmocka_unit_test(dripping_headers),
        cmocka_unit_test(dripping_body),
        cmocka_unit_test(silent_server),
        cmocka_unit_test(early_close),
        cmocka_unit_test(truncated_body),
        cmocka_unit_test(not_http),
        cmocka_unit_test(connection_refused),
        cmocka_unit_test(gzip_not_asked_for),
        cmocka_unit_test(wrong_content_type),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(address_not_allowed),
        cmocka_unit_test(proxy_of_the_environment_not_for_http),
        cmocka_unit_test(proxy_for_https),
        cmocka_unit_test(certificate_of_the_ca_file),
        cmocka_unit_test(certificate_of_the_ca_path),
        cmocka_unit_test(certificate_of_nobody),
        cmocka_unit_test(certificate_of_another_host),
        cmocka_unit_test(ca_file_missing),
        cmocka_unit_test(host_of_a_url),
    };
    static const char *const PROXIES[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof PROXIES / sizeof PROXIES[0]; i++)
        unsetenv(PROXIES[i]); /* those of the machine that builds */
    alarm(300);
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
