#include "config.h"

#include "paths.h"

#include "folder.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct paths p;
static struct report why;

static int no_variables(void **state)
{
    (void)state;
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/home/me", 1);
    return 0;
}

static void folders_of_the_home(void **state)
{
    (void)state;
    assert_true(paths_user(&p, &why));
    assert_string_equal(p.accounts, "/home/me/.config/xoauth2/accounts");
    assert_string_equal(p.state, "/home/me/.local/state/xoauth2");
    assert_false(p.system);
    assert_int_equal(p.owner, geteuid());
}

static void variables_move_them(void **state)
{
    (void)state;
    setenv("XDG_CONFIG_HOME", "/c", 1);
    setenv("XDG_STATE_HOME", "/s", 1);
    assert_true(paths_user(&p, &why));
    assert_string_equal(p.accounts, "/c/xoauth2/accounts");
    assert_string_equal(p.state, "/s/xoauth2");
}

static void relative_variables_are_ignored(void **state)
{
    (void)state;
    setenv("XDG_CONFIG_HOME", "c", 1);
    setenv("XDG_STATE_HOME", "", 1);
    assert_true(paths_user(&p, &why));
    assert_string_equal(p.accounts, "/home/me/.config/xoauth2/accounts");
    assert_string_equal(p.state, "/home/me/.local/state/xoauth2");
}

static void missing_home_comes_from_the_password_database(void **state)
{
    (void)state;
    unsetenv("HOME");
    assert_true(paths_user(&p, &why));
    assert_true(p.accounts[0] == '/');
    assert_non_null(strstr(p.accounts, "/.config/xoauth2/accounts"));
}

static void overlong_home_is_refused(void **state)
{
    (void)state;
    char home[PATH_MAX];
    memset(home, 'a', sizeof home);
    home[0] = '/';
    home[sizeof home - 1] = '\0';
    setenv("HOME", home, 1);
    assert_false(paths_user(&p, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
}

static void hostile_account_names_are_refused(void **state)
{
    (void)state;
    char name[ACCOUNT_NAME_MAX + 1];
    char long_one[ACCOUNT_NAME_MAX + 2];
    memset(long_one, 'a', sizeof long_one);
    long_one[sizeof long_one - 1] = '\0';
    const char *bad[] = {
        "", ".", "..", ".hidden", "../x", "a/b", "/", "a b", "a\tb", "a\nb", "a\x7f", "\xff", "a\xc3",
        "a\xc2\x9bz", long_one,
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(account_name(bad[i], name, &why));
        assert_int_equal(why.code, FAILURE_CONFIG);
        assert_string_equal(name, "");
    }
    long_one[ACCOUNT_NAME_MAX] = '\0';
    assert_true(account_name(long_one, name, &why));
}

static void account_names_are_lower_cased(void **state)
{
    (void)state;
    char name[ACCOUNT_NAME_MAX + 1];
    assert_true(account_name("Me+Tag@X.Org", name, &why));
    assert_string_equal(name, "me+tag@x.org");
    assert_true(account_name("M\xc3\x84@x.org", name, &why));
    assert_string_equal(name, "m\xc3\x84@x.org");
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void made_folders_are_private_whatever_the_umask(void **state)
{
    (void)state;
    mode_t old = umask(0);
    setenv("XDG_STATE_HOME", folder_path("new/state"), 1);
    assert_true(paths_user(&p, &why));
    assert_true(paths_make(&p, p.state, &why));
    umask(old);
    assert_int_equal(mode_of(p.state), 0700);
    assert_int_equal(mode_of(folder_path("new")), 0700);
    assert_true(paths_make(&p, p.state, &why));
}

static void folder_below_a_file_cannot_be_made(void **state)
{
    (void)state;
    folder_write("plain", "", 0600);
    setenv("XDG_STATE_HOME", folder_path("plain"), 1);
    assert_true(paths_user(&p, &why));
    assert_false(paths_make(&p, p.state, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
}

static void folders_of_the_system_have_their_modes(void **state)
{
    (void)state;
    mode_t old = umask(077);
    p.system = true;
    p.owner = geteuid();
    snprintf(p.accounts, sizeof p.accounts, "%s", folder_path("etc/xoauth2/accounts"));
    snprintf(p.state, sizeof p.state, "%s", folder_path("var/xoauth2"));
    assert_true(paths_make(&p, p.state, &why));
    assert_true(paths_make(&p, p.accounts, &why));
    umask(old);
    assert_int_equal(mode_of(p.state), 0700);
    assert_int_equal(mode_of(p.accounts), 0750);
    assert_int_equal(mode_of(folder_path("etc/xoauth2")), 0755);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(folders_of_the_home, no_variables),
        cmocka_unit_test_setup(variables_move_them, no_variables),
        cmocka_unit_test_setup(relative_variables_are_ignored, no_variables),
        cmocka_unit_test_setup(missing_home_comes_from_the_password_database, no_variables),
        cmocka_unit_test_setup(overlong_home_is_refused, no_variables),
        cmocka_unit_test(hostile_account_names_are_refused),
        cmocka_unit_test(account_names_are_lower_cased),
        cmocka_unit_test_setup(made_folders_are_private_whatever_the_umask, no_variables),
        cmocka_unit_test_setup(folder_below_a_file_cannot_be_made, no_variables),
        cmocka_unit_test(folders_of_the_system_have_their_modes),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
