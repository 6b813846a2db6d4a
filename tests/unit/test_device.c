#include "config.h"

#include "device.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

static bool parse(const char *json, struct device_code *code, struct report *why)
{
    struct http_reply reply = {.status = 200};
    secret_init(&reply.body, HTTP_BODY_MAX);
    assert_true(secret_adds(&reply.body, json));
    bool ok = device_parse(&reply, "login.example", code, why);
    http_reply_free(&reply);
    return ok;
}

static void refuse(const char *json)
{
    struct device_code code;
    struct report why = {0};
    assert_false(parse(json, &code, &why));
    assert_int_equal(why.code, FAILURE_UNREACHABLE);
    assert_string_equal(why.text,
                        "login.example gave no device code that can be used: use the browser login (--browser)");
    assert_null(code.device_code);
}

/* RFC 8628, section 3.2. */
static void answer_of_the_standard(void **unused)
{
    (void)unused;
    struct device_code code;
    struct report why;
    assert_true(parse("{\"device_code\":\"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS\",\"user_code\":\"WDJB-MJHT\","
                      "\"verification_uri\":\"https://example.com/device\","
                      "\"verification_uri_complete\":\"https://example.com/device?user_code=WDJB-MJHT\","
                      "\"expires_in\":1200,\"interval\":7}",
                      &code, &why));
    assert_string_equal(code.device_code, "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS");
    assert_string_equal(code.user_code, "WDJB-MJHT");
    assert_string_equal(code.verification_uri, "https://example.com/device");
    assert_string_equal(code.verification_uri_complete, "https://example.com/device?user_code=WDJB-MJHT");
    assert_int_equal(code.expires_in, 1200);
    assert_int_equal(code.interval, 7);
    device_free(&code);
}

static void no_interval_and_no_lifetime(void **unused)
{
    (void)unused;
    struct device_code code;
    struct report why;
    assert_true(
        parse("{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://e/\"}", &code, &why));
    assert_int_equal(code.interval, 5);
    assert_int_equal(code.expires_in, DEVICE_LIFETIME_ASSUMED);
    assert_null(code.verification_uri_complete);
    device_free(&code);
}

static void absurd_times(void **unused)
{
    (void)unused;
    struct device_code code;
    struct report why;
    assert_true(
        parse("{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://e/\",\"expires_in\":1e300,"
              "\"interval\":99999999999}",
              &code, &why));
    assert_int_equal(code.interval, DEVICE_INTERVAL_MAX);
    assert_true(code.expires_in == DEVICE_WAIT_MAX || code.expires_in == DEVICE_LIFETIME_ASSUMED);
    device_free(&code);
    assert_true(
        parse("{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://e/\",\"expires_in\":-1,"
              "\"interval\":0}",
              &code, &why));
    assert_int_equal(code.interval, DEVICE_INTERVAL_DEFAULT);
    assert_int_equal(code.expires_in, DEVICE_LIFETIME_ASSUMED);
    device_free(&code);
}

static void address_under_its_old_name(void **unused)
{
    (void)unused;
    struct device_code code;
    struct report why;
    assert_true(
        parse("{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_url\":\"https://www.google.com/device\"}",
              &code, &why));
    assert_string_equal(code.verification_uri, "https://www.google.com/device");
    device_free(&code);
}

static void something_missing(void **unused)
{
    (void)unused;
    refuse("{\"user_code\":\"u\",\"verification_uri\":\"https://e/\"}");
    refuse("{\"device_code\":\"d\",\"verification_uri\":\"https://e/\"}");
    refuse("{\"device_code\":\"d\",\"user_code\":\"u\"}");
    refuse("{\"device_code\":7,\"user_code\":\"u\",\"verification_uri\":\"https://e/\"}");
    refuse("[]");
    refuse("<html>");
    refuse("");
}

static void address_that_nobody_should_open(void **unused)
{
    (void)unused;
    refuse("{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"javascript:alert(1)\"}");
    refuse("{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"http://example.com/\"}");
}

static void text_that_would_drive_the_terminal(void **unused)
{
    (void)unused;
    struct device_code code;
    struct report why;
    assert_true(parse("{\"device_code\":\"d\",\"user_code\":\"a\\u001b]0;x\\u0007b\",\"verification_uri\":"
                      "\"https://e/\\u001b[2J\"}",
                      &code, &why));
    assert_string_equal(code.user_code, "a?]0;x?b");
    assert_string_equal(code.verification_uri, "https://e/?[2J");
    device_free(&code);
}

static enum device_step judge(int64_t *interval, const char *error, enum failure code, int64_t retry_after)
{
    const struct oauth_answer answer = {.error = (char *)error, .retry_after = retry_after};
    return device_judge(interval, true, &answer, code);
}

static void pending_keeps_the_pace(void **unused)
{
    (void)unused;
    int64_t interval = 5;
    assert_int_equal(judge(&interval, "authorization_pending", FAILURE_UNREACHABLE, 0), DEVICE_WAIT);
    assert_int_equal(interval, 5);
}

static void slow_down_lasts(void **unused)
{
    (void)unused;
    int64_t interval = 5;
    assert_int_equal(judge(&interval, "slow_down", FAILURE_UNREACHABLE, 0), DEVICE_WAIT);
    assert_int_equal(judge(&interval, "authorization_pending", FAILURE_UNREACHABLE, 0), DEVICE_WAIT);
    assert_int_equal(interval, 10);
    assert_int_equal(judge(&interval, "slow_down", FAILURE_UNREACHABLE, 0), DEVICE_WAIT);
    assert_int_equal(interval, 15);
}

static void time_outs_back_off(void **unused)
{
    (void)unused;
    const struct oauth_answer none = {0};
    int64_t interval = 5;
    assert_int_equal(device_judge(&interval, false, &none, FAILURE_UNREACHABLE), DEVICE_WAIT);
    assert_int_equal(interval, 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(device_judge(&interval, false, &none, FAILURE_UNREACHABLE), DEVICE_WAIT);
    assert_int_equal(interval, DEVICE_INTERVAL_MAX);
}

static void server_in_trouble(void **unused)
{
    (void)unused;
    int64_t interval = 5;
    assert_int_equal(judge(&interval, NULL, FAILURE_UNREACHABLE, 40), DEVICE_WAIT);
    assert_int_equal(interval, 40);
    assert_int_equal(judge(&interval, "temporarily_unavailable", FAILURE_UNREACHABLE, 0), DEVICE_WAIT);
    assert_int_equal(interval, DEVICE_INTERVAL_MAX);
}

static void refusals_stop(void **unused)
{
    (void)unused;
    static const char *const ERRORS[] = {"access_denied", "authorization_declined", "expired_token",
                                         "bad_verification_code", "invalid_grant"};
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        int64_t interval = 5;
        assert_int_equal(judge(&interval, ERRORS[i], FAILURE_LOGIN_NEEDED, 0), DEVICE_STOP);
    }
    int64_t interval = 5;
    assert_int_equal(judge(&interval, "invalid_client", FAILURE_CONFIG, 0), DEVICE_STOP);
}

static void wrong_settings_stop(void **unused)
{
    (void)unused;
    const struct oauth_answer none = {0};
    int64_t interval = 5;
    assert_int_equal(device_judge(&interval, false, &none, FAILURE_CONFIG), DEVICE_STOP);
}

static void token_ends_it(void **unused)
{
    (void)unused;
    const struct oauth_answer answer = {.ok = true};
    int64_t interval = 5;
    assert_int_equal(device_judge(&interval, true, &answer, FAILURE_NONE), DEVICE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_of_the_standard),
        cmocka_unit_test(no_interval_and_no_lifetime),
        cmocka_unit_test(absurd_times),
        cmocka_unit_test(address_under_its_old_name),
        cmocka_unit_test(something_missing),
        cmocka_unit_test(address_that_nobody_should_open),
        cmocka_unit_test(text_that_would_drive_the_terminal),
        cmocka_unit_test(pending_keeps_the_pace),
        cmocka_unit_test(slow_down_lasts),
        cmocka_unit_test(time_outs_back_off),
        cmocka_unit_test(server_in_trouble),
        cmocka_unit_test(refusals_stop),
        cmocka_unit_test(wrong_settings_stop),
        cmocka_unit_test(token_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
