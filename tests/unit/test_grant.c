/* Tokens without a person: what a command writes, which settings go together, and whose token is asked for. */
#include "config.h"

#include "clock.h"
#include "grant.h"
#include "settings.h"

#include "folder.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct account account;
static struct report why;

static bool parse_output(const char *text, size_t len, struct oauth_answer *answer)
{
    struct secret output;
    secret_init(&output, 4096);
    assert_true(len == 0 || secret_add(&output, text, len));
    bool ok = grant_parse_output(&output, answer);
    secret_free(&output);
    return ok;
}

static void must_give(const char *text, const char *token, int64_t least, int64_t most)
{
    struct oauth_answer answer;
    if (!parse_output(text, strlen(text), &answer))
        fail_msg("no token in: %s", text);
    assert_string_equal(answer.access_token, token);
    assert_in_range(answer.expires_in, least, most);
    oauth_answer_free(&answer);
}

static void must_give_nothing(const char *text, size_t len)
{
    struct oauth_answer answer;
    if (parse_output(text, len, &answer))
        fail_msg("a token in: %s", text);
    assert_null(answer.access_token);
    oauth_answer_free(&answer);
}

static void output_is_misread(void **state)
{
    (void)state;
    char soon[128];
    must_give("token", "token", GRANT_COMMAND_LIFETIME, GRANT_COMMAND_LIFETIME);
    must_give("token \t\r\nsecond", "token", GRANT_COMMAND_LIFETIME, GRANT_COMMAND_LIFETIME);
    must_give("{\"access_token\":\"t\",\"expires_in\":\"90\"}", "t", 90, 90);
    must_give(" \n{\"access_token\":\"t\"}\n", "t", GRANT_COMMAND_LIFETIME, GRANT_COMMAND_LIFETIME);
    must_give("{\"accessToken\":\"a\",\"expires_on\":1000}", "a", 1, 1);
    must_give("{\"access_token\":\"t\",\"expires_in\":1e300}", "t", OAUTH_LIFETIME_MAX, OAUTH_LIFETIME_MAX);
    snprintf(soon, sizeof soon, "{\"access_token\":\"t\",\"expires_on\":\"%lld\"}", (long long)clock_wall() + 500);
    must_give(soon, "t", 490, 500);
    must_give_nothing("", 0);
    must_give_nothing("\n", 1);
    must_give_nothing("  \n token", 9);
    must_give_nothing("a\0b", 3);
    must_give_nothing("{\"access_token\":\"half", 21);
    must_give_nothing("{\"access_token\":5}", 18);
    must_give_nothing("{\"access_token\":\"\"}", 19);
    must_give_nothing("{}", 2);
}

static bool parse(const char *text)
{
    struct paths p = {.owner = getuid()};
    struct secret copy;
    secret_init(&copy, KEYFILE_SIZE_MAX);
    assert_true(secret_adds(&copy, text));
    snprintf(p.accounts, sizeof p.accounts, "%s", folder_path("accounts"));
    account_free(&account);
    bool ok = account_parse(&account, &p, "robot@x.org", &copy, &why);
    secret_free(&copy);
    return ok;
}

static void refused(const char *text, const char *words)
{
    if (parse(text) || why.code != FAILURE_CONFIG || !strstr(why.text, words))
        fail_msg("%s: %s", text, why.text);
}

#define T "token_endpoint: https://x.org/t\n"

static void settings_that_exclude_each_other_are_taken(void **state)
{
    (void)state;
    refused(T "token_command: true\ngrant: jwt_bearer\n", "'grant' and 'token_command' are both given");
    refused(T "client_secret: a\nclient_secret_command: true\n", "'client_secret' and 'client_secret_command'");
    refused(T "client_key_file: /k\nclient_assertion_file: /a\n", "'client_key_file' and 'client_assertion_file'");
    refused(T "client_certificate_file: /c\n", "needs 'client_key_file'");
    refused(T "store_read: true\n", "needs 'store_write'");
    refused(T "store_write: true\n", "needs 'store_read'");
    refused(T "grant: jwt_bearer\nservice_account_file: /s\nstore_read: true\nstore_write: true\n",
            "each mailbox has its own");
    refused(T "service_account_file: /s\n", "goes with 'grant: jwt_bearer'");
    refused(T "grant: client_credentials\nidentity_endpoint: https://x.org/\n",
            "goes with 'grant: managed_identity'");
    refused(T "grant: jwt_bearer\n", "needs 'service_account_file' or 'client_key_file'");
    refused(T "app_scope: a\n", "belongs into a provider file");
    refused(T "token_command: printf 'a\n", "'token_command' has a quote that is not closed");
    refused("scope: a\n", "names no 'provider'");
    assert_true(parse("token_command: true\n"));
    assert_true(parse("grant: managed_identity\nscope: a\n"));
}

static void grant_is_taken_for_another(void **state)
{
    (void)state;
    assert_true(parse(T));
    assert_int_equal(account_grant(&account), GRANT_AUTHORIZATION_CODE);
    assert_true(parse(T "grant: authorization_code\n"));
    assert_int_equal(account_grant(&account), GRANT_AUTHORIZATION_CODE);
    assert_true(parse(T "grant: client_credentials\n"));
    assert_int_equal(account_grant(&account), GRANT_CLIENT_CREDENTIALS);
    assert_false(account_is_per_user(&account));
    assert_true(parse("token_command: true\n"));
    assert_int_equal(account_grant(&account), GRANT_COMMAND);
}

/* A state's name can be no other account's, and no path. */
static void users_share_a_state(void **state)
{
    (void)state;
    char longest[ACCOUNT_NAME_MAX + 1];
    assert_true(parse(T "grant: jwt_bearer\nservice_account_file: /s\n"));
    assert_true(account_set_user(&account, "A@x.org", &why));
    assert_string_equal(account.subject, "a@x.org");
    assert_string_equal(account.state_name, "robot@x.org a@x.org");
    assert_true(account_set_user(&account, "robot@x.org", &why));
    assert_string_equal(account.state_name, "robot@x.org");
    assert_false(account_set_user(&account, "../a", &why));
    assert_false(account_set_user(&account, "a b", &why));
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(account_set_user(&account, longest, &why));
    assert_true(parse(T "grant: jwt_bearer\nservice_account_file: /s\nsubject: all@x.org\n"));
    assert_true(account_set_user(&account, "a@x.org", &why));
    assert_string_equal(account.state_name, "robot@x.org");
}

static void metadata_service_is_anywhere(void **state)
{
    (void)state;
    assert_true(settings_identity_url_allowed("http://169.254.169.254/metadata"));
    assert_true(settings_identity_url_allowed("http://169.254.129.5:8081/msi/token"));
    assert_true(settings_identity_url_allowed("http://127.0.0.1:41000/msi"));
    assert_true(settings_identity_url_allowed("https://identity.example.org/"));
    assert_false(settings_identity_url_allowed("http://169.255.0.1/"));
    assert_false(settings_identity_url_allowed("http://169.254.169.254.example.org/"));
    assert_false(settings_identity_url_allowed("http://169.254.169.254@example.org/"));
    assert_false(settings_identity_url_allowed("http://example.org/"));
    assert_false(settings_url_allowed("http://169.254.169.254/"));
}

static int end(void **state)
{
    account_free(&account);
    return folder_remove(state);
}

int main(void)
{
    account_init(&account);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_is_misread),
        cmocka_unit_test(settings_that_exclude_each_other_are_taken),
        cmocka_unit_test(grant_is_taken_for_another),
        cmocka_unit_test(users_share_a_state),
        cmocka_unit_test(metadata_service_is_anywhere),
    };
    return cmocka_run_group_tests(tests, folder_make, end);
}
