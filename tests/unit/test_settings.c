#include "config.h"

#include "settings.h"

#include "test.h"

#include <stdio.h>
#include <string.h>

static struct keyfile file;
static struct report why;

static void parse(const char *text)
{
    keyfile_init(&file);
    assert_true(secret_adds(&file.text, text));
    assert_true(keyfile_parse(&file, "/etc/test.conf", SETTING_NAMES, &why));
}

static bool account(const char *text)
{
    parse(text);
    why.text[0] = '\0';
    bool ok = settings_check_account(&file, &why);
    keyfile_free(&file);
    return ok;
}

static bool provider(const char *text)
{
    parse(text);
    why.text[0] = '\0';
    bool ok = settings_check_provider(&file, &why);
    keyfile_free(&file);
    return ok;
}

/* One wrong value in the second line of an account file. */
static void refused(const char *line)
{
    char text[4096];
    snprintf(text, sizeof text, "token_endpoint: https://x.org/t\n%s\n", line);
    if (account(text))
        fail_msg("taken: %s", line);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_memory_equal(why.text, "/etc/test.conf:2: '", 19);
}

static void taken(const char *line)
{
    char text[4096];
    snprintf(text, sizeof text, "token_endpoint: https://x.org/t\n%s\n", line);
    if (!account(text))
        fail_msg("refused: %s: %s", line, why.text);
}

static void every_setting_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < SETTING_COUNT; i++) {
        assert_non_null(SETTING_NAMES[i]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(SETTING_NAMES[i], SETTING_NAMES[j]);
    }
    assert_null(SETTING_NAMES[SETTING_COUNT]);
}

static void urls_that_are_allowed(void **state)
{
    (void)state;
    static const char *const GOOD[] = {
        "https://x.org",          "https://x.org/",         "HTTPS://x.org/a?b=c", "https://x.org:8443/a",
        "https://[2001:db8::1]/", "http://localhost:8080/", "http://127.0.0.1/",   "http://127.1.2.3:1/x",
        "http://[::1]:5000/",     "http://LOCALHOST?x",
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        if (!settings_url_allowed(GOOD[i]))
            fail_msg("refused: %s", GOOD[i]);
}

static void urls_that_are_not(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        "x.org",
        "http://x.org/",
        "ftp://x.org/",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https:x.org",
        "http://localhost.evil.org/",
        "http://localhost@evil.org/",
        "https://me@x.org/",
        "https://me:pw@x.org/",
        "http://127.0.0.1.evil.org/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::2]/",
        "http://127.0.0.1:99999/",
        "https://x.org:/",
        "https://x.org:8a/",
        "https://x.org:123456/",
        "https://x.org\\@y.org/",
        "https://x.org/a b",
        "https://x.org/\xc3\xa4",
        "https://[::1",
        "https://[x]/",
        "https://x.org/\x7f",
        "http://[::1]x/",
        "http://128.0.0.1/",
        "https://{tenant}.x.org/",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        if (settings_url_allowed(BAD[i]))
            fail_msg("allowed: %s", BAD[i]);
}

static void wrong_values_name_file_and_line(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "provider: ../evil",
        "provider: .hidden",
        "provider: Google",
        "provider: a/b",
        "issuer: http://x.org",
        "issuer: https://x.org/{user}",
        "tenant: a/b",
        "tenant: a{tenant}",
        "client_id: \xc3\xa4",
        "client_secret: \xc3\xa4",
        "client_secret_file: secret",
        "client_authentication: digest",
        "scope: a\"b",
        "scope: a\\b",
        "flow: password",
        "users: ,",
        "hosts: https://x.org/",
        "hosts: me@x.org",
        "servers: ,",
        "servers: imap.x.org",
        "servers: https://x.org",
        "servers: imaps://",
        "servers: imaps://me@x.org",
        "servers: imaps://me:pw@x.org",
        "servers: imaps://x.org:0",
        "servers: imaps://x.org:65536",
        "servers: imaps://x.org:993/INBOX",
        "servers: imaps://[::1",
        "servers: imaps://x.org pop3s://",
        "refresh_margin: -1",
        "refresh_margin: 86401",
        "refresh_margin: 1h",
        "refresh_margin: 99999999999999999999",
        "proxy: proxy.org:80",
        "proxy: http://me:pw@x.org:80",
        "ca_file: ca.pem",
        "ca_path: ~/certs",
        "redirect_host: 0.0.0.0",
        "refresh_sends_scope: true",
        "refresh_token_lifetime: 0",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        refused(BAD[i]);
}

static void right_values_are_taken(void **state)
{
    (void)state;
    static const char *const GOOD[] = {
        "provider: google",
        "issuer: https://login.x.org/{tenant}/v2.0",
        "issuer: https://{tenant}.x.org",
        "tenant: x.onmicrosoft.com",
        "client_authentication: basic",
        "flow: device",
        "users: a@x.org, *@y.org",
        "hosts: *",
        "hosts: imap.x.org *.y.org",
        "hosts: 127.0.0.1, localhost ::1 [::1] fe80::1%eth0 2001:DB8::* 10.* mail_1.x.org imap-*.x.org",
        "hosts: imap.m\xc3\xbcller.example",
        "servers: imaps://imap.x.org, POP3S://x.org:10995/ smtp://[::1]:587",
        "refresh_margin: 0",
        "refresh_margin: 86400",
        "proxy: socks5h://127.0.0.1:9050",
        "ca_file: /etc/ca.pem",
        "redirect_host: localhost",
        "refresh_sends_scope: yes",
        "client_secret: a b!~",
    };
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        taken(GOOD[i]);
}

static void hosts_that_match_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *advice;
    } BAD[] = {
        {"127.0.0.1:993", "a port does not belong there"},
        {"imap.x.org:imaps", "a port does not belong there"},
        {"*:993", "a port does not belong there"},
        {"[::1]:993", "a port does not belong there"},
        {"127.0.0.1; localhost", "not by ';'"},
        {"imap.x.org ; smtp.x.org", "not by ';'"},
        {"127.0.0.1 # my server", "a comment has a line of its own"},
        {"imap.x.org #mine", "a comment has a line of its own"},
        {"localhost.", "remove the dot at the end"},
        {"imap.x.org, *.y.org.", "remove the dot at the end"},
        {"imaps://imap.x.org:993", "without a scheme or path"},
        {".x.org", "such as imap.example.org *.example.org"},
        {"- imap.x.org", "such as imap.example.org *.example.org"},
        {"imap..x.org", "such as imap.example.org"},
        {"\"imap.x.org\"", "such as imap.example.org"},
        {"[imap.x.org]", "such as imap.example.org"},
        {"imap.?.org", "such as imap.example.org"},
        {"10.0.0.0/8", "without a scheme or path"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "hosts: %s", BAD[i].value);
        refused(line);
        if (!strstr(why.text, BAD[i].advice))
            fail_msg("%s: %s", line, why.text);
    }
}

static void secret_is_not_quoted(void **state)
{
    (void)state;
    refused("client_secret: hush\xc3\xa4hush");
    assert_null(strstr(why.text, "hush"));
}

static void provider_keys_are_refused_in_an_account(void **state)
{
    (void)state;
    refused("advice: x");
    refused("domains: x.org");
    assert_non_null(strstr(why.text, "'domains' belongs into a provider file"));
}

static void account_keys_are_refused_in_a_provider(void **state)
{
    (void)state;
    static const char *const BAD[] = {"provider: x", "client_secret: x", "client_secret_file: /x", "users: *"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_false(provider(BAD[i]));
    assert_true(provider("domains: x.org\nmx: *.x.org\nauthorization_parameters: a=b c=d=e\n"));
    assert_false(provider("authorization_parameters: a"));
    assert_false(provider("authorization_parameters: =b"));
}

static void account_without_a_provider_is_refused(void **state)
{
    (void)state;
    assert_false(account("client_id: x\n"));
    assert_string_equal(why.text, "/etc/test.conf names no 'provider', 'issuer' or 'token_endpoint': add one");
}

static void two_secrets_are_refused(void **state)
{
    (void)state;
    assert_false(account("issuer: https://x.org\nclient_secret: a\nclient_secret_file: /b\n"));
    assert_string_equal(why.text,
                        "/etc/test.conf:3: 'client_secret' and 'client_secret_file' are both given: remove one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_has_a_name),
        cmocka_unit_test(urls_that_are_allowed),
        cmocka_unit_test(urls_that_are_not),
        cmocka_unit_test(wrong_values_name_file_and_line),
        cmocka_unit_test(right_values_are_taken),
        cmocka_unit_test(hosts_that_match_nothing),
        cmocka_unit_test(secret_is_not_quoted),
        cmocka_unit_test(provider_keys_are_refused_in_an_account),
        cmocka_unit_test(account_keys_are_refused_in_a_provider),
        cmocka_unit_test(account_without_a_provider_is_refused),
        cmocka_unit_test(two_secrets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
