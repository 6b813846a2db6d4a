/* When a token is to be renewed: arithmetic, also for clocks that jump. */
#include "config.h"

#include "schedule.h"

#include "loop.h"
#include "test.h"

#include <stdlib.h>

enum { NOW = 1000000, HOUR = 3600, JITTER_MOST = UINT16_MAX };

static struct standing fresh(void)
{
    return (struct standing){
        .has_token = true, .has_refresh = true, .obtained_at = NOW, .expires_at = NOW + HOUR, .margin = 300};
}

static void ahead_of_the_margin(void **state)
{
    (void)state;
    struct standing s = fresh();
    int64_t first = schedule_renewal(&s, NOW, 0);
    int64_t last = schedule_renewal(&s, NOW, JITTER_MOST);
    assert_int_equal(first, NOW + HOUR - 300 - SCHEDULE_LEAD_MAX);
    assert_int_equal(last, NOW + HOUR - 300 - SCHEDULE_LEAD_MAX / 2);
    assert_true(schedule_is_fresh(&s, last)); /* nobody has to wait yet */
}

static void short_lifetime(void **state)
{
    (void)state;
    struct standing s = fresh();
    s.expires_at = NOW + 60;
    for (unsigned jitter = 0; jitter <= JITTER_MOST; jitter += 4369) {
        int64_t due = schedule_renewal(&s, NOW, (uint16_t)jitter);
        assert_true(due > NOW && due < NOW + 30);
    }
    s.expires_at = NOW + 1;
    assert_true(schedule_renewal(&s, NOW, 0) <= NOW + 1);
}

static void expired(void **state)
{
    (void)state;
    struct standing s = fresh();
    assert_true(schedule_renewal(&s, NOW + HOUR, 0) <= NOW + HOUR);
    s.has_token = false;
    assert_int_equal(schedule_renewal(&s, NOW, 0), NOW);
}

static void nothing_to_renew_with(void **state)
{
    (void)state;
    struct standing s = fresh();
    s.has_refresh = false;
    assert_true(schedule_renewal(&s, NOW, 0) == SCHEDULE_NEVER);
    s.has_refresh = true;
    s.error = FAILURE_LOGIN_NEEDED;
    assert_true(schedule_renewal(&s, NOW, 0) == SCHEDULE_NEVER);
}

static void clock_set_back(void **state)
{
    (void)state;
    struct standing s = fresh();
    int64_t now = NOW - 86400; /* the token comes from the future */
    assert_int_equal(schedule_renewal(&s, now, 0), now);
    s.error = FAILURE_UNREACHABLE;
    s.error_at = NOW;
    s.retry_at = NOW + 5;
    s.failures = 1;
    assert_int_equal(schedule_renewal(&s, now, 0), now); /* nor does that failure count, or it would for a day */
}

static void clock_set_forward(void **state)
{
    (void)state;
    struct standing s = fresh();
    assert_true(schedule_renewal(&s, NOW + 86400, 0) <= NOW + 86400);
}

static void longer_and_longer_pauses(void **state)
{
    (void)state;
    struct standing s = fresh();
    int64_t before = 0;
    s.has_token = false;
    s.error = FAILURE_UNREACHABLE;
    s.error_at = NOW;
    for (s.failures = 1; s.failures < 12; s.failures++) {
        int64_t pause = schedule_renewal(&s, NOW, 0) - NOW;
        assert_true(pause >= before && pause <= SCHEDULE_PAUSE_MAX);
        before = pause;
    }
    assert_int_equal(before, SCHEDULE_PAUSE_MAX);
}

static void retry_after(void **state)
{
    (void)state;
    struct standing s = fresh();
    s.has_token = false;
    s.error = FAILURE_UNREACHABLE;
    s.error_at = NOW;
    s.retry_at = NOW + 250;
    s.failures = 1;
    assert_int_equal(schedule_renewal(&s, NOW, 0), NOW + 250);
}

static void warning_before_the_end(void **state)
{
    (void)state;
    struct standing s = fresh();
    assert_true(schedule_warning(&s) == SCHEDULE_NEVER);
    s.refresh_obtained_at = NOW;
    s.refresh_ends_at = NOW + 90 * 86400;
    assert_int_equal(schedule_warning(&s), NOW + 83 * 86400);
    s.refresh_ends_at = NOW + 86400;
    assert_int_equal(schedule_warning(&s), NOW + 64800);
}

/* --- the heap of timers --- */

enum { TIMERS = 200 };

static struct loop loop;
static struct timer timers[TIMERS];
static int64_t last_due;
static int fired;

static void fire(struct timer *t)
{
    assert_true(t->due >= last_due);
    last_due = t->due;
    if (++fired == TIMERS / 2)
        loop.stop = true;
}

static void timers_fire_in_order(void **state)
{
    struct report why;
    (void)state;
    assert_true(loop_open(&loop, &why));
    srand(1);
    for (int i = 0; i < TIMERS; i++) {
        assert_true(timer_register(&loop, &timers[i], fire));
        timer_set(&loop, &timers[i], rand() % 1000 + 1);
    }
    for (int i = 0; i < TIMERS; i++)
        timer_set(&loop, &timers[i], rand() % 1000 + 1);
    for (int i = 0; i < TIMERS; i += 2)
        timer_clear(&loop, &timers[i]);
    loop_run(&loop);
    assert_int_equal(fired, TIMERS / 2);
    for (int i = 0; i < TIMERS; i++)
        timer_release(&loop, &timers[i]);
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ahead_of_the_margin),
        cmocka_unit_test(short_lifetime),
        cmocka_unit_test(expired),
        cmocka_unit_test(nothing_to_renew_with),
        cmocka_unit_test(clock_set_back),
        cmocka_unit_test(clock_set_forward),
        cmocka_unit_test(longer_and_longer_pauses),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(warning_before_the_end),
        cmocka_unit_test(timers_fire_in_order),
    };
    return cmocka_run_group_tests_name("agent: schedule and timers", tests, NULL, NULL);
}
