#include "config.h"

#include "protocol.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum protocol_result parse(char *data, struct protocol_message *m)
{
    size_t used;
    size_t len = strlen(data); /* the parser writes NULs */
    enum protocol_result result = protocol_parse(data, len, &used, m);
    assert_int_equal(used, result == PROTOCOL_COMPLETE ? len : 0);
    return result;
}

static void assert_result(const char *text, enum protocol_result expected)
{
    struct protocol_message m;
    char data[512];
    assert_true(snprintf(data, sizeof data, "%s", text) < (int)sizeof data);
    size_t used;
    assert_int_equal(protocol_parse(data, strlen(data), &used, &m), expected);
    assert_int_equal(used, expected == PROTOCOL_COMPLETE ? strlen(text) : 0);
}

static void request_as_bytes(void **state)
{
    (void)state;
    struct secret out;
    secret_init(&out, PROTOCOL_MESSAGE_MAX);
    assert_true(protocol_begin(&out, "get"));
    assert_true(protocol_put(&out, "user", "a%b\nc\x7F\xC3\xA9=d"));
    assert_true(protocol_put(&out, "host", NULL));
    assert_true(protocol_put(&out, "port", ""));
    assert_true(protocol_end(&out));
    assert_string_equal(out.data, "get\nversion=1\nuser=a%25b%0Ac%7F\xC3\xA9=d\n\n");
    secret_free(&out);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct secret out;
    struct protocol_message m;
    secret_init(&out, PROTOCOL_MESSAGE_MAX);
    assert_true(protocol_begin(&out, "ok") && protocol_put(&out, "token", "%\001\x1F ==%") && protocol_end(&out));
    assert_int_equal(parse(out.data, &m), PROTOCOL_COMPLETE);
    assert_string_equal(m.verb, "ok");
    assert_string_equal(protocol_get(&m, "token"), "%\001\x1F ==%");
    assert_string_equal(protocol_get(&m, "version"), "1");
    assert_null(protocol_get(&m, "user"));
    secret_free(&out);
}

static void error_reply(void **state)
{
    (void)state;
    struct secret out;
    struct report why;
    struct protocol_message m;
    secret_init(&out, PROTOCOL_MESSAGE_MAX);
    assert_true(secret_adds(&out, "left over"));
    report_set(&why, FAILURE_LOGIN_NEEDED, "100%% over");
    assert_true(protocol_error(&out, &why));
    assert_int_equal(parse(out.data, &m), PROTOCOL_COMPLETE);
    assert_string_equal(m.verb, "error");
    assert_string_equal(protocol_get(&m, "code"), "login-needed");
    assert_string_equal(protocol_get(&m, "message"), "100% over");
    secret_free(&out);
}

static void every_start_of_a_message(void **state)
{
    (void)state;
    static const char WHOLE[] = "get\nversion=1\nuser=x%41\n\n";
    for (size_t len = 0; len < sizeof WHOLE - 1; len++) {
        char data[sizeof WHOLE];
        struct protocol_message m;
        size_t used;
        memcpy(data, WHOLE, sizeof WHOLE);
        assert_int_equal(protocol_parse(data, len, &used, &m), PROTOCOL_MORE);
        assert_memory_equal(data, WHOLE, sizeof WHOLE); /* untouched until it is whole */
    }
    assert_result(WHOLE, PROTOCOL_COMPLETE);
}

static void next_message_is_left_alone(void **state)
{
    (void)state;
    char data[] = "get\nuser=x\n\nget\nuser=y\n\n";
    struct protocol_message m;
    size_t used;
    assert_int_equal(protocol_parse(data, sizeof data - 1, &used, &m), PROTOCOL_COMPLETE);
    assert_int_equal(used, 12);
    assert_string_equal(data + used, "get\nuser=y\n\n");
}

static void unknown_keys_and_verbs(void **state)
{
    (void)state;
    assert_result("something-new\nversion=1\nfuture_key=1\n\n", PROTOCOL_COMPLETE);
}

static void malformed_messages(void **state)
{
    (void)state;
    static const char *const WRONG[] = {
        "get\nuser\n\n",           /* no '=' */
        "get\n=x\n\n",             /* no key */
        "get\nUser=x\n\n",         /* a key is lower case */
        "get now\nuser=x\n\n",     /* a verb is one word */
        "GET\n\n",                 /* and lower case */
        "user=x\n\n",              /* no verb */
        "get\nuser=x\nuser=y\n\n", /* given twice */
        "get\nuser=%\n\n",         /* cut percent sequences */
        "get\nuser=%4\n\n",
        "get\nuser=%4g\n\n", /* no hex digit */
        "get\nuser=%g4\n\n",
        "get\nuser=%00\n\n",  /* NUL */
        "get\nuser=\xFF\n\n", /* not UTF-8 */
        "get\nuser=%FF\n\n",
        "get\nuser=a\rb\n\n", /* raw control characters */
        "get\r\n\r\n\n",
        "get\nversion=2\n\n", /* another protocol */
        "get\nversion=\n\n",
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        assert_result(WRONG[i], PROTOCOL_MALFORMED);
}

static void message_without_end(void **state)
{
    (void)state;
    char *data = malloc(PROTOCOL_MESSAGE_MAX + 1);
    assert_non_null(data);
    struct protocol_message m;
    size_t used;
    memset(data, 'a', PROTOCOL_MESSAGE_MAX + 1);
    assert_int_equal(protocol_parse(data, PROTOCOL_MESSAGE_MAX - 1, &used, &m), PROTOCOL_MORE);
    assert_int_equal(protocol_parse(data, PROTOCOL_MESSAGE_MAX, &used, &m), PROTOCOL_TOO_LONG);
    memcpy(data + PROTOCOL_MESSAGE_MAX - 1, "\n\n", 2); /* the end is one byte too late */
    assert_int_equal(protocol_parse(data, PROTOCOL_MESSAGE_MAX + 1, &used, &m), PROTOCOL_TOO_LONG);
    free(data);
}

static void too_many_fields(void **state)
{
    (void)state;
    char data[1024] = "get\n";
    for (int i = 0; i < PROTOCOL_FIELDS_MAX; i++)
        sprintf(data + strlen(data), "k%d=v\n", i);
    strcat(data, "\n");
    char more[1024];
    snprintf(more, sizeof more, "%.*sone-more=v\n\n", (int)strlen(data) - 1, data);
    struct protocol_message m;
    assert_int_equal(parse(data, &m), PROTOCOL_COMPLETE);
    assert_int_equal(m.count, PROTOCOL_FIELDS_MAX);
    assert_int_equal(parse(more, &m), PROTOCOL_TOO_LONG);
}

static void message_that_does_not_fit(void **state)
{
    (void)state;
    struct secret out;
    char *value = malloc(PROTOCOL_MESSAGE_MAX);
    assert_non_null(value);
    memset(value, 'x', PROTOCOL_MESSAGE_MAX - 1);
    value[PROTOCOL_MESSAGE_MAX - 1] = '\0';
    secret_init(&out, PROTOCOL_MESSAGE_MAX);
    protocol_begin(&out, "get");
    assert_false(protocol_put(&out, "user", value));
    assert_false(protocol_put(&out, "host", "h"));
    assert_false(protocol_end(&out));
    secret_free(&out);
    free(value);
}

static void failure_names(void **state)
{
    (void)state;
    for (int i = FAILURE_NO_ACCOUNT; i <= FAILURE_CONFIG; i++)
        assert_int_equal(failure_from_name(failure_name((enum failure)i)), i);
    assert_int_equal(failure_from_name("invented-later"), FAILURE_UNREACHABLE);
    assert_int_equal(failure_from_name("ok"), FAILURE_UNREACHABLE);
    assert_int_equal(failure_from_name(""), FAILURE_UNREACHABLE);
}

static void report_cannot_drive_a_terminal(void **state)
{
    (void)state;
    struct report r;
    assert_false(report_set(&r, FAILURE_CONFIG, "%ls", L"\xD800")); /* what cannot be printed is left out */
    assert_string_equal(r.text, "");
    assert_false(report_set(&r, FAILURE_CONFIG, "file %s", "\x1B[2J\n"));
    assert_string_equal(r.text, "file ?[2J?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_as_bytes),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(error_reply),
        cmocka_unit_test(every_start_of_a_message),
        cmocka_unit_test(next_message_is_left_alone),
        cmocka_unit_test(unknown_keys_and_verbs),
        cmocka_unit_test(malformed_messages),
        cmocka_unit_test(message_without_end),
        cmocka_unit_test(too_many_fields),
        cmocka_unit_test(message_that_does_not_fit),
        cmocka_unit_test(failure_names),
        cmocka_unit_test(report_cannot_drive_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
