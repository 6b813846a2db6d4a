/* JSON of others: what a shortage of memory looks like. */
#include "config.h"

#include "jsontext.h"
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <string.h>

static const char TEXT[] = "{\"refresh_token\": \"new\"}";

static bool short_of_memory;

/* json-c makes a locale before it parses, and this function is found before the C library's. */
__attribute__((visibility("default"))) locale_t newlocale(int mask, const char *name, locale_t base)
{
    union {
        void *found;
        locale_t (*call)(int mask, const char *name, locale_t base);
    } real = {.found = dlsym(RTLD_NEXT, "newlocale")};
    if (!short_of_memory)
        return real.call(mask, name, base);
    errno = ENOMEM;
    return (locale_t)0;
}

static void locale_without_memory_is_no_nonsense(void **state)
{
    (void)state;
    short_of_memory = true;
    struct json_object *root = jsontext_parse(TEXT, strlen(TEXT));
    int error = errno;
    short_of_memory = false;
    assert_null(root);
    assert_int_equal(error, ENOMEM);
}

static void nonsense_is_no_shortage(void **state)
{
    (void)state;
    errno = ENOMEM;
    assert_null(jsontext_parse(TEXT, strlen(TEXT) - 1));
    assert_int_equal(errno, EBADMSG);
}

static void whole_text(void **state)
{
    (void)state;
    struct json_object *root = jsontext_parse(TEXT, strlen(TEXT));
    assert_string_equal(jsontext_string(root, "refresh_token"), "new");
    jsontext_free(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locale_without_memory_is_no_nonsense),
        cmocka_unit_test(nonsense_is_no_shortage),
        cmocka_unit_test(whole_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
