#include "config.h"

#include "oauth.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- recorded answers: the form is each provider's own, the tokens are made up --- */

static const char GOOGLE[] = "{\n  \"access_token\": \"ya29.a0AfB_byC-example\",\n  \"expires_in\": 3599,\n"
                             "  \"scope\": \"https://mail.google.com/\",\n  \"token_type\": \"Bearer\"\n}";
static const char MICROSOFT[] =
    "{\"token_type\":\"Bearer\",\"scope\":\"https://outlook.office.com/IMAP.AccessAsUser.All "
    "https://outlook.office.com/SMTP.Send\",\"expires_in\":4799,\"ext_expires_in\":4799,"
    "\"access_token\":\"EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA\",\"refresh_token\":\"M.C507_BAY.0.U.-Cn*new!\"}";
static const char STRING_NUMBERS[] = "{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":\"7200\","
                                     "\"refresh_token\":\"r2\",\"refresh_token_expires_in\":\"7776000\"}";
static const char KEYCLOAK[] =
    "{\"access_token\":\"a.b.c\",\"expires_in\":300,\"refresh_expires_in\":1800,\"refresh_token\":\"d.e.f\","
    "\"token_type\":\"Bearer\",\"id_token\":\"g.h.i\",\"not-before-policy\":0,\"scope\":\"openid\"}";
static const char EXPIRED_MICROSOFT[] =
    "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS700082: The refresh token has expired due to "
    "inactivity. The token was issued on 2026-01-01T00:00:00.0000000Z and was inactive for 90.00:00:00. Trace ID: "
    "0f3a9a1b-0000-4000-8000-000000000001 Correlation ID: 0f3a9a1b-0000-4000-8000-000000000002 Timestamp: 2026-11-01 "
    "10:00:00Z\",\"error_codes\":[700082],\"timestamp\":\"2026-11-01 10:00:00Z\",\"trace_id\":\"x\"}";
static const char THROTTLED_MICROSOFT[] =
    "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50196: The server terminated an operation because it "
    "encountered a client request loop.\\r\\nTrace ID: 1\\r\\nTimestamp: 2\"}";
static const char EXPIRED_GOOGLE[] =
    "{\n  \"error\": \"invalid_grant\",\n  \"error_description\": \"Token has been expired or revoked.\"\n}";

static void make_reply(struct http_reply *reply, long status, const char *body)
{
    *reply = (struct http_reply){.status = status};
    secret_init(&reply->body, HTTP_BODY_MAX);
    assert_true(secret_adds(&reply->body, body));
}

static void parse(long status, const char *body, struct oauth_answer *answer)
{
    struct http_reply reply;
    make_reply(&reply, status, body);
    oauth_parse_answer(&reply, answer);
    http_reply_free(&reply);
}

/* A client without network or files. */
static void make_client(struct oauth_client *c, struct account *a)
{
    account_init(a);
    strcpy(a->name, "me@x.org");
    *c = (struct oauth_client){.account = a, .login = a->name};
    secret_init(&c->client_secret, 1000);
}

static void answer_of_google(void **state)
{
    struct oauth_answer answer;
    (void)state;
    parse(200, GOOGLE, &answer);
    assert_true(answer.ok);
    assert_string_equal(answer.access_token, "ya29.a0AfB_byC-example");
    assert_null(answer.refresh_token);
    assert_int_equal(answer.expires_in, 3599);
    assert_string_equal(answer.scope, "https://mail.google.com/");
    assert_null(answer.error);
    oauth_answer_free(&answer);
}

static void answer_of_microsoft(void **state)
{
    struct oauth_answer answer;
    (void)state;
    parse(200, MICROSOFT, &answer);
    assert_true(answer.ok);
    assert_string_equal(answer.refresh_token, "M.C507_BAY.0.U.-Cn*new!");
    assert_int_equal(answer.expires_in, 4799);
    assert_int_equal(answer.refresh_expires_in, 0);
    oauth_answer_free(&answer);
}

static void lifetimes_as_strings(void **state)
{
    struct oauth_answer answer;
    (void)state;
    parse(200, STRING_NUMBERS, &answer);
    assert_int_equal(answer.expires_in, 7200);
    assert_int_equal(answer.refresh_expires_in, 7776000);
    oauth_answer_free(&answer);
    parse(200, KEYCLOAK, &answer);
    assert_int_equal(answer.refresh_expires_in, 1800);
    assert_string_equal(answer.id_token, "g.h.i");
    oauth_answer_free(&answer);
}

static int64_t lifetime_of(const char *value)
{
    char body[300];
    struct oauth_answer answer;
    snprintf(body, sizeof body, "{\"access_token\":\"a\"%s%s}", *value ? ",\"expires_in\":" : "", value);
    parse(200, body, &answer);
    assert_true(answer.ok);
    int64_t seconds = answer.expires_in;
    oauth_answer_free(&answer);
    return seconds;
}

static void absurd_lifetimes(void **state)
{
    (void)state;
    assert_int_equal(lifetime_of(""), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("null"), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("-1"), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("0"), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("\"soon\""), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("\"-5\""), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("{}"), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("true"), OAUTH_LIFETIME_ASSUMED);
    assert_int_equal(lifetime_of("3599.9"), 3599);
    assert_int_equal(lifetime_of("1e300"), OAUTH_LIFETIME_MAX);
    assert_int_equal(lifetime_of("9223372036854775807"), OAUTH_LIFETIME_MAX);
    assert_int_equal(lifetime_of("99999999999999999999"), OAUTH_LIFETIME_MAX);
    assert_int_equal(lifetime_of("\"99999999999999999999\""), OAUTH_LIFETIME_MAX);
}

static void not_an_answer(void **state)
{
    static char deep[2001];
    memset(deep, '[', 2000);
    const char *const BODIES[] = {"",
                                  "<html><body>Sign in to the hotel's network</body></html>",
                                  "null",
                                  "[]",
                                  "{\"access_token\":",
                                  "{}",
                                  "{\"access_token\":12}",
                                  "{\"access_token\":\"\"}",
                                  "{\"access_token\":\"a\\u0000b\"}",
                                  "{\"access_token\":[\"a\"]}",
                                  "{\"access_token\":\"a\"} trailing",
                                  "{\"access_token\":\"\xff\"}",
                                  deep,
                                  "access_token=a&token_type=bearer"};
    (void)state;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        struct oauth_answer answer;
        struct report why;
        parse(200, BODIES[i], &answer);
        assert_false(answer.ok);
        assert_null(answer.error);
        oauth_classify(&answer, 200, "op.example", "me@x.org", false, &why);
        assert_int_equal(why.code, FAILURE_UNREACHABLE);
        assert_non_null(strstr(why.text, "op.example"));
        oauth_answer_free(&answer);
    }
}

static void error_with_status_200(void **state)
{
    struct oauth_answer answer;
    (void)state;
    parse(200, "{\"error\":\"authorization_pending\",\"access_token\":\"a\"}", &answer);
    assert_false(answer.ok);
    assert_string_equal(answer.error, "authorization_pending");
    oauth_answer_free(&answer);
}

static void token_with_status_400(void **state)
{
    struct oauth_answer answer;
    (void)state;
    parse(400, GOOGLE, &answer);
    assert_false(answer.ok);
    oauth_answer_free(&answer);
}

static void error_that_is_none(void **state)
{
    static const char *const BODIES[] = {
        "{\"error\":{\"code\":404,\"message\":\"x\"}}", "{\"error\":\"two\\nlines\"}", "{\"error\":\"quo\\\"te\"}",
        "{\"error\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
        "{\"error\":\"\xc3\xa4\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        struct oauth_answer answer;
        parse(400, BODIES[i], &answer);
        assert_null(answer.error);
        assert_false(answer.ok);
        oauth_answer_free(&answer);
    }
}

static enum failure class_of(long status, const char *body, bool during_login, struct report *why)
{
    struct oauth_answer answer;
    parse(status, body, &answer);
    oauth_classify(&answer, status, "op.example", "me@x.org", during_login, why);
    oauth_answer_free(&answer);
    return why->code;
}

static enum failure class_of_error(const char *error)
{
    char body[100];
    struct report why;
    snprintf(body, sizeof body, "{\"error\":\"%s\"}", error);
    return class_of(400, body, false, &why);
}

static void classes_of_errors(void **state)
{
    (void)state;
    assert_int_equal(class_of_error("invalid_grant"), FAILURE_LOGIN_NEEDED);
    assert_int_equal(class_of_error("interaction_required"), FAILURE_LOGIN_NEEDED);
    assert_int_equal(class_of_error("consent_required"), FAILURE_LOGIN_NEEDED);
    assert_int_equal(class_of_error("login_required"), FAILURE_LOGIN_NEEDED);
    assert_int_equal(class_of_error("access_denied"), FAILURE_LOGIN_NEEDED);
    assert_int_equal(class_of_error("temporarily_unavailable"), FAILURE_UNREACHABLE);
    assert_int_equal(class_of_error("server_error"), FAILURE_UNREACHABLE);
    assert_int_equal(class_of_error("invalid_client"), FAILURE_CONFIG);
    assert_int_equal(class_of_error("unauthorized_client"), FAILURE_CONFIG);
    assert_int_equal(class_of_error("unsupported_grant_type"), FAILURE_CONFIG);
    assert_int_equal(class_of_error("invalid_scope"), FAILURE_CONFIG);
    assert_int_equal(class_of_error("invalid_request"), FAILURE_CONFIG);
    assert_int_equal(class_of_error("something_new"), FAILURE_CONFIG);
}

static void classes_of_statuses(void **state)
{
    static const long TRANSIENT[] = {408, 429, 500, 502, 503, 504};
    struct report why;
    (void)state;
    for (size_t i = 0; i < sizeof TRANSIENT / sizeof TRANSIENT[0]; i++) {
        assert_int_equal(class_of(TRANSIENT[i], "<html>oops</html>", false, &why), FAILURE_UNREACHABLE);
        assert_int_equal(class_of(TRANSIENT[i], "{\"error\":\"invalid_grant\"}", false, &why), FAILURE_UNREACHABLE);
    }
    assert_int_equal(class_of(404, "<html>no</html>", false, &why), FAILURE_UNREACHABLE);
    assert_non_null(strstr(why.text, "token_endpoint"));
    assert_int_equal(class_of(307, "", false, &why), FAILURE_UNREACHABLE);
    assert_non_null(strstr(why.text, "redirects"));
}

static void words_for_a_dead_login(void **state)
{
    struct report why;
    (void)state;
    assert_int_equal(class_of(400, EXPIRED_MICROSOFT, false, &why), FAILURE_LOGIN_NEEDED);
    assert_string_equal(why.text,
                        "op.example refused to renew the token (invalid_grant: AADSTS700082: The refresh token has "
                        "expired due to inactivity. The token was issued on 2026-01-01T00:00:00.0000000Z and was "
                        "inactive for 90.00:00:00): the login has expired after 90 days without use; run 'xoauth2 "
                        "login me@x.org'");
    assert_int_equal(class_of(400, EXPIRED_GOOGLE, false, &why), FAILURE_LOGIN_NEEDED);
    assert_non_null(strstr(why.text, "(invalid_grant: Token has been expired or revoked): "));
    assert_non_null(strstr(why.text, "; run 'xoauth2 login me@x.org'"));
    assert_int_equal(class_of(400, "{\"error\":\"invalid_grant\"}", false, &why), FAILURE_LOGIN_NEEDED);
    assert_string_equal(why.text,
                        "op.example refused to renew the token (invalid_grant): the login has expired or was "
                        "revoked; run 'xoauth2 login me@x.org'");
}

static void words_during_a_login(void **state)
{
    struct report why;
    (void)state;
    class_of(400, "{\"error\":\"access_denied\"}", true, &why);
    assert_string_equal(why.text,
                        "op.example refused the login (access_denied): the sign-in was refused, by you or by an "
                        "administrator");
}

static void grant_that_only_has_to_wait(void **state)
{
    struct report why;
    (void)state;
    assert_int_equal(class_of(400, THROTTLED_MICROSOFT, false, &why), FAILURE_UNREACHABLE);
    assert_null(strstr(why.text, "login me@x.org"));
    assert_null(strstr(why.text, "Trace"));
}

static void hostile_description(void **state)
{
    static char body[5000];
    struct report why;
    (void)state;
    strcpy(body, "{\"error\":\"invalid_scope\",\"error_description\":\"\\u001b[2Jline\\nline \\u0007 ");
    memset(body + strlen(body), 'A', 3000);
    strcat(body, "\"}");
    assert_int_equal(class_of(400, body, false, &why), FAILURE_CONFIG);
    for (const char *p = why.text; *p; p++)
        assert_true(*p >= 0x20 && *p != 0x7f);
    assert_true(strlen(why.text) < 400);
    assert_non_null(strstr(why.text, "correct scope"));
}

/* A server that shows us what it got must not have us show it on. */
static void secrets_in_a_description(void **state)
{
    const struct http_field fields[] = {
        {"grant_type", "refresh_token"}, {"refresh_token", "1//0g-secret-token"}, {"scope", "mail"}, {NULL, NULL}};
    struct oauth_client c;
    struct account a;
    struct http_reply reply;
    struct oauth_answer answer;
    struct report why;
    (void)state;
    make_client(&c, &a);
    assert_true(secret_adds(&c.client_secret, "GOCSPX-hush"));
    make_reply(&reply, 400,
               "{\"error\":\"invalid_grant\",\"error_description\":\"bad 1//0g-secret-token1//0g-secret-token and "
               "GOCSPX-hush for mail\"}");
    oauth_finish(&c, "https://op.example/token", fields, &reply, &answer, &why);
    assert_null(strstr(why.text, "secret-token"));
    assert_null(strstr(why.text, "GOCSPX"));
    assert_null(strstr(answer.description, "secret-token"));
    assert_non_null(strstr(why.text, "for mail"));
    assert_non_null(strstr(why.text, "op.example refused to renew the token"));
    http_reply_free(&reply);
    oauth_answer_free(&answer);
    secret_free(&c.client_secret);
    account_free(&a);
}

/* --- oauth_apply --- */

struct applied {
    struct oauth_client client;
    struct account account;
    struct state state;
    struct report why;
};

static void applied_begin(struct applied *t)
{
    *t = (struct applied){0};
    make_client(&t->client, &t->account);
    state_init(&t->state);
    assert_true(state_set(&t->state.access_token, "old-access"));
    assert_true(state_set(&t->state.refresh_token, "old-refresh"));
    assert_true(state_set(&t->state.last_error.error, "server_error"));
    t->state.last_error.code = FAILURE_UNREACHABLE;
    t->state.last_error.retry_at = 99;
    t->state.refresh_obtained_at = 5;
    t->state.refresh_expires_at = 500;
}

static bool apply(struct applied *t, const char *body)
{
    struct oauth_answer answer;
    parse(200, body, &answer);
    assert_true(answer.ok);
    bool ok = oauth_apply(&t->state, &answer, &t->client, 1000, &t->why);
    oauth_answer_free(&answer);
    return ok;
}

static void applied_end(struct applied *t)
{
    state_free(&t->state);
    secret_free(&t->client.client_secret);
    account_free(&t->account);
}

static void new_refresh_token_is_taken(void **state)
{
    struct applied t;
    (void)state;
    applied_begin(&t);
    assert_true(apply(&t, MICROSOFT));
    assert_string_equal(t.state.refresh_token, "M.C507_BAY.0.U.-Cn*new!");
    assert_int_equal(t.state.refresh_obtained_at, 1000);
    assert_int_equal(t.state.refresh_expires_at, 0);
    assert_int_equal(t.state.obtained_at, 1000);
    assert_int_equal(t.state.expires_at, 5799);
    assert_int_equal(t.state.last_error.code, FAILURE_NONE);
    assert_null(t.state.last_error.error);
    assert_int_equal(t.state.last_error.retry_at, 0);
    applied_end(&t);
}

static void missing_refresh_token_keeps_the_old(void **state)
{
    struct applied t;
    (void)state;
    applied_begin(&t);
    assert_true(apply(&t, GOOGLE));
    assert_string_equal(t.state.refresh_token, "old-refresh");
    assert_int_equal(t.state.refresh_obtained_at, 5);
    assert_int_equal(t.state.refresh_expires_at, 500);
    applied_end(&t);
}

static void lifetime_of_the_refresh_token(void **state)
{
    struct applied t;
    (void)state;
    applied_begin(&t);
    t.account.provider.value[SETTING_REFRESH_TOKEN_LIFETIME] = "7776000";
    assert_true(apply(&t, GOOGLE));
    assert_int_equal(t.state.refresh_expires_at, 7777000);
    assert_true(apply(&t, KEYCLOAK)); /* the server knows better */
    assert_int_equal(t.state.refresh_expires_at, 2800);
    t.account.provider.value[SETTING_REFRESH_TOKEN_LIFETIME] = NULL;
    applied_end(&t);
}

/* The old refresh token may be spent: the new one must be kept whatever is wrong with the access token. */
static void unusable_access_token_with_a_new_refresh_token(void **state)
{
    static const char *const BODIES[] = {
        "{\"access_token\":\"sp ace\",\"refresh_token\":\"rotated\"}",
        "{\"access_token\":\"a=b\",\"refresh_token\":\"rotated\"}",
        "{\"access_token\":\"===\",\"refresh_token\":\"rotated\"}",
        "{\"access_token\":\"ok\",\"token_type\":\"DPoP\",\"refresh_token\":\"rotated\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        struct applied t;
        applied_begin(&t);
        assert_false(apply(&t, BODIES[i]));
        assert_int_equal(t.why.code, FAILURE_CONFIG);
        assert_string_equal(t.state.refresh_token, "rotated");
        assert_string_equal(t.state.access_token, "old-access");
        applied_end(&t);
    }
}

static void unusable_refresh_token(void **state)
{
    static char body[STATE_TOKEN_MAX + 200];
    struct applied t;
    (void)state;
    strcpy(body, "{\"access_token\":\"fresh\",\"refresh_token\":\"");
    memset(body + strlen(body), 'r', STATE_TOKEN_MAX + 1);
    strcat(body, "\"}");
    applied_begin(&t);
    assert_false(apply(&t, body));
    assert_string_equal(t.state.refresh_token, "old-refresh");
    assert_string_equal(t.state.access_token, "fresh");
    assert_false(apply(&t, "{\"access_token\":\"fresh\",\"refresh_token\":\"new\\nline\"}"));
    assert_string_equal(t.state.refresh_token, "old-refresh");
    applied_end(&t);
}

static void access_token_of_any_length_that_fits(void **state)
{
    static char body[STATE_TOKEN_MAX + 200];
    struct applied t;
    (void)state;
    applied_begin(&t);
    strcpy(body, "{\"access_token\":\"");
    memset(body + strlen(body), 'a', STATE_TOKEN_MAX);
    strcat(body, "\"}");
    assert_true(apply(&t, body));
    assert_int_equal(strlen(t.state.access_token), STATE_TOKEN_MAX);
    body[strlen(body) - 2] = '\0';
    strcat(body, "a\"}");
    assert_false(apply(&t, body));
    applied_end(&t);
}

static void scope_with_control_characters(void **state)
{
    struct applied t;
    (void)state;
    applied_begin(&t);
    assert_true(apply(&t, "{\"access_token\":\"a\",\"scope\":\"mail\\u0001\"}"));
    assert_null(t.state.scope);
    applied_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_of_google),
        cmocka_unit_test(answer_of_microsoft),
        cmocka_unit_test(lifetimes_as_strings),
        cmocka_unit_test(absurd_lifetimes),
        cmocka_unit_test(not_an_answer),
        cmocka_unit_test(error_with_status_200),
        cmocka_unit_test(token_with_status_400),
        cmocka_unit_test(error_that_is_none),
        cmocka_unit_test(classes_of_errors),
        cmocka_unit_test(classes_of_statuses),
        cmocka_unit_test(words_for_a_dead_login),
        cmocka_unit_test(words_during_a_login),
        cmocka_unit_test(grant_that_only_has_to_wait),
        cmocka_unit_test(hostile_description),
        cmocka_unit_test(secrets_in_a_description),
        cmocka_unit_test(new_refresh_token_is_taken),
        cmocka_unit_test(missing_refresh_token_keeps_the_old),
        cmocka_unit_test(lifetime_of_the_refresh_token),
        cmocka_unit_test(unusable_access_token_with_a_new_refresh_token),
        cmocka_unit_test(unusable_refresh_token),
        cmocka_unit_test(access_token_of_any_length_that_fits),
        cmocka_unit_test(scope_with_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
