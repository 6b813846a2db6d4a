/* What the agent tells the person: once, by the command of the account. */
#include "config.h"

#include "agent_rig.h"
#include "clock.h"
#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char ME[] = "me@example.org";
static const char ENDING[] = "ends in 3 days: run 'xoauth2 login me@example.org'";

/* The account, with a command that adds a line to the file whenever it is told something. */
static const char *announcing(const char *file)
{
    char line[512];
    const char *note = folder_path(file);
    unlink(note);
    const char *script = folder_write("announce", "#!/bin/sh\nprintf '%s|%s|%s\\n' \"$@\" >> \"$1\"\n", 0700);
    snprintf(line, sizeof line, "notify_command: %s %s\n", script, note);
    rig_account(ME, 0, line);
    return note;
}

/* What the command wrote: its first line, and a while later whatever else it should not have written. */
static const char *announced_in(const char *note)
{
    RIG_AWAIT(access(note, F_OK) == 0 && strchr(store_folder_read(note), '\n'));
    rig_nap(200);
    return store_folder_read(note);
}

/* What was announced is not announced again by the next agent, which logs it all the same. */
static void restart_says_nothing(const char *note)
{
    char before[1024];
    snprintf(before, sizeof before, "%s", store_folder_read(note));
    assert_int_equal(rig_end(SIGTERM), 0);
    rig_start();
    rig_get(ME);
    RIG_AWAIT(strstr(rig_log(), "run 'xoauth2 login me@example.org'"));
    rig_nap(300);
    assert_string_equal(store_folder_read(note), before);
}

static void dead_login_is_announced_once(void **state)
{
    (void)state;
    const char *note = announcing("announced");
    rig_state(ME, 0, "old", -10);
    rig_endpoint(0)->mode = ENDPOINT_REFUSES;
    rig_start();
    for (int i = 0; i < 10; i++)
        assert_non_null(strstr(rig_get(ME), "login-needed: "));
    const char *text = announced_in(note);
    assert_non_null(strstr(text, "|xoauth2: me@example.org|"));
    assert_non_null(strstr(text, "run 'xoauth2 login me@example.org'"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    restart_says_nothing(note);
    unlink(note);
    rig_nap(1100);                /* times are seconds */
    rig_state(ME, 0, "old", -10); /* a login, which ends in its turn */
    assert_non_null(strstr(rig_get(ME), "login-needed: "));
    assert_non_null(strstr(announced_in(note), "|xoauth2: me@example.org|"));
}

/* A refresh token that ends in three days, of ninety; an access token that ends in some seconds, and more. */
static void ending_state(int64_t seconds, const char *more)
{
    char text[1024];
    int64_t now = clock_wall();
    snprintf(text, sizeof text,
             "{\"access_token\":\"kept\",\"obtained_at\":%lld,\"expires_at\":%lld,\"refresh_token\":\"rt-0-0\","
             "\"refresh_obtained_at\":%lld,\"refresh_expires_at\":%lld,\"client_id\":\"c\"%s}\n",
             (long long)(now + seconds - 3600), (long long)(now + seconds), (long long)now - 86400 * 87,
             (long long)now + 86400 * 3 + 60, more);
    store_folder_state(ME, text);
}

static void end_of_the_refresh_token_is_announced_once(void **state)
{
    (void)state;
    const char *note = announcing("ending");
    ending_state(3600, "");
    rig_start();
    assert_string_equal(rig_get(ME), "kept");
    const char *told = announced_in(note);
    assert_non_null(strstr(told, ENDING));
    assert_ptr_equal(strchr(told, '\n'), told + strlen(told) - 1);
    restart_says_nothing(note);
}

/* The login ended and came anew since its warning time; that was told, and this is another thing. */
static void end_of_the_refresh_token_after_a_dead_login(void **state)
{
    (void)state;
    const char *note = announcing("after");
    ending_state(3600, "");
    folder_write("state/me@example.org.told", "", 0600);
    rig_start();
    assert_string_equal(rig_get(ME), "kept");
    assert_non_null(strstr(announced_in(note), ENDING));
    restart_says_nothing(note);
}

/* The agent must not look at it without a pause until then. */
static void end_is_logged_after_the_refusal(const char *error)
{
    char failure[256];
    int64_t now = clock_wall();
    snprintf(failure, sizeof failure,
             ",\"last_error\":{\"code\":\"%s\",\"message\":\"no\",\"at\":%lld,\"retry_at\":%lld}", error,
             (long long)now, (long long)now + 3600);
    ending_state(-10, failure);
    rig_start();
    rig_await_rest();
    ending_state(3600, "");
    assert_string_equal(rig_get(ME), "kept");
    assert_non_null(strstr(rig_log(), ENDING));
}

static void end_of_the_refresh_token_while_the_login_is_dead(void **state)
{
    (void)state;
    announcing("dead");
    end_is_logged_after_the_refusal("login-needed");
}

static void end_of_the_refresh_token_while_the_provider_is_down(void **state)
{
    (void)state;
    const char *note = announcing("down");
    end_is_logged_after_the_refusal("unreachable");
    assert_non_null(strstr(announced_in(note), ENDING));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(dead_login_is_announced_once),
        TEST(end_of_the_refresh_token_is_announced_once),
        TEST(end_of_the_refresh_token_after_a_dead_login),
        TEST(end_of_the_refresh_token_while_the_login_is_dead),
        TEST(end_of_the_refresh_token_while_the_provider_is_down),
    };
    return cmocka_run_group_tests_name("agent: what the person is told", tests, folder_make, folder_remove);
}
