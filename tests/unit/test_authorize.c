#include "config.h"

#include "authorize.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

static const char BASE64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const struct authorization FIXED = {.state = "cTkXSP9eLFEq6mr8O0rCsjk1I9hCbdzmwyKtOG9b5vQ",
                                           .verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"};

/* RFC 7636, Appendix B. */
static void challenge_of_the_standard(void **unused)
{
    (void)unused;
    char challenge[AUTHORIZE_RANDOM_CHARS + 1];
    assert_true(authorize_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
    assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void secrets_have_256_bits_and_no_padding(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        struct authorization a;
        struct report why;
        assert_true(authorize_begin(&a, &why));
        assert_int_equal(strspn(a.state, BASE64URL), AUTHORIZE_RANDOM_CHARS);
        assert_int_equal(strspn(a.verifier, BASE64URL), AUTHORIZE_RANDOM_CHARS);
        assert_int_equal(strlen(a.state), AUTHORIZE_RANDOM_CHARS);
        assert_int_equal(strlen(a.verifier), AUTHORIZE_RANDOM_CHARS);
        assert_string_not_equal(a.state, a.verifier);
    }
}

static void secrets_are_never_the_same(void **unused)
{
    (void)unused;
    struct authorization a, b;
    struct report why;
    assert_true(authorize_begin(&a, &why));
    assert_true(authorize_begin(&b, &why));
    assert_string_not_equal(a.state, b.state);
    assert_string_not_equal(a.verifier, b.verifier);
}

static void secrets_are_forgotten(void **unused)
{
    (void)unused;
    struct authorization a;
    struct report why;
    assert_true(authorize_begin(&a, &why));
    authorize_end(&a);
    assert_string_equal(a.state, "");
    assert_string_equal(a.verifier, "");
}

static void everything_in_its_place(void **unused)
{
    (void)unused;
    struct report why;
    const struct authorize_request request = {
        .endpoint = "https://login.example/auth",
        .client_id = "id",
        .redirect_uri = "http://127.0.0.1:4711/",
        .scope = "openid offline_access",
        .login_hint = "me@example.org",
        .parameters = "prompt=consent \t access_type=offline",
    };
    char *url = authorize_url(&FIXED, &request, &why);
    assert_non_null(url);
    assert_string_equal(url, "https://login.example/auth?response_type=code&client_id=id"
                             "&redirect_uri=http%3a%2f%2f127.0.0.1%3a4711%2f&scope=openid+offline_access"
                             "&state=cTkXSP9eLFEq6mr8O0rCsjk1I9hCbdzmwyKtOG9b5vQ"
                             "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
                             "&login_hint=me%40example.org&prompt=consent&access_type=offline");
    assert_null(strstr(url, FIXED.verifier));
    free(url);
}

static void endpoint_with_a_query(void **unused)
{
    (void)unused;
    struct report why;
    const struct authorize_request request = {
        .endpoint = "https://login.example/auth?p=1%202", .client_id = "id", .redirect_uri = "http://127.0.0.1:1/"};
    char *url = authorize_url(&FIXED, &request, &why);
    assert_non_null(url);
    assert_true(strstr(url, "https://login.example/auth?p=1%202&response_type=code&client_id=id&") == url);
    assert_null(strstr(url, "scope="));
    assert_null(strstr(url, "login_hint="));
    free(url);
}

static void values_that_would_add_parameters(void **unused)
{
    (void)unused;
    struct report why;
    const struct authorize_request request = {.endpoint = "https://login.example/auth",
                                              .client_id = "a&state=b#c=d%26",
                                              .redirect_uri = "http://127.0.0.1:1/",
                                              .scope = "\xC3\xA4 +"};
    char *url = authorize_url(&FIXED, &request, &why);
    assert_non_null(url);
    assert_non_null(strstr(url, "client_id=a%26state%3db%23c%3dd%2526&"));
    assert_non_null(strstr(url, "scope=%c3%a4+%2b&"));
    free(url);
}

static void endpoint_that_is_no_url(void **unused)
{
    (void)unused;
    struct report why;
    static const char *const ENDPOINTS[] = {"://", "", "https://e/\xC2\x9B[2J", "https://e/a b", "https://e/\033"};
    for (size_t i = 0; i < sizeof ENDPOINTS / sizeof ENDPOINTS[0]; i++) {
        const struct authorize_request request = {.endpoint = ENDPOINTS[i], .client_id = "id"};
        assert_null(authorize_url(&FIXED, &request, &why));
        assert_int_equal(why.code, FAILURE_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenge_of_the_standard),        cmocka_unit_test(secrets_have_256_bits_and_no_padding),
        cmocka_unit_test(secrets_are_never_the_same),       cmocka_unit_test(secrets_are_forgotten),
        cmocka_unit_test(everything_in_its_place),          cmocka_unit_test(endpoint_with_a_query),
        cmocka_unit_test(values_that_would_add_parameters), cmocka_unit_test(endpoint_that_is_no_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
