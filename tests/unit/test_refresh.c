#include "config.h"

#include "store.h"

#include "account.h"
#include "clock.h"
#include "folder.h"
#include "test.h"
#include "web_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char NAME[] = "me@x.org";
static const char GOOD[] =
    "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"new-access\",\"refresh_token\":\"new-refresh\","
    "\"token_type\":\"Bearer\",\"expires_in\":3600}";
static const char DEAD[] = "HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":\"invalid_grant\"}";
static const char DOWN[] = "HTTP/1.1 502 Bad Gateway\r\n\r\n";
#define THEIRS(expiry)                                                                                               \
    "{\"version\":1,\"access_token\":\"their-access\",\"refresh_token\":\"their-refresh\",\"obtained_at\":1,"        \
    "\"expires_at\":" expiry ",\"client_id\":\"cid\"}"
static const char THEIRS_STALE[] = THEIRS("2");
static const char THEIRS_FRESH[] = THEIRS("253402300799");

static struct paths paths;
static char state_file[PATH_MAX];

/* A new account, logged in with an expired token, whose provider is the server. */
static void log_in(const struct web_server *server)
{
    char text[300];
    struct report why;
    struct state s;
    char account[PATH_MAX];
    account_path(&paths, NAME, account);
    FILE *out = fopen(account, "w");
    assert_non_null(out);
    fprintf(out, "token_endpoint: http://127.0.0.1:%d/token\nclient_id: cid\n", server->port);
    fclose(out);
    assert_int_equal(chmod(account, 0600), 0);
    state_init(&s);
    snprintf(text, sizeof text, "old-refresh");
    assert_true(state_set(&s.refresh_token, text) && state_set(&s.access_token, "old-access") &&
                state_set(&s.client_id, "cid"));
    s.expires_at = 1;
    assert_true(state_save(&s, &paths, NAME, &why));
    state_free(&s);
}

struct run {
    pid_t pid;
    int out;
    int status;
    char answer[2000];
};

/* Starts it; `extra` is an option or NULL, `lock` a descriptor to inherit as number 9 or -1. */
static void run_start(struct run *r, const char *extra, int lock)
{
    char *const with[] = {(char[]){"refresh"}, extra ? strdup(extra) : NULL, strdup(NAME), NULL};
    char *const without[] = {with[0], with[2], NULL};
    int ends[2];
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (lock >= 0)
        posix_spawn_file_actions_adddup2(&actions, lock, 9);
    assert_int_equal(posix_spawn(&r->pid, REFRESH_PROGRAM, &actions, NULL, extra ? with : without, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    r->out = ends[0];
    free(with[1]);
    free(with[2]);
}

static void run_wait(struct run *r)
{
    size_t len = 0;
    ssize_t n;
    while (len < sizeof r->answer - 1 && (n = read(r->out, r->answer + len, sizeof r->answer - 1 - len)) > 0)
        len += (size_t)n;
    r->answer[len] = '\0';
    close(r->out);
    assert_int_equal(waitpid(r->pid, &r->status, 0), r->pid);
}

/* One run against the turns; the server is stopped after it. */
static void run_once(struct run *r, struct web_server *server, const struct web_turn *turns, size_t count)
{
    web_start(server, turns, count, NULL, NULL);
    log_in(server);
    run_start(r, NULL, -1);
    run_wait(r);
    web_stop(server);
}

static void assert_state(const char *refresh_token, const char *access_token)
{
    struct state s;
    struct report why;
    struct stat st;
    assert_int_equal(stat(state_file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(state_load(&s, &paths, NAME, &why), READFILE_OK);
    assert_string_equal(s.refresh_token, refresh_token);
    assert_string_equal(s.access_token, access_token);
    state_free(&s);
}

static void assert_failed(const struct run *r, const char *words)
{
    assert_true(strncmp(r->answer, "error\n", 6) == 0);
    assert_non_null(strstr(r->answer, words));
    assert_true(WIFEXITED(r->status) && WEXITSTATUS(r->status) == 1);
}

static void renewed(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = GOOD};
    struct web_server server;
    struct run r;
    (void)state;
    run_once(&r, &server, &turn, 1);
    assert_string_equal(r.answer, "ok\nversion=1\n\n");
    assert_state("new-refresh", "new-access");
    web_free(&server);
}

static void fresh_token_is_not_renewed(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = GOOD}, {.act = WEB_REPLY, .reply = GOOD}};
    struct web_server server;
    struct run r;
    (void)state;
    web_start(&server, turns, 2, NULL, NULL);
    log_in(&server);
    run_start(&r, NULL, -1);
    run_wait(&r);
    run_start(&r, NULL, -1);
    run_wait(&r);
    assert_string_equal(r.answer, "ok\nversion=1\n\n");
    run_start(&r, "--force", -1);
    run_wait(&r);
    web_stop(&server);
    assert_int_equal(server.count, 2);
    web_free(&server);
}

static void dead_login(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = DEAD};
    struct web_server server;
    struct run r;
    (void)state;
    run_once(&r, &server, &turn, 1);
    assert_failed(&r, "code=login-needed\n");
    assert_non_null(strstr(r.answer, "run 'xoauth2 login me@x.org'\n"));
    assert_state("old-refresh", "old-access");
    web_free(&server);
}

/* A process on another machine renewed while our request, with the old refresh token, was under way. */
static void overtaken(void **state)
{
    static const char *const REPLIES[] = {DEAD, DOWN};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct web_turn turns[] = {
            {.act = WEB_REPLY, .reply = REPLIES[i], .write = state_file, .content = THEIRS_STALE},
            {.act = WEB_REPLY, .reply = GOOD}};
        struct web_server server;
        struct run r;
        run_once(&r, &server, turns, 2);
        assert_int_equal(server.count, 2);
        assert_non_null(strstr(server.requests[1], "refresh_token=their-refresh"));
        assert_string_equal(r.answer, "ok\nversion=1\n\n");
        assert_state("new-refresh", "new-access");
        web_free(&server);
    }
}

static void overtaken_by_a_fresh_token(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = DOWN, .write = state_file, .content = THEIRS_FRESH},
                                     {.act = WEB_REPLY, .reply = GOOD}};
    struct web_server server;
    struct run r;
    (void)state;
    run_once(&r, &server, turns, 2);
    assert_int_equal(server.count, 1);
    assert_string_equal(r.answer, "ok\nversion=1\n\n");
    assert_state("their-refresh", "their-access");
    web_free(&server);
}

static void overtaken_and_failing_again(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = DEAD, .write = state_file, .content = THEIRS_STALE},
                                     {.act = WEB_REPLY, .reply = DEAD},
                                     {.act = WEB_REPLY, .reply = GOOD}};
    struct web_server server;
    struct run r;
    (void)state;
    run_once(&r, &server, turns, 3);
    assert_int_equal(server.count, 2);
    assert_failed(&r, "code=login-needed\n");
    assert_state("their-refresh", "their-access");
    web_free(&server);
}

/* Between the request and the file with its outcome no signal ends it. */
static void signal_during_the_exchange(void **state)
{
    static const int SIGNALS[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    (void)state;
    for (size_t i = 0; i < sizeof SIGNALS / sizeof SIGNALS[0]; i++) {
        char arrived[PATH_MAX], go[PATH_MAX];
        struct web_server server;
        struct run r;
        snprintf(arrived, sizeof arrived, "%s", folder_path("arrived"));
        snprintf(go, sizeof go, "%s", folder_path("go"));
        unlink(arrived);
        unlink(go);
        const struct web_turn turn = {
            .act = WEB_REPLY, .reply = GOOD, .write = arrived, .content = "", .wait_for = go};
        web_start(&server, &turn, 1, NULL, NULL);
        log_in(&server);
        run_start(&r, NULL, -1);
        while (access(arrived, F_OK) != 0)
            usleep(5000);
        assert_int_equal(kill(r.pid, SIGNALS[i]), 0);
        folder_write("go", "", 0600);
        run_wait(&r);
        web_stop(&server);
        web_free(&server);
        assert_state("new-refresh", "new-access");
    }
}

static void nobody_reads_the_answer(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = GOOD};
    struct web_server server;
    struct run r;
    (void)state;
    web_start(&server, &turn, 1, NULL, NULL);
    log_in(&server);
    run_start(&r, NULL, -1);
    close(r.out);
    assert_int_equal(waitpid(r.pid, &r.status, 0), r.pid);
    web_stop(&server);
    web_free(&server);
    assert_true(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0);
    assert_state("new-refresh", "new-access");
}

static void inherited_lock(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = GOOD};
    struct web_server server;
    struct report why;
    struct run r;
    (void)state;
    web_start(&server, &turn, 1, NULL, NULL);
    log_in(&server);
    int lock = store_lock(&paths, NAME, clock_monotonic() + 1000, &why);
    assert_true(lock >= 0);
    run_start(&r, "--lock-fd=9", lock);
    run_wait(&r);
    store_unlock(&lock);
    web_stop(&server);
    web_free(&server);
    assert_string_equal(r.answer, "ok\nversion=1\n\n");
}

/* The descriptor is another file, or the right one while somebody else holds the lock, or none. */
static void wrong_lock(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = GOOD};
    struct web_server server;
    struct report why;
    struct run r;
    char lock_file[PATH_MAX + 32];
    (void)state;
    web_start(&server, &turn, 1, NULL, NULL);
    log_in(&server);
    snprintf(lock_file, sizeof lock_file, "%s/%s.lock", paths.state, NAME);
    int holder = store_lock(&paths, NAME, clock_monotonic() + 1000, &why);
    const int wrong[] = {open("/dev/null", O_RDWR | O_CLOEXEC), open(lock_file, O_RDWR | O_CLOEXEC), -1};
    for (size_t i = 0; i < 3; i++) {
        run_start(&r, "--lock-fd=9", wrong[i]);
        run_wait(&r);
        assert_failed(&r, "descriptor 9 does not hold the lock of me@x.org");
        if (wrong[i] >= 0)
            close(wrong[i]);
    }
    store_unlock(&holder);
    web_stop(&server);
    assert_int_equal(server.count, 0);
    web_free(&server);
    assert_state("old-refresh", "old-access");
}

static int set_up(void **state)
{
    struct report why;
    if (folder_make(state) != 0)
        return -1;
    setenv("XDG_CONFIG_HOME", folder_path("config"), 1);
    setenv("XDG_STATE_HOME", folder_path("state"), 1);
    static const char *const PROXIES[] = {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < sizeof PROXIES / sizeof PROXIES[0]; i++)
        unsetenv(PROXIES[i]);
    if (!paths_user(&paths, &why) || !paths_make(&paths, paths.accounts, &why) ||
        !paths_make(&paths, paths.state, &why))
        return -1;
    state_path(&paths, NAME, state_file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renewed),
        cmocka_unit_test(fresh_token_is_not_renewed),
        cmocka_unit_test(dead_login),
        cmocka_unit_test(overtaken),
        cmocka_unit_test(overtaken_by_a_fresh_token),
        cmocka_unit_test(overtaken_and_failing_again),
        cmocka_unit_test(signal_during_the_exchange),
        cmocka_unit_test(nobody_reads_the_answer),
        cmocka_unit_test(inherited_lock),
        cmocka_unit_test(wrong_lock),
    };
    alarm(300);
    return cmocka_run_group_tests(tests, set_up, folder_remove);
}
