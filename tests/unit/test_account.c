#include "config.h"

#include "account.h"

#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct account account;
static struct report why;
static struct report passed_over;

static int setup(void **state)
{
    account_init(&account);
    why = (struct report){0};
    return store_folder_setup(state);
}

static int teardown(void **state)
{
    (void)state;
    account_free(&account);
    return 0;
}

#define MINIMAL "issuer: https://x.org\n"

static void ok(const char *name)
{
    account_free(&account); /* of the same test */
    if (account_load(&account, &paths, name, &why) != READFILE_OK)
        fail_msg("%s", why.text);
}

/* Refused, with the file's name and these words; and the file is as it was. */
static void refused(const char *path, const char *words)
{
    struct stat before;
    struct stat after;
    assert_int_equal(lstat(path, &before), 0);
    assert_int_equal(account_load(&account, &paths, "me@x.org", &why), READFILE_REFUSED);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, "me@x.org.conf"));
    if (!strstr(why.text, words))
        fail_msg("'%s' does not say '%s'", why.text, words);
    assert_int_equal(lstat(path, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void missing_file_is_no_error(void **state)
{
    (void)state;
    assert_int_equal(account_load(&account, &paths, "me@x.org", &why), READFILE_MISSING);
    assert_string_equal(why.text, "");
}

static void readable_by_others_is_refused(void **state)
{
    (void)state;
    static const mode_t BAD[] = {0644, 0640, 0620, 0601, 0666};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        const char *path = store_folder_account("me@x.org", MINIMAL);
        chmod(path, BAD[i]);
        refused(path, "run 'chmod 0600 ");
    }
}

static void foreign_owner_is_refused(void **state)
{
    (void)state;
    const char *path = store_folder_account("me@x.org", MINIMAL);
    store_folder_disown(path);
    if (geteuid() == 0) /* else the folder is another one's, too, and comes first */
        refused(path, "belongs to user id");
    assert_int_equal(account_load(&account, &paths, "me@x.org", &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, "belongs to user id"));
    assert_non_null(strstr(why.text, "run 'chown"));
}

static void refused_folder(const char *words)
{
    struct secret text;
    secret_init(&text, 0);
    assert_int_equal(account_load(&account, &paths, "me@x.org", &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, words));
    why = (struct report){0};
    assert_int_equal(account_read(&paths, "me@x.org", &text, &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, words));
}

static void folder_that_others_may_write_to(void **state)
{
    (void)state;
    static const mode_t BAD[] = {0770, 0702, 01777};
    store_folder_account("me@x.org", MINIMAL);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        folder_sub("accounts", BAD[i]);
        refused_folder("/accounts: run 'chmod go-w ");
    }
}

static void foreign_folder_is_refused(void **state)
{
    (void)state;
    store_folder_account("me@x.org", MINIMAL);
    store_folder_disown(folder_path("accounts"));
    refused_folder("/accounts belongs to user id");
    assert_non_null(strstr(why.text, geteuid() == 0 ? "run this as that user, not as root" : "run 'chown "));
}

static void unreadable_is_told(void **state)
{
    (void)state;
    store_folder_account("me@x.org", MINIMAL);
    store_folder_sink();
    enum readfile_result result = account_load(&account, &paths, "me@x.org", &why);
    store_folder_rise();
    if (getuid() != 0)
        chmod(folder_path("accounts/me@x.org.conf"), 0);
    if (getuid() != 0)
        result = account_load(&account, &paths, "me@x.org", &why);
    assert_int_equal(result, READFILE_UNREADABLE);
    assert_non_null(strstr(why.text, "permission denied"));
}

static void symbolic_link_is_refused(void **state)
{
    (void)state;
    const char *real = store_folder_account("real@x.org", MINIMAL);
    const char *path = folder_path("accounts/me@x.org.conf");
    assert_int_equal(symlink(real, path), 0);
    refused(path, "is a symbolic link: put the file itself there");
}

static void fifo_is_refused_without_waiting(void **state)
{
    (void)state;
    const char *path = folder_path("accounts/me@x.org.conf");
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(path, "not a regular file");
}

static void oversized_is_refused(void **state)
{
    (void)state;
    const char *path = store_folder_account("me@x.org", MINIMAL);
    assert_int_equal(truncate(path, KEYFILE_SIZE_MAX + 1), 0);
    refused(path, "larger than");
}

static void empty_is_refused(void **state)
{
    (void)state;
    refused(store_folder_account("me@x.org", ""), "names no 'provider'");
}

static void malformed_is_refused_with_its_line(void **state)
{
    (void)state;
    refused(store_folder_account("me@x.org", MINIMAL "nonsense\n"), ":2: ");
    refused(store_folder_account("me@x.org", MINIMAL "clientid: x\n"), "did you mean 'client_id'?");
    refused(store_folder_account("me@x.org", "issuer: http://x.org\n"), ":1: 'issuer' must be");
}

static void provider_fills_in_what_the_account_leaves_out(void **state)
{
    (void)state;
    store_folder_provider("p", "issuer: https://p.org\nscope: a b\nhosts: imap.p.org\nrefresh_margin: 60\n");
    store_folder_account("me@x.org", "provider: p\nscope: c\n");
    ok("me@x.org");
    assert_string_equal(account_value(&account, SETTING_ISSUER), "https://p.org");
    assert_string_equal(account_value(&account, SETTING_SCOPE), "c");
    assert_null(account_value(&account, SETTING_CLIENT_ID));
    assert_int_equal(account_refresh_margin(&account), 60);
    assert_true(account_host_allowed(&account, "IMAP.P.ORG"));
    assert_true(account_host_allowed(&account, "imap.p.org."));
    assert_true(account_host_allowed(&account, NULL));
    assert_true(account_host_allowed(&account, ""));
    assert_false(account_host_allowed(&account, "imap.p.org.evil.org"));
    assert_false(account_host_allowed(&account, "."));
}

static void host_in_another_notation(void **state)
{
    (void)state;
    static const struct {
        const char *hosts;
        const char *host;
        bool allowed;
    } CASES[] = {
        {"[2001:db8::1]", "2001:db8::1", true},  {"2001:db8::1", "[2001:DB8::1]", true},
        {"[2001:db8::1]", "[2001:db8::1]", true}, {"x.org, 2001:db8::*", "[2001:db8::1]", true},
        {"[2001:db8::*]", "2001:db8::1", true},  {"[2001:db8::1]", "2001:db8::2", false},
        {"2001:db8::1", "[2001:db8::1", false},  {"[*]", "x.org", false},
        {"x.org", "[x.org]", false},             {"x.org", "x.org.", true},
        {"::1", "[]", false},                    {"::1", "[.]", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        if (account_hosts_allow(CASES[i].hosts, CASES[i].host) != CASES[i].allowed)
            fail_msg("hosts: %s, and %s", CASES[i].hosts, CASES[i].host);
}

static void missing_provider_names_the_line(void **state)
{
    (void)state;
    refused(store_folder_account("me@x.org", "provider: gogle\n"), ":1: there is no provider file gogle.conf in ");
}

static void provider_that_others_may_write_is_refused(void **state)
{
    (void)state;
    const char *path = store_folder_provider("p", MINIMAL);
    store_folder_account("me@x.org", "provider: p\n");
    chmod(path, 0664);
    assert_int_equal(account_load(&account, &paths, "me@x.org", &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, "providers/p.conf may be accessed by others"));
}

static void wrong_provider_file_is_named(void **state)
{
    (void)state;
    store_folder_provider("p", "client_secret: x\n");
    store_folder_account("me@x.org", "provider: p\n");
    assert_int_equal(account_load(&account, &paths, "me@x.org", &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, "providers/p.conf:1: "));
}

static void tenant_is_filled_in(void **state)
{
    (void)state;
    store_folder_account("me@x.org", "token_endpoint: https://x.org/{tenant}/a/{tenant}\n");
    ok("me@x.org");
    char *url;
    assert_true(account_expand(&account, SETTING_TOKEN_ENDPOINT, &url, &why));
    assert_string_equal(url, "https://x.org/common/a/common");
    free(url);
    account_free(&account);
    store_folder_account("me@x.org", "token_endpoint: https://x.org/{tenant}\ntenant: t\n");
    ok("me@x.org");
    assert_true(account_expand(&account, SETTING_TOKEN_ENDPOINT, &url, &why));
    assert_string_equal(url, "https://x.org/t");
    free(url);
    assert_true(account_expand(&account, SETTING_ISSUER, &url, &why));
    assert_null(url);
}

static void client_secret_in_the_file(void **state)
{
    (void)state;
    struct secret secret;
    secret_init(&secret, 0);
    store_folder_account("me@x.org", MINIMAL "client_secret: hush\n");
    ok("me@x.org");
    assert_true(account_client_secret(&account, &paths, &secret, &why));
    assert_string_equal(secret.data, "hush");
    secret_free(&secret);
}

static void client_secret_of_a_command(void **state)
{
    (void)state;
    struct secret secret;
    secret_init(&secret, 0);
    store_folder_account("me@x.org", MINIMAL "client_secret_command: printf \"hush\\nand more\"\n");
    ok("me@x.org");
    assert_true(account_client_secret(&account, &paths, &secret, &why));
    assert_string_equal(secret.data, "hush");
    store_folder_account("me@x.org", MINIMAL "client_secret_command: true\n");
    ok("me@x.org");
    assert_false(account_client_secret(&account, &paths, &secret, &why));
    assert_non_null(strstr(why.text, "the first line of what it writes is not a client secret"));
    store_folder_account("me@x.org", MINIMAL "client_secret_command: false\n");
    ok("me@x.org");
    assert_false(account_client_secret(&account, &paths, &secret, &why));
    secret_free(&secret);
}

static void no_client_secret_is_an_empty_one(void **state)
{
    (void)state;
    struct secret secret;
    secret_init(&secret, 0);
    store_folder_account("me@x.org", MINIMAL);
    ok("me@x.org");
    assert_true(account_client_secret(&account, &paths, &secret, &why));
    assert_int_equal(secret.len, 0);
    secret_free(&secret);
}

/* The report for an account whose secret file has this content and mode; "" where it is taken. */
static const char *secret_file(const char *content, mode_t mode)
{
    char text[512];
    struct secret secret;
    secret_init(&secret, 0);
    const char *path = content ? folder_write("secret", content, mode) : folder_path("no-such-file");
    snprintf(text, sizeof text, MINIMAL "client_secret_file: %s\n", path);
    store_folder_account("me@x.org", text);
    ok("me@x.org");
    why.text[0] = '\0';
    bool taken = account_client_secret(&account, &paths, &secret, &why);
    assert_true(taken == (why.text[0] == '\0'));
    if (taken)
        assert_string_equal(secret.data, "hush");
    account_free(&account);
    secret_free(&secret);
    return why.text;
}

static void first_line_of_the_secret_file(void **state)
{
    (void)state;
    assert_string_equal(secret_file("hush", 0600), "");
    assert_string_equal(secret_file("hush\n", 0400), "");
    assert_string_equal(secret_file("hush\r\nsecond\n", 0600), "");
}

static void bad_secret_files_are_told(void **state)
{
    (void)state;
    assert_non_null(strstr(secret_file("hush", 0644), "run 'chmod 0600 "));
    assert_non_null(strstr(secret_file("", 0600), "me@x.org.conf:2: 'client_secret_file': the first line of "));
    assert_non_null(strstr(secret_file("\nhush\n", 0600), "not a client secret"));
    assert_non_null(strstr(secret_file("hush\n", 0644), "me@x.org.conf:2: 'client_secret_file': "));
    assert_non_null(strstr(secret_file(NULL, 0), "me@x.org.conf:2: 'client_secret_file': the file "));
}

static enum readfile_result find(const char *user, const char *host)
{
    account_free(&account);
    return account_find(&account, &paths, user, host, &passed_over, &why);
}

static void exact_name_wins(void **state)
{
    (void)state;
    store_folder_account("me@x.org", MINIMAL);
    store_folder_account("a@x.org", MINIMAL "users: me@x.org\n");
    assert_int_equal(find("ME@X.org", NULL), READFILE_OK);
    assert_string_equal(account.name, "me@x.org");
}

static void exact_entry_wins_over_a_pattern(void **state)
{
    (void)state;
    store_folder_account("a@x.org", MINIMAL "users: *@x.org *e@x.org me@x.*\n");
    store_folder_account("b@x.org", MINIMAL "users: other@x.org,Me@x.org\n");
    assert_int_equal(find("me@x.org", NULL), READFILE_OK);
    assert_string_equal(account.name, "b@x.org");
}

static void longest_pattern_wins(void **state)
{
    (void)state;
    store_folder_account("a@x.org", MINIMAL "users: *\n");
    store_folder_account("b@x.org", MINIMAL "users: *@x.org\n");
    store_folder_account("c@x.org", MINIMAL "users: *org\n");
    assert_int_equal(find("me@x.org", NULL), READFILE_OK);
    assert_string_equal(account.name, "b@x.org");
}

static void hosts_decide_between_equals(void **state)
{
    (void)state;
    store_folder_account("a@x.org", MINIMAL "users: *@x.org\nhosts: imap.a.org\n");
    store_folder_account("b@x.org", MINIMAL "users: *@x.org\nhosts: imap.b.org\n");
    assert_int_equal(find("me@x.org", "imap.b.org"), READFILE_OK);
    assert_string_equal(account.name, "b@x.org");
    assert_int_equal(find("me@x.org", "imap.a.org"), READFILE_OK);
    assert_string_equal(account.name, "a@x.org");
    assert_int_equal(find("me@x.org", "imap.evil.org"), READFILE_OK);
    assert_false(account_host_allowed(&account, "imap.evil.org"));
}

static void tie_names_both_files(void **state)
{
    (void)state;
    store_folder_account("a@x.org", MINIMAL "users: *@x.org\n");
    store_folder_account("b@x.org", MINIMAL "users: *@x.org\n");
    assert_int_equal(find("me@x.org", NULL), READFILE_REFUSED);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, "/a@x.org.conf"));
    assert_non_null(strstr(why.text, "/b@x.org.conf"));
}

static void better_match_ends_a_tie(void **state)
{
    (void)state;
    store_folder_account("a@x.org", MINIMAL "users: *@x.org\n");
    store_folder_account("b@x.org", MINIMAL "users: *@x.org\n");
    store_folder_account("c@x.org", MINIMAL "users: me@x.org\n");
    assert_int_equal(find("me@x.org", NULL), READFILE_OK);
    assert_string_equal(account.name, "c@x.org");
}

static void broken_other_account_is_passed_over(void **state)
{
    (void)state;
    store_folder_account("a@x.org", "nonsense\n");
    store_folder_account("b@x.org", MINIMAL "users: *@x.org\n");
    assert_int_equal(find("me@x.org", NULL), READFILE_OK);
    assert_int_equal(passed_over.code, FAILURE_CONFIG);
    assert_non_null(strstr(passed_over.text, "a@x.org.conf:1: "));
    assert_int_equal(find("a@x.org", NULL), READFILE_REFUSED);
}

static void nobody_matches(void **state)
{
    (void)state;
    store_folder_account("a@x.org", MINIMAL);
    store_folder_account("b@x.org", MINIMAL "users: *@y.org\n");
    assert_int_equal(find("me@x.org", NULL), READFILE_MISSING);
    assert_int_equal(passed_over.code, FAILURE_NONE);
}

static void user_that_is_no_account_name_still_matches_patterns(void **state)
{
    (void)state;
    store_folder_account("a@x.org", MINIMAL "users: *@y.org\n");
    assert_int_equal(find("dom/me@y.org", NULL), READFILE_OK);
    assert_int_equal(find("../accounts/a@x.org", NULL), READFILE_MISSING);
}

static bool collect(void *arg, const char *name)
{
    strcat(arg, name);
    strcat(arg, " ");
    return true;
}

static void only_account_files_are_listed_sorted(void **state)
{
    (void)state;
    char names[256] = "";
    store_folder_account("b@x.org", "");
    store_folder_account("a@x.org", "");
    store_folder_account("A@x.org", "");
    store_folder_account(".hidden", "");
    folder_write("accounts/.a@x.org.conf.abcdef", "", 0600);
    folder_write("accounts/.conf", "", 0600);
    folder_write("accounts/note.txt", "", 0600);
    assert_true(account_each(&paths, collect, names, &why));
    assert_string_equal(names, "a@x.org b@x.org ");
    strcpy(paths.accounts, folder_path("no-such-folder"));
    assert_true(account_each(&paths, collect, names, &why));
}

static void the_systems_file_may_be_read_by_its_group(void **state)
{
    (void)state;
    const char *path = store_folder_account("me@x.org", MINIMAL);
    paths.system = true;
    chmod(path, 0640);
    ok("me@x.org");
    account_free(&account);
    chmod(path, 0660);
    refused(path, "run 'chmod 0640 ");
    chmod(path, 0644);
    refused(path, "run 'chmod 0640 ");
}

static void the_systems_file_is_not_its_groups(void **state)
{
    (void)state;
    char advice[512];
    const char *path = store_folder_account("me@x.org", MINIMAL);
    paths.system = true;
    paths.group = 12345;
    snprintf(advice, sizeof advice, "run 'chgrp 12345 %s && chmod 0640 %s'", path, path);
    chmod(path, 0644);
    refused(path, advice);
    chmod(path, 0604);
    refused(path, advice);
}

/* In a child, which gives up root: it ends with 0 if the owner of the store is told what root can do, and another
 * only that he may not. */
static int ask_denied(const char *path, uid_t me, const char *advice)
{
    struct account a;
    if (setresuid(me, me, me) != 0)
        return 2;
    bool told = account_load(&a, &paths, "me@x.org", &why) == READFILE_UNREADABLE && strstr(why.text, path) &&
                strstr(why.text, "permission denied for user id ");
    return told && !strstr(why.text, "as root, run '") == !advice && (!advice || strstr(why.text, advice)) ? 0 : 1;
}

static void the_stores_owner_is_denied_the_systems_file(void **state)
{
    (void)state;
    static const struct {
        uid_t me;
        const char *advice;
    } CASES[] = {{12345, "as root, run 'chgrp 12346 "}, {12347, NULL}};
    if (geteuid() != 0)
        skip(); /* only root can be somebody else */
    const char *path = store_folder_account("me@x.org", MINIMAL);
    paths.system = true;
    paths.owner = 12345;
    paths.group = 12346;
    chmod(path, 0600);
    chmod(paths.accounts, 0755);
    chmod(folder_path(""), 0755);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(ask_denied(path, CASES[i].me, CASES[i].advice));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

static void text_that_is_not_on_disk_yet(void **state)
{
    (void)state;
    struct secret text;
    secret_init(&text, KEYFILE_SIZE_MAX);
    assert_true(secret_adds(&text, "issuer: https://x.org\n"));
    assert_true(account_parse(&account, &paths, "me@x.org", &text, &why));
    assert_string_equal(account.name, "me@x.org");
    assert_null(text.data);
    account_free(&account);
    assert_true(secret_adds(&text, "issuer: x\n"));
    assert_false(account_parse(&account, &paths, "me@x.org", &text, &why));
    assert_non_null(strstr(why.text, "/me@x.org.conf:1: "));
}

/* A report names the file only where the user can look into it. */
static void text_that_a_command_line_gave(void **state)
{
    (void)state;
    struct secret text;
    secret_init(&text, KEYFILE_SIZE_MAX);
    assert_true(secret_adds(&text, "issuer: x\n"));
    assert_false(account_parse_given(&account, &paths, "me@x.org", &text, &why));
    assert_int_equal(strncmp(why.text, "'issuer' ", 9), 0);
    assert_true(secret_adds(&text, "nonsense\n"));
    assert_false(account_parse_given(&account, &paths, "me@x.org", &text, &why));
    assert_string_equal(why.text, "not a line of the form 'key: value'");
    store_folder_account("me@x.org", MINIMAL);
    assert_true(secret_adds(&text, "issuer: x\n"));
    assert_false(account_parse_given(&account, &paths, "me@x.org", &text, &why));
    assert_non_null(strstr(why.text, "/me@x.org.conf:1: 'issuer' "));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(missing_file_is_no_error),
        T(readable_by_others_is_refused),
        T(foreign_owner_is_refused),
        T(folder_that_others_may_write_to),
        T(foreign_folder_is_refused),
        T(unreadable_is_told),
        T(symbolic_link_is_refused),
        T(fifo_is_refused_without_waiting),
        T(oversized_is_refused),
        T(empty_is_refused),
        T(malformed_is_refused_with_its_line),
        T(provider_fills_in_what_the_account_leaves_out),
        T(host_in_another_notation),
        T(missing_provider_names_the_line),
        T(provider_that_others_may_write_is_refused),
        T(wrong_provider_file_is_named),
        T(tenant_is_filled_in),
        T(client_secret_in_the_file),
        T(client_secret_of_a_command),
        T(no_client_secret_is_an_empty_one),
        T(first_line_of_the_secret_file),
        T(bad_secret_files_are_told),
        T(exact_name_wins),
        T(exact_entry_wins_over_a_pattern),
        T(longest_pattern_wins),
        T(hosts_decide_between_equals),
        T(tie_names_both_files),
        T(better_match_ends_a_tie),
        T(broken_other_account_is_passed_over),
        T(nobody_matches),
        T(user_that_is_no_account_name_still_matches_patterns),
        T(only_account_files_are_listed_sorted),
        T(the_systems_file_may_be_read_by_its_group),
        T(the_systems_file_is_not_its_groups),
        T(the_stores_owner_is_denied_the_systems_file),
        T(text_that_is_not_on_disk_yet),
        T(text_that_a_command_line_gave),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
