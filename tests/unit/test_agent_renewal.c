/* The agent renews: once for all who wait, ahead of time, and without losing a refresh token. */
#include "config.h"

#include "agent_rig.h"
#include "clock.h"
#include "folder.h"
#include "schedule.h"
#include "store.h"
#include "store_folder.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ME[] = "me@example.org";
static const char YOU[] = "you@example.org";

/* The refresh token on disk is the last one issued: nothing is lost. */
static void assert_on_disk(const char *name, int number)
{
    char wanted[64];
    char path[PATH_MAX];
    state_path(&rig_paths, name, path);
    snprintf(wanted, sizeof wanted, "\"rt-%d-%d\"", number, rig_endpoint(number)->generation);
    assert_non_null(strstr(store_folder_read(path), wanted));
    assert_int_equal(rig_endpoint(number)->stale, 0);
}

static void expired_token_is_renewed_before_anybody_asks(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_start();
    RIG_AWAIT(rig_endpoint(0)->generation > 0);
    rig_await(ME, "at-0-1");
    assert_int_equal(rig_endpoint(0)->requests, 1);
    assert_on_disk(ME, 0);
}

static int lines_of_log(void)
{
    int count = 0;
    for (const char *p = rig_log(); *p; p++)
        count += *p == '\n';
    return count;
}

/* Fresh enough to be handed out, and still renewed. */
static void renewed_ahead_of_the_margin(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "fresh", 340);
    rig_start();
    rig_await(ME, "at-0-1");
    rig_nap(300);
    assert_int_equal(rig_endpoint(0)->requests, 1);
    assert_true(lines_of_log() <= 3);
    assert_on_disk(ME, 0);
}

/* A failure of which nothing is written to the disk must not be tried again and again. */
static void client_changed_after_the_login(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "old", -10);
    char text[256];
    snprintf(text, sizeof text, "token_endpoint: http://127.0.0.1:%d/0\nclient_id: another\n", rig_server.port);
    store_folder_account(ME, text);
    rig_start();
    assert_non_null(strstr(rig_get(ME), "login-needed: the client id of me@example.org was changed"));
    rig_nap(300);
    assert_true(lines_of_log() <= 3);
    assert_int_equal(rig_endpoint(0)->requests, 0);
    rig_account(ME, 0, "");
    assert_string_equal(rig_get(ME), "at-0-1");
}

/* The same for a disk that cannot be written to. */
static void state_that_cannot_be_written(void **state)
{
    char path[PATH_MAX + 32];
    (void)state;
    rig_expired(ME, 0);
    snprintf(path, sizeof path, "%s/me@example.org.lock", rig_paths.state);
    assert_int_equal(mkdir(path, 0700), 0); /* nobody can lock that */
    rig_start();
    assert_non_null(strstr(rig_get(ME), "config: "));
    rig_nap(300);
    assert_true(lines_of_log() <= 4);
    assert_int_equal(rig_endpoint(0)->requests, 0);
    assert_int_equal(rmdir(path), 0);
}

/* Nor every few seconds for ever. */
static void secret_that_is_missing_is_looked_for_less_and_less(void **state)
{
    (void)state;
    rig_account(ME, 0, "client_secret_file: /nowhere/secret\n");
    rig_state(ME, 0, "old", -10);
    int64_t start = clock_wall();
    rig_start();
    const char *first = NULL;
    RIG_AWAIT((first = strstr(rig_log(), "/nowhere/secret")) != NULL && strstr(first + 1, "/nowhere/secret"));
    assert_true(atoll(rig_status(ME, "next_refresh")) >= start + 3 * SCHEDULE_PAUSE_FIRST - 1);
}

static void sixty_four_clients_make_one_request(void **state)
{
    enum { CLIENTS = 64 };
    int fds[CLIENTS];
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->delay = 300;
    rig_start();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = rig_connect();
        rig_send(fds[i], "get\nuser=me@example.org\n\n");
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_non_null(strstr(rig_read(fds[i]), "token=at-0-1\n"));
        close(fds[i]);
    }
    assert_int_equal(rig_endpoint(0)->requests, 1);
    assert_on_disk(ME, 0);
}

static void slow_provider_delays_nobody_else(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_expired(YOU, 1);
    rig_endpoint(0)->held = 1;
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    token_endpoint_await(rig_endpoint(0));
    assert_string_equal(rig_get(YOU), "at-1-1");
    rig_endpoint(0)->held = 0;
    assert_non_null(strstr(rig_read(fd), "token=at-0-1\n"));
    close(fd);
}

static void one_503_at_expiry_is_no_failure(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->unavailable = 1;
    rig_start();
    assert_string_equal(rig_get(ME), "at-0-1");
    assert_int_equal(rig_endpoint(0)->requests, 2);
    assert_on_disk(ME, 0);
}

static void valid_token_is_served_while_the_provider_is_down(void **state)
{
    (void)state;
    rig_account(ME, 0, "refresh_margin: 600\n");
    rig_state(ME, 0, "still-good", 60);
    rig_endpoint(0)->mode = ENDPOINT_DOWN;
    rig_start();
    assert_string_equal(rig_get(ME), "still-good");
    int before = rig_endpoint(0)->requests;
    for (int i = 0; i < 20; i++)
        assert_string_equal(rig_get(ME), "still-good");
    assert_true(rig_endpoint(0)->requests <= before + 1);
}

static int lost_watches; /* of libcurl's sockets, while they connect */

int __real_epoll_ctl(int fd, int operation, int what, struct epoll_event *event);
int __wrap_epoll_ctl(int fd, int operation, int what, struct epoll_event *event);
int __wrap_epoll_ctl(int fd, int operation, int what, struct epoll_event *event)
{
    if (event->events & EPOLLOUT && lost_watches > 0) {
        lost_watches--;
        errno = ENOSPC;
        return -1;
    }
    return __real_epoll_ctl(fd, operation, what, event);
}

/* The kernel has limits, and memory ends: that costs one request, not all that follow. */
static void socket_that_cannot_be_watched(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    lost_watches = 1;
    rig_start();
    lost_watches = 0;
    rig_await(ME, "at-0-1");
    assert_on_disk(ME, 0);
}

/* Since this time, when there had been `before` requests, there were no more than the pause after a failure allows.
 * The times of failures are whole seconds. */
static void asked_no_sooner(int64_t since, int before)
{
    assert_true(rig_endpoint(0)->requests - before <= (clock_wall() - since) / (SCHEDULE_PAUSE_FIRST - 1));
}

static void provider_that_is_down_is_left_alone(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->mode = ENDPOINT_BROKEN;
    rig_start();
    assert_non_null(strstr(rig_get(ME), "unreachable: "));
    int before = rig_endpoint(0)->requests;
    int64_t since = clock_wall();
    for (int i = 0; i < 20; i++)
        assert_non_null(strstr(rig_get(ME), "unreachable: "));
    asked_no_sooner(since, before);
    assert_non_null(strstr(rig_status(ME, "last_error"), "unreachable"));
}

/* Each renewal succeeds, and still nobody can be served. */
static void token_that_ends_at_once_is_not_asked_for_again_and_again(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->lifetime = 4;
    int64_t start = clock_wall();
    rig_start();
    assert_non_null(strstr(rig_get(ME), "a token that ends within 5 s"));
    rig_nap(1500);
    assert_non_null(strstr(rig_get(ME), "unreachable: "));
    asked_no_sooner(start, 1);
    assert_int_equal(rig_endpoint(0)->stale, 0);
    assert_on_disk(ME, 0);
}

/* The provider is not to blame then. */
static void store_moved_during_an_exchange(void **state)
{
    char moved[PATH_MAX];
    (void)state;
    snprintf(moved, sizeof moved, "%s", folder_path("moved"));
    rig_expired(ME, 0);
    rig_endpoint(0)->held = 1;
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    token_endpoint_await(rig_endpoint(0));
    assert_int_equal(rename(rig_paths.state, moved), 0);
    rig_endpoint(0)->held = 0;
    const char *reply = rig_read(fd);
    close(fd);
    assert_int_equal(rename(moved, rig_paths.state), 0);
    assert_non_null(strstr(reply, "the state of me@example.org was changed while its token was renewed"));
    assert_null(strstr(rig_log(), "gave"));
}

static void retry_after_is_honoured(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->mode = ENDPOINT_DOWN;
    rig_endpoint(0)->retry_after = 200;
    rig_start();
    assert_non_null(strstr(rig_get(ME), "unreachable: "));
    int64_t next = atoll(rig_status(ME, "next_refresh"));
    assert_true(next >= clock_wall() + 190);
    assert_int_equal(rig_endpoint(0)->requests, 1);
}

static void dead_refresh_token_is_asked_for_once(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->mode = ENDPOINT_REFUSES;
    rig_start();
    for (int i = 0; i < 20; i++) {
        assert_non_null(strstr(rig_get(ME), "login-needed: "));
        assert_non_null(strstr(rig_get(ME), "run 'xoauth2 login me@example.org'"));
    }
    assert_int_equal(rig_endpoint(0)->requests, 1);
}

static void wrong_client_is_asked_for_once_until_the_file_changes(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->mode = ENDPOINT_CONFIG;
    rig_start();
    for (int i = 0; i < 20; i++)
        assert_non_null(strstr(rig_get(ME), "config: "));
    assert_int_equal(rig_endpoint(0)->requests, 1);
    rig_endpoint(0)->mode = ENDPOINT_GOOD;
    rig_nap(1100); /* the state's times are whole seconds */
    rig_account(ME, 0, "# corrected\n");
    assert_string_equal(rig_get(ME), "at-0-1");
}

static void margin_longer_than_the_lifetime(void **state)
{
    (void)state;
    rig_account(ME, 0, "refresh_margin: 86400\n");
    rig_state(ME, 0, NULL, 0);
    rig_start();
    for (int i = 0; i < 50; i++)
        assert_string_equal(rig_get(ME), "at-0-1");
    assert_int_equal(rig_endpoint(0)->requests, 1);
}

/* While a renewal waits for its turn. Then the token that was due is not, and must not be taken to be due again at
 * once. */
static void margin_that_was_lowered_in_the_provider_file(void **state)
{
    struct report why;
    (void)state;
    store_folder_provider("some", "refresh_margin: 1800\n");
    rig_account(ME, 0, "provider: some\n");
    rig_state(ME, 0, "first", 3000);
    rig_start();
    int lock = store_lock(&rig_paths, ME, 0, &why);
    assert_true(lock >= 0);
    rig_state(ME, 0, "fresh", 1850);
    RIG_AWAIT(strcmp(rig_status(ME, "renewing"), "yes") == 0);
    store_folder_provider("some", "refresh_margin: 60\n");
    store_unlock(&lock);
    RIG_AWAIT(strcmp(rig_status(ME, "renewing"), "no") == 0);
    rig_await_rest();
    assert_true(atoll(rig_status(ME, "next_refresh")) > clock_wall() + 1500);
    assert_string_equal(rig_get(ME), "fresh");
    assert_int_equal(rig_endpoint(0)->requests, 0);
}

/* --- the end --- */

static void sigterm_during_an_exchange_keeps_the_new_refresh_token(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->held = 1;
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    token_endpoint_await(rig_endpoint(0));
    rig_endpoint(0)->delay = 500;
    rig_endpoint(0)->held = 0;
    assert_int_equal(rig_end(SIGTERM), 0);
    assert_non_null(strstr(rig_read(fd), "token=at-0-1\n"));
    assert_int_equal(rig_endpoint(0)->generation, 1);
    assert_on_disk(ME, 0);
    close(fd);
}

static void kill_between_exchanges_loses_nothing(void **state)
{
    (void)state;
    for (int i = 1; i <= 5; i++) {
        char token[64];
        rig_account(ME, 0, "");
        if (i == 1)
            rig_state(ME, 0, NULL, 0);
        rig_start();
        snprintf(token, sizeof token, "at-0-%d", i);
        rig_await(ME, token);
        assert_int_equal(rig_end(SIGKILL), 128 + SIGKILL);
        assert_on_disk(ME, 0);
        rig_state(ME, 0, NULL, 0); /* the next one has to renew */
    }
}

static void remove_reserved(void)
{
    DIR *folder = opendir(rig_paths.state);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strncmp(entry->d_name, ".me@", 4) == 0)
            assert_int_equal(unlinkat(dirfd(folder), entry->d_name, 0), 0);
    closedir(folder);
}

/* The reserved file is gone and the folder is one that must not be used: the new tokens wait in memory until that is
 * mended. */
static void disk_that_takes_nothing_when_the_answer_comes(void **state)
{
    (void)state;
    rig_expired(ME, 0);
    rig_endpoint(0)->held = 1;
    rig_start();
    token_endpoint_await(rig_endpoint(0));
    remove_reserved();
    assert_int_equal(chmod(rig_paths.state, 0777), 0); /* refused: others might write to it */
    rig_endpoint(0)->held = 0;
    RIG_AWAIT(strstr(rig_log(), "the new tokens are in memory alone"));
    assert_int_equal(chmod(rig_paths.state, 0700), 0);
    rig_await(ME, "at-0-1");
    assert_on_disk(ME, 0);
    assert_int_equal(rig_endpoint(0)->requests, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(expired_token_is_renewed_before_anybody_asks),
        TEST(renewed_ahead_of_the_margin),
        TEST(client_changed_after_the_login),
        TEST(state_that_cannot_be_written),
        TEST(secret_that_is_missing_is_looked_for_less_and_less),
        TEST(sixty_four_clients_make_one_request),
        TEST(slow_provider_delays_nobody_else),
        TEST(one_503_at_expiry_is_no_failure),
        TEST(valid_token_is_served_while_the_provider_is_down),
        TEST(socket_that_cannot_be_watched),
        TEST(provider_that_is_down_is_left_alone),
        TEST(token_that_ends_at_once_is_not_asked_for_again_and_again),
        TEST(store_moved_during_an_exchange),
        TEST(retry_after_is_honoured),
        TEST(dead_refresh_token_is_asked_for_once),
        TEST(wrong_client_is_asked_for_once_until_the_file_changes),
        TEST(margin_longer_than_the_lifetime),
        TEST(margin_that_was_lowered_in_the_provider_file),
        TEST(sigterm_during_an_exchange_keeps_the_new_refresh_token),
        TEST(kill_between_exchanges_loses_nothing),
        TEST(disk_that_takes_nothing_when_the_answer_comes),
    };
    return cmocka_run_group_tests_name("agent: renewals", tests, folder_make, folder_remove);
}
