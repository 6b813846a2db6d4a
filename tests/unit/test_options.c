#include "config.h"

#include "options.h"

#include "configured.h"
#include "folder.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the application answers: name, value, ..., NULL. */
static const char *const *given;

static int answer(void *context, const char *plugin, const char *name, const char **result, unsigned *len)
{
    (void)context;
    (void)len;
    assert_string_equal(plugin, "XOAUTH2");
    for (const char *const *pair = given; pair && *pair; pair += 2)
        if (strcmp(pair[0], name) == 0) {
            *result = pair[1];
            return SASL_OK;
        }
    return SASL_FAIL;
}

static const char *configuration_path;

static int answer_path(void *context, char **path)
{
    (void)context;
    *path = (char *)(uintptr_t)configuration_path;
    return SASL_OK;
}

static int no_path(void *context, char **path)
{
    (void)context;
    *path = NULL;
    return SASL_FAIL;
}

typedef int plain_callback(void);
static sasl_getconfpath_t *path_callback = answer_path;

static int getcallback(sasl_conn_t *conn, unsigned long id, sasl_callback_ft *function, void **context)
{
    (void)conn;
    assert_int_equal(id, SASL_CB_GETCONFPATH);
    *function = (plain_callback *)(void (*)(void))path_callback;
    *context = NULL;
    return path_callback ? SASL_OK : SASL_FAIL;
}

static const sasl_utils_t UTILS = {.getopt = answer, .getcallback = getcallback};

/* Reads the file and gathers the options, both from scratch. */
static bool gather(const char *folders, struct options *o, struct report *why)
{
    struct options_file f;
    *why = (struct report){0};
    options_load(&f, folders);
    bool right = options_gather(o, &f, &UTILS, why);
    options_unload(&f);
    return right;
}

static const char *with_file(const char *content)
{
    folder_sub("conf", 0700);
    folder_write("conf/xoauth2.conf", content, 0644);
    return folder_path("conf");
}

static void assert_file_refused(const char *content, const char *words)
{
    struct options o;
    struct report why;
    char expected[512];
    const char *folder = with_file(content);
    assert_false(gather(folder, &o, &why));
    options_free(&o);
    snprintf(expected, sizeof expected, "%s/xoauth2.conf:%s", folder, words);
    assert_string_equal(why.text, expected);
    assert_int_equal(why.code, FAILURE_CONFIG);
}

static int forget(void **state)
{
    (void)state;
    given = NULL;
    path_callback = answer_path;
    return 0;
}

static void nothing_is_set(void **state)
{
    (void)state;
    struct options o;
    struct report why;
    struct options_file f;
    assert_true(gather(folder_path("nowhere"), &o, &why));
    assert_false(o.password);
    assert_null(o.agent_socket);
    assert_null(o.helper);
    assert_int_equal(o.timeout, 30);
    options_free(&o);
    options_load(&f, folder_path("nowhere"));
    assert_false(f.found);
    options_unload(&f);
    assert_false(options_given(&UTILS));
}

static void everything_in_the_file(void **state)
{
    (void)state;
    struct options o;
    struct report why;
    assert_true(gather(with_file("xoauth2_token_source: auto\nxoauth2_agent_socket: /run/a b.sock\n"
                                 "xoauth2_helper: /opt/x\nxoauth2_timeout: 600\n"),
                       &o, &why));
    assert_false(o.password);
    assert_string_equal(o.agent_socket, "/run/a b.sock");
    assert_string_equal(o.helper, "/opt/x");
    assert_int_equal(o.timeout, 600);
    options_free(&o);
}

/* Then nothing else matters, though all of the file must be right. */
static void the_password_is_the_token(void **state)
{
    (void)state;
    struct options o;
    struct report why;
    assert_true(gather(with_file("xoauth2_token_source: password\nxoauth2_helper: /opt/x\n"), &o, &why));
    assert_true(o.password);
    assert_null(o.helper);
    options_free(&o);
    assert_false(gather(with_file("xoauth2_token_source: password\nxoauth2_helper: x\n"), &o, &why));
    options_free(&o);
}

static void the_application_goes_before_the_file(void **state)
{
    (void)state;
    static const char *const GIVEN[] = {"xoauth2_token_source", "auto", "xoauth2_timeout", "7", NULL};
    struct options o;
    struct report why;
    given = GIVEN;
    assert_true(options_given(&UTILS));
    assert_true(
        gather(with_file("xoauth2_token_source: password\nxoauth2_timeout: 9\nxoauth2_helper: /h\n"), &o, &why));
    assert_false(o.password);
    assert_int_equal(o.timeout, 7);
    assert_string_equal(o.helper, "/h");
    options_free(&o);
}

/* A wrong file stays wrong, whatever the application says. */
static void wrong_value_in_the_file_behind_a_right_one(void **state)
{
    (void)state;
    static const char *const GIVEN[] = {"xoauth2_timeout", "7", NULL};
    struct options o;
    struct report why;
    given = GIVEN;
    assert_false(gather(with_file("xoauth2_timeout: soon\n"), &o, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    options_free(&o);
}

static void wrong_value_from_the_application(void **state)
{
    (void)state;
    static const char *const GIVEN[] = {"xoauth2_timeout", "soon", NULL};
    struct options o;
    struct report why;
    given = GIVEN;
    assert_false(gather("", &o, &why));
    options_free(&o);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_string_equal(why.text,
                        "the option xoauth2_timeout that this program gives must be a number of seconds from "
                        "1 to 600: correct its settings");
}

static void empty_value_from_the_application(void **state)
{
    (void)state;
    static const char *const GIVEN[] = {"xoauth2_timeout", "", NULL};
    struct options o;
    struct report why;
    given = GIVEN;
    assert_false(options_given(&UTILS));
    assert_true(gather("", &o, &why));
    assert_int_equal(o.timeout, 30);
    options_free(&o);
}

/* It is meant for somebody else, so it configures nothing; but who wants the mechanism is told. */
static void file_that_this_user_may_not_read(void **state)
{
    (void)state;
    struct options_file f;
    struct options o;
    struct report why;
    char expected[512];
    bool root = geteuid() == 0;
    folder_sub(".", 0755);
    folder_sub("conf", 0755);
    const char *file = folder_write("conf/xoauth2.conf", "xoauth2_timeout: 5\n", root ? 0600 : 0);
    if (root)
        assert_int_equal(seteuid(12345), 0);
    options_load(&f, folder_path("conf"));
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_false(f.found);
    assert_false(options_gather(&o, &f, &UTILS, &why));
    snprintf(expected, sizeof expected, "cannot read %s: have its owner run 'chmod a+r %s'", file, file);
    assert_string_equal(why.text, expected);
    options_free(&o);
    options_unload(&f);
    unlink(file);
}

/* Such as /etc/sasl2 where the machine's administrator closed it, for the sake of other files. */
static void folder_that_this_user_may_not_search(void **state)
{
    (void)state;
    struct options o;
    struct report why;
    char path[1024];
    bool root = geteuid() == 0;
    folder_sub(".", 0755);
    folder_sub("closed", 0700);
    folder_sub("closed/below", 0755);
    folder_write("closed/below/xoauth2.conf", "xoauth2_timeout: 8\n", 0644);
    folder_sub("behind", 0755);
    folder_write("behind/xoauth2.conf", "xoauth2_timeout: 9\n", 0644);
    snprintf(path, sizeof path, "%s:%s:%s", folder_path("closed"), folder_path("closed/below"),
             folder_path("behind"));
    folder_sub("closed", root ? 0700 : 0600);
    if (root)
        assert_int_equal(seteuid(12345), 0);
    bool goes_on = gather(path, &o, &why);
    unsigned timeout = o.timeout;
    options_free(&o);
    *strchr(path, ':') = '\0';
    bool alone = gather(path, &o, &why);
    if (root)
        assert_int_equal(seteuid(0), 0);
    folder_sub("closed", 0700);
    options_free(&o);
    assert_true(goes_on);
    assert_int_equal(timeout, 9);
    assert_true(alone);
}

static void unknown_key(void **state)
{
    (void)state;
    assert_file_refused("\nxoauth2_tokensource: auto\n",
                        "2: unknown key 'xoauth2_tokensource': did you mean 'xoauth2_token_source'?");
}

static void wrong_values(void **state)
{
    (void)state;
    static const char TIMEOUT[] = "1: xoauth2_timeout must be a number of seconds from 1 to 600";
    assert_file_refused("xoauth2_timeout: 0\n", TIMEOUT);
    assert_file_refused("xoauth2_timeout: 601\n", TIMEOUT);
    assert_file_refused("xoauth2_timeout: -1\n", TIMEOUT);
    assert_file_refused("xoauth2_timeout: +1\n", TIMEOUT);
    assert_file_refused("xoauth2_timeout: 5s\n", TIMEOUT);
    assert_file_refused("xoauth2_timeout: 99999999999999999999999\n", TIMEOUT);
    assert_file_refused("xoauth2_token_source: passwort\n", "1: xoauth2_token_source must be 'auto' or 'password'");
    assert_file_refused("xoauth2_helper: xoauth2\n", "1: xoauth2_helper must be an absolute path");
    assert_file_refused("#\n\nxoauth2_agent_socket: ./s\n", "3: xoauth2_agent_socket must be an absolute path");
    char line[256] = "xoauth2_agent_socket: /";
    memset(line + strlen(line), 's', 107); /* with the slash one more than fits */
    assert_file_refused(line, "1: xoauth2_agent_socket is too long");
}

static void file_that_others_may_write(void **state)
{
    (void)state;
    struct options o;
    struct report why;
    const char *folder = with_file("xoauth2_timeout: 5\n");
    folder_write("conf/xoauth2.conf", "xoauth2_timeout: 5\n", 0666);
    assert_false(gather(folder, &o, &why));
    options_free(&o);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, "xoauth2.conf may be accessed by others (mode 0666): run 'chmod 0644 "));
}

static void first_file_of_several_folders(void **state)
{
    (void)state;
    struct options o;
    struct report why;
    char path[1024];
    folder_sub("one", 0700);
    folder_sub("two", 0700);
    folder_write("one/xoauth2.conf", "xoauth2_timeout: 1\n", 0644);
    folder_write("two/xoauth2.conf", "xoauth2_timeout: 2\n", 0644);
    snprintf(path, sizeof path, ":%s::%s:%s:", folder_path("nowhere"), folder_path("two"), folder_path("one"));
    assert_true(gather(path, &o, &why));
    assert_int_equal(o.timeout, 2);
    options_free(&o);
}

static void symbolic_link_to_the_file(void **state)
{
    (void)state;
    struct options o;
    struct report why;
    folder_sub("linked", 0700);
    const char *target = folder_write("elsewhere.conf", "xoauth2_timeout: 3\n", 0644);
    assert_int_equal(symlink(target, folder_path("linked/xoauth2.conf")), 0);
    assert_true(gather(folder_path("linked"), &o, &why));
    assert_int_equal(o.timeout, 3);
    options_free(&o);
}

static void path_of_the_library(void **state)
{
    (void)state;
    configuration_path = "/some:/where";
    assert_string_equal(options_path(&UTILS), "/some:/where");
    path_callback = no_path;
    assert_string_equal(options_path(&UTILS), "/etc/sasl2:/etc/sasl");
    path_callback = NULL;
    assert_string_equal(options_path(&UTILS), "/etc/sasl2:/etc/sasl");
}

static void account_folders(void **state)
{
    (void)state;
    const char *folder = folder_sub("accounts", 0700);
    assert_false(configured_folder(folder));
    folder_write("accounts/.hidden.conf", "", 0600);
    folder_write("accounts/me@example.org.conf~", "", 0600);
    folder_write("accounts/.conf", "", 0600);
    assert_false(configured_folder(folder));
    folder_write("accounts/me@example.org.conf", "", 0600);
    assert_true(configured_folder(folder));
    assert_false(configured_folder(folder_path("nowhere")));
}

static void account_folder_of_the_user(void **state)
{
    (void)state;
    folder_sub("home", 0700);
    folder_sub("home/.config", 0700);
    folder_sub("home/.config/xoauth2", 0700);
    folder_sub("home/.config/xoauth2/accounts", 0700);
    folder_write("home/.config/xoauth2/accounts/a.conf", "", 0600);
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", folder_path("home"), 1);
    assert_true(configured_accounts());
    setenv("XDG_CONFIG_HOME", folder_path("nowhere"), 1);
    assert_false(configured_accounts());
    setenv("XDG_CONFIG_HOME", folder_path("home/.config"), 1);
    setenv("HOME", "/nowhere", 1);
    assert_true(configured_accounts());
    setenv("XDG_CONFIG_HOME", ".", 1); /* must be absolute */
    assert_false(configured_accounts());
    unsetenv("HOME");
    assert_false(configured_accounts());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_is_set, forget),
        cmocka_unit_test_teardown(everything_in_the_file, forget),
        cmocka_unit_test_teardown(the_password_is_the_token, forget),
        cmocka_unit_test_teardown(the_application_goes_before_the_file, forget),
        cmocka_unit_test_teardown(wrong_value_in_the_file_behind_a_right_one, forget),
        cmocka_unit_test_teardown(wrong_value_from_the_application, forget),
        cmocka_unit_test_teardown(empty_value_from_the_application, forget),
        cmocka_unit_test_teardown(file_that_this_user_may_not_read, forget),
        cmocka_unit_test_teardown(folder_that_this_user_may_not_search, forget),
        cmocka_unit_test_teardown(unknown_key, forget),
        cmocka_unit_test_teardown(wrong_values, forget),
        cmocka_unit_test_teardown(file_that_others_may_write, forget),
        cmocka_unit_test_teardown(first_file_of_several_folders, forget),
        cmocka_unit_test_teardown(symbolic_link_to_the_file, forget),
        cmocka_unit_test_teardown(path_of_the_library, forget),
        cmocka_unit_test(account_folders),
        cmocka_unit_test(account_folder_of_the_user),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
