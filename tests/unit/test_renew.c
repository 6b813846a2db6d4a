#include "config.h"

#include "renew.h"

#include "clock.h"
#include "test.h"
#include "web_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY(status, headers, body) "HTTP/1.1 " status "\r\n" headers "Content-Type: application/json\r\n\r\n" body
#define GOOD                                                                                                         \
    REPLY("200 OK", "", "{\"access_token\":\"new-access\",\"refresh_token\":\"new-refresh\",\"expires_in\":60}")

/* An account that was logged in, and the server where it was. */
struct trial {
    struct account account;
    struct paths paths;
    struct state state;
    struct renewal renewal;
    struct web_server server;
    struct report why;
    enum renew_result result;
    char endpoint[200];
    bool opened;
};

static void trial_begin(struct trial *t, const struct web_turn *turns, size_t count)
{
    *t = (struct trial){0};
    account_init(&t->account);
    state_init(&t->state);
    strcpy(t->account.name, "me@x.org");
    t->account.file.value[SETTING_CLIENT_ID] = "the-client";
    if (turns)
        web_start(&t->server, turns, count, NULL, NULL);
    snprintf(t->endpoint, sizeof t->endpoint, "http://127.0.0.1:%d/token", t->server.port);
    assert_true(state_set(&t->state.token_endpoint, t->endpoint));
    assert_true(state_set(&t->state.client_id, "the-client"));
    assert_true(state_set(&t->state.refresh_token, "old-refresh"));
    assert_true(state_set(&t->state.access_token, "old-access"));
}

static void trial_open(struct trial *t)
{
    t->opened = renew_open(&t->renewal, &t->account, &t->paths, &t->state, &t->why);
}

static void trial_run(struct trial *t)
{
    trial_open(t);
    assert_true(t->opened);
    t->result = renew_now(&t->renewal, 8000, &t->why);
    web_stop(&t->server);
    t->server.pid = 0;
}

static void trial_end(struct trial *t)
{
    if (t->server.pid > 0)
        web_stop(&t->server);
    web_free(&t->server);
    renew_close(&t->renewal);
    state_free(&t->state);
    account_free(&t->account);
}

/* One renewal against a list of replies. */
static void renew_against(struct trial *t, const char *first, const char *second)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = first}, {.act = WEB_REPLY, .reply = second}};
    trial_begin(t, turns, second ? 2 : 1);
    trial_run(t);
}

static void rotated_token(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t, GOOD, NULL);
    assert_int_equal(t.result, RENEW_OK);
    assert_string_equal(t.state.access_token, "new-access");
    assert_string_equal(t.state.refresh_token, "new-refresh");
    assert_string_equal(t.state.token_endpoint, t.endpoint);
    assert_int_equal(t.server.count, 1);
    assert_non_null(strstr(t.server.requests[0],
                           "\r\n\r\ngrant_type=refresh_token&refresh_token=old-refresh&client_id=the-client"));
    assert_null(strstr(t.server.requests[0], "client_secret"));
    assert_null(strstr(t.server.requests[0], "scope"));
    trial_end(&t);
}

static void scope_where_the_provider_wants_it(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = GOOD}};
    struct trial t;
    (void)state;
    trial_begin(&t, turns, 1);
    t.account.provider.value[SETTING_SCOPE] = "mail offline_access";
    t.account.provider.value[SETTING_REFRESH_SENDS_SCOPE] = "yes";
    trial_run(&t);
    assert_int_equal(t.result, RENEW_OK);
    assert_non_null(strstr(t.server.requests[0], "&scope=mail%20offline_access"));
    trial_end(&t);
}

/* The metadata told it once, and it is not asked for again; what the account file says goes before. */
static void secret_as_the_metadata_wanted_it(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = GOOD}};
    static const char *const SETTINGS[] = {NULL, "post"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct trial t;
        bool app = i >= 2;
        trial_begin(&t, turns, 1);
        t.account.file.value[SETTING_CLIENT_SECRET] = "hush";
        t.account.file.value[SETTING_CLIENT_AUTHENTICATION] = SETTINGS[i % 2];
        if (app)
            t.account.file.value[SETTING_GRANT] = "client_credentials";
        assert_true(state_set(&t.state.client_authentication, "basic"));
        trial_run(&t);
        assert_int_equal(t.result, RENEW_OK);
        if (i % 2 == 0)
            assert_non_null(strstr(t.server.requests[0], "Authorization: Basic dGhlLWNsaWVudDpodXNo\r\n"));
        else
            assert_non_null(strstr(t.server.requests[0], "&client_secret=hush"));
        assert_string_equal(t.state.client_authentication, "basic");
        trial_end(&t);
    }
}

static void secret_in_the_form_or_the_header(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = GOOD}};
    (void)state;
    for (int basic = 0; basic < 2; basic++) {
        struct trial t;
        trial_begin(&t, turns, 1);
        t.account.file.value[SETTING_CLIENT_SECRET] = "hush";
        t.account.file.value[SETTING_CLIENT_AUTHENTICATION] = basic ? "basic" : "post";
        trial_run(&t);
        assert_int_equal(t.result, RENEW_OK);
        if (basic) {
            assert_non_null(strstr(t.server.requests[0], "Authorization: Basic dGhlLWNsaWVudDpodXNo\r\n"));
            assert_null(strstr(t.server.requests[0], "client_"));
        } else {
            assert_null(strstr(t.server.requests[0], "Authorization"));
            assert_non_null(strstr(t.server.requests[0], "&client_id=the-client&client_secret=hush"));
        }
        trial_end(&t);
    }
}

static void dead_refresh_token(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t, REPLY("400 Bad Request", "", "{\"error\":\"invalid_grant\"}"), GOOD);
    assert_int_equal(t.result, RENEW_REFUSED);
    assert_int_equal(t.why.code, FAILURE_LOGIN_NEEDED);
    assert_int_equal(t.server.count, 1);
    assert_string_equal(t.state.refresh_token, "old-refresh");
    assert_string_equal(t.state.access_token, "old-access");
    assert_int_equal(t.state.last_error.code, FAILURE_LOGIN_NEEDED);
    assert_string_equal(t.state.last_error.error, "invalid_grant");
    assert_string_equal(t.state.last_error.message, t.why.text);
    assert_int_equal(t.state.last_error.retry_at, 0);
    trial_end(&t);
}

static void login_wanted_for_another_reason(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t, REPLY("400 Bad Request", "", "{\"error\":\"interaction_required\"}"), NULL);
    assert_int_equal(t.result, RENEW_FAILED);
    assert_int_equal(t.why.code, FAILURE_LOGIN_NEEDED);
    assert_string_equal(t.state.refresh_token, "old-refresh");
    trial_end(&t);
}

static void throttled_grant(void **state)
{
    struct trial t;
    (void)state;
    renew_against(
        &t, REPLY("400 Bad Request", "", "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50196: x\"}"),
        NULL);
    assert_int_equal(t.result, RENEW_FAILED);
    assert_int_equal(t.state.last_error.code, FAILURE_UNREACHABLE);
    assert_true(t.state.last_error.retry_at > t.state.last_error.at);
    trial_end(&t);
}

static void wrong_client(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t, REPLY("401 Unauthorized", "", "{\"error\":\"invalid_client\"}"), NULL);
    assert_int_equal(t.result, RENEW_FAILED);
    assert_int_equal(t.state.last_error.code, FAILURE_CONFIG);
    assert_string_equal(t.state.refresh_token, "old-refresh");
    trial_end(&t);
}

static void server_that_declines_for_a_moment(void **state)
{
    static const char *const FIRST[] = {REPLY("503 Unavailable", "", "busy"),
                                        REPLY("429 Slow", "Retry-After: 1\r\n", ""),
                                        REPLY("503 Unavailable", "Retry-After: 0\r\n", "busy")};
    (void)state;
    for (size_t i = 0; i < sizeof FIRST / sizeof FIRST[0]; i++) {
        struct trial t;
        renew_against(&t, FIRST[i], GOOD);
        assert_int_equal(t.result, RENEW_OK);
        assert_int_equal(t.server.count, 2);
        assert_int_equal(t.state.last_error.code, FAILURE_NONE);
        trial_end(&t);
    }
}

static void server_that_declines_twice(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t, REPLY("503 Unavailable", "", "busy"),
                  REPLY("503 Unavailable", "Retry-After: 9999\r\n", "busy"));
    assert_int_equal(t.result, RENEW_FAILED);
    assert_int_equal(t.why.code, FAILURE_UNREACHABLE);
    assert_int_equal(t.server.count, 2);
    assert_int_equal(t.state.last_error.retry_at, t.state.last_error.at + RENEW_RETRY_DELAY_MAX);
    trial_end(&t);
}

static void long_retry_after_is_not_waited_for(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t, REPLY("429 Slow", "Retry-After: 60\r\n", ""), GOOD);
    assert_int_equal(t.result, RENEW_FAILED);
    assert_int_equal(t.server.count, 1);
    assert_int_equal(t.state.last_error.retry_at, t.state.last_error.at + 60);
    trial_end(&t);
}

/* After these the server may have rotated the token: the old one must not be sent again. */
static void doubtful_ends_are_not_repeated(void **state)
{
    static const struct web_turn FIRST[] = {
        {.act = WEB_REPLY, .reply = ""},
        {.act = WEB_REPLY, .reply = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access_"},
        {.act = WEB_REPLY, .reply = REPLY("500 Oops", "", "")},
        {.act = WEB_REPLY, .reply = REPLY("502 Bad Gateway", "", "")},
        {.act = WEB_REPLY, .reply = REPLY("504 Gateway Timeout", "", "")},
        {.act = WEB_REPLY, .reply = REPLY("200 OK", "", "<html>")}};
    (void)state;
    for (size_t i = 0; i < sizeof FIRST / sizeof FIRST[0]; i++) {
        const struct web_turn turns[] = {FIRST[i], {.act = WEB_REPLY, .reply = GOOD}};
        struct trial t;
        trial_begin(&t, turns, 2);
        trial_run(&t);
        assert_int_equal(t.result, RENEW_FAILED);
        assert_int_equal(t.why.code, FAILURE_UNREACHABLE);
        assert_int_equal(t.server.count, 1);
        assert_string_equal(t.state.refresh_token, "old-refresh");
        assert_int_equal(t.state.last_error.retry_at, t.state.last_error.at + RENEW_RETRY_DELAY);
        trial_end(&t);
    }
}

static void when_to_repeat(void **state)
{
    struct http_reply reply = {0};
    (void)state;
    assert_int_equal(renew_pause(&reply, false), RENEW_PAUSE);
    reply.sent = true;
    assert_int_equal(renew_pause(&reply, false), -1);
    reply.status = 503;
    assert_int_equal(renew_pause(&reply, true), RENEW_PAUSE);
    reply.retry_after = RENEW_PAUSE_MAX;
    assert_int_equal(renew_pause(&reply, true), RENEW_PAUSE_MAX * 1000);
    reply.retry_after = RENEW_PAUSE_MAX + 1;
    assert_int_equal(renew_pause(&reply, true), -1);
    reply = (struct http_reply){.status = 400, .sent = true};
    assert_int_equal(renew_pause(&reply, true), -1);
}

static void connection_refused_twice(void **state)
{
    struct trial t;
    const struct web_turn none = {.act = WEB_SLAM};
    (void)state;
    trial_begin(&t, &none, 1);
    web_stop(&t.server);
    t.server.pid = 0;
    trial_open(&t);
    assert_true(t.opened);
    assert_int_equal(renew_now(&t.renewal, 5000, &t.why), RENEW_FAILED);
    assert_int_equal(t.why.code, FAILURE_UNREACHABLE);
    assert_int_equal(t.state.last_error.code, FAILURE_UNREACHABLE);
    assert_null(t.state.last_error.error);
    trial_end(&t);
}

/* The connection ends before the length that was announced; the old refresh token is spent all the same. */
static void rotated_token_in_an_unended_answer(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t,
                  REPLY("200 OK", "Content-Length: 500\r\n",
                        "{\"access_token\":\"new-access\",\"refresh_token\":\"new-refresh\"}"),
                  NULL);
    assert_int_equal(t.result, RENEW_OK);
    assert_string_equal(t.state.refresh_token, "new-refresh");
    assert_int_equal(t.state.last_error.code, FAILURE_NONE);
    trial_end(&t);
}

static void answer_that_is_not_whole(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t,
                  REPLY("200 OK", "Content-Length: 500\r\n",
                        "{\"access_token\":\"new-access\",\"refresh_token\":\"new-refresh\""),
                  NULL);
    assert_int_equal(t.result, RENEW_FAILED);
    assert_string_equal(t.state.refresh_token, "old-refresh");
    assert_int_equal(t.server.count, 1);
    trial_end(&t);
}

static void rotated_token_with_an_unusable_access_token(void **state)
{
    struct trial t;
    (void)state;
    renew_against(&t, REPLY("200 OK", "", "{\"access_token\":\"sp ace\",\"refresh_token\":\"new-refresh\"}"), NULL);
    assert_int_equal(t.result, RENEW_FAILED);
    assert_string_equal(t.state.refresh_token, "new-refresh");
    assert_int_equal(t.state.last_error.code, FAILURE_CONFIG);
    trial_end(&t);
}

/* --- where a refresh token may go --- */

static void assert_login_needed(struct trial *t)
{
    trial_open(t);
    assert_false(t->opened);
    assert_int_equal(t->why.code, FAILURE_LOGIN_NEEDED);
    assert_non_null(strstr(t->why.text, "run 'xoauth2 login me@x.org'"));
    trial_end(t);
}

static void no_refresh_token(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    state_set(&t.state.refresh_token, NULL);
    assert_login_needed(&t);
}

static void remedy_for_the_systems_store(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    state_set(&t.state.refresh_token, NULL);
    t.paths.system = true;
    trial_open(&t);
    assert_non_null(strstr(t.why.text, "run 'xoauth2 login --system me@x.org'"));
    trial_end(&t);
}

static void issuer_without_a_recorded_endpoint(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    t.account.file.value[SETTING_ISSUER] = "https://op.example";
    state_set(&t.state.token_endpoint, NULL);
    assert_login_needed(&t);
}

static void issuer_changed_since_the_login(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    t.account.file.value[SETTING_ISSUER] = "https://other.example";
    state_set(&t.state.issuer, "https://op.example");
    assert_login_needed(&t);
}

static void client_changed_since_the_login(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    state_set(&t.state.client_id, "an-older-client");
    assert_login_needed(&t);
}

static void endpoint_on_another_server_since_the_login(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    t.account.file.value[SETTING_TOKEN_ENDPOINT] = "https://other.example/token";
    assert_login_needed(&t);
}

static void configured_endpoint_before_the_recorded(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    t.account.file.value[SETTING_ISSUER] = "https://op.example";
    t.account.file.value[SETTING_TOKEN_ENDPOINT] = "https://op.example/token";
    state_set(&t.state.issuer, "https://op.example");
    trial_open(&t);
    assert_true(t.opened);
    assert_string_equal(t.renewal.client.token_endpoint, "https://op.example/token");
    trial_end(&t);
}

static void client_of_the_login(void **state)
{
    struct trial t;
    (void)state;
    trial_begin(&t, NULL, 0);
    t.account.file.value[SETTING_CLIENT_ID] = NULL;
    trial_open(&t);
    assert_true(t.opened);
    assert_string_equal(t.renewal.client.client_id, "the-client");
    trial_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotated_token),
        cmocka_unit_test(scope_where_the_provider_wants_it),
        cmocka_unit_test(secret_as_the_metadata_wanted_it),
        cmocka_unit_test(secret_in_the_form_or_the_header),
        cmocka_unit_test(dead_refresh_token),
        cmocka_unit_test(login_wanted_for_another_reason),
        cmocka_unit_test(throttled_grant),
        cmocka_unit_test(wrong_client),
        cmocka_unit_test(server_that_declines_for_a_moment),
        cmocka_unit_test(server_that_declines_twice),
        cmocka_unit_test(long_retry_after_is_not_waited_for),
        cmocka_unit_test(doubtful_ends_are_not_repeated),
        cmocka_unit_test(when_to_repeat),
        cmocka_unit_test(connection_refused_twice),
        cmocka_unit_test(rotated_token_in_an_unended_answer),
        cmocka_unit_test(answer_that_is_not_whole),
        cmocka_unit_test(rotated_token_with_an_unusable_access_token),
        cmocka_unit_test(no_refresh_token),
        cmocka_unit_test(remedy_for_the_systems_store),
        cmocka_unit_test(issuer_without_a_recorded_endpoint),
        cmocka_unit_test(issuer_changed_since_the_login),
        cmocka_unit_test(client_changed_since_the_login),
        cmocka_unit_test(endpoint_on_another_server_since_the_login),
        cmocka_unit_test(configured_endpoint_before_the_recorded),
        cmocka_unit_test(client_of_the_login),
    };
    alarm(300);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
