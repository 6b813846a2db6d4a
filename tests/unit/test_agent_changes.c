/* The agent and what others do to the store: logins, logouts, edited account files, a lock that is taken. */
#include "config.h"

#include "account.h"
#include "agent_rig.h"
#include "clock.h"
#include "folder.h"
#include "store.h"
#include "store_folder.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char ME[] = "me@example.org";
static const char YOU[] = "you@example.org";

static void login_is_seen_at_the_next_get(void **state)
{
    (void)state;
    rig_start();
    assert_non_null(strstr(rig_get(ME), "no-account: "));
    rig_account(ME, 0, "");
    rig_state(ME, 0, "first", 3000);
    assert_string_equal(rig_get(ME), "first");
    rig_state(ME, 0, "second", 3000);
    assert_string_equal(rig_get(ME), "second");
}

static void login_revives_a_dead_account(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->mode = ENDPOINT_REFUSES;
    rig_start();
    assert_non_null(strstr(rig_get(ME), "login-needed: "));
    rig_state(ME, 0, "anew", 3000);
    assert_string_equal(rig_get(ME), "anew");
}

static void logout_is_seen_at_the_next_get(void **state)
{
    char path[PATH_MAX];
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "kept", 3000);
    rig_start();
    assert_string_equal(rig_get(ME), "kept");
    state_path(&rig_paths, ME, path);
    assert_int_equal(unlink(path), 0);
    assert_non_null(strstr(rig_get(ME), "login-needed: "));
    account_path(&rig_paths, ME, path);
    assert_int_equal(unlink(path), 0);
    assert_non_null(strstr(rig_get(ME), "no-account: "));
}

/* Written in place, which does not change the folder. */
static void edited_users_is_seen_at_the_next_get(void **state)
{
    char path[PATH_MAX];
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "kept", 3000);
    rig_start();
    assert_non_null(strstr(rig_get(YOU), "no-account: "));
    account_path(&rig_paths, ME, path);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs("users: you@example.org *@example.com\n", file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(rig_get(YOU), "kept");
    assert_string_equal(rig_get("Any.One@EXAMPLE.com"), "kept");
}

static void broken_file_is_named(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "kept", 3000);
    rig_start();
    assert_string_equal(rig_get(ME), "kept");
    rig_account(ME, 0, "hoosts: x\n");
    assert_non_null(strstr(rig_get(ME), "did you mean 'hosts'?"));
    rig_account(ME, 0, "");
    assert_string_equal(rig_get(ME), "kept");
}

/* Another process serves it from now on; in the agent's loop its command would be waited for. At no moment there is
 * no account. The file that the command leaves is in a static buffer. */
static const char *account_with_a_command(void)
{
    static char trace[PATH_MAX];
    char path[PATH_MAX];
    char text[PATH_MAX + 256];
    snprintf(trace, sizeof trace, "%s", folder_path("trace"));
    unlink(trace);
    snprintf(text, sizeof text,
             "token_endpoint: http://127.0.0.1:%d/0\nclient_id: c\nclient_secret_command: touch %s\n",
             rig_server.port, trace);
    account_path(&rig_paths, ME, path);
    assert_int_equal(rename(folder_write("new", text, 0600), path), 0);
    assert_non_null(strstr(rig_get(ME), "no-account: "));
    return trace;
}

/* The account is renewed at three eighths of its token's life at the earliest, and at half of it at the latest. */
static void served_no_longer_before_it_is_due(int lifetime, bool *in_time)
{
    char text[512];
    long long now = clock_wall();
    rig_account(ME, 0, "");
    snprintf(text, sizeof text,
             "{\"access_token\": \"short\", \"obtained_at\": %lld, \"expires_at\": %lld, \"login_at\": 1, "
             "\"refresh_token\": \"rt-0-%d\", \"client_id\": \"c\", \"token_endpoint\": \"http://127.0.0.1:%d/0\"}",
             now, now + lifetime, rig_endpoint(0)->generation, rig_server.port);
    store_folder_state(ME, text);
    int requests = rig_endpoint(0)->requests;
    rig_start();
    bool was_short = strcmp(rig_get(ME), "short") == 0;
    const char *trace = account_with_a_command();
    *in_time = clock_wall() < now + lifetime * 3 / 8;
    if (*in_time) {
        assert_true(was_short);
        rig_nap(lifetime * 1000 / 2 + 200);
        assert_null(strstr(rig_log(), "client_secret_command"));
        assert_int_equal(access(trace, F_OK), -1);
        assert_int_equal(rig_endpoint(0)->requests, requests);
    }
}

static void timer_of_an_account_that_is_no_longer_served(void **state)
{
    (void)state;
    bool in_time = false;
    for (int lifetime = 8; !in_time; lifetime *= 2) { /* a slow machine needs more */
        if (rig_pid > 0)
            rig_end(SIGTERM);
        served_no_longer_before_it_is_due(lifetime, &in_time);
    }
}

/* A `get` of an expired token while another process has the account's lock. Returns the connection. */
static int get_behind_a_lock(int *lock)
{
    struct report why;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "old", 3000);
    rig_start();
    *lock = store_lock(&rig_paths, ME, 0, &why);
    assert_true(*lock >= 0);
    rig_state(ME, 0, "old", -10);
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    return fd;
}

static void renewal_of_an_account_that_is_no_longer_served(void **state)
{
    (void)state;
    int lock;
    int fd = get_behind_a_lock(&lock);
    RIG_AWAIT(strcmp(rig_status(ME, "waiting"), "1") == 0);
    const char *trace = account_with_a_command();
    store_unlock(&lock);
    assert_non_null(strstr(rig_read(fd), "code=no-account\n"));
    close(fd);
    assert_null(strstr(rig_log(), "client_secret_command"));
    assert_int_equal(access(trace, F_OK), -1);
    assert_int_equal(rig_endpoint(0)->requests, 0);
    rig_account(ME, 0, "");
    assert_string_equal(rig_get(ME), "at-0-1");
}

static void two_accounts_that_match_equally(void **state)
{
    (void)state;
    rig_account(ME, 0, "users: shared@example.org\n");
    rig_account(YOU, 1, "users: shared@example.org\n");
    rig_start();
    assert_non_null(strstr(rig_get("shared@example.org"), "config: shared@example.org matches the 'users:' of"));
}

static void wrong_host(void **state)
{
    (void)state;
    rig_account(ME, 0, "hosts: imap.example.org\n");
    rig_state(ME, 0, "kept", 3000);
    rig_start();
    assert_non_null(strstr(rig_ask("get\nuser=me@example.org\nhost=imap.example.org\n\n"), "token=kept\n"));
    const char *reply = rig_ask("get\nuser=me@example.org\nhost=evil.example\n\n");
    assert_non_null(strstr(reply, "code=wrong-host\n"));
    assert_null(strstr(reply, "kept"));
}

/* The lock of the account is another process's; it renews meanwhile, and its token is taken over. */
static void another_process_renews_first(void **state)
{
    (void)state;
    int lock;
    int fd = get_behind_a_lock(&lock);
    rig_nap(200);
    rig_state(ME, 0, "from-the-other", 3000);
    store_unlock(&lock);
    assert_non_null(strstr(rig_read(fd), "token=from-the-other\n"));
    assert_int_equal(rig_endpoint(0)->requests, 0);
    close(fd);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(login_is_seen_at_the_next_get),
        TEST(login_revives_a_dead_account),
        TEST(logout_is_seen_at_the_next_get),
        TEST(edited_users_is_seen_at_the_next_get),
        TEST(broken_file_is_named),
        TEST(timer_of_an_account_that_is_no_longer_served),
        TEST(renewal_of_an_account_that_is_no_longer_served),
        TEST(two_accounts_that_match_equally),
        TEST(wrong_host),
        TEST(another_process_renews_first),
    };
    return cmocka_run_group_tests_name("agent: changes by others", tests, folder_make, folder_remove);
}
