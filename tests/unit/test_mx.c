/* MX records: from a name server of the test's own, and answers that no honest one gives. */
#include "config.h"

#include "mx.h"

#include "name_server.h"
#include "test.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static const unsigned char ANSWER[] = NAME_SERVER_ANSWER;

enum { ANSWER_LEN = sizeof ANSWER - 1 };

static bool ask(const unsigned char *answer, size_t len, const char *domain, struct mx *mx)
{
    name_server_start(answer, len);
    bool ok = mx_lookup(domain, mx);
    name_server_stop();
    return ok;
}

static void records_are_not_found(void **state)
{
    (void)state;
    struct mx mx;
    assert_true(ask(ANSWER, ANSWER_LEN, "example.org", &mx));
    assert_int_equal(mx.count, 2);
    assert_string_equal(mx.host[0], "in.example.org");
    assert_string_equal(mx.host[1], "mail.example.com");
}

static void silent_server_holds_us(void **state)
{
    (void)state;
    struct mx mx;
    time_t begin = time(NULL);
    assert_false(ask(ANSWER, 0, "example.org", &mx));
    assert_true(time(NULL) - begin < 30);
}

/* The resolver's own way would be to ask again by TCP, where it waits without an end. */
static void truncated_answer_is_believed(void **state)
{
    (void)state;
    struct mx mx;
    unsigned char copy[ANSWER_LEN];
    const size_t question_end = 29;
    time_t begin = time(NULL);
    memcpy(copy, ANSWER, ANSWER_LEN);
    copy[2] |= 0x02; /* TC (RFC 1035, section 4.1.1) */
    assert_false(ask(copy, ANSWER_LEN, "example.org", &mx));
    assert_true(mx.silent);
    copy[7] = 0; /* no record at all */
    assert_false(ask(copy, question_end, "example.org", &mx));
    assert_true(mx.silent);
    copy[2] &= 0xfd;
    assert_false(ask(copy, question_end, "example.org", &mx));
    assert_false(mx.silent);
    assert_true(time(NULL) - begin < 10);
}

static void odd_domain_is_asked_for(void **state)
{
    (void)state;
    struct mx mx;
    assert_false(mx_lookup("", &mx));
    assert_false(mx_lookup(".", &mx));
    assert_false(mx_lookup("a b", &mx));
    assert_false(mx_lookup("a\\b", &mx));
}

static void damaged_answer_is_believed(void **state)
{
    (void)state;
    struct mx mx;
    unsigned char copy[ANSWER_LEN];
    for (size_t len = 0; len < ANSWER_LEN; len++) {
        memcpy(copy, ANSWER, len);
        if (mx_parse(copy, len, &mx))
            assert_in_range(mx.count, 1, 2);
    }
    for (size_t i = 0; i < ANSWER_LEN; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, ANSWER, ANSWER_LEN);
            copy[i] = (unsigned char)(copy[i] ^ (1u << bit));
            mx_parse(copy, ANSWER_LEN, &mx);
            for (size_t host = 0; host < mx.count; host++)
                assert_null(strpbrk(mx.host[host], " \t\r\n\033/\\"));
        }
}

static void hostile_host_name_is_taken(void **state)
{
    (void)state;
    struct mx mx;
    unsigned char copy[ANSWER_LEN];
    memcpy(copy, ANSWER, ANSWER_LEN);
    copy[ANSWER_LEN - 14] = '\033'; /* in "mail" */
    assert_true(mx_parse(copy, ANSWER_LEN, &mx));
    assert_int_equal(mx.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_not_found),      cmocka_unit_test(silent_server_holds_us),
        cmocka_unit_test(odd_domain_is_asked_for),    cmocka_unit_test(truncated_answer_is_believed),
        cmocka_unit_test(damaged_answer_is_believed), cmocka_unit_test(hostile_host_name_is_taken),
    };
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
