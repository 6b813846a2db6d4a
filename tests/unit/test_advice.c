#include "config.h"

#include "advice.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static void check_number(const char *error, long number, enum failure expected, const char *words)
{
    char description[200];
    enum failure code = FAILURE_BUSY;
    snprintf(description, sizeof description, "AADSTS%ld: Something in English. Trace ID: 1", number);
    const char *advice = advice_for(error, description, &code);
    assert_non_null(advice);
    assert_non_null(strstr(advice, words));
    assert_int_equal(code, expected);
}

static void numbers_of_microsoft(void **state)
{
    (void)state;
    check_number("invalid_grant", 50173, FAILURE_NONE, "revoked");
    check_number("invalid_grant", 700082, FAILURE_NONE, "90 days");
    check_number("invalid_grant", 70008, FAILURE_NONE, "expired");
    check_number("invalid_grant", 70000, FAILURE_NONE, "not valid");
    check_number("invalid_grant", 70043, FAILURE_NONE, "administrator for an exception");
    check_number("invalid_grant", 700084, FAILURE_NONE, "native app");
    check_number("interaction_required", 50076, FAILURE_NONE, "second factor");
    check_number("interaction_required", 53003, FAILURE_NONE, "administrator");
    check_number("invalid_grant", 65001, FAILURE_NONE, "consent");
    check_number("invalid_client", 7000215, FAILURE_NONE, "not its ID");
    check_number("invalid_client", 7000222, FAILURE_NONE, "expired");
    check_number("invalid_client", 700025, FAILURE_NONE, "remove client_secret");
    check_number("invalid_client", 7000218, FAILURE_NONE, "public client flows");
    check_number("unauthorized_client", 700016, FAILURE_NONE, "client_id");
    check_number("invalid_request", 9002332, FAILURE_NONE, "tenant id");
    check_number("invalid_request", 900382, FAILURE_NONE, "national cloud");
    check_number("invalid_request", 50011, FAILURE_NONE, "http://localhost");
    check_number("invalid_scope", 70011, FAILURE_NONE, "scope");
}

static void a_grant_that_only_has_to_wait(void **state)
{
    (void)state;
    check_number("invalid_grant", 50196, FAILURE_UNREACHABLE, "too many requests");
    check_number("invalid_grant", 90055, FAILURE_UNREACHABLE, "too many requests");
    check_number("invalid_request", 90033, FAILURE_UNREACHABLE, "try again later");
    check_number("invalid_grant", 70012, FAILURE_UNREACHABLE, "try again later");
}

static void a_number_that_begins_like_another(void **state)
{
    enum failure code;
    (void)state;
    /* 700082 must not be read as 70008, nor 501960 as 50196. */
    assert_non_null(strstr(advice_for("invalid_grant", "AADSTS700082: x", &code), "90 days"));
    assert_non_null(strstr(advice_for("invalid_grant", "AADSTS501960: x", &code), "expired or was revoked"));
    assert_int_equal(code, FAILURE_NONE);
    advice_for("invalid_grant", "AADSTS99999999999999999999: x", &code);
    assert_int_equal(code, FAILURE_NONE);
    advice_for("invalid_grant", "AADSTS", &code);
    assert_int_equal(code, FAILURE_NONE);
}

static void texts_of_google(void **state)
{
    (void)state;
    assert_non_null(strstr(advice_for("invalid_grant", "Token has been expired or revoked.", NULL), "In production"));
    assert_non_null(strstr(advice_for("invalid_grant", "Bad Request", NULL), "In production"));
    assert_non_null(strstr(advice_for("invalid_client", "The OAuth client was not found.", NULL), "client_id"));
    assert_non_null(strstr(advice_for("invalid_scope", "Invalid device flow scope: https://mail.google.com/", NULL),
                           "--browser"));
    assert_non_null(strstr(advice_for("invalid_request", "client_secret is missing.", NULL), "client_secret_file"));
    assert_null(strstr(advice_for("invalid_request", "Bad Request", NULL), "In production"));
}

static void words_of_mail_servers(void **state)
{
    static const char *const CASES[][2] = {
        {"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
         "SMTP AUTH"},
        {"535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", "XOAUTH2"},
        {"535 5.7.3 Authentication unsuccessful", "right on the mailbox"},
        {"BAD User is authenticated but not connected.", "no right"},
        {"501 5.5.127 Token will expire soon", "refresh_margin"},
        {"BAD Invalid SASL argument", "twice"}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_non_null(strstr(advice_for(NULL, CASES[i][0], NULL), CASES[i][1]));
}

static void errors_without_description(void **state)
{
    static const char *const ERRORS[] = {
        "invalid_grant",          "invalid_client",  "unauthorized_client",     "invalid_scope",
        "unsupported_grant_type", "invalid_request", "access_denied",           "interaction_required",
        "consent_required",       "login_required",  "temporarily_unavailable", "server_error",
        "expired_token",          "slow_down",       "authorization_declined"};
    enum failure code;
    (void)state;
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        assert_non_null(advice_for(ERRORS[i], NULL, &code));
        assert_int_equal(code, FAILURE_NONE);
    }
}

static void nothing_known(void **state)
{
    (void)state;
    assert_null(advice_for("no_such_error", "no such words", NULL));
    assert_null(advice_for(NULL, NULL, NULL));
    assert_null(advice_for(NULL, "", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_microsoft),
        cmocka_unit_test(a_grant_that_only_has_to_wait),
        cmocka_unit_test(a_number_that_begins_like_another),
        cmocka_unit_test(texts_of_google),
        cmocka_unit_test(words_of_mail_servers),
        cmocka_unit_test(errors_without_description),
        cmocka_unit_test(nothing_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
