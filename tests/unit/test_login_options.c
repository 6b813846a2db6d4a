#include "config.h"

#include "login_options.h"

#include "folder.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char said[4096]; /* what came on standard error */

static enum login_options_result parse(struct login_options *o, const char *line)
{
    static char copy[1024];
    char *argv[32] = {"login"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word && argc < 31; word = strtok(NULL, " "))
        argv[argc++] = strcmp(word, "''") == 0 ? "" : word;
    int saved = dup(STDERR_FILENO);
    int fd = open(folder_path("err"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(saved >= 0 && fd >= 0);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    enum login_options_result result = login_options_read(o, argc, argv);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t len = pread(fd, said, sizeof said - 1, 0);
    said[len > 0 ? len : 0] = '\0';
    close(fd);
    return result;
}

static void expect_wrong(const char *line, const char *words)
{
    struct login_options o;
    char expected[1024];
    assert_int_equal(parse(&o, line), LOGIN_OPTIONS_WRONG);
    const char *end = words[strlen(words) - 1] == '?' ? "" : ".";
    snprintf(expected, sizeof expected, "xoauth2 login: %s%s See 'xoauth2 login --help'.\n", words, end);
    assert_string_equal(said, expected);
    login_options_free(&o);
}

static void everything_given(void **unused)
{
    (void)unused;
    struct login_options o;
    assert_int_equal(
        parse(&o, "--system me@x --issuer=https://i --tenant t --client-id c --client-secret-file /s --scope s "
                  "--device --no-open --ca-file /c --allow-other-user"),
        LOGIN_OPTIONS_GOOD);
    assert_string_equal(o.account, "me@x");
    assert_string_equal(o.issuer, "https://i");
    assert_string_equal(o.tenant, "t");
    assert_string_equal(o.client_id, "c");
    assert_string_equal(o.client_secret_file, "/s");
    assert_string_equal(o.scope, "s");
    assert_string_equal(o.ca_file, "/c");
    assert_int_equal(o.flow, LOGIN_FLOW_DEVICE);
    assert_true(o.system && o.no_open && o.allow_other_user);
    assert_null(o.provider);
    login_options_free(&o);
}

static void nothing_but_the_account(void **unused)
{
    (void)unused;
    struct login_options o;
    assert_int_equal(parse(&o, "me@x"), LOGIN_OPTIONS_GOOD);
    assert_int_equal(o.flow, LOGIN_FLOW_ANY);
    assert_false(o.system || o.no_open || o.allow_other_user);
    assert_null(o.ca_file);
    assert_string_equal(said, "");
    login_options_free(&o);
}

static void relative_files_become_absolute(void **unused)
{
    (void)unused;
    struct login_options o;
    char here[256];
    char expected[512];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(parse(&o, "--ca-file one --ca-file ca.pem --client-secret-file ../s me@x"), LOGIN_OPTIONS_GOOD);
    snprintf(expected, sizeof expected, "%s/ca.pem", here);
    assert_string_equal(o.ca_file, expected);
    snprintf(expected, sizeof expected, "%s/../s", here);
    assert_string_equal(o.client_secret_file, expected);
    login_options_free(&o);
}

static void no_account(void **unused)
{
    (void)unused;
    expect_wrong("--browser", "which account? Give its mail address");
}

static void two_accounts(void **unused)
{
    (void)unused;
    expect_wrong("a@x --browser b@x", "more than one account: 'a@x' and 'b@x'");
}

static void options_that_exclude_each_other(void **unused)
{
    (void)unused;
    expect_wrong("--browser --device a@x", "--browser and --device exclude each other");
}

static void mistyped_option(void **unused)
{
    (void)unused;
    expect_wrong("--clientid c a@x", "unknown option '--clientid': did you mean '--client-id'?");
    expect_wrong("--isuer=https://x a@x", "unknown option '--isuer': did you mean '--issuer'?");
    expect_wrong("--frobnicate a@x", "unknown option '--frobnicate'");
    expect_wrong("-x a@x", "unknown option '-x'");
    expect_wrong("--set issuer=https://x a@x", "--set: give the issuer with '--issuer https://x'");
    expect_wrong("-xy a@x", "unknown option '-x'");
}

static void value_that_is_missing_or_too_much(void **unused)
{
    (void)unused;
    expect_wrong("a@x --issuer", "'--issuer' needs a value");
    expect_wrong("--device=yes a@x", "'--device=yes' takes no value");
    expect_wrong("--client-id '' a@x", "an option has an empty value");
}

static void issuer_without_tls(void **unused)
{
    (void)unused;
    expect_wrong("--issuer http://i.example/ a@x",
                 "'http://i.example/' cannot be an issuer: give an address with https:// "
                 "(http:// for a loopback address alone)");
}

static void word_that_would_drive_the_terminal(void **unused)
{
    (void)unused;
    expect_wrong("--\033[2J a@x", "unknown option '--?[2J'");
}

/* However it is written, the secret is refused before anything could show it. */
static void secret_itself(void **unused)
{
    (void)unused;
    static const char WORDS[] = "every user of this machine can read a command line: put the secret into a file of "
                                "mode 0600 and give --client-secret-file";
    char with_set[sizeof WORDS + 8];
    snprintf(with_set, sizeof with_set, "--set: %s", WORDS);
    expect_wrong("--client-secret GOCSPX-1 a@x", WORDS);
    expect_wrong("--client-secret=GOCSPX-1 a@x", WORDS);
    expect_wrong("a@x --client-s GOCSPX-1", WORDS);
    expect_wrong("--client-secret-f=GOCSPX-1 a@x", WORDS);
    expect_wrong("--clientsecret=GOCSPX-1 a@x", WORDS);
    expect_wrong("--client-secret a@x", WORDS);
    expect_wrong("--set client_secret=GOCSPX-1 a@x", with_set);
}

static void word_that_is_no_secret(void **unused)
{
    (void)unused;
    struct login_options o;
    assert_int_equal(parse(&o, "--client-i c --client-secret-file=/secret -- --client-secret"), LOGIN_OPTIONS_GOOD);
    assert_string_equal(o.client_id, "c");
    assert_string_equal(o.client_secret_file, "/secret");
    assert_string_equal(o.account, "--client-secret");
    login_options_free(&o);
}

static void help_and_version(void **unused)
{
    (void)unused;
    struct login_options o;
    assert_int_equal(parse(&o, "--help"), LOGIN_OPTIONS_HELPED);
    login_options_free(&o);
    assert_int_equal(parse(&o, "--version"), LOGIN_OPTIONS_HELPED);
    login_options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_given),
        cmocka_unit_test(nothing_but_the_account),
        cmocka_unit_test(relative_files_become_absolute),
        cmocka_unit_test(no_account),
        cmocka_unit_test(two_accounts),
        cmocka_unit_test(options_that_exclude_each_other),
        cmocka_unit_test(mistyped_option),
        cmocka_unit_test(value_that_is_missing_or_too_much),
        cmocka_unit_test(issuer_without_tls),
        cmocka_unit_test(word_that_would_drive_the_terminal),
        cmocka_unit_test(secret_itself),
        cmocka_unit_test(word_that_is_no_secret),
        cmocka_unit_test(help_and_version),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
