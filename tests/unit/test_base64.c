#include "config.h"

#include "base64.h"

#include "test.h"

#include <string.h>

static struct secret out;

static int setup(void **state)
{
    (void)state;
    secret_init(&out, 64);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secret_free(&out);
    return 0;
}

static void decodes_to(const char *text, const char *wanted)
{
    assert_true(base64_decode(text, &out));
    assert_int_equal(out.len, strlen(wanted));
    if (out.len > 0)
        assert_memory_equal(out.data, wanted, out.len);
}

/* RFC 4648, section 10. */
static void vectors_of_the_standard(void **state)
{
    (void)state;
    decodes_to("", "");
    decodes_to("Zg==", "f");
    decodes_to("Zm8=", "fo");
    decodes_to("Zm9v", "foo");
    decodes_to("Zm9vYg==", "foob");
    decodes_to("Zm9vYmE=", "fooba");
    decodes_to("Zm9vYmFy", "foobar");
    decodes_to("/+8=", "\xff\xef");
}

static void what_is_no_base64_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v\n", "Zm=v", "Zg==Zg==", "Zm9_", "Zm 9"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_false(base64_decode(BAD[i], &out));
}

static void too_long_is_refused(void **state)
{
    (void)state;
    char text[101];
    memset(text, 'A', 100);
    text[100] = '\0';
    assert_false(base64_decode(text, &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(vectors_of_the_standard, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_base64_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(too_long_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
