#include "config.h"

#include "grammar.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

#include <sasl/sasl.h>
#include <sasl/saslutil.h>

static const char LONG_TOKEN[] = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

typedef bool build(struct secret *out, const struct grammar_login *login);

static struct grammar_login login(const char *user, const char *token, const char *host, const char *port)
{
    return (struct grammar_login){
        .user = user,
        .user_len = strlen(user),
        .token = token,
        .token_len = strlen(token),
        .host = host,
        .host_len = host ? strlen(host) : 0,
        .port = port,
    };
}

static void assert_message(build *b, struct grammar_login l, const char *base64)
{
    struct secret out;
    char encoded[1024];
    unsigned len;
    secret_init(&out, GRAMMAR_MESSAGE_MAX);
    assert_true(b(&out, &l));
    assert_int_equal(sasl_encode64(out.data, (unsigned)out.len, encoded, sizeof encoded, &len), SASL_OK);
    assert_string_equal(encoded, base64);
    secret_free(&out);
}

static void xoauth2_of_microsofts_page(void **state)
{
    (void)state;
    assert_message(grammar_xoauth2,
                   login("test@contoso.onmicrosoft.com", "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA", "h", "1"),
                   "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpM"
                   "QldaV0NjbFJDM0VvQUEBAQ==");
}

static void xoauth2_of_googles_page(void **state)
{
    (void)state;
    assert_message(grammar_xoauth2,
                   login("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", NULL, NULL),
                   "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1s"
                   "emRHRXVZMjl0Q2cBAQ==");
}

/* The page's own base64 of the token names another address than its text: the bytes are what counts. */
static void oauthbearer_of_rfc_7628(void **state)
{
    (void)state;
    assert_message(
        grammar_oauthbearer,
        login("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "server.example.com", "143"),
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRm"
        "dDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB");
}

static void comma_and_equals_in_the_user_name(void **state)
{
    (void)state;
    assert_message(grammar_oauthbearer, login("a=b,c@example.com", "t", NULL, NULL),
                   "bixhPWE9M0RiPTJDY0BleGFtcGxlLmNvbSwBYXV0aD1CZWFyZXIgdAEB");
    assert_message(grammar_oauthbearer, login("a,b=c@example.com", "t", NULL, NULL),
                   "bixhPWE9MkNiPTNEY0BleGFtcGxlLmNvbSwBYXV0aD1CZWFyZXIgdAEB");
}

static void assert_bytes(build *b, struct grammar_login l, const char *bytes)
{
    struct secret out;
    secret_init(&out, GRAMMAR_MESSAGE_MAX);
    assert_true(b(&out, &l));
    assert_int_equal(out.len, strlen(bytes));
    assert_string_equal(out.data, bytes);
    secret_free(&out);
}

static void host_and_port_each_when_known(void **state)
{
    (void)state;
    assert_bytes(grammar_oauthbearer, login("u", "t", "h", NULL), "n,a=u,\001host=h\001auth=Bearer t\001\001");
    assert_bytes(grammar_oauthbearer, login("u", "t", NULL, "25"), "n,a=u,\001port=25\001auth=Bearer t\001\001");
    assert_bytes(grammar_oauthbearer, login("u", "t", "", NULL), "n,a=u,\001auth=Bearer t\001\001");
}

static void host_outside_ascii_is_left_out(void **state)
{
    (void)state;
    assert_bytes(grammar_oauthbearer,
                 login("u", "t",
                       "b\xC3\xBC"
                       "cher.example",
                       "143"),
                 "n,a=u,\001port=143\001auth=Bearer t\001\001");
}

static void user_name_outside_ascii(void **state)
{
    (void)state;
    assert_bytes(grammar_xoauth2, login("b\xC3\xBC@x", "t", NULL, NULL), "user=b\xC3\xBC@x\001auth=Bearer t\001\001");
}

static void message_is_written_anew(void **state)
{
    (void)state;
    struct secret out;
    secret_init(&out, GRAMMAR_MESSAGE_MAX);
    struct grammar_login l = login("u", "t", NULL, NULL);
    assert_true(grammar_xoauth2(&out, &l));
    assert_true(grammar_xoauth2(&out, &l));
    assert_string_equal(out.data, "user=u\001auth=Bearer t\001\001");
    secret_free(&out);
}

static void longest_message_fits(void **state)
{
    (void)state;
    char *token = malloc(GRAMMAR_TOKEN_MAX);
    char user[GRAMMAR_USER_MAX];
    char host[GRAMMAR_HOST_MAX + 1];
    assert_non_null(token);
    memset(token, 't', GRAMMAR_TOKEN_MAX);
    memset(user, ',', sizeof user);
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    struct grammar_login l = {user, sizeof user, token, GRAMMAR_TOKEN_MAX, host, GRAMMAR_HOST_MAX, "65535"};
    struct secret out;
    secret_init(&out, GRAMMAR_MESSAGE_MAX);
    assert_null(grammar_token_fault(token, GRAMMAR_TOKEN_MAX));
    assert_true(grammar_oauthbearer(&out, &l));
    assert_true(grammar_xoauth2(&out, &l));
    secret_free(&out);
    free(token);
}

static void right_tokens(void **state)
{
    (void)state;
    static const char *const RIGHT[] = {"t", "aZ09-._~+/", "a=", "abc===", LONG_TOKEN};
    for (size_t i = 0; i < sizeof RIGHT / sizeof RIGHT[0]; i++)
        assert_null(grammar_token_fault(RIGHT[i], strlen(RIGHT[i])));
}

static void wrong_tokens(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"=",   "a b",         "a\n", "\001", "a\001auth=Bearer b",
                                        "a=b", "caf\xC3\xA9", "a,",  "a\"b", "a:b",
                                        " a",  "a\r",         "a@b", "a\x7F"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        assert_string_equal(grammar_token_fault(WRONG[i], strlen(WRONG[i])),
                            "has characters that no access token has");
    assert_string_equal(grammar_token_fault("", 0), "is empty");
    assert_string_equal(grammar_token_fault(NULL, 0), "is empty");
    assert_string_equal(grammar_token_fault("a\0b", 3), "has characters that no access token has");
    assert_string_equal(grammar_token_fault("a", GRAMMAR_TOKEN_MAX + 1), "is too long");
}

/* Every byte on its own, against the characters of the ABNF written out. */
static void every_byte_as_a_token(void **state)
{
    (void)state;
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    for (int byte = 0; byte < 256; byte++) {
        char token = (char)byte;
        bool allowed = memchr(ALLOWED, byte, sizeof ALLOWED - 1) != NULL;
        assert_int_equal(grammar_token_fault(&token, 1) == NULL, allowed);
    }
}

/* A wrong character at every place of tokens of every length, in whatever steps they are looked at. */
static void wrong_character_anywhere_in_a_token(void **state)
{
    (void)state;
    enum { LONGEST = 200 };
    char *token = malloc(LONGEST);
    assert_non_null(token);
    for (size_t len = 1; len <= LONGEST; len++) {
        char *end = token + LONGEST - len; /* so that reading beyond the token is seen */
        memset(end, 'x', len);
        assert_null(grammar_token_fault(end, len));
        for (size_t at = 0; at < len; at++) {
            end[at] = at % 2 ? '@' : '\xE1';
            assert_non_null(grammar_token_fault(end, len));
            end[at] = 'x';
        }
    }
    free(token);
}

/* Every byte inside a long token, where it is looked at in another way than alone. */
static void every_byte_in_a_long_token(void **state)
{
    (void)state;
    char token[100];
    for (int byte = 0; byte < 256; byte++) {
        char alone = (char)byte;
        memset(token, 'x', sizeof token);
        token[50] = alone;
        assert_int_equal(grammar_token_fault(token, sizeof token) == NULL, grammar_token_fault(&alone, 1) == NULL);
    }
}

static void equals_signs_at_the_end_of_a_long_token(void **state)
{
    (void)state;
    char token[100];
    memset(token, 'x', sizeof token);
    memset(token + 60, '=', 40);
    assert_null(grammar_token_fault(token, sizeof token));
    token[80] = 'x';
    assert_non_null(grammar_token_fault(token, sizeof token));
    memset(token, '=', sizeof token);
    assert_non_null(grammar_token_fault(token, sizeof token));
}

static void wrong_user_names(void **state)
{
    (void)state;
    char longest[GRAMMAR_USER_MAX + 1];
    memset(longest, 'u', sizeof longest);
    assert_null(grammar_user_fault(longest, GRAMMAR_USER_MAX));
    assert_string_equal(grammar_user_fault(longest, GRAMMAR_USER_MAX + 1), "is too long");
    assert_string_equal(grammar_user_fault(NULL, 0), "is empty");
    assert_string_equal(grammar_user_fault("u\001auth=Bearer x", 15), "has control characters");
    assert_string_equal(grammar_user_fault("u\n", 2), "has control characters");
    assert_string_equal(grammar_user_fault("u\0v", 3), "has control characters");
    assert_string_equal(grammar_user_fault("u\x7F", 2), "has control characters");
    assert_string_equal(grammar_user_fault("u\xFF", 2), "is not UTF-8");
    assert_null(grammar_user_fault("o'brien@x.org", 13));
}

static void wrong_hosts(void **state)
{
    (void)state;
    assert_null(grammar_host_fault("", 0));
    assert_null(grammar_host_fault("mail.example.org", 16));
    assert_string_equal(grammar_host_fault("h\001port=1", 8), "has control characters");
    assert_string_equal(grammar_host_fault("h\xC3", 2), "is not UTF-8");
    assert_string_equal(grammar_host_fault("h", GRAMMAR_HOST_MAX + 1), "is too long");
}

static void port_of_an_address(void **state)
{
    (void)state;
    assert_string_equal(grammar_port("192.0.2.1;143"), "143");
    assert_string_equal(grammar_port("2001:db8::1;65535"), "65535");
    assert_null(grammar_port(NULL));
    assert_null(grammar_port(""));
    assert_null(grammar_port("192.0.2.1"));
    assert_null(grammar_port("192.0.2.1;"));
    assert_null(grammar_port("192.0.2.1;0"));
    assert_null(grammar_port("192.0.2.1;0143"));
    assert_null(grammar_port("192.0.2.1;65536"));
    assert_null(grammar_port("192.0.2.1;99999999999999999999"));
    assert_null(grammar_port("192.0.2.1;14x"));
    assert_null(grammar_port("192.0.2.1;-1"));
    assert_null(grammar_port("192.0.2.1;143\001"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xoauth2_of_microsofts_page),
        cmocka_unit_test(xoauth2_of_googles_page),
        cmocka_unit_test(oauthbearer_of_rfc_7628),
        cmocka_unit_test(comma_and_equals_in_the_user_name),
        cmocka_unit_test(host_and_port_each_when_known),
        cmocka_unit_test(host_outside_ascii_is_left_out),
        cmocka_unit_test(user_name_outside_ascii),
        cmocka_unit_test(message_is_written_anew),
        cmocka_unit_test(longest_message_fits),
        cmocka_unit_test(right_tokens),
        cmocka_unit_test(wrong_tokens),
        cmocka_unit_test(every_byte_as_a_token),
        cmocka_unit_test(wrong_character_anywhere_in_a_token),
        cmocka_unit_test(every_byte_in_a_long_token),
        cmocka_unit_test(equals_signs_at_the_end_of_a_long_token),
        cmocka_unit_test(wrong_user_names),
        cmocka_unit_test(wrong_hosts),
        cmocka_unit_test(port_of_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
