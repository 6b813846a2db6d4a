/* States behind commands: the file is the truth while the commands have not taken the state. */
#include "config.h"

#include "keeper.h"

#include "folder.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "me@x.org"

static struct paths p;
static struct account account;
static struct report why;

/* An account whose commands are these shell words, run in the test's folder. */
static void use(const char *read_words, const char *write_words)
{
    char text[2048];
    struct secret copy;
    secret_init(&copy, KEYFILE_SIZE_MAX);
    snprintf(text, sizeof text,
             "token_endpoint: https://x.org/t\nstore_read: sh -c 'cd %s; %s'\nstore_write: sh -c 'cd %s; %s'\n",
             folder_path(""), read_words, folder_path(""), write_words);
    assert_true(secret_adds(&copy, text));
    account_free(&account);
    if (!account_parse(&account, &p, NAME, &copy, &why))
        fail_msg("%s", why.text);
    secret_free(&copy);
}

static int begin(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    p = (struct paths){.owner = getuid()};
    snprintf(p.accounts, sizeof p.accounts, "%s", folder_path("accounts"));
    snprintf(p.state, sizeof p.state, "%s", folder_path("state"));
    account_init(&account);
    return 0;
}

static int end(void **state)
{
    account_free(&account);
    return folder_remove(state);
}

static bool save(const char *token)
{
    struct state s;
    state_init(&s);
    assert_true(state_set(&s.refresh_token, token));
    int lock = store_lock(&p, NAME, 0, &why);
    assert_true(lock >= 0);
    bool ok = keeper_save(&s, &account, &p, &why);
    store_unlock(&lock);
    state_free(&s);
    return ok;
}

static void must_hold(const char *token)
{
    struct state s;
    enum readfile_result result = keeper_load(&s, &account, &p, &why);
    if (result != READFILE_OK)
        fail_msg("%s", why.text);
    assert_string_equal(s.refresh_token, token);
    state_free(&s);
}

static void state_stays_in_the_file(void **unused)
{
    (void)unused;
    use("cat kept", "cat > kept");
    assert_true(save("one"));
    assert_string_equal(why.text, "");
    assert_false(keeper_is_waiting(&account, &p));
    must_hold("one");
    assert_true(save("two"));
    must_hold("two");
}

static void state_is_lost_with_a_failed_command(void **unused)
{
    (void)unused;
    static const char *const BROKEN[] = {"exit 1", ": > kept; exit 1", "head -c 10 > kept", "cat > elsewhere",
                                         "kill -9 $$"};
    for (size_t i = 0; i < sizeof BROKEN / sizeof BROKEN[0]; i++) {
        use("cat kept", "cat > kept");
        assert_true(save("old"));
        use("cat kept", BROKEN[i]);
        assert_true(save("new"));
        assert_true(*why.text);
        assert_int_equal(why.code, FAILURE_NONE);
        assert_null(strstr(why.text, "new"));
        assert_true(keeper_is_waiting(&account, &p));
        must_hold("new");
        use("cat kept", "cat > kept");
        must_hold("new");
        assert_true(save("newer"));
        assert_false(keeper_is_waiting(&account, &p));
        must_hold("newer");
    }
}

static void store_that_cuts_is_taken_for_another_place(void **unused)
{
    (void)unused;
    char token[9001];
    memset(token, 't', sizeof token - 1);
    token[sizeof token - 1] = '\0';
    use("cat kept", "head -c 8192 > kept");
    assert_true(save(token));
    assert_non_null(strstr(why.text, ":3: 'store_write' keeps only 8192 of 9"));
    assert_non_null(strstr(why.text, " bytes: use another store"));
    must_hold(token);
    use("cat kept", "tr t s > kept");
    assert_true(save(token));
    assert_non_null(strstr(why.text, "they must reach the same place"));
    use("printf %.0s. x", "cat > kept");
    assert_true(save(token));
    assert_non_null(strstr(why.text, "they must reach the same place"));
}

static void blanks_at_the_end_matter(void **unused)
{
    (void)unused;
    use("cat kept; echo; echo", "cat > kept");
    assert_true(save("one"));
    assert_false(keeper_is_waiting(&account, &p));
    must_hold("one");
}

static void removal_leaves_the_tokens(void **unused)
{
    (void)unused;
    struct state s;
    use("cat kept", "cat > kept");
    assert_true(save("one"));
    assert_true(keeper_remove(&account, &p, &why));
    assert_int_equal(keeper_load(&s, &account, &p, &why), READFILE_OK);
    assert_null(s.refresh_token);
    state_free(&s);
    use("cat kept", "exit 1");
    assert_true(save("two"));
    assert_false(keeper_remove(&account, &p, &why)); /* the commands still have the old one */
    assert_true(keeper_is_waiting(&account, &p));
}

static void nothing_kept_is_no_error(void **unused)
{
    (void)unused;
    struct state s;
    use("exit 1", "cat > kept");
    assert_int_equal(keeper_load(&s, &account, &p, &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, "run 'xoauth2 login " NAME "'"));
    use("true", "cat > kept");
    assert_int_equal(keeper_load(&s, &account, &p, &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, "the command wrote nothing"));
    use("echo \"{\"", "cat > kept");
    assert_int_equal(keeper_load(&s, &account, &p, &why), READFILE_REFUSED);
    assert_non_null(strstr(why.text, "is damaged"));
}

static void access_token_of_another_client_is_forgotten(void **unused)
{
    struct state s;
    (void)unused;
    state_init(&s);
    use("cat kept", "cat > kept");
    assert_true(state_set(&s.access_token, "token") && state_set(&s.client_id, "old"));
    int lock = store_lock(&p, NAME, 0, &why);
    assert_true(keeper_save(&s, &account, &p, &why));
    store_unlock(&lock);
    state_free(&s);
    assert_int_equal(keeper_load(&s, &account, &p, &why), READFILE_OK);
    assert_string_equal(s.access_token, "token");
    state_free(&s);
    account.file.value[SETTING_CLIENT_ID] = "new";
    assert_int_equal(keeper_load(&s, &account, &p, &why), READFILE_OK);
    assert_null(s.access_token);
    state_free(&s);
}

/* Saves while the command that takes the state does this in the store's folder. What is left in `file` is read. */
static void save_while(const char *done, const char *file, char left[16])
{
    char words[512];
    int fd = open(folder_path(file), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    snprintf(words, sizeof words, "cat > kept; cd state && %s", done);
    use("cat kept", words);
    alarm(20);
    assert_true(save("new"));
    alarm(0);
    assert_false(keeper_is_waiting(&account, &p));
    memset(left, 0, 16);
    assert_true(read(fd, left, 15) > 0);
    close(fd);
}

static void file_in_place_of_the_state_is_overwritten(void **unused)
{
    (void)unused;
    char left[16];
    use("cat kept", "cat > kept");
    assert_true(save("old"));
    folder_write("ours", "untouched", 0600);
    save_while("mv -f ../ours " NAME ".json", "ours", left);
    assert_string_equal(left, "");
    folder_write("linked", "untouched", 0600);
    save_while("ln ../linked x && mv -f x " NAME ".json", "linked", left);
    assert_string_equal(left, "untouched");
    if (getuid() != 0)
        return;
    assert_int_equal(chown(folder_write("stranger", "untouched", 0600), 65534, 65534), 0);
    save_while("mv -f ../stranger " NAME ".json", "stranger", left);
    assert_string_equal(left, "untouched");
}

static void fifo_in_place_of_the_state_is_waited_for(void **unused)
{
    (void)unused;
    char left[16];
    folder_write("other", "untouched", 0600);
    save_while("rm " NAME ".json && mkfifo -m 600 " NAME ".json", "other", left);
    must_hold("new");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(state_stays_in_the_file, begin, end),
        cmocka_unit_test_setup_teardown(state_is_lost_with_a_failed_command, begin, end),
        cmocka_unit_test_setup_teardown(store_that_cuts_is_taken_for_another_place, begin, end),
        cmocka_unit_test_setup_teardown(blanks_at_the_end_matter, begin, end),
        cmocka_unit_test_setup_teardown(removal_leaves_the_tokens, begin, end),
        cmocka_unit_test_setup_teardown(nothing_kept_is_no_error, begin, end),
        cmocka_unit_test_setup_teardown(access_token_of_another_client_is_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(file_in_place_of_the_state_is_overwritten, begin, end),
        cmocka_unit_test_setup_teardown(fifo_in_place_of_the_state_is_waited_for, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
