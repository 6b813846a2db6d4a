#include "config.h"

#include "lookup.h"

#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* This program is built with a system's store in relative folders, "etc" and "var"; it runs in its temporary one. */

static struct account account;
static struct paths found;
static struct report why;

#define MINIMAL "issuer: https://x.org\n"

static int setup(void **state)
{
    account_init(&account);
    why = (struct report){0};
    store_folder_setup(state);
    assert_int_equal(chdir(folder_path("")), 0);
    folder_sub("etc", 0755);
    folder_sub("etc/xoauth2", 0755);
    folder_sub("etc/xoauth2/accounts", 0755);
    folder_sub("var", 0700);
    unlink("etc/xoauth2/accounts/me@x.org.conf");
    unlink("var/me@x.org.json");
    folder_sub("c", 0700);
    unlink("c/xoauth2");
    assert_int_equal(symlink("..", "c/xoauth2"), 0);
    setenv("XDG_CONFIG_HOME", folder_path("c"), 1);
    setenv("XDG_STATE_HOME", folder_path("s"), 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    account_free(&account);
    return 0;
}

static void system_account(const char *text)
{
    folder_write("etc/xoauth2/accounts/me@x.org.conf", text, 0640);
    folder_write("var/me@x.org.json", "{}", 0600);
}

static bool find(enum lookup_stores stores)
{
    return lookup(&account, &found, stores, "me@x.org", NULL, &why);
}

static void users_account_comes_first(void **state)
{
    (void)state;
    system_account(MINIMAL);
    store_folder_account("me@x.org", MINIMAL);
    assert_true(find(LOOKUP_ALL));
    assert_false(found.system);
}

static void users_pattern_comes_before_the_systems_name(void **state)
{
    (void)state;
    system_account(MINIMAL);
    store_folder_account("a@x.org", MINIMAL "users: *\n");
    assert_true(find(LOOKUP_ALL));
    assert_string_equal(account.name, "a@x.org");
}

static void systems_account_comes_next(void **state)
{
    (void)state;
    system_account(MINIMAL);
    assert_true(find(LOOKUP_ALL));
    assert_true(found.system);
    assert_int_equal(found.owner, geteuid());
}

static void broken_account_of_the_user_is_not_replaced(void **state)
{
    (void)state;
    system_account(MINIMAL);
    store_folder_account("me@x.org", "nonsense\n");
    assert_false(find(LOOKUP_ALL));
    assert_int_equal(why.code, FAILURE_CONFIG);
}

static void option_asks_the_system_alone(void **state)
{
    (void)state;
    store_folder_account("me@x.org", MINIMAL);
    assert_false(find(LOOKUP_SYSTEM));
    assert_int_equal(why.code, FAILURE_NO_ACCOUNT);
    assert_string_equal(why.text, "no account for me@x.org: run 'xoauth2 --system login me@x.org'");
    system_account(MINIMAL);
    assert_true(find(LOOKUP_SYSTEM));
    assert_true(found.system);
}

static void broken_account_of_the_system_is_told(void **state)
{
    (void)state;
    system_account("nonsense\n");
    assert_false(find(LOOKUP_ALL));
    assert_int_equal(why.code, FAILURE_CONFIG);
}

/* What a stranger to the system's store is told. */
static void stranger_has_no_account(void)
{
    setenv("XDG_CONFIG_HOME", folder_path("none"), 1);
    store_folder_sink();
    bool all = find(LOOKUP_ALL);
    struct report first = why;
    bool alone = find(LOOKUP_SYSTEM);
    store_folder_rise();
    assert_false(all);
    assert_int_equal(first.code, FAILURE_NO_ACCOUNT);
    assert_string_equal(first.text, "no account for me@x.org: run 'xoauth2 login me@x.org'");
    assert_true(alone || why.code == FAILURE_CONFIG);
}

static void systems_account_that_may_not_be_read_is_none(void **state)
{
    (void)state;
    system_account(MINIMAL);
    chmod("etc/xoauth2/accounts/me@x.org.conf", getuid() == 0 ? 0600 : 0);
    stranger_has_no_account();
    assert_non_null(strstr(why.text, "permission denied"));
}

static void systems_folder_that_may_not_be_read_is_none(void **state)
{
    (void)state;
    system_account(MINIMAL);
    chmod("etc/xoauth2/accounts", 0);
    stranger_has_no_account();
    chmod("etc/xoauth2/accounts", 0755);
}

static void systems_state_that_may_not_be_read_is_none(void **state)
{
    (void)state;
    system_account(MINIMAL);
    if (getuid() == 0) /* as a member of the store's group, who may read the account file, sees it */
        assert_int_equal(chown("etc/xoauth2/accounts/me@x.org.conf", 0, getegid()), 0);
    else
        chmod("var", 0);
    setenv("XDG_CONFIG_HOME", folder_path("none"), 1);
    store_folder_sink();
    bool found_one = find(LOOKUP_ALL);
    store_folder_rise();
    chmod("var", 0700);
    assert_false(found_one);
    assert_int_equal(why.code, FAILURE_NO_ACCOUNT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(users_account_comes_first),
        T(users_pattern_comes_before_the_systems_name),
        T(systems_account_comes_next),
        T(broken_account_of_the_user_is_not_replaced),
        T(option_asks_the_system_alone),
        T(broken_account_of_the_system_is_told),
        T(systems_account_that_may_not_be_read_is_none),
        T(systems_folder_that_may_not_be_read_is_none),
        T(systems_state_that_may_not_be_read_is_none),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
