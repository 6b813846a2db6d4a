/* Whether an account's settings still name the place that its tokens came from. */
#include "config.h"

#include "origin.h"

#include "test.h"

#include <string.h>

#define ISSUER "https://op.example"
#define ENDPOINT "https://op.example/token"

static struct account account;
static struct state tokens;
static struct origin origin;

static int setup(void **state)
{
    (void)state;
    account_init(&account);
    strcpy(account.name, "me@x.org");
    state_init(&tokens);
    assert_true(state_set(&tokens.access_token, "the-token") && state_set(&tokens.client_id, "me") &&
                state_set(&tokens.issuer, ISSUER) && state_set(&tokens.token_endpoint, ENDPOINT));
    tokens.obtained_at = 100;
    tokens.expires_at = 200;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    origin_free(&origin);
    state_free(&tokens);
    account_free(&account);
    return 0;
}

/* What was changed since, with the settings as they are now. */
static enum setting changed(const char *issuer, const char *client_id, const char *token_endpoint)
{
    struct report why;
    account.file.value[SETTING_ISSUER] = issuer;
    account.file.value[SETTING_CLIENT_ID] = client_id;
    account.file.value[SETTING_TOKEN_ENDPOINT] = token_endpoint;
    origin_free(&origin);
    assert_true(origin_take(&origin, &account, &why));
    return origin_changed(&origin, &tokens);
}

static void same_place(void **state)
{
    (void)state;
    assert_int_equal(changed(ISSUER, "me", ENDPOINT), SETTING_COUNT);
    assert_int_equal(changed(NULL, NULL, "https://OP.example/v2/token?x=1"), SETTING_COUNT);
    assert_int_equal(changed(NULL, NULL, NULL), SETTING_COUNT);
}

static void another_issuer(void **state)
{
    (void)state;
    assert_int_equal(changed("https://other.example", "me", ENDPOINT), SETTING_ISSUER);
}

static void another_client(void **state)
{
    (void)state;
    assert_int_equal(changed(ISSUER, "you", ENDPOINT), SETTING_CLIENT_ID);
}

/* An issuer may move its endpoint; without one the endpoint's server is all that tells. */
static void another_server(void **state)
{
    static const char *const OTHERS[] = {"https://op.example.evil/token", "https://op.example:8443/token",
                                         "http://op.example/token", "https://op.exampl/token"};
    (void)state;
    assert_int_equal(changed(ISSUER, "me", "https://elsewhere.example/token"), SETTING_COUNT);
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++)
        assert_int_equal(changed(NULL, "me", OTHERS[i]), SETTING_TOKEN_ENDPOINT);
    assert_true(state_set(&tokens.issuer, NULL));
    assert_int_equal(changed("https://other.example", "me", OTHERS[0]), SETTING_TOKEN_ENDPOINT);
}

static void tenant_is_put_in(void **state)
{
    (void)state;
    account.file.value[SETTING_TENANT] = "op";
    assert_int_equal(changed("https://{tenant}.example", NULL, NULL), SETTING_COUNT);
    account.file.value[SETTING_TENANT] = "other";
    assert_int_equal(changed("https://{tenant}.example", NULL, NULL), SETTING_ISSUER);
}

static void only_an_access_token_of_elsewhere_is_forgotten(void **state)
{
    (void)state;
    assert_true(state_set(&tokens.refresh_token, "kept"));
    assert_int_equal(changed(ISSUER, "me", NULL), SETTING_COUNT);
    origin_forget(&origin, &tokens);
    assert_string_equal(tokens.access_token, "the-token");
    assert_int_equal(changed(ISSUER, "you", NULL), SETTING_CLIENT_ID);
    origin_forget(&origin, &tokens);
    assert_null(tokens.access_token);
    assert_int_equal(tokens.expires_at, 0);
    assert_string_equal(tokens.refresh_token, "kept");
}

/* The source of a token that was got with these settings, one of which is changed then. */
static void changes_the_source(const char *grant, enum setting key, bool changes)
{
    char before[ORIGIN_SOURCE_MAX], after[ORIGIN_SOURCE_MAX];
    account.file.value[SETTING_GRANT] = grant;
    account.file.value[key] = "one";
    origin_source(&account, before);
    account.file.value[key] = "two";
    origin_source(&account, after);
    account.file.value[key] = NULL;
    assert_int_equal(strcmp(before, after) != 0, changes);
}

static void source_of_a_login_is_its_tenant(void **state)
{
    (void)state;
    changes_the_source(NULL, SETTING_TENANT, true);
    changes_the_source(NULL, SETTING_SCOPE, false);
    changes_the_source(NULL, SETTING_TOKEN_ENDPOINT, false); /* origin_changed() compares that */
}

static void source_without_a_login_is_all_that_tells(void **state)
{
    static const enum setting KEYS[] = {SETTING_ISSUER, SETTING_TOKEN_ENDPOINT, SETTING_CLIENT_ID, SETTING_SUBJECT,
                                        SETTING_TENANT, SETTING_SCOPE};
    (void)state;
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++)
        changes_the_source("jwt_bearer", KEYS[i], true);
    changes_the_source(NULL, SETTING_TOKEN_COMMAND, true);
    changes_the_source("jwt_bearer", SETTING_HOSTS, false);
}

static void token_got_in_another_way_is_forgotten(void **state)
{
    char source[ORIGIN_SOURCE_MAX];
    (void)state;
    origin_source(&account, source);
    assert_true(state_set(&tokens.source, source));
    account.file.value[SETTING_TOKEN_COMMAND] = "/bin/another";
    assert_int_equal(changed(NULL, NULL, NULL), SETTING_COUNT);
    origin_forget(&origin, &tokens);
    assert_null(tokens.access_token);
}

static void stamp_keeps_what_is_known(void **state)
{
    (void)state;
    assert_true(state_set(&tokens.client_id, NULL) && state_set(&tokens.token_endpoint, NULL));
    changed("https://other.example", "me", ENDPOINT);
    assert_true(origin_stamp(&origin, &tokens));
    assert_string_equal(tokens.issuer, ISSUER);
    assert_string_equal(tokens.client_id, "me");
    assert_string_equal(tokens.token_endpoint, ENDPOINT);
    assert_string_equal(tokens.source, origin.source);
}

static void report_names_what_was_changed(void **state)
{
    struct paths p = {.system = true};
    struct report why;
    (void)state;
    assert_false(origin_report(SETTING_TOKEN_ENDPOINT, "me@x.org", &p, &why));
    assert_int_equal(why.code, FAILURE_LOGIN_NEEDED);
    assert_string_equal(why.text, "the token endpoint of me@x.org was changed after the last login: run "
                                  "'xoauth2 --system login me@x.org'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_place, setup, teardown),
        cmocka_unit_test_setup_teardown(another_issuer, setup, teardown),
        cmocka_unit_test_setup_teardown(another_client, setup, teardown),
        cmocka_unit_test_setup_teardown(another_server, setup, teardown),
        cmocka_unit_test_setup_teardown(tenant_is_put_in, setup, teardown),
        cmocka_unit_test_setup_teardown(only_an_access_token_of_elsewhere_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(source_of_a_login_is_its_tenant, setup, teardown),
        cmocka_unit_test_setup_teardown(source_without_a_login_is_all_that_tells, setup, teardown),
        cmocka_unit_test_setup_teardown(token_got_in_another_way_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(stamp_keeps_what_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(report_names_what_was_changed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
