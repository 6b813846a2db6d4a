/* The agent on a machine whose wall clock is set back after something failed: what was to wait for a while waits
 * no longer. */
#include "config.h"

#include "agent_rig.h"
#include "clock.h"
#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { AHEAD = 600 };

static const char ME[] = "me@example.org";

/* The agent's clock goes this much ahead; in memory that it shares with us. */
static int64_t *ahead;

/* The kernel's word to the agent that its clock was set, which here is a timer that we set too. */
static int clock_was_set;

int64_t __real_clock_wall(void);
int64_t __wrap_clock_wall(void);
int64_t __wrap_clock_wall(void)
{
    return __real_clock_wall() + *ahead;
}

int __real_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_create(int clock, int flags)
{
    return clock == CLOCK_REALTIME ? dup(clock_was_set) : __real_timerfd_create(clock, flags);
}

static int setup(void **state)
{
    *ahead = 0;
    clock_was_set = __real_timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    return clock_was_set >= 0 ? rig_setup(state) : -1;
}

static int teardown(void **state)
{
    int result = rig_teardown(state);
    close(clock_was_set);
    return result;
}

static void start_ahead(void)
{
    rig_state(ME, 0, NULL, 0);
    *ahead = AHEAD;
    rig_start();
}

static void set_clock_back(void)
{
    const struct itimerspec soon = {.it_value = {.tv_nsec = 1}};
    *ahead = 0;
    assert_int_equal(timerfd_settime(clock_was_set, 0, &soon, NULL), 0);
    RIG_AWAIT(strstr(rig_log(), "the clock was set"));
}

static void renewed_before_anybody_asks(void)
{
    RIG_AWAIT(rig_endpoint(0)->generation > 0);
    rig_await(ME, "at-0-1");
}

static void provider_that_was_down(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_endpoint(0)->mode = ENDPOINT_BROKEN;
    start_ahead();
    assert_non_null(strstr(rig_get(ME), "unreachable: "));
    rig_endpoint(0)->mode = ENDPOINT_GOOD;
    set_clock_back();
    renewed_before_anybody_asks();
}

static void secret_that_was_missing(void **state)
{
    char line[512];
    (void)state;
    const char *secret = folder_path("secret");
    unlink(secret);
    snprintf(line, sizeof line, "client_secret_file: %s\n", secret);
    rig_account(ME, 0, line);
    start_ahead();
    assert_non_null(strstr(rig_get(ME), "config: "));
    folder_write("secret", "s\n", 0600);
    set_clock_back();
    renewed_before_anybody_asks();
}

static int times_told(void)
{
    int count = 0;
    for (const char *at = rig_log(); (at = strstr(at, "run 'xoauth2 login")) != NULL; at++)
        count++;
    return count;
}

/* It waits for no time. */
static void dead_login_is_told_again(void **state)
{
    (void)state;
    store_folder_account(ME, "token_endpoint: http://127.0.0.1:1/\nclient_id: another\n");
    start_ahead();
    assert_non_null(strstr(rig_get(ME), "login-needed: "));
    assert_int_equal(times_told(), 1);
    set_clock_back();
    assert_non_null(strstr(rig_get(ME), "login-needed: "));
    rig_nap(300);
    assert_int_equal(times_told(), 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(provider_that_was_down),
        TEST(secret_that_was_missing),
        TEST(dead_login_is_told_again),
    };
    ahead = mmap(NULL, sizeof *ahead, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ahead == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests_name("agent: clock", tests, folder_make, folder_remove);
}
