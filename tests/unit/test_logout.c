#include "config.h"

#include "store.h"

#include "account.h"
#include "folder.h"
#include "test.h"
#include "web_server.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

extern char **environ;

static const char NAME[] = "me@x.org";
static const char DONE[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
static const char DOWN[] = "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n";
static const char UNKNOWN[] = "HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":\"invalid_token\"}";
static const char REFUSED[] = "HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":\"unsupported_token_type\"}";

static struct paths paths;
static char state_file[PATH_MAX], account_file[PATH_MAX];

/* A logged-in account. `endpoint` tells whether the login found a revocation address. */
static void log_in(const struct web_server *server, bool endpoint)
{
    char url[100];
    struct report why;
    struct state s;
    FILE *out = fopen(account_file, "w");
    assert_non_null(out);
    fprintf(out, "issuer: http://127.0.0.1:%d\nclient_id: cid\n", server->port);
    fclose(out);
    assert_int_equal(chmod(account_file, 0600), 0);
    state_init(&s);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/revoke", server->port);
    assert_true(state_set(&s.refresh_token, "the-refresh") && state_set(&s.access_token, "the-access") &&
                state_set(&s.client_id, "cid"));
    assert_true(!endpoint || state_set(&s.revocation_endpoint, url));
    assert_true(state_save(&s, &paths, NAME, &why));
    state_free(&s);
}

/* Runs it with up to two options; what it says goes to the file "said". Returns the exit status. */
static int log_out(const char *first, const char *second)
{
    const char *given[] = {"logout", first, second, NAME};
    char *argv[5];
    size_t count = 0;
    pid_t pid;
    int status;
    posix_spawn_file_actions_t actions;
    for (size_t i = 0; i < 4; i++)
        if (given[i])
            argv[count++] = strdup(given[i]);
    argv[count] = NULL;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, folder_path("said"), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    assert_int_equal(posix_spawn(&pid, LOGOUT_PROGRAM, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    while (count > 0)
        free(argv[--count]);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_said(const char *words)
{
    static char said[4000];
    FILE *in = fopen(folder_path("said"), "r");
    assert_non_null(in);
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    fclose(in);
    assert_non_null(strstr(said, words));
    assert_null(strstr(said, "the-refresh"));
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* One logout against the turns; the requests stay to be looked at. */
static int log_out_of(struct web_server *server, const char *reply, const char *option)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = reply}, {.act = WEB_REPLY, .reply = reply}};
    web_start(server, turns, 2, NULL, NULL);
    log_in(server, true);
    int status = log_out(option, NULL);
    web_stop(server);
    return status;
}

static void revoked_and_removed(void **state)
{
    struct web_server server;
    (void)state;
    assert_int_equal(log_out_of(&server, DONE, NULL), 0);
    assert_int_equal(server.count, 2);
    assert_non_null(strstr(server.requests[0], "token=the-refresh&token_type_hint=refresh_token&client_id=cid"));
    assert_non_null(strstr(server.requests[1], "token=the-access&token_type_hint=access_token"));
    assert_false(is_there(state_file));
    assert_true(is_there(account_file));
    assert_said("me@x.org: logged out\n");
    web_free(&server);
}

static void token_that_the_provider_does_not_know(void **state)
{
    struct web_server server;
    (void)state;
    assert_int_equal(log_out_of(&server, UNKNOWN, NULL), 0);
    assert_false(is_there(state_file));
    web_free(&server);
}

static void provider_down(void **state)
{
    struct web_server server;
    (void)state;
    assert_int_equal(log_out_of(&server, DOWN, NULL), EX_TEMPFAIL);
    assert_true(is_there(state_file));
    assert_said(
        "127.0.0.1 did not revoke the login (HTTP 503); nothing was removed: 'xoauth2 logout --local me@x.org' "
        "removes it here alone\n");
    web_free(&server);
}

static void provider_that_refuses(void **state)
{
    struct web_server server;
    (void)state;
    assert_int_equal(log_out_of(&server, REFUSED, NULL), 1);
    assert_true(is_there(state_file));
    web_free(&server);
}

static void local_sends_nothing(void **state)
{
    struct web_server server;
    (void)state;
    assert_int_equal(log_out_of(&server, DOWN, "--local"), 0);
    assert_int_equal(server.count, 0);
    assert_false(is_there(state_file));
    assert_true(is_there(account_file));
    web_free(&server);
}

static void forget_removes_the_account(void **state)
{
    struct web_server server;
    (void)state;
    assert_int_equal(log_out_of(&server, DONE, "--forget"), 0);
    assert_false(is_there(state_file));
    assert_false(is_there(account_file));
    assert_int_equal(log_out(NULL, NULL), 1);
    assert_said("no account me@x.org");
    web_free(&server);
}

static void forget_keeps_all_while_the_provider_is_down(void **state)
{
    struct web_server server;
    (void)state;
    assert_int_equal(log_out_of(&server, DOWN, "--forget"), EX_TEMPFAIL);
    assert_true(is_there(state_file));
    assert_true(is_there(account_file));
    web_free(&server);
}

/* A refresh token goes to no address that would have to be discovered now. */
static void address_is_not_discovered(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = DONE};
    struct web_server server;
    (void)state;
    web_start(&server, &turn, 1, NULL, NULL);
    log_in(&server, false);
    assert_int_equal(log_out(NULL, NULL), 0);
    web_stop(&server);
    assert_int_equal(server.count, 0);
    assert_false(is_there(state_file));
    assert_said("no revocation address is known for me@x.org");
    web_free(&server);
}

static void account_file_gone_already(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = DONE}, {.act = WEB_REPLY, .reply = DONE}};
    struct web_server server;
    (void)state;
    web_start(&server, turns, 2, NULL, NULL);
    log_in(&server, true);
    assert_int_equal(unlink(account_file), 0);
    assert_int_equal(log_out(NULL, NULL), 0);
    web_stop(&server);
    assert_int_equal(server.count, 2);
    assert_false(is_there(state_file));
    web_free(&server);
}

static void damaged_state(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = DONE};
    struct web_server server;
    (void)state;
    web_start(&server, &turn, 1, NULL, NULL);
    log_in(&server, true);
    web_stop(&server);
    FILE *out = fopen(state_file, "w");
    fputs("{\"refresh_token\":", out);
    fclose(out);
    assert_int_equal(log_out(NULL, NULL), 1);
    assert_true(is_there(state_file));
    assert_int_equal(log_out("--local", "--forget"), 0);
    assert_false(is_there(state_file));
    web_free(&server);
}

static int set_up(void **state)
{
    static const char *const PROXIES[] = {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"};
    struct report why;
    if (folder_make(state) != 0)
        return -1;
    setenv("XDG_CONFIG_HOME", folder_path("config"), 1);
    setenv("XDG_STATE_HOME", folder_path("state"), 1);
    for (size_t i = 0; i < sizeof PROXIES / sizeof PROXIES[0]; i++)
        unsetenv(PROXIES[i]);
    if (!paths_user(&paths, &why) || !paths_make(&paths, paths.accounts, &why) ||
        !paths_make(&paths, paths.state, &why))
        return -1;
    state_path(&paths, NAME, state_file);
    account_path(&paths, NAME, account_file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revoked_and_removed),
        cmocka_unit_test(token_that_the_provider_does_not_know),
        cmocka_unit_test(provider_down),
        cmocka_unit_test(provider_that_refuses),
        cmocka_unit_test(local_sends_nothing),
        cmocka_unit_test(forget_removes_the_account),
        cmocka_unit_test(forget_keeps_all_while_the_provider_is_down),
        cmocka_unit_test(address_is_not_discovered),
        cmocka_unit_test(account_file_gone_already),
        cmocka_unit_test(damaged_state),
    };
    alarm(300);
    return cmocka_run_group_tests(tests, set_up, folder_remove);
}
