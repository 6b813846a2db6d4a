/* How long `xoauth2 helper` waits for a request. */
#include "config.h"

#include "command.h"
#include "folder.h"
#include "test.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAITS_MAX = 64, STEP = 10 /* milliseconds */ };

static const char REQUEST[] = "get\nuser=me@x.org\n\n";
enum { REQUEST_LEN = sizeof REQUEST - 1 };

static const char *coming;   /* what is still to be written, a byte at a time */
static bool goes_silent;     /* then nothing comes; else the input ends */
static int feed = -1;        /* the other end of standard input */
static int waits[WAITS_MAX]; /* the milliseconds of each wait for input */
static size_t wait_count;
static char replies[4096];

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (count != 1 || fds->fd != STDIN_FILENO)
        return __real_poll(fds, count, timeout);
    assert_true(wait_count < WAITS_MAX);
    waits[wait_count++] = timeout;
    usleep(STEP * 1000);
    if (!*coming && goes_silent)
        return 0;
    if (*coming) {
        assert_int_equal(write(feed, coming++, 1), 1);
    } else if (feed >= 0) {
        close(feed);
        feed = -1;
    }
    return __real_poll(fds, count, timeout);
}

/* Stands in for the helper's own. */
bool command_write(const char *data, size_t len)
{
    assert_true(strlen(replies) + len < sizeof replies);
    strncat(replies, data, len);
    return true;
}

static int serve(const char *input, bool silent)
{
    const struct command command = {.system = false};
    int ends[2];
    int before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    feed = ends[1];
    coming = input;
    goes_silent = silent;
    wait_count = 0;
    replies[0] = '\0';
    int status = verb_helper(&command);
    dup2(before, STDIN_FILENO);
    close(before);
    if (feed >= 0)
        close(feed);
    return status;
}

/* Single bytes do not put the end off; a reply does. */
static void time_runs_from_reply_to_request(void **state)
{
    (void)state;
    char input[2 * REQUEST_LEN + 1];
    strcpy(input, REQUEST);
    strcat(input, REQUEST);
    assert_int_equal(serve(input, false), EXIT_OK);
    assert_int_equal(wait_count, 2 * REQUEST_LEN + 1);
    assert_true(waits[REQUEST_LEN - 1] <= waits[0] - (REQUEST_LEN - 1) * STEP);
    assert_true(waits[REQUEST_LEN] > waits[REQUEST_LEN - 1]);
    assert_true(waits[2 * REQUEST_LEN - 1] <= waits[REQUEST_LEN] - (REQUEST_LEN - 1) * STEP);
}

static void nothing_is_asked_any_more(void **state)
{
    (void)state;
    assert_int_equal(serve("", true), EXIT_OK);
    assert_string_equal(replies, "");
    assert_int_equal(serve(REQUEST, true), EXIT_OK);
    assert_null(strstr(replies, "malformed"));
}

static void request_that_does_not_end(void **state)
{
    (void)state;
    assert_int_equal(serve("get\n", true), EXIT_FAILED);
    assert_non_null(strstr(replies, "\ncode=config\nmessage=the request is malformed"));
}

static int prepare(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    folder_home();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_runs_from_reply_to_request),
        cmocka_unit_test(nothing_is_asked_any_more),
        cmocka_unit_test(request_that_does_not_end),
    };
    return cmocka_run_group_tests(tests, prepare, folder_remove);
}
