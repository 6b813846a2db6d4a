#include "config.h"

#include "accountfile.h"

#include "folder.h"
#include "keyfile.h"
#include "store_folder.h"
#include "test.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct secret text;
static struct report why;

static int setup(void **state)
{
    secret_init(&text, KEYFILE_SIZE_MAX);
    return store_folder_setup(state);
}

static int teardown(void **state)
{
    (void)state;
    secret_free(&text);
    return 0;
}

static void becomes(const char *before, enum setting key, const char *value, const char *after)
{
    secret_free(&text);
    assert_true(secret_adds(&text, before));
    assert_true(accountfile_set(&text, key, value));
    assert_string_equal(text.data ? text.data : "", after);
}

static void the_rest_stays(void **state)
{
    (void)state;
    becomes("# mine\n\nissuer: https://x.org\n scope : a b\n#scope: c\nusers: *\n", SETTING_SCOPE, "new",
            "# mine\n\nissuer: https://x.org\nscope: new\n#scope: c\nusers: *\n");
}

static void new_key_goes_to_the_end(void **state)
{
    (void)state;
    becomes("", SETTING_SCOPE, "a", "scope: a\n");
    becomes("issuer: x", SETTING_SCOPE, "a", "issuer: x\nscope: a\n");
    becomes("client_secret_file: /x\n", SETTING_CLIENT_SECRET, "s", "client_secret_file: /x\nclient_secret: s\n");
}

static void key_is_removed(void **state)
{
    (void)state;
    becomes("a: 1\nscope: a\nb: 2\n", SETTING_SCOPE, NULL, "a: 1\nb: 2\n");
    becomes("a: 1\n", SETTING_SCOPE, NULL, "a: 1\n");
    becomes("", SETTING_SCOPE, NULL, "");
}

static void value_that_would_be_more_than_a_value_is_refused(void **state)
{
    (void)state;
    assert_true(secret_adds(&text, "a: 1\n"));
    assert_false(accountfile_set(&text, SETTING_SCOPE, "x\nclient_secret: y"));
    assert_false(accountfile_set(&text, SETTING_SCOPE, "x\ry"));
    assert_false(accountfile_set(&text, SETTING_SCOPE, ""));
    assert_string_equal(text.data, "a: 1\n");
}

static void overlong_text_is_refused(void **state)
{
    (void)state;
    char value[KEYFILE_SIZE_MAX];
    memset(value, 'a', sizeof value);
    value[sizeof value - 1] = '\0';
    assert_true(secret_adds(&text, "a: 1\n"));
    assert_false(accountfile_set(&text, SETTING_SCOPE, value));
    assert_string_equal(text.data, "a: 1\n");
}

static void written_file_is_private_and_whole(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(rmdir(paths.accounts), 0);
    mode_t old = umask(0);
    assert_true(secret_adds(&text, "issuer: https://x.org\n"));
    assert_true(accountfile_write(&paths, "me@x.org", &text, &why));
    umask(old);
    const char *path = folder_path("accounts/me@x.org.conf");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_string_equal(store_folder_read(path), "issuer: https://x.org\n");
    secret_reset(&text);
    assert_true(accountfile_read(&paths, "me@x.org", &text, &why));
    assert_string_equal(text.data, "issuer: https://x.org\n");
}

static void the_systems_file_is_for_its_group(void **state)
{
    (void)state;
    struct stat st;
    paths.system = true;
    assert_true(secret_adds(&text, "issuer: https://x.org\n"));
    assert_true(accountfile_write(&paths, "me@x.org", &text, &why));
    assert_int_equal(stat(folder_path("accounts/me@x.org.conf"), &st), 0);
    assert_int_equal(st.st_mode & 07777, geteuid() == 0 ? 0640 : 0600);
}

static void missing_file_reads_as_empty(void **state)
{
    (void)state;
    assert_true(accountfile_read(&paths, "me@x.org", &text, &why));
    assert_int_equal(text.len, 0);
    assert_true(accountfile_set(&text, SETTING_SCOPE, "a"));
}

static void unbelievable_file_is_not_read(void **state)
{
    (void)state;
    const char *path = store_folder_account("me@x.org", "issuer: https://x.org\n");
    chmod(path, 0644);
    assert_false(accountfile_read(&paths, "me@x.org", &text, &why));
    assert_non_null(strstr(why.text, "chmod"));
}

static void read_only_folder_keeps_the_old_file(void **state)
{
    (void)state;
    store_folder_account("me@x.org", "issuer: https://old.org\n");
    assert_true(secret_adds(&text, "issuer: https://new.org\n"));
    store_folder_sink();
    chmod(paths.accounts, 0500);
    bool ok = accountfile_write(&paths, "me@x.org", &text, &why);
    chmod(paths.accounts, 0700);
    store_folder_rise();
    assert_false(ok);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_string_equal(store_folder_read(folder_path("accounts/me@x.org.conf")), "issuer: https://old.org\n");
}

static void fresh_leftover_of_another_is_left(void **state)
{
    (void)state;
    const char *fresh = folder_write("accounts/.me@x.org.conf.abcdef", "x", 0600);
    assert_true(secret_adds(&text, "issuer: https://x.org\n"));
    assert_true(accountfile_write(&paths, "me@x.org", &text, &why));
    assert_int_equal(access(fresh, F_OK), 0);
    struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(-1, fresh, old, 0), 0);
    assert_true(accountfile_write(&paths, "me@x.org", &text, &why));
    assert_int_not_equal(access(fresh, F_OK), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_rest_stays),
        T(new_key_goes_to_the_end),
        T(key_is_removed),
        T(value_that_would_be_more_than_a_value_is_refused),
        T(overlong_text_is_refused),
        T(written_file_is_private_and_whole),
        T(the_systems_file_is_for_its_group),
        T(missing_file_reads_as_empty),
        T(unbelievable_file_is_not_read),
        T(read_only_folder_keeps_the_old_file),
        T(fresh_leftover_of_another_is_left),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
