/* What a domain publishes for mail programs: documents, TXT records, and what belongs together. */
#include "config.h"

#include "pacc.h"

#include "dns.h"
#include "login_found.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#define ISSUER "\"authentication\":{\"oauth-public\":{\"issuer\":\"https://auth.example.org/\"},\"password\":true}"
#define IMAP "\"protocols\":{\"imap\":{\"host\":\"imap.example.org\"}}"

static struct pacc found;

static const char *read_document(const char *document)
{
    return pacc_parse(document, strlen(document), &found);
}

static void whole_document(void **state)
{
    (void)state;
    assert_null(read_document(
        "{\"protocols\":{\"jmap\":{\"url\":\"https://jmap.example.org/s\"},\"imap\":{\"host\":\"IMAP.example.org.\"},"
        "\"pop3\":{\"host\":\"pop.example.org\"},\"submit\":{\"host\":\"out.example.org\"},"
        "\"smtp\":{\"host\":\"old.example.org\"},\"new\":7}," ISSUER ",\"info\":{\"provider\":{\"name\":\"E\"}}}"));
    assert_string_equal(found.issuer, "https://auth.example.org/");
    assert_string_equal(found.host[PACC_IMAP], "imap.example.org");
    assert_string_equal(found.host[PACC_POP3], "pop.example.org");
    assert_string_equal(found.host[PACC_SUBMISSION], "out.example.org");
}

static void submission_server_of_older_revisions(void **state)
{
    (void)state;
    assert_null(read_document("{\"protocols\":{\"smtp\":{\"host\":\"out.example.org\"}}," ISSUER "}"));
    assert_string_equal(found.host[PACC_SUBMISSION], "out.example.org");
    assert_string_equal(found.host[PACC_IMAP], "");
}

static void document_without_oauth(void **state)
{
    (void)state;
    assert_null(read_document("{" IMAP ",\"authentication\":{\"password\":true}}"));
    assert_string_equal(found.issuer, "");
    assert_null(read_document("{}"));
    assert_null(read_document("{\"authentication\":{\"oauth-public\":\"https://x\"},\"protocols\":[]}"));
    assert_string_equal(found.issuer, "");
}

static void refused_with(const char *document, const char *why)
{
    const char *wrong = read_document(document);
    assert_non_null(wrong);
    assert_string_equal(wrong, why);
    assert_string_equal(found.issuer, "");
    for (size_t i = 0; i < PACC_PROTOCOL_COUNT; i++)
        assert_string_equal(found.host[i], "");
}

static void junk_document(void **state)
{
    static const char *const JUNK[] = {"", "[]", "null", "{", "{} x", "<html>", "{\"a\":\"\xff\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof JUNK / sizeof JUNK[0]; i++)
        refused_with(JUNK[i], "it is not a JSON object");
    assert_non_null(pacc_parse("{}\0", 3, &found));
    assert_non_null(pacc_parse(NULL, 0, &found));
}

static void issuer_that_is_no_plain_https_address(void **state)
{
    static const char *const ISSUERS[] = {"http://auth.example.org",
                                          "http://127.0.0.1",
                                          "HTTPS://auth.example.org",
                                          "https://",
                                          "https:///x",
                                          "https://a.example?x",
                                          "https://a.example/#x",
                                          "https://u@a.example",
                                          "https://u:p@a.example",
                                          "https://a.example/../b",
                                          "https://a.example/.",
                                          "https://a.example/x/..",
                                          "https://a.example/ x",
                                          "https://a.example/'x'",
                                          "https://a.example/\xc3\xa9",
                                          "",
                                          "imaps://a.example"};
    char document[1024];
    (void)state;
    for (size_t i = 0; i < sizeof ISSUERS / sizeof ISSUERS[0]; i++) {
        snprintf(document, sizeof document, "{" IMAP ",\"authentication\":{\"oauth-public\":{\"issuer\":\"%s\"}}}",
                 ISSUERS[i]);
        refused_with(document, "its issuer is no plain https address");
    }
    refused_with("{" IMAP ",\"authentication\":{\"oauth-public\":{}}}", "its issuer is no plain https address");
    refused_with("{" IMAP ",\"authentication\":{\"oauth-public\":{\"issuer\":7}}}",
                 "its issuer is no plain https address");
}

static void issuer_that_is_too_long(void **state)
{
    char document[PACC_ISSUER_MAX + 200];
    (void)state;
    snprintf(document, sizeof document,
             "{" IMAP ",\"authentication\":{\"oauth-public\":{\"issuer\":\"https://a.example/%0*d\"}}}",
             PACC_ISSUER_MAX, 0);
    refused_with(document, "its issuer is no plain https address");
}

static void server_without_a_host_name(void **state)
{
    static const char *const HOSTS[] = {
        "", ".", ".example.org", "a b", "a\\u001b[1m", "a,b", "_x.example.org", "a/b", "*.example.org"};
    char document[512];
    (void)state;
    for (size_t i = 0; i < sizeof HOSTS / sizeof HOSTS[0]; i++) {
        snprintf(document, sizeof document, "{\"protocols\":{\"imap\":{\"host\":\"%s\"}}," ISSUER "}", HOSTS[i]);
        refused_with(document, "a mail server in it has no host name");
    }
    refused_with("{\"protocols\":{\"pop3\":{}}," ISSUER "}", "a mail server in it has no host name");
}

static void issuer_without_a_server(void **state)
{
    (void)state;
    refused_with("{" ISSUER "}", "it names no mail server to which a token could be sent");
    refused_with("{\"protocols\":{\"jmap\":{\"url\":\"https://x\"}}," ISSUER "}",
                 "it names no mail server to which a token could be sent");
}

/* sha256("{}") */
#define DIGEST "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="

static void record_for_the_document(void **state)
{
    char digest[PACC_DIGEST_CHARS + 1];
    (void)state;
    assert_true(pacc_digest("{}", 2, digest));
    assert_string_equal(digest, DIGEST);
    assert_int_equal(pacc_read_record("v=UAAC1; a=sha256; d=" DIGEST, digest), PACC_RECORD_MATCHES);
    assert_int_equal(pacc_read_record(" d = " DIGEST " ;new=x;A=SHA256;;v=UAAC1;", digest), PACC_RECORD_MATCHES);
}

static void record_for_another_document(void **state)
{
    (void)state;
    assert_int_equal(pacc_read_record("v=UAAC1; a=sha256; d=" DIGEST, NULL), PACC_RECORD_OTHER);
    assert_int_equal(pacc_read_record("v=UAAC1; a=sha256; d=A" DIGEST, DIGEST), PACC_RECORD_OTHER);
    assert_int_equal(pacc_read_record("v=UAAC1; a=sha256; d=", DIGEST), PACC_RECORD_OTHER);
    assert_int_equal(pacc_read_record("v=UAAC1; a=md5; d=" DIGEST, DIGEST), PACC_RECORD_OTHER);
    assert_int_equal(pacc_read_record("v=UAAC1; d=" DIGEST, DIGEST), PACC_RECORD_OTHER);
    assert_int_equal(pacc_read_record("v=UAAC1", DIGEST), PACC_RECORD_OTHER);
}

static void record_for_something_else(void **state)
{
    (void)state;
    assert_int_equal(pacc_read_record("", DIGEST), PACC_RECORD_FOREIGN);
    assert_int_equal(pacc_read_record("v=spf1 -all", DIGEST), PACC_RECORD_FOREIGN);
    assert_int_equal(pacc_read_record("v=UAAC2; a=sha256; d=" DIGEST, DIGEST), PACC_RECORD_FOREIGN);
    assert_int_equal(pacc_read_record("a=sha256; d=" DIGEST, DIGEST), PACC_RECORD_FOREIGN);
    assert_int_equal(pacc_read_record("=;;=;", DIGEST), PACC_RECORD_FOREIGN);
}

/* An answer with two TXT records: "ab" "cd" in two strings, and one whose second string is cut. */
static const unsigned char ANSWER[] = "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00"
                                      "\x01"
                                      "a"
                                      "\x00"
                                      "\x00\x10\x00\x01"
                                      "\xc0\x0c"
                                      "\x00\x10\x00\x01"
                                      "\x00\x00\x01\x2c"
                                      "\x00\x06"
                                      "\x02"
                                      "ab"
                                      "\x02"
                                      "cd"
                                      "\xc0\x0c"
                                      "\x00\x10\x00\x01"
                                      "\x00\x00\x01\x2c"
                                      "\x00\x05"
                                      "\x02"
                                      "ef"
                                      "\x09"
                                      "g";

enum { ANSWER_LEN = sizeof ANSWER - 1 };

static void collect(void *arg, const char *text)
{
    strncat(arg, text, 60);
    strncat(arg, ".", 2);
}

static void strings_of_a_record_are_joined(void **state)
{
    char all[128] = "";
    (void)state;
    dns_each_text(ANSWER, ANSWER_LEN, collect, all);
    assert_string_equal(all, "abcd.");
}

static void damaged_answer(void **state)
{
    unsigned char copy[ANSWER_LEN];
    char all[4096];
    (void)state;
    for (size_t len = 0; len < ANSWER_LEN; len++) {
        all[0] = '\0';
        memcpy(copy, ANSWER, len);
        dns_each_text(copy, len, collect, all);
    }
    for (size_t i = 0; i < ANSWER_LEN; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            all[0] = '\0';
            memcpy(copy, ANSWER, ANSWER_LEN);
            copy[i] = (unsigned char)(copy[i] ^ (1u << bit));
            dns_each_text(copy, ANSWER_LEN, collect, all);
        }
}

static void servers_that_belong_to_the_issuer(void **state)
{
    (void)state;
    assert_true(login_found_related("auth.example.net", "imap.example.net", "x.org"));
    assert_true(login_found_related("example.net", "imap.example.net", "x.org"));
    assert_true(login_found_related("example.net", "EXAMPLE.NET", "x.org"));
    assert_true(login_found_related("a.b.x.org", "imap.x.org", "x.org"));
    assert_false(login_found_related("auth.example.net", "imap.example.org", "x.org"));
    assert_false(login_found_related("example.net", "imap.other.net", "x.org"));
    assert_false(login_found_related("auth.example.net", "evilexample.net", "x.org"));
    assert_false(login_found_related("auth.big.net", "imap.x.org", "x.org"));
    assert_false(login_found_related("localhost", "imap.x.org", ""));
}

static void servers_that_the_issuer_lists(void **state)
{
    static const char LIST[] = "https://jmap.example.net/session imap://imap.example.net:993 smtp.example.net";
    (void)state;
    assert_true(login_found_listed(NULL, "any.example"));
    assert_true(login_found_listed(LIST, "imap.example.net"));
    assert_true(login_found_listed(LIST, "JMAP.example.net"));
    assert_true(login_found_listed(LIST, "smtp.example.net"));
    assert_false(login_found_listed(LIST, "example.net"));
    assert_false(login_found_listed(LIST, "smtp.example.network"));
    assert_false(login_found_listed(LIST, "xsmtp.example.net"));
    assert_false(login_found_listed("", "smtp.example.net"));
}

static void servers_of_the_account_that_the_issuer_does_not_list(void **state)
{
    struct login l = {.name = "me@x.org"};
    struct oauth_client c = {.issuer = (char *)"https://i.example"};
    struct report why = {0};
    (void)state;
    account_init(&l.account);
    c.protected_resources = (char *)"https://jmap.x.org/session imap.x.org";
    assert_true(login_found_check(&l, &c, &why));
    l.account.file.value[SETTING_HOSTS] = "imap.x.org, *.example JMAP.x.org";
    assert_true(login_found_check(&l, &c, &why));
    l.account.file.value[SETTING_HOSTS] = "imap.x.org,smtp.x.org";
    assert_true(login_found_check(&l, &c, &why)); /* a warning: whoever named the server may know better */
    l.client.open = true;
    assert_false(login_found_check(&l, &c, &why));
    l.client.open = false;
    strcpy(l.found.issuer, c.issuer);
    assert_false(login_found_check(&l, &c, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, "the metadata of https://i.example lists the servers that its tokens are for, "
                                     "and smtp.x.org is none of them"));
    c.protected_resources = NULL;
    assert_true(login_found_check(&l, &c, &why));
    account_free(&l.account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_document),
        cmocka_unit_test(submission_server_of_older_revisions),
        cmocka_unit_test(document_without_oauth),
        cmocka_unit_test(junk_document),
        cmocka_unit_test(issuer_that_is_no_plain_https_address),
        cmocka_unit_test(issuer_that_is_too_long),
        cmocka_unit_test(server_without_a_host_name),
        cmocka_unit_test(issuer_without_a_server),
        cmocka_unit_test(record_for_the_document),
        cmocka_unit_test(record_for_another_document),
        cmocka_unit_test(record_for_something_else),
        cmocka_unit_test(strings_of_a_record_are_joined),
        cmocka_unit_test(damaged_answer),
        cmocka_unit_test(servers_that_belong_to_the_issuer),
        cmocka_unit_test(servers_that_the_issuer_lists),
        cmocka_unit_test(servers_of_the_account_that_the_issuer_does_not_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
