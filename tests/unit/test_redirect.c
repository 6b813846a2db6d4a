#include "config.h"

#include "redirect.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE "cTkXSP9eLFEq6mr8O0rCsjk1I9hCbdzmwyKtOG9b5vQ"
#define HERE "http://127.0.0.1:4711/?"

static const struct redirect_expected PLAIN = {.state = STATE};
static const struct redirect_expected WITH_ISSUER = {.state = STATE, .issuer = "https://issuer.example/a"};
static const struct redirect_expected ISS_REQUIRED = {
    .state = STATE, .issuer = "https://issuer.example/a", .iss_required = true};

static void expect(const char *url, const struct redirect_expected *expected, enum redirect_result result)
{
    struct redirect r;
    assert_int_equal(redirect_read(url, expected, &r), result);
    assert_true((r.code != NULL) == (result == REDIRECT_CODE));
    assert_true((r.error != NULL) == (result == REDIRECT_ERROR));
    assert_true((r.problem != NULL) == (result == REDIRECT_REFUSED || result == REDIRECT_FOREIGN));
    redirect_free(&r);
}

static void expect_code(const char *url, const char *code)
{
    struct redirect r;
    assert_int_equal(redirect_read(url, &PLAIN, &r), REDIRECT_CODE);
    assert_string_equal(r.code, code);
    redirect_free(&r);
}

static void code_with_the_right_state(void **unused)
{
    (void)unused;
    expect_code(HERE "code=abc&state=" STATE, "abc");
    expect_code(HERE "state=" STATE "&session_state=x.y&code=abc", "abc");
}

static void encoded_code(void **unused)
{
    (void)unused;
    expect_code(HERE "code=a%2Fb%2B+c%3D&state=" STATE, "a/b+ c=");
}

static void pasted_with_what_surrounds_it(void **unused)
{
    (void)unused;
    expect_code("  \"" HERE "code=abc&state=" STATE "\" \r\n", "abc");
    expect_code("<" HERE "code=abc&state=" STATE ">", "abc");
    expect_code("127.0.0.1:4711/?code=abc&state=" STATE, "abc");
    expect_code(HERE "code=abc&state=" STATE "#", "abc");
}

static void no_state(void **unused)
{
    (void)unused;
    expect(HERE "code=abc", &PLAIN, REDIRECT_FOREIGN);
    expect(HERE "code=abc&state=", &PLAIN, REDIRECT_FOREIGN);
    expect(HERE "code=abc&state", &PLAIN, REDIRECT_FOREIGN);
}

static void state_of_another_login(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&state=dTkXSP9eLFEq6mr8O0rCsjk1I9hCbdzmwyKtOG9b5vQ", &PLAIN, REDIRECT_FOREIGN);
    expect(HERE "error=access_denied&state=other", &PLAIN, REDIRECT_FOREIGN);
}

static void part_of_the_state(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&state=cTkX", &PLAIN, REDIRECT_FOREIGN);
    expect(HERE "code=abc&state=" STATE "x", &PLAIN, REDIRECT_FOREIGN);
    expect(HERE "code=abc&state=" STATE "%00x", &PLAIN, REDIRECT_FOREIGN);
}

static void state_twice(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&state=" STATE "&state=" STATE, &PLAIN, REDIRECT_FOREIGN);
    expect(HERE "code=abc&state=" STATE "&state=other", &PLAIN, REDIRECT_FOREIGN);
}

static void code_twice(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&code=abd&state=" STATE, &PLAIN, REDIRECT_REFUSED);
}

static void code_with_a_nul(void **unused)
{
    (void)unused;
    expect(HERE "code=abc%00&state=" STATE, &PLAIN, REDIRECT_REFUSED);
}

static void neither_code_nor_error(void **unused)
{
    (void)unused;
    expect(HERE "state=" STATE, &PLAIN, REDIRECT_REFUSED);
    expect(HERE "code=&state=" STATE, &PLAIN, REDIRECT_REFUSED);
}

static void another_issuer(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&state=" STATE "&iss=https%3A%2F%2Fissuer.example%2Fb", &WITH_ISSUER, REDIRECT_REFUSED);
    expect(HERE "code=abc&state=" STATE "&iss=https%3A%2F%2Fissuer.example%2Fa%2F", &WITH_ISSUER, REDIRECT_REFUSED);
    expect(HERE "code=abc&state=" STATE "&iss=HTTPS%3A%2F%2Fissuer.example%2Fa", &WITH_ISSUER, REDIRECT_REFUSED);
    expect(HERE "error=access_denied&state=" STATE "&iss=x", &WITH_ISSUER, REDIRECT_REFUSED);
}

static void issuer_twice(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&state=" STATE "&iss=https://issuer.example/a&iss=https://issuer.example/b", &WITH_ISSUER,
           REDIRECT_REFUSED);
}

static void the_issuer(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&state=" STATE "&iss=https%3A%2F%2Fissuer.example%2Fa", &ISS_REQUIRED, REDIRECT_CODE);
    expect(HERE "code=abc&state=" STATE, &WITH_ISSUER, REDIRECT_CODE);
    expect(HERE "code=abc&state=" STATE "&iss=anything", &PLAIN, REDIRECT_CODE);
}

static void missing_issuer_that_was_promised(void **unused)
{
    (void)unused;
    expect(HERE "code=abc&state=" STATE, &ISS_REQUIRED, REDIRECT_REFUSED);
    expect(HERE "error=access_denied&state=" STATE, &ISS_REQUIRED, REDIRECT_REFUSED);
}

static void error_with_a_description(void **unused)
{
    (void)unused;
    struct redirect r;
    assert_int_equal(
        redirect_read(HERE "error=access_denied&error_description=not%20me+today&code=x&state=" STATE, &PLAIN, &r),
        REDIRECT_ERROR);
    assert_string_equal(r.error, "access_denied");
    assert_string_equal(r.description, "not me today");
    assert_null(r.code);
    redirect_free(&r);
}

static void no_address_at_all(void **unused)
{
    (void)unused;
    expect("", &PLAIN, REDIRECT_FOREIGN);
    expect("   ", &PLAIN, REDIRECT_FOREIGN);
    expect("y", &PLAIN, REDIRECT_FOREIGN);
    expect("http://127.0.0.1:4711/", &PLAIN, REDIRECT_FOREIGN);
    expect("http://127.0.0.1:4711/?", &PLAIN, REDIRECT_FOREIGN);
    expect("http://127.0.0.1:4711/?&&=&", &PLAIN, REDIRECT_FOREIGN);
    expect("http://[::1/?code=abc&state=" STATE, &PLAIN, REDIRECT_FOREIGN);
}

static void longer_than_any_address(void **unused)
{
    (void)unused;
    char *url = malloc(REDIRECT_URL_MAX + 2);
    int start = sprintf(url, "%s", HERE "state=" STATE "&code=");
    memset(url + start, 'a', (size_t)(REDIRECT_URL_MAX - start));
    url[REDIRECT_URL_MAX] = '\0';
    expect(url, &PLAIN, REDIRECT_CODE);
    strcat(url, "a");
    expect(url, &PLAIN, REDIRECT_FOREIGN);
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_with_the_right_state),
        cmocka_unit_test(encoded_code),
        cmocka_unit_test(pasted_with_what_surrounds_it),
        cmocka_unit_test(no_state),
        cmocka_unit_test(state_of_another_login),
        cmocka_unit_test(part_of_the_state),
        cmocka_unit_test(state_twice),
        cmocka_unit_test(code_twice),
        cmocka_unit_test(code_with_a_nul),
        cmocka_unit_test(neither_code_nor_error),
        cmocka_unit_test(another_issuer),
        cmocka_unit_test(issuer_twice),
        cmocka_unit_test(the_issuer),
        cmocka_unit_test(missing_issuer_that_was_promised),
        cmocka_unit_test(error_with_a_description),
        cmocka_unit_test(no_address_at_all),
        cmocka_unit_test(longer_than_any_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
