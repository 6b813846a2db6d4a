#include "config.h"

#include "glob.h"

#include "test.h"

#include <string.h>

static bool match(const char *pattern, const char *text)
{
    return glob_match(pattern, strlen(pattern), text);
}

static void star_stands_for_any_bytes(void **state)
{
    (void)state;
    assert_true(match("*@x.org", "me@x.org"));
    assert_true(match("*", ""));
    assert_true(match("*", "a"));
    assert_true(match("a*b*c", "aXXbYYbZZc"));
    assert_true(match("**a", "bba"));
    assert_false(match("*@x.org", "me@x.org.evil"));
    assert_false(match("*.x.org", "x.org"));
    assert_false(match("a*b", "a"));
}

static void nothing_else_is_special(void **state)
{
    (void)state;
    assert_false(match("?", "a"));
    assert_false(match("[a]", "a"));
    assert_true(match("[a]?", "[a]?"));
    assert_true(match("a\\", "a\\"));
}

static void case_of_letters_does_not_count(void **state)
{
    (void)state;
    assert_true(match("IMAP.*.Org", "imap.x.ORG"));
    assert_false(match("@", "`"));
}

static void many_stars_end(void **state)
{
    (void)state;
    char text[2001];
    memset(text, 'a', 2000);
    text[2000] = '\0';
    assert_false(match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void rank_prefers_exact_then_longest(void **state)
{
    (void)state;
    assert_int_equal(glob_rank("*, *@x.org", "me@y.org"), 2);
    assert_int_equal(glob_rank("*, *@x.org", "me@x.org"), 8);
    assert_true(glob_rank("* *@x.org\tME@x.org", "me@x.org") == GLOB_EXACT);
    assert_int_equal(glob_rank(" , ,", "me@x.org"), 0);
    assert_int_equal(glob_rank("", ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(star_stands_for_any_bytes),    cmocka_unit_test(nothing_else_is_special),
        cmocka_unit_test(case_of_letters_does_not_count), cmocka_unit_test(many_stars_end),
        cmocka_unit_test(rank_prefers_exact_then_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
