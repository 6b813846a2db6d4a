#include "config.h"

#include "identity.h"

#include "test.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISS "https://issuer.example"
#define HEAD "\"iss\":\"" ISS "\",\"aud\":\"client\","

/* A token with this payload; one static buffer. */
static const char *token(const char *payload)
{
    static char text[8192];
    char block[4096];
    EVP_EncodeBlock((unsigned char *)block, (const unsigned char *)payload, (int)strlen(payload));
    block[strcspn(block, "=")] = '\0';
    for (char *c = block; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    snprintf(text, sizeof text, "eyJhbGciOiJub25lIn0.%s.c2ln", block);
    return text;
}

static bool add(struct identity *who, const char *id_token, const char *issuer, const char **problem)
{
    const struct identity_source from = {.issuer = issuer, .client_id = "client"};
    return identity_add_id_token(who, id_token, &from, problem);
}

static void expect_refused(const char *id_token, const char *words)
{
    struct identity who = {0};
    const char *problem;
    assert_false(add(&who, id_token, ISS, &problem));
    assert_string_equal(problem, words);
    assert_null(identity_name(&who));
}

static void expect_match(const char *payload, const char *account, enum identity_match match)
{
    struct identity who = {0};
    const char *problem;
    assert_true(add(&who, token(payload), ISS, &problem));
    assert_int_equal(identity_compare(&who, account), match);
    identity_free(&who);
}

static void email_comes_before_the_rest(void **unused)
{
    (void)unused;
    struct identity who = {0};
    const char *problem;
    assert_true(add(&who,
                    token("{" HEAD "\"sub\":\"7\",\"upn\":\"u@x\",\"preferred_username\":\"p@x\",\"email\":\"e@x\"}"),
                    ISS, &problem));
    assert_string_equal(identity_name(&who), "e@x");
    identity_free(&who);
    assert_true(add(&who, token("{" HEAD "\"sub\":\"7\",\"upn\":\"u@x\"}"), ISS, &problem));
    assert_string_equal(identity_name(&who), "u@x");
    identity_free(&who);
}

static void any_name_may_be_the_account(void **unused)
{
    (void)unused;
    expect_match("{" HEAD "\"email\":\"alias@x.org\",\"preferred_username\":\"Me@X.org\"}", "me@x.org",
                 IDENTITY_SAME);
    expect_match("{" HEAD "\"sub\":\"me@x.org\"}", "me@x.org", IDENTITY_SAME);
}

static void somebody_else(void **unused)
{
    (void)unused;
    expect_match("{" HEAD "\"email\":\"you@x.org\",\"sub\":\"7\"}", "me@x.org", IDENTITY_OTHER);
    expect_match("{" HEAD "\"sub\":\"you@x.org\"}", "me@x.org", IDENTITY_OTHER);
    expect_match("{" HEAD "\"email\":\"me@x.org.evil\"}", "me@x.org", IDENTITY_OTHER);
}

static void opaque_subject_says_nothing(void **unused)
{
    (void)unused;
    expect_match("{" HEAD "\"sub\":\"248289761001\"}", "me@x.org", IDENTITY_UNKNOWN);
    expect_match("{" HEAD "\"sub\":\"7f0e8c1a-1111-4222\"}", "work", IDENTITY_UNKNOWN);
}

static void nothing_known(void **unused)
{
    (void)unused;
    expect_match("{\"iss\":\"" ISS "\",\"aud\":\"client\"}", "me@x.org", IDENTITY_UNKNOWN);
    expect_match("{" HEAD "\"email\":7,\"sub\":\"\"}", "me@x.org", IDENTITY_UNKNOWN);
}

static void audience_in_a_list(void **unused)
{
    (void)unused;
    expect_match("{\"iss\":\"" ISS "\",\"aud\":[7,\"other\",\"client\"],\"email\":\"me@x.org\"}", "me@x.org",
                 IDENTITY_SAME);
}

static void made_for_another_client(void **unused)
{
    (void)unused;
    static const char WORDS[] = "it was made for another client";
    expect_refused(token("{\"iss\":\"" ISS "\",\"aud\":\"other\",\"email\":\"me@x.org\"}"), WORDS);
    expect_refused(token("{\"iss\":\"" ISS "\",\"aud\":[\"other\"],\"email\":\"me@x.org\"}"), WORDS);
    expect_refused(token("{\"iss\":\"" ISS "\",\"email\":\"me@x.org\"}"), WORDS);
}

static void from_another_issuer(void **unused)
{
    (void)unused;
    static const char WORDS[] = "it comes from another issuer";
    expect_refused(token("{\"iss\":\"https://issuer.example/\",\"aud\":\"client\",\"email\":\"me@x.org\"}"), WORDS);
    expect_refused(token("{\"aud\":\"client\",\"email\":\"me@x.org\"}"), WORDS);
}

static void issuer_without_its_scheme(void **unused)
{
    (void)unused;
    expect_match("{\"iss\":\"issuer.example\",\"aud\":\"client\",\"email\":\"me@x.org\"}", "me@x.org", IDENTITY_SAME);
}

/* An id_token with these claims from an issuer of Entra; `any_tenant`: its metadata had the template. */
static bool is_believed(const char *issuer, bool any_tenant, const char *claims)
{
    const struct identity_source from = {.issuer = issuer, .any_tenant = any_tenant, .client_id = "client"};
    struct identity who = {0};
    const char *problem;
    char payload[400];
    snprintf(payload, sizeof payload, "{%s,\"aud\":\"client\",\"preferred_username\":\"me@x.org\"}", claims);
    bool believed = identity_add_id_token(&who, token(payload), &from, &problem);
    if (!believed)
        assert_string_equal(problem, "it comes from another issuer");
    identity_free(&who);
    return believed;
}

#define ENTRA "https://login.example"
#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"

static void issuer_of_the_persons_tenant(void **unused)
{
    static const char OWN[] = "\"iss\":\"" ENTRA "/" TENANT "/v2.0\",\"tid\":\"" TENANT "\"";
    (void)unused;
    assert_true(is_believed(ENTRA "/common/v2.0", true, OWN));
    assert_true(is_believed(ENTRA "/organizations/v2.0", true, OWN));
    assert_false(is_believed(ENTRA "/common/v2.0", false, OWN));
    assert_false(is_believed(ENTRA "/common/v1.0", true, OWN));
    assert_false(is_believed(ENTRA "/other/v2.0", true, OWN));
    assert_false(is_believed("https://other.example/common/v2.0", true, OWN));
}

static void issuer_of_another_tenant(void **unused)
{
    static const char *const CLAIMS[] = {
        "\"iss\":\"" ENTRA "/" TENANT "/v2.0\"",
        "\"iss\":\"" ENTRA "/" TENANT "/v2.0\",\"tid\":7",
        "\"iss\":\"" ENTRA "/" TENANT "/v2.0\",\"tid\":\"\"",
        "\"iss\":\"" ENTRA "/" TENANT "/v2.0\",\"tid\":\"72f988bf\"",
        "\"iss\":\"" ENTRA "/" TENANT "/v2.0\",\"tid\":\"00000000-0000-0000-0000-000000000000\"",
        "\"iss\":\"" ENTRA "//v2.0\",\"tid\":\"\"",
        "\"iss\":\"" ENTRA "/{tenantid}/v2.0\",\"tid\":\"{tenantid}\"",
        "\"iss\":\"" ENTRA "/a/b/v2.0\",\"tid\":\"a/b\"",
        "\"iss\":\"" ENTRA "/../v2.0\",\"tid\":\"..\"",
        "\"tid\":\"" TENANT "\"",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof CLAIMS / sizeof CLAIMS[0]; i++)
        assert_false(is_believed(ENTRA "/common/v2.0", true, CLAIMS[i]));
}

static void issuer_that_is_not_known(void **unused)
{
    (void)unused;
    struct identity who = {0};
    const char *problem;
    assert_true(add(&who, token("{\"iss\":\"any\",\"aud\":\"client\",\"email\":\"me@x.org\"}"), NULL, &problem));
    identity_free(&who);
}

static void no_token_at_all(void **unused)
{
    (void)unused;
    static const char WORDS[] = "it cannot be decoded";
    expect_refused("", WORDS);
    expect_refused("abc", WORDS);
    expect_refused("a.b", WORDS);
    expect_refused("..", WORDS);
    expect_refused("a.YQ.c", WORDS);
    expect_refused("a.e30=.c", WORDS);
    expect_refused("a.e3\n0.c", WORDS);
    expect_refused("a.e30+.c", WORDS);
    expect_refused("a.AAAAA.c", WORDS);
    expect_refused(token("[]"), WORDS);
    expect_refused(token("{"), WORDS);
}

static void every_length_is_decoded(void **unused)
{
    (void)unused;
    expect_match("{" HEAD "\"email\":\"a@x\"}", "a@x", IDENTITY_SAME);
    expect_match("{" HEAD "\"email\":\"aa@x\"}", "aa@x", IDENTITY_SAME);
    expect_match("{" HEAD "\"email\":\"aaa@x\"}", "aaa@x", IDENTITY_SAME);
    expect_match("{" HEAD "\"email\":\"\xC3\xBF\xC3\xBE?>@x\"}", "\xC3\xBF\xC3\xBE?>@x", IDENTITY_SAME);
}

static void name_that_would_drive_the_terminal(void **unused)
{
    (void)unused;
    struct identity who = {0};
    const char *problem;
    assert_true(add(&who, token("{" HEAD "\"email\":\"a\\u001b[2J@x\"}"), ISS, &problem));
    assert_string_equal(identity_name(&who), "a?[2J@x");
    identity_free(&who);
}

static bool add_userinfo(struct identity *who, const char *json)
{
    return identity_add_userinfo(who, json, strlen(json));
}

static void userinfo_adds_the_address(void **unused)
{
    (void)unused;
    struct identity who = {0};
    const char *problem;
    assert_true(add(&who, token("{" HEAD "\"sub\":\"7\"}"), ISS, &problem));
    assert_false(identity_has_name(&who));
    assert_true(add_userinfo(&who, "{\"sub\":\"7\",\"email\":\"me@x.org\"}"));
    assert_true(identity_has_name(&who));
    assert_int_equal(identity_compare(&who, "me@x.org"), IDENTITY_SAME);
    identity_free(&who);
}

static void userinfo_about_somebody_else(void **unused)
{
    (void)unused;
    struct identity who = {0};
    const char *problem;
    assert_true(add(&who, token("{" HEAD "\"sub\":\"7\"}"), ISS, &problem));
    assert_false(add_userinfo(&who, "{\"sub\":\"8\",\"email\":\"me@x.org\"}"));
    assert_false(add_userinfo(&who, "{\"email\":\"me@x.org\"}"));
    assert_false(add_userinfo(&who, "eyJhbGciOiJub25lIn0.e30."));
    assert_false(identity_has_name(&who));
    identity_free(&who);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(email_comes_before_the_rest),
        cmocka_unit_test(any_name_may_be_the_account),
        cmocka_unit_test(somebody_else),
        cmocka_unit_test(opaque_subject_says_nothing),
        cmocka_unit_test(nothing_known),
        cmocka_unit_test(audience_in_a_list),
        cmocka_unit_test(made_for_another_client),
        cmocka_unit_test(from_another_issuer),
        cmocka_unit_test(issuer_without_its_scheme),
        cmocka_unit_test(issuer_of_the_persons_tenant),
        cmocka_unit_test(issuer_of_another_tenant),
        cmocka_unit_test(issuer_that_is_not_known),
        cmocka_unit_test(no_token_at_all),
        cmocka_unit_test(every_length_is_decoded),
        cmocka_unit_test(name_that_would_drive_the_terminal),
        cmocka_unit_test(userinfo_adds_the_address),
        cmocka_unit_test(userinfo_about_somebody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
