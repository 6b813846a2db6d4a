#include "config.h"

#include "keyfile.h"

#include "folder.h"
#include "test.h"

#include <string.h>
#include <unistd.h>

static const char *const KNOWN[] = {"scope", "client-id", "xoauth2_timeout", NULL};

static bool parse_bytes(struct keyfile *k, const char *text, size_t len, struct report *why)
{
    keyfile_init(k);
    *why = (struct report){0};
    assert_true(secret_add(&k->text, text, len));
    return keyfile_parse(k, "F", KNOWN, why);
}

static bool parse(struct keyfile *k, const char *text, struct report *why)
{
    return parse_bytes(k, text, strlen(text), why);
}

static void assert_refused(const char *text, const char *words)
{
    struct keyfile k;
    struct report why;
    assert_false(parse(&k, text, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_string_equal(why.text, words);
    keyfile_free(&k);
}

static void values_comments_and_white_space(void **state)
{
    (void)state;
    struct keyfile k;
    struct report why;
    assert_true(parse(&k, "# comment\n\n  scope :  a b  \r\n\t# another\nclient-id:x#y: z", &why));
    assert_string_equal(k.value[0], "a b");
    assert_string_equal(k.value[1], "x#y: z");
    assert_null(k.value[2]);
    assert_int_equal(k.line[0], 3);
    assert_int_equal(k.line[1], 5);
    keyfile_free(&k);
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct keyfile k;
    struct report why;
    assert_true(parse(&k, "\n", &why));
    assert_null(k.value[0]);
    keyfile_free(&k);
    keyfile_init(&k); /* and no memory */
    assert_true(keyfile_parse(&k, "F", KNOWN, &why));
    assert_null(k.value[0]);
    keyfile_free(&k);
}

static void unknown_key(void **state)
{
    (void)state;
    assert_refused("scope: a\nclientid: b\n", "F:2: unknown key 'clientid': did you mean 'client-id'?");
    assert_refused("nonsense: b\n", "F:1: unknown key 'nonsense'");
}

static void key_given_twice(void **state)
{
    (void)state;
    assert_refused("scope: a\n\nscope: b\n", "F:3: 'scope' was given in line 1 already");
}

static void no_value(void **state)
{
    (void)state;
    assert_refused("scope:  \n", "F:1: 'scope' has no value: give one or remove the line");
}

static void no_colon(void **state)
{
    (void)state;
    assert_refused("scope a\n", "F:1: not a line of the form 'key: value'");
    assert_refused(": a\n", "F:1: not a line of the form 'key: value'");
    assert_refused("scope", "F:1: not a line of the form 'key: value'");
}

static void bytes_that_no_text_has(void **state)
{
    (void)state;
    assert_refused("scope: a\nclient-id: \x1B[2J\n", "F:2: control characters or bytes that are not UTF-8");
    assert_refused("scope: \xFF\n", "F:1: control characters or bytes that are not UTF-8");
    struct keyfile k;
    struct report why;
    assert_false(parse_bytes(&k, "scope: a\0b\n", 11, &why));
    assert_string_equal(why.text, "F:1: control characters or bytes that are not UTF-8");
    keyfile_free(&k);
}

static void wrong_value_is_named_by_its_line(void **state)
{
    (void)state;
    struct keyfile k;
    struct report why;
    assert_true(parse(&k, "\nscope: a\n", &why));
    assert_false(keyfile_complain(&k, 0, &why, "%s is wrong", "scope"));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_string_equal(why.text, "F:2: scope is wrong");
    keyfile_free(&k);
}

static void loads_a_file(void **state)
{
    (void)state;
    const struct readfile_rules rules = {.forbidden_mode = 022, .owner = geteuid(), .limit = KEYFILE_SIZE_MAX};
    struct keyfile k;
    struct report why = {0};
    assert_int_equal(keyfile_load(&k, folder_write("f.conf", "scope: a\n", 0644), &rules, KNOWN, &why), READFILE_OK);
    assert_string_equal(k.value[0], "a");
    keyfile_free(&k);
    assert_int_equal(keyfile_load(&k, folder_path("none"), &rules, KNOWN, &why), READFILE_MISSING);
    assert_int_equal(keyfile_load(&k, folder_write("f.conf", "x\n", 0644), &rules, KNOWN, &why), READFILE_REFUSED);
    assert_null(k.path);
    assert_int_equal(keyfile_load(&k, folder_write("f.conf", "", 0644), &rules, KNOWN, &why), READFILE_OK);
    keyfile_free(&k);
}

static void nothing_to_free(void **state)
{
    (void)state;
    keyfile_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_comments_and_white_space),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(unknown_key),
        cmocka_unit_test(key_given_twice),
        cmocka_unit_test(no_value),
        cmocka_unit_test(no_colon),
        cmocka_unit_test(bytes_that_no_text_has),
        cmocka_unit_test(wrong_value_is_named_by_its_line),
        cmocka_unit_test(loads_a_file),
        cmocka_unit_test(nothing_to_free),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
