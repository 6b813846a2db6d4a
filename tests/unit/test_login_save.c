#include "config.h"

#include "login_save.h"

#include "clock.h"
#include "folder.h"
#include "readfile.h"
#include "store.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct login l;

static const char TEXT[] = "issuer: https://i.example\nclient_id: c\n";

static int begin(void **state)
{
    struct report why;
    struct secret copy;
    if (folder_make(state) != 0)
        return -1;
    l = (struct login){.name = "me@example.org", .asked_at = clock_wall(), .scope = (char *)"openid"};
    l.paths.owner = getuid();
    snprintf(l.paths.accounts, sizeof l.paths.accounts, "%s/accounts", folder_sub("config", 0700));
    snprintf(l.paths.state, sizeof l.paths.state, "%s", folder_path("state"));
    secret_init(&l.text, KEYFILE_SIZE_MAX);
    secret_init(&copy, KEYFILE_SIZE_MAX);
    bool ok = secret_adds(&l.text, TEXT) && secret_adds(&copy, TEXT) &&
              account_parse(&l.account, &l.paths, l.name, &copy, &why) &&
              oauth_client_open(&l.client, &l.account, &l.paths, &why);
    l.options = (struct login_options){.issuer = "https://i.example", .client_id = "c"};
    l.client.token_endpoint = strdup("https://i.example/t");
    return ok ? 0 : -1;
}

static int end(void **state)
{
    oauth_client_close(&l.client);
    account_free(&l.account);
    secret_free(&l.text);
    return folder_remove(state);
}

static struct oauth_answer answer(const char *refresh)
{
    return (struct oauth_answer){
        .ok = true, .access_token = (char *)"access", .refresh_token = (char *)refresh, .expires_in = 3600};
}

/* Saves with standard error out of the way. */
static bool save(const struct oauth_answer *a, struct report *why)
{
    *why = (struct report){0};
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    assert_non_null(freopen(folder_path("err"), "w", stderr));
    bool ok = login_save(&l, a, "me@example.org", why);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    return ok;
}

static bool said(const char *part)
{
    struct secret text;
    struct report why;
    const struct readfile_rules rules = {.any_owner = true, .limit = 10000};
    secret_init(&text, 10000);
    assert_int_equal(readfile(folder_path("err"), &rules, &text, &why), READFILE_OK);
    bool found = text.data && strstr(text.data, part);
    secret_free(&text);
    return found;
}

static void load(struct state *s)
{
    struct report why = {0};
    state_init(s);
    assert_int_equal(state_load(s, &l.paths, l.name, &why), READFILE_OK);
}

static bool exists(const char *name)
{
    return access(folder_path(name), F_OK) == 0;
}

static void first_login(void **unused)
{
    (void)unused;
    struct report why;
    struct state s;
    struct stat st;
    const struct oauth_answer a = answer("refresh");
    assert_true(login_save_check(&l, &why));
    assert_int_equal(rmdir(folder_path("state")), 0); /* it is empty, and the other too */
    assert_int_equal(rmdir(folder_path("config/accounts")), 0);
    assert_true(save(&a, &why));
    load(&s);
    assert_string_equal(s.access_token, "access");
    assert_string_equal(s.refresh_token, "refresh");
    assert_string_equal(s.signed_in_as, "me@example.org");
    assert_string_equal(s.scope, "openid");
    assert_string_equal(s.issuer, "https://i.example");
    assert_string_equal(s.client_id, "c");
    assert_string_equal(s.token_endpoint, "https://i.example/t");
    assert_true(s.login_at >= l.asked_at && s.expires_at == l.asked_at + 3600);
    state_free(&s);
    assert_int_equal(stat(folder_path("config/accounts/me@example.org.conf"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_false(said("refresh token"));
    assert_true(said("xoauth2 status me@example.org"));
}

/* It is found before anybody signs in. */
static void folder_that_cannot_be_made(void **unused)
{
    (void)unused;
    struct report why;
    folder_write("state", "in the way", 0600);
    assert_false(login_save_check(&l, &why));
    assert_non_null(strstr(why.text, folder_path("state")));
    assert_int_equal(unlink(folder_path("state")), 0);
    folder_write("config/accounts", "in the way", 0600);
    assert_false(login_save_check(&l, &why));
    assert_non_null(strstr(why.text, folder_path("config/accounts")));
}

static void full_disk(void **unused)
{
    (void)unused;
    struct report why;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool ok = login_save_check(&l, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_int_equal(why.code, FAILURE_UNREACHABLE);
    assert_non_null(strstr(why.text, "me@example.org.json"));
    assert_non_null(strstr(why.text, "free some space"));
    assert_int_equal(rmdir(folder_path("state")), 0);
}

/* A change is seen then, even where the kernel's file times are coarse. */
static void make_old(const char *path)
{
    const struct timespec past[] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, past, 0), 0);
}

/* An account file that stays as it is may lie where nobody can write. */
static void account_file_that_needs_no_change(void **unused)
{
    (void)unused;
    struct report why;
    struct stat before, after;
    const struct oauth_answer a = answer("refresh");
    assert_true(save(&a, &why));
    make_old(folder_path("config/accounts"));
    assert_int_equal(stat(folder_path("config/accounts"), &before), 0);
    assert_true(login_save_check(&l, &why));
    assert_int_equal(stat(folder_path("config/accounts"), &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
    l.wants_basic = true;
    assert_true(login_save_check(&l, &why));
    assert_int_equal(stat(folder_path("config/accounts"), &after), 0);
    assert_memory_not_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
}

static void nothing_of_the_old_login_remains(void **unused)
{
    (void)unused;
    struct report why;
    struct state s;
    const struct oauth_answer first = answer("old");
    const struct oauth_answer second = answer(NULL);
    assert_true(save(&first, &why));
    assert_true(login_save_check(&l, &why));
    assert_true(save(&second, &why));
    load(&s);
    assert_null(s.refresh_token);
    state_free(&s);
    assert_true(said("warning: the provider gave no refresh token, so this login ends on "));
    assert_true(said(". Where the provider knows the scope offline_access, add it with --scope\n"));
    l.scope = (char *)"openid offline_access";
    assert_true(save(&second, &why));
    assert_true(
        said(". It gives none to this client, though offline_access was asked for: ask whoever registered the "
             "client to allow it the grant refresh_token\n"));
}

static void members_of_a_newer_version_remain(void **unused)
{
    (void)unused;
    struct report why;
    struct secret text;
    const struct readfile_rules rules = {.owner = getuid(), .limit = STATE_SIZE_MAX};
    const struct oauth_answer a = answer("r");
    folder_sub("state", 0700);
    folder_write("state/me@example.org.json", "{\"access_token\":\"old\",\"future\":{\"x\":1}}", 0600);
    assert_true(save(&a, &why));
    secret_init(&text, STATE_SIZE_MAX);
    assert_int_equal(readfile(folder_path("state/me@example.org.json"), &rules, &text, &why), READFILE_OK);
    assert_non_null(strstr(text.data, "\"future\""));
    assert_null(strstr(text.data, "\"old\""));
    secret_free(&text);
}

static void broken_state_is_never_overwritten(void **unused)
{
    (void)unused;
    struct report why = {0};
    struct stat st;
    const struct oauth_answer a = answer("r");
    folder_sub("state", 0700);
    folder_write("state/me@example.org.json", "{\"refresh_tok", 0600);
    assert_false(login_save_check(&l, &why));
    assert_non_null(strstr(why.text, "me@example.org.json"));
    assert_false(save(&a, &why));
    assert_int_equal(stat(folder_path("state/me@example.org.json"), &st), 0);
    assert_int_equal(st.st_size, 13);
    assert_false(exists("config/accounts"));
}

static void account_file_that_cannot_be_written(void **unused)
{
    (void)unused;
    struct report why;
    struct state s;
    const struct oauth_answer a = answer("refresh");
    folder_write("config/accounts", "in the way", 0600);
    assert_false(save(&a, &why));
    assert_non_null(strstr(why.text, "the login is kept in "));
    assert_non_null(strstr(why.text, "but its account file could not be written: "));
    load(&s);
    assert_string_equal(s.refresh_token, "refresh");
    state_free(&s);
}

static void unusable_token_writes_nothing(void **unused)
{
    (void)unused;
    struct report why;
    struct oauth_answer a = answer("refresh");
    a.access_token = (char *)"not a token";
    assert_false(save(&a, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_false(exists("state/me@example.org.json"));
    assert_false(exists("config/accounts"));
}

static void unchanged_account_file_is_left_alone(void **unused)
{
    (void)unused;
    struct report why;
    struct stat before, after;
    const struct oauth_answer a = answer("refresh");
    assert_true(save(&a, &why));
    make_old(folder_path("config/accounts/me@example.org.conf"));
    assert_int_equal(stat(folder_path("config/accounts/me@example.org.conf"), &before), 0);
    assert_true(save(&a, &why));
    assert_int_equal(stat(folder_path("config/accounts/me@example.org.conf"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void what_was_changed_during_the_login_remains(void **unused)
{
    (void)unused;
    struct report why;
    struct secret text;
    const struct readfile_rules rules = {.owner = getuid(), .limit = KEYFILE_SIZE_MAX};
    const struct oauth_answer a = answer("refresh");
    assert_true(save(&a, &why));
    folder_write("config/accounts/me@example.org.conf",
                 "# new\nissuer: https://i.example\nclient_id: c\nusers: a@b\n", 0600);
    l.scope_chosen = true;
    assert_true(save(&a, &why));
    secret_init(&text, KEYFILE_SIZE_MAX);
    assert_int_equal(readfile(folder_path("config/accounts/me@example.org.conf"), &rules, &text, &why), READFILE_OK);
    assert_string_equal(text.data, "# new\nissuer: https://i.example\nclient_id: c\nusers: a@b\nscope: openid\n");
    secret_free(&text);
}

static void account_file_that_was_broken_during_the_login(void **unused)
{
    (void)unused;
    struct report why;
    const struct oauth_answer a = answer("refresh");
    assert_true(save(&a, &why));
    folder_write("config/accounts/me@example.org.conf", "nonsense\n", 0600);
    assert_false(save(&a, &why));
    assert_non_null(strstr(why.text, "me@example.org.conf:1: not a line of the form"));
    assert_true(exists("state/me@example.org.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_login, begin, end),
        cmocka_unit_test_setup_teardown(folder_that_cannot_be_made, begin, end),
        cmocka_unit_test_setup_teardown(full_disk, begin, end),
        cmocka_unit_test_setup_teardown(account_file_that_needs_no_change, begin, end),
        cmocka_unit_test_setup_teardown(nothing_of_the_old_login_remains, begin, end),
        cmocka_unit_test_setup_teardown(members_of_a_newer_version_remain, begin, end),
        cmocka_unit_test_setup_teardown(broken_state_is_never_overwritten, begin, end),
        cmocka_unit_test_setup_teardown(account_file_that_cannot_be_written, begin, end),
        cmocka_unit_test_setup_teardown(unusable_token_writes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_was_changed_during_the_login_remains, begin, end),
        cmocka_unit_test_setup_teardown(account_file_that_was_broken_during_the_login, begin, end),
        cmocka_unit_test_setup_teardown(unchanged_account_file_is_left_alone, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
