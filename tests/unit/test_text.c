#include "config.h"

#include "text.h"

#include "test.h"

#include <string.h>

static bool utf8(const char *text)
{
    return text_is_utf8(text, strlen(text));
}

static void well_formed_utf8(void **state)
{
    (void)state;
    assert_true(utf8(""));
    assert_true(text_is_utf8(NULL, 0));
    assert_true(utf8("plain"));
    assert_true(utf8("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xA7"));
    assert_true(utf8("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));
}

static void malformed_utf8(void **state)
{
    (void)state;
    assert_false(utf8("\x80"));
    assert_false(utf8("\xC3"));
    assert_false(utf8("\xE2\x82"));
    assert_false(utf8("\xF0\x9F\x90"));
    assert_false(utf8("\xC0\xAF"));
    assert_false(utf8("\xC1\xBF"));
    assert_false(utf8("\xE0\x80\xAF"));
    assert_false(utf8("\xF0\x80\x80\xAF"));
    assert_false(utf8("\xED\xA0\x80"));
    assert_false(utf8("\xF4\x90\x80\x80"));
    assert_false(utf8("\xF5\x80\x80\x80"));
    assert_false(utf8("\xFF"));
    assert_false(utf8("\xC3\x28"));
}

static void sequence_cut_at_the_end(void **state)
{
    (void)state;
    assert_false(text_is_utf8("\xE2\x82\xAC", 2));
    assert_true(text_is_utf8("\xE2\x82\xAC", 3));
}

static void control_characters(void **state)
{
    (void)state;
    assert_false(text_has_control("user@example.org", 16));
    assert_false(text_has_control("", 0));
    assert_true(text_has_control("a\001b", 3));
    assert_true(text_has_control("a\0b", 3));
    assert_true(text_has_control("a\n", 2));
    assert_true(text_has_control("\x7F", 1));
    assert_true(text_has_control("\x1F", 1));
}

/* Texts are looked at eight bytes at a time: every byte at every place, among neighbours that carry and borrow. */
static void one_byte_at_any_place(void **state)
{
    (void)state;
    for (size_t place = 0; place < 20; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[20];
            memset(text, byte % 2 ? ' ' : '~', sizeof text);
            text[place] = (char)byte;
            assert_int_equal(text_has_control(text, sizeof text), byte < 0x20 || byte == 0x7F);
            assert_int_equal(text_is_utf8(text, sizeof text), byte < 0x80);
        }
    }
}

static void nothing_beyond_the_end_is_looked_at(void **state)
{
    (void)state;
    for (size_t len = 0; len < 20; len++) {
        char text[21];
        memset(text, 'a', sizeof text);
        text[len] = '\x01';
        assert_false(text_has_control(text, len));
        text[len] = '\xFF';
        assert_true(text_is_utf8(text, len));
    }
}

static void hostile_text_is_made_harmless(void **state)
{
    (void)state;
    char text[] = "a\x1B[2J\xC3\xA9\xFF\xC2\x9B"
                  "b\n\x7F";
    text_neutralize(text);
    assert_string_equal(text, "a?[2J\xC3\xA9???b??");
}

static void sequence_cut_by_a_full_buffer(void **state)
{
    (void)state;
    char text[] = "abc\xE2\x82";
    text_neutralize(text);
    assert_string_equal(text, "abc??");
}

static const char *const KEYS[] = {"xoauth2_timeout", "xoauth2_helper", "scope", NULL};

static void nearest_word(void **state)
{
    (void)state;
    assert_string_equal(text_nearest("xoauth2_tiemout", KEYS), "xoauth2_timeout");
    assert_string_equal(text_nearest("scop", KEYS), "scope");
    assert_string_equal(text_nearest("scope", KEYS), "scope");
}

static void nothing_near(void **state)
{
    (void)state;
    assert_null(text_nearest("completely", KEYS));
    assert_null(text_nearest("", KEYS));
    static const char *const LONG[] = {"scopescopescopescopescopescopescopescopescopescope", NULL};
    assert_null(text_nearest("scopescopescopescopescopescopescopescopescope", LONG));
    assert_null(text_nearest("scopescopescopescopescopescopescopescopescopescope", KEYS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_utf8),
        cmocka_unit_test(malformed_utf8),
        cmocka_unit_test(sequence_cut_at_the_end),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(one_byte_at_any_place),
        cmocka_unit_test(nothing_beyond_the_end_is_looked_at),
        cmocka_unit_test(hostile_text_is_made_harmless),
        cmocka_unit_test(sequence_cut_by_a_full_buffer),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(nothing_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
