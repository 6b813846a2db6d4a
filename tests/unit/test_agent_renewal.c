/* The agent renews: once for all who wait, ahead of time, and without losing a refresh token. */
#include "config.h"

#include "account.h"
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
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ME[] = "me@example.org";
static const char YOU[] = "you@example.org";
static const char ENDING[] = "ends in 3 days: run 'xoauth2 login me@example.org'";

static struct endpoint *endpoint(int number)
{
    return &rig_server.endpoints[number];
}

static void expired(const char *name, int number)
{
    rig_account(name, number, "");
    rig_state(name, number, "old", -10);
}

/* The refresh token on disk is the last one issued: nothing is lost. */
static void assert_on_disk(const char *name, int number)
{
    char wanted[64];
    char path[PATH_MAX];
    state_path(&rig_paths, name, path);
    snprintf(wanted, sizeof wanted, "\"rt-%d-%d\"", number, endpoint(number)->generation);
    assert_non_null(strstr(store_folder_read(path), wanted));
    assert_int_equal(endpoint(number)->stale, 0);
}

static void expired_token_is_renewed_before_anybody_asks(void **state)
{
    (void)state;
    expired(ME, 0);
    rig_start();
    RIG_AWAIT(endpoint(0)->generation > 0);
    rig_await(ME, "at-0-1");
    assert_int_equal(endpoint(0)->requests, 1);
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
    assert_int_equal(endpoint(0)->requests, 1);
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
    assert_int_equal(endpoint(0)->requests, 0);
    rig_account(ME, 0, "");
    assert_string_equal(rig_get(ME), "at-0-1");
}

/* The same for a disk that cannot be written to. */
static void state_that_cannot_be_written(void **state)
{
    char path[PATH_MAX + 32];
    (void)state;
    expired(ME, 0);
    snprintf(path, sizeof path, "%s/me@example.org.lock", rig_paths.state);
    assert_int_equal(mkdir(path, 0700), 0); /* nobody can lock that */
    rig_start();
    assert_non_null(strstr(rig_get(ME), "config: "));
    rig_nap(300);
    assert_true(lines_of_log() <= 4);
    assert_int_equal(endpoint(0)->requests, 0);
    assert_int_equal(rmdir(path), 0);
}

/* Nor every few seconds for ever. */
static void secret_that_is_missing_is_looked_for_less_and_less(void **state)
{
    (void)state;
    rig_account(ME, 0, "client_secret_file: /nowhere/secret\n");
    rig_state(ME, 0, "old", -10);
    rig_start();
    const char *first = NULL;
    RIG_AWAIT((first = strstr(rig_log(), "/nowhere/secret")) != NULL && strstr(first + 1, "/nowhere/secret"));
    assert_true(atoll(rig_status(ME, "next_refresh")) > clock_wall() + SCHEDULE_PAUSE_FIRST + 1);
}

static void sixty_four_clients_make_one_request(void **state)
{
    enum { CLIENTS = 64 };
    int fds[CLIENTS];
    (void)state;
    expired(ME, 0);
    endpoint(0)->delay = 300;
    rig_start();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = rig_connect();
        rig_send(fds[i], "get\nuser=me@example.org\n\n");
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_non_null(strstr(rig_read(fds[i]), "token=at-0-1\n"));
        close(fds[i]);
    }
    assert_int_equal(endpoint(0)->requests, 1);
    assert_on_disk(ME, 0);
}

static void slow_provider_delays_nobody_else(void **state)
{
    (void)state;
    expired(ME, 0);
    expired(YOU, 1);
    endpoint(0)->delay = 4000;
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    token_endpoint_await(endpoint(0));
    assert_string_equal(rig_get(YOU), "at-1-1");
    assert_int_equal(endpoint(0)->busy, 1); /* the other is still under way */
    assert_non_null(strstr(rig_read(fd), "token=at-0-1\n"));
    close(fd);
}

static void one_503_at_expiry_is_no_failure(void **state)
{
    (void)state;
    expired(ME, 0);
    endpoint(0)->unavailable = 1;
    rig_start();
    assert_string_equal(rig_get(ME), "at-0-1");
    assert_int_equal(endpoint(0)->requests, 2);
    assert_on_disk(ME, 0);
}

static void valid_token_is_served_while_the_provider_is_down(void **state)
{
    (void)state;
    rig_account(ME, 0, "refresh_margin: 600\n");
    rig_state(ME, 0, "still-good", 60);
    endpoint(0)->mode = ENDPOINT_DOWN;
    rig_start();
    assert_string_equal(rig_get(ME), "still-good");
    int before = endpoint(0)->requests;
    for (int i = 0; i < 20; i++)
        assert_string_equal(rig_get(ME), "still-good");
    assert_true(endpoint(0)->requests <= before + 1);
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
    expired(ME, 0);
    lost_watches = 1;
    rig_start();
    lost_watches = 0;
    rig_await(ME, "at-0-1");
    assert_on_disk(ME, 0);
}

static void provider_that_is_down_is_left_alone(void **state)
{
    (void)state;
    expired(ME, 0);
    endpoint(0)->mode = ENDPOINT_BROKEN;
    rig_start();
    assert_non_null(strstr(rig_get(ME), "unreachable: "));
    int before = endpoint(0)->requests;
    for (int i = 0; i < 20; i++)
        assert_non_null(strstr(rig_get(ME), "unreachable: "));
    assert_int_equal(endpoint(0)->requests, before);
    assert_non_null(strstr(rig_status(ME, "last_error"), "unreachable"));
}

/* Each renewal succeeds, and still nobody can be served. */
static void token_that_ends_at_once_is_not_asked_for_again_and_again(void **state)
{
    (void)state;
    expired(ME, 0);
    endpoint(0)->lifetime = 4;
    rig_start();
    assert_non_null(strstr(rig_get(ME), "a token that ends within 5 s"));
    rig_nap(1500);
    assert_non_null(strstr(rig_get(ME), "unreachable: "));
    assert_int_equal(endpoint(0)->requests, 1);
    assert_int_equal(endpoint(0)->stale, 0);
    assert_on_disk(ME, 0);
}

/* The provider is not to blame then. */
static void store_moved_during_an_exchange(void **state)
{
    char moved[PATH_MAX];
    (void)state;
    snprintf(moved, sizeof moved, "%s", folder_path("moved"));
    expired(ME, 0);
    endpoint(0)->delay = 500;
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    token_endpoint_await(endpoint(0));
    assert_int_equal(rename(rig_paths.state, moved), 0);
    const char *reply = rig_read(fd);
    close(fd);
    assert_int_equal(rename(moved, rig_paths.state), 0);
    assert_non_null(strstr(reply, "the state of me@example.org was changed while its token was renewed"));
    assert_null(strstr(rig_log(), "gave"));
}

static void retry_after_is_honoured(void **state)
{
    (void)state;
    expired(ME, 0);
    endpoint(0)->mode = ENDPOINT_DOWN;
    endpoint(0)->retry_after = 200;
    rig_start();
    assert_non_null(strstr(rig_get(ME), "unreachable: "));
    int64_t next = atoll(rig_status(ME, "next_refresh"));
    assert_true(next >= clock_wall() + 190);
    assert_int_equal(endpoint(0)->requests, 1);
}

static void dead_refresh_token_is_asked_for_once(void **state)
{
    (void)state;
    expired(ME, 0);
    endpoint(0)->mode = ENDPOINT_REFUSES;
    rig_start();
    for (int i = 0; i < 20; i++) {
        assert_non_null(strstr(rig_get(ME), "login-needed: "));
        assert_non_null(strstr(rig_get(ME), "run 'xoauth2 login me@example.org'"));
    }
    assert_int_equal(endpoint(0)->requests, 1);
}

static void wrong_client_is_asked_for_once_until_the_file_changes(void **state)
{
    (void)state;
    expired(ME, 0);
    endpoint(0)->mode = ENDPOINT_CONFIG;
    rig_start();
    for (int i = 0; i < 20; i++)
        assert_non_null(strstr(rig_get(ME), "config: "));
    assert_int_equal(endpoint(0)->requests, 1);
    endpoint(0)->mode = ENDPOINT_GOOD;
    rig_nap(1100); /* the state's times are whole seconds */
    rig_account(ME, 0, "# corrected\n");
    assert_string_equal(rig_get(ME), "at-0-1");
}

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
    endpoint(0)->mode = ENDPOINT_REFUSES;
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

static void margin_longer_than_the_lifetime(void **state)
{
    (void)state;
    rig_account(ME, 0, "refresh_margin: 86400\n");
    rig_state(ME, 0, NULL, 0);
    rig_start();
    for (int i = 0; i < 50; i++)
        assert_string_equal(rig_get(ME), "at-0-1");
    assert_int_equal(endpoint(0)->requests, 1);
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
    assert_int_equal(endpoint(0)->requests, 0);
}

/* --- logins, logouts, other processes --- */

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
    expired(ME, 0);
    endpoint(0)->mode = ENDPOINT_REFUSES;
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
             now, now + lifetime, endpoint(0)->generation, rig_server.port);
    store_folder_state(ME, text);
    int requests = endpoint(0)->requests;
    rig_start();
    bool was_short = strcmp(rig_get(ME), "short") == 0;
    const char *trace = account_with_a_command();
    *in_time = clock_wall() < now + lifetime * 3 / 8;
    if (*in_time) {
        assert_true(was_short);
        rig_nap(lifetime * 1000 / 2 + 200);
        assert_null(strstr(rig_log(), "client_secret_command"));
        assert_int_equal(access(trace, F_OK), -1);
        assert_int_equal(endpoint(0)->requests, requests);
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
    assert_int_equal(endpoint(0)->requests, 0);
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
    assert_int_equal(endpoint(0)->requests, 0);
    close(fd);
}

/* --- reject --- */

static const char *reject(const char *token)
{
    char request[512]; /* {"status":"401"} */
    snprintf(request, sizeof request, "reject\nuser=me@example.org\ntoken=%s\nchallenge=eyJzdGF0dXMiOiI0MDEifQ==\n\n",
             token);
    return rig_ask(request);
}

static void rejected_token_is_not_handed_out_again(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "revoked", 3000);
    rig_start();
    assert_string_equal(rig_get(ME), "revoked");
    assert_non_null(strstr(reject("revoked"), "it was dropped, try again"));
    assert_string_equal(rig_get(ME), "at-0-1");
    assert_non_null(strstr(reject("some-other"), "ok\n"));
    assert_string_equal(rig_get(ME), "at-0-1");
    assert_int_equal(endpoint(0)->requests, 1);
}

static void loop_of_rejects_is_slowed(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "revoked", 3000);
    rig_start();
    for (int i = 0; i < 50; i++) {
        char token[256];
        snprintf(token, sizeof token, "%s", rig_get(ME));
        reject(token);
    }
    assert_int_equal(endpoint(0)->requests, 1);
    assert_non_null(strstr(reject("at-0-1"), "refused the new token of me@example.org too"));
}

/* Another process holds the lock, so the token cannot be removed from the disk at once. */
static void rejected_token_under_a_lock(void **state)
{
    struct report why;
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "revoked", 3000);
    rig_start();
    assert_string_equal(rig_get(ME), "revoked");
    int lock = store_lock(&rig_paths, ME, 0, &why);
    assert_true(lock >= 0);
    reject("revoked");
    store_unlock(&lock);
    assert_string_equal(rig_get(ME), "at-0-1");
}

static void forbidden_is_no_stale_token(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "good", 3000);
    rig_start();
    const char *reply = rig_ask("reject\nuser=me@example.org\ntoken=good\nchallenge=eyJzdGF0dXMiOiI0MDMifQ==\n\n");
    assert_non_null(strstr(reply, "does not let the token"));
    assert_string_equal(rig_get(ME), "good");
    assert_non_null(strstr(rig_ask("reject\nuser=me@example.org\ntoken=good\n\n"), "code=config\n"));
}

/* --- the end --- */

static void sigterm_during_an_exchange_keeps_the_new_refresh_token(void **state)
{
    (void)state;
    expired(ME, 0);
    endpoint(0)->delay = 500;
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    token_endpoint_await(endpoint(0));
    assert_int_equal(rig_end(SIGTERM), 0);
    assert_non_null(strstr(rig_read(fd), "token=at-0-1\n"));
    assert_int_equal(endpoint(0)->generation, 1);
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
    expired(ME, 0);
    endpoint(0)->delay = 500;
    rig_start();
    token_endpoint_await(endpoint(0));
    remove_reserved();
    assert_int_equal(chmod(rig_paths.state, 0777), 0); /* refused: others might write to it */
    RIG_AWAIT(strstr(rig_log(), "the new tokens are in memory alone"));
    assert_int_equal(chmod(rig_paths.state, 0700), 0);
    rig_await(ME, "at-0-1");
    assert_on_disk(ME, 0);
    assert_int_equal(endpoint(0)->requests, 1);
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
        TEST(dead_login_is_announced_once),
        TEST(end_of_the_refresh_token_is_announced_once),
        TEST(end_of_the_refresh_token_after_a_dead_login),
        TEST(end_of_the_refresh_token_while_the_login_is_dead),
        TEST(end_of_the_refresh_token_while_the_provider_is_down),
        TEST(margin_longer_than_the_lifetime),
        TEST(margin_that_was_lowered_in_the_provider_file),
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
        TEST(rejected_token_is_not_handed_out_again),
        TEST(loop_of_rejects_is_slowed),
        TEST(rejected_token_under_a_lock),
        TEST(forbidden_is_no_stale_token),
        TEST(sigterm_during_an_exchange_keeps_the_new_refresh_token),
        TEST(kill_between_exchanges_loses_nothing),
        TEST(disk_that_takes_nothing_when_the_answer_comes),
    };
    return cmocka_run_group_tests_name("agent: renewals", tests, folder_make, folder_remove);
}
