#include "config.h"

#include "qr.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

static const char URL[] = "https://example.com/device?user_code=WDJB-MJHT";

#ifdef HAVE_QRENCODE
static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void every_line_sets_and_resets_its_colours(void **unused)
{
    (void)unused;
    char *text = qr_text(URL, 200);
    assert_non_null(text);
    size_t lines = count(text, "\n");
    assert_true(lines >= 15);
    assert_int_equal(count(text, "\033[40;97m"), lines);
    assert_int_equal(count(text, "\033[0m\n"), lines);
    free(text);
}

static void quiet_zone_is_light(void **unused)
{
    (void)unused;
    static const char LIGHT[] = "\033[40;97m\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588";
    char *text = qr_text(URL, 200);
    assert_non_null(text);
    assert_int_equal(strncmp(text, LIGHT, strlen(LIGHT)), 0);
    free(text);
}
#endif

static void terminal_that_is_too_narrow(void **unused)
{
    (void)unused;
    assert_null(qr_text(URL, 20));
    assert_null(qr_text(URL, 0));
}

static void text_that_no_code_can_hold(void **unused)
{
    (void)unused;
    char *text = calloc(1, 10001);
    memset(text, 'x', 10000);
    assert_null(qr_text(text, 10000));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HAVE_QRENCODE
        cmocka_unit_test(every_line_sets_and_resets_its_colours),
        cmocka_unit_test(quiet_zone_is_light),
#endif
        cmocka_unit_test(terminal_that_is_too_narrow),
        cmocka_unit_test(text_that_no_code_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
