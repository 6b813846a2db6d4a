#include "config.h"

#include "secret.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

static void grows_and_keeps_its_content(void **state)
{
    (void)state;
    struct secret s;
    secret_init(&s, 100000);
    for (int i = 0; i < 10000; i++)
        assert_true(secret_add(&s, "0123456789", 10));
    assert_int_equal(s.len, 100000);
    assert_memory_equal(s.data + 99990, "0123456789", 11); /* with the NUL behind it */
    secret_free(&s);
    assert_null(s.data);
}

static void addition_beyond_the_limit(void **state)
{
    (void)state;
    struct secret s;
    secret_init(&s, 5);
    assert_true(secret_adds(&s, "abc"));
    assert_false(secret_adds(&s, "def"));
    assert_string_equal(s.data, "abc");
    assert_false(secret_adds(&s, "d")); /* the failure is remembered */
    secret_reset(&s);
    assert_true(secret_adds(&s, "abcde"));
    assert_null(secret_room(&s, 1));
    secret_free(&s);
}

static void room_of_an_absurd_size(void **state)
{
    (void)state;
    struct secret s;
    secret_init(&s, 100);
    assert_null(secret_room(&s, SIZE_MAX));
    secret_free(&s);
}

static void reset_wipes(void **state)
{
    (void)state;
    struct secret s;
    secret_init(&s, 100);
    assert_true(secret_adds(&s, "token"));
    secret_reset(&s);
    assert_int_equal(s.len, 0);
    for (size_t i = 0; i < s.cap; i++)
        assert_int_equal(s.data[i], 0);
    secret_free(&s);
}

static void dropping_the_front_wipes_the_tail(void **state)
{
    (void)state;
    struct secret s;
    secret_init(&s, 100);
    assert_true(secret_adds(&s, "firstsecond"));
    secret_drop_front(&s, 5);
    assert_int_equal(s.len, 6);
    assert_string_equal(s.data, "second");
    for (size_t i = 6; i < 11; i++)
        assert_int_equal(s.data[i], 0);
    secret_drop_front(&s, 0);
    assert_string_equal(s.data, "second");
    secret_free(&s);
}

static void nothing_to_free(void **state)
{
    (void)state;
    char *none = NULL;
    secret_free(NULL);
    secret_free_string(NULL);
    secret_free_string(&none);
    struct secret s;
    secret_init(&s, 10);
    secret_free(&s);
    char *text = strdup("secret");
    secret_free_string(&text);
    assert_null(text);
}

static void used_again_after_free(void **state)
{
    (void)state;
    struct secret s;
    secret_init(&s, 10);
    assert_true(secret_adds(&s, "0123456789"));
    secret_free(&s);
    assert_true(secret_adds(&s, "again"));
    assert_string_equal(s.data, "again");
    secret_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_keeps_its_content),
        cmocka_unit_test(addition_beyond_the_limit),
        cmocka_unit_test(room_of_an_absurd_size),
        cmocka_unit_test(reset_wipes),
        cmocka_unit_test(dropping_the_front_wipes_the_tail),
        cmocka_unit_test(nothing_to_free),
        cmocka_unit_test(used_again_after_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
