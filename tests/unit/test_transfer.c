/* Accounts on their way in, whatever they come from. */
#include "config.h"

#include "transfer.h"

#include "store_folder.h"
#include "test.h"

#include "folder.h"

#include <string.h>
#include <sys/stat.h>

static struct transfer t;
static struct report why;

static int begin(void **state)
{
    store_folder_setup(state);
    transfer_init(&t);
    strcpy(t.name, "me@x.org");
    assert_true(secret_adds(&t.text, "issuer: https://login.example.org\n"));
    assert_true(state_set(&t.state.refresh_token, "refresh"));
    t.has_state = true;
    return 0;
}

static int end(void **state)
{
    (void)state;
    transfer_free(&t);
    return 0;
}

static void expect_refused(const char *words)
{
    assert_false(transfer_check(&t, &paths, false, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, words));
}

static void good_account(void **state)
{
    (void)state;
    struct state s;
    assert_true(transfer_check(&t, &paths, false, &why));
    assert_int_equal(store_folder_count(), 0); /* nothing is written by looking */
    assert_true(transfer_save(&t, &paths, &why));
    assert_int_equal(state_load(&s, &paths, t.name, &why), READFILE_OK);
    assert_string_equal(s.refresh_token, "refresh");
    state_free(&s);
}

static void account_that_is_there_already(void **state)
{
    (void)state;
    assert_true(transfer_save(&t, &paths, &why));
    expect_refused("me@x.org is there already: --force replaces it");
    assert_true(transfer_check(&t, &paths, true, &why));
}

static void mistake_in_the_account_file(void **state)
{
    (void)state;
    assert_true(secret_adds(&t.text, "nonsense: 1\n"));
    expect_refused("me@x.org.conf:2: unknown key 'nonsense'");
}

/* They would be written, and then nobody could read the state. */
static void tokens_that_cannot_be_read_again(void **state)
{
    (void)state;
    static char long_token[STATE_TOKEN_MAX + 2];
    assert_true(state_set(&t.state.access_token, "ya2\002"));
    expect_refused(
        "the tokens of me@x.org are too long or have control characters: run 'xoauth2 login me@x.org' instead");
    memset(long_token, 'a', sizeof long_token - 1);
    assert_true(state_set(&t.state.access_token, long_token));
    expect_refused("too long");
    assert_true(state_set(&t.state.access_token, NULL));
    assert_true(transfer_check(&t, &paths, false, &why));
}

/* The tokens are written before the account file: those that are there would be lost. */
static void folder_that_cannot_be_written(void **state)
{
    (void)state;
    store_folder_sink();
    assert_int_equal(chmod(paths.accounts, 0500), 0);
    bool refused = !transfer_check(&t, &paths, true, &why);
    paths.system = true;
    struct report of_system = {0};
    transfer_check(&t, &paths, true, &of_system);
    assert_int_equal(chmod(paths.accounts, 0700), 0);
    bool taken = transfer_check(&t, &paths, true, &(struct report){0});
    store_folder_rise();
    assert_true(refused);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, "cannot write to the folder "));
    assert_non_null(strstr(why.text, "/accounts: Permission denied: make it writable"));
    assert_non_null(strstr(of_system.text, "/accounts: Permission denied: run this as root"));
    assert_true(taken);
}

static void folder_that_is_still_to_be_made(void **state)
{
    (void)state;
    strcat(paths.accounts, "/a/b");
    assert_true(transfer_check(&t, &paths, false, &why));
    assert_true(transfer_save(&t, &paths, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_account, begin, end),
        cmocka_unit_test_setup_teardown(account_that_is_there_already, begin, end),
        cmocka_unit_test_setup_teardown(mistake_in_the_account_file, begin, end),
        cmocka_unit_test_setup_teardown(tokens_that_cannot_be_read_again, begin, end),
        cmocka_unit_test_setup_teardown(folder_that_cannot_be_written, begin, end),
        cmocka_unit_test_setup_teardown(folder_that_is_still_to_be_made, begin, end),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
