/* The plugin when calls fail: each call of each function in turn. A program gets its login or an error with words,
 * and nothing is left behind. */
#include "config.h"

#include "app.h"
#include "configured.h"
#include "fake_agent.h"
#include "fault.h"
#include "folder.h"
#include "grammar.h"
#include "keyfile.h"
#include "mechanism.h"
#include "plugin.h"
#include "process.h"
#include "protocol.h"
#include "source.h"
#include "test.h"
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char GIVEN[] = "ok\nversion=1\ntoken=tok\nexpires_at=1\n\n";
static const char MESSAGE[] = "user=me@x.org\001auth=Bearer tok\001\001";

static struct report why;
static char helper_path[4096];

static int lowest_descriptor(void)
{
    int fd = dup(STDIN_FILENO); /* which never fails here */
    close(fd);
    return fd;
}

static void plan(const char *function, int error, int first, int count)
{
    static struct fault fault;
    fault = (struct fault){function, error};
    fault_plan(&fault, first, count);
}

static void login(const struct app *app, const struct fault *fault)
{
    struct app_session s;
    int fd = lowest_descriptor();
    app_forget_log();
    int result = app_start(&s, app, "XOAUTH2");
    if (result == SASL_CONTINUE) {
        assert_int_equal(s.out_len, sizeof MESSAGE - 1);
        assert_memory_equal(s.out, MESSAGE, s.out_len);
        assert_int_equal(app_step(&s, "{\"status\":\"401\"}", 16), SASL_OK);
        assert_int_equal(s.out_len, 0);
    } else if (result >= SASL_OK || !app_error(&s)[0] || !app_log()[0]) {
        fail_msg("%d without words after %s", result, fault->function);
    }
    app_dispose(&s);
    fault_end();
    assert_int_equal(lowest_descriptor(), fd);
}

static void attempt_login(void *arg, const struct fault *fault)
{
    const struct app *app = arg;
    login(app, fault);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), app->options[1] == helper_path ? -1 : 0); /* the agent is one */
}

static void begin_library(void)
{
    static const char *const NONE[] = {NULL};
    app_begin(NULL, folder_path("nothing"), NONE);
}

static void login_with_the_helper(void **state)
{
    (void)state;
    struct app app = {.authname = "me@x.org", .options = {"xoauth2_helper", helper_path}};
    setenv("FAKE_HELPER", GIVEN, 1);
    begin_library();
    assert_true(fault_each(NULL, attempt_login, &app) > 40);
    app_end();
}

static void login_with_an_agent(void **state)
{
    (void)state;
    const char *path = folder_path("agent.sock");
    struct app app = {.authname = "me@x.org",
                      .options = {"xoauth2_agent_socket", path, "xoauth2_helper", "/nonexistent"}};
    begin_library();
    pid_t agent = fake_agent_start(path, GIVEN, NULL);
    assert_true(fault_each(NULL, attempt_login, &app) > 40);
    fake_agent_stop(agent);
    app_end();
}

/* What is chosen, or a word on why it cannot be known. */
static void attempt_options(void *arg, const struct fault *fault)
{
    struct options_file file;
    struct options o;
    const sasl_utils_t utils = {0};
    why = (struct report){0};
    options_load(&file, arg);
    bool ok = options_gather(&o, &file, &utils, &why);
    fault_end();
    if (ok && (file.found || strcmp(fault->function, "open") != 0)) {
        assert_int_equal(o.timeout, 7);
        assert_string_equal(o.helper, "/usr/bin/x");
    } else if (!ok) {
        assert_true(why.code != FAILURE_NONE && why.text[0]);
    }
    options_free(&o);
    options_unload(&file);
}

static void options_from_a_file(void **state)
{
    (void)state;
    folder_write("xoauth2.conf", "xoauth2_timeout: 7\nxoauth2_helper: /usr/bin/x\nxoauth2_agent_socket: /a\n", 0600);
    char folder[64];
    snprintf(folder, sizeof folder, "%s", folder_path(""));
    fault_each(NULL, attempt_options, folder);
    unlink(folder_path("xoauth2.conf"));
}

static int no_callback(sasl_conn_t *conn, unsigned long id, sasl_callback_ft *function, void **context)
{
    (void)conn;
    (void)id;
    (void)function;
    (void)context;
    return SASL_FAIL;
}

static void load_that_fails(void **state)
{
    (void)state;
    const sasl_utils_t utils = {.getcallback = no_callback};
    sasl_client_plug_t *plugs;
    int version, count;
    assert_int_equal(sasl_client_plug_init(&utils, SASL_CLIENT_PLUG_VERSION - 1, &version, &plugs, &count),
                     SASL_BADVERS);
    plan("calloc", ENOMEM, 1, 1);
    assert_int_equal(sasl_client_plug_init(&utils, SASL_CLIENT_PLUG_VERSION, &version, &plugs, &count), SASL_NOMEM);
    assert_true(fault_end());
}

static char said[1024];

__attribute__((format(printf, 3, 4))) static void take_error(sasl_conn_t *conn, unsigned flags, const char *format,
                                                             ...)
{
    va_list args;
    (void)conn;
    (void)flags;
    va_start(args, format);
    vsnprintf(said, sizeof said, format, args);
    va_end(args);
}

__attribute__((format(printf, 3, 4))) static void take_log(sasl_conn_t *conn, int level, const char *format, ...)
{
    (void)conn;
    (void)level;
    (void)format;
}

static int take_name(sasl_conn_t *conn, const char *name, unsigned len, unsigned flags, sasl_out_params_t *oparams)
{
    (void)conn;
    (void)flags;
    oparams->authid = oparams->user = name;
    oparams->alen = oparams->ulen = len;
    return SASL_OK;
}

/* libsasl2 itself lets nobody do that. */
static void step_after_the_end(void **state)
{
    (void)state;
    const sasl_utils_t utils = {.seterror = take_error, .log = take_log, .getcallback = no_callback};
    const struct mechanism_global global = {.options = {.options = {.timeout = 1, .password = true}}};
    sasl_client_params_t params = {.utils = &utils, .canon_user = take_name};
    sasl_interact_t answers[] = {{.id = SASL_CB_USER},
                                 {.id = SASL_CB_AUTHNAME, .result = "me@x.org"},
                                 {.id = SASL_CB_PASS, .result = "tok"},
                                 {.id = SASL_CB_LIST_END}};
    sasl_interact_t *prompts = answers;
    void *context = NULL;
    const char *out;
    unsigned len;
    sasl_out_params_t oparams = {0};
    assert_int_equal(mechanism_new(&MECHANISM_XOAUTH2, &global, &params, &context), SASL_OK);
    assert_int_equal(mechanism_step(context, &params, "", 0, &prompts, &out, &len, &oparams), SASL_CONTINUE);
    assert_memory_equal(out, MESSAGE, sizeof MESSAGE - 1);
    assert_int_equal(mechanism_step(context, &params, NULL, 0, NULL, &out, &len, &oparams), SASL_OK);
    assert_int_equal(mechanism_step(context, &params, "{}", 2, NULL, &out, &len, &oparams), SASL_BADPROT);
    assert_string_equal(said, "XOAUTH2 is over, and the server goes on: try again");
    assert_null(out);
    mechanism_dispose(context, &utils);
    mechanism_dispose(NULL, &utils);
}

static void program_with_raised_privileges_asks_the_system_alone(void **state)
{
    (void)state;
    struct app app = {.authname = "me@x.org", .options = {"xoauth2_helper", helper_path}};
    struct app_session s;
    begin_library();
    plan("getauxval", 0, 1, 1);
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_UNAVAIL);
    assert_true(fault_end());
    assert_non_null(strstr(app_error(&s), "a program with raised privileges asks no other source of tokens"));
    app_dispose(&s);
    app_end();
}

static void accounts_of_the_machine(void **state)
{
    (void)state;
    assert_int_equal(chdir(folder_path("")), 0); /* SYSCONFDIR is relative here */
    assert_false(configured_machine());
    folder_sub("etc", 0700);
    folder_sub("etc/xoauth2", 0700);
    folder_sub("etc/xoauth2/accounts", 0700);
    assert_false(configured_machine());
    folder_write("etc/xoauth2/accounts/me@x.org.conf", "", 0600);
    assert_true(configured_machine());
}

static void message_that_does_not_fit(void **state)
{
    (void)state;
    const struct grammar_login parts = {
        .user = "me", .user_len = 2, .token = "t", .token_len = 1, .host = "", .host_len = 0};
    struct secret out;
    secret_init(&out, 8);
    assert_false(grammar_xoauth2(&out, &parts));
    secret_reset(&out);
    assert_false(grammar_oauthbearer(&out, &parts));
    assert_false(protocol_put(&out, "key", "a long value"));
    secret_free(&out);
    secret_init(&out, 8);
    assert_false(protocol_put(&out, "key", "%%%"));
    secret_free(&out);
}

static void request_that_does_not_fit(void **state)
{
    (void)state;
    static char name[PROTOCOL_MESSAGE_MAX];
    const struct source_places places = {.system_socket = "/nonexistent", .helper = helper_path};
    const struct source_query large = {.account = name};
    const struct source_query query = {.account = "me@x.org"};
    struct secret token;
    enum source from;
    memset(name, 'n', sizeof name - 1);
    secret_init(&token, 2);
    assert_false(source_get(&places, &large, 1, &token, &from, &why));
    assert_string_equal(why.text, "not enough memory to ask for a token: try again later");
    setenv("FAKE_HELPER", GIVEN, 1);
    assert_false(source_get(&places, &query, 30, &token, &from, &why));
    assert_string_equal(why.text, "not enough memory for the token: try again later");
    source_reject(&places, SOURCE_NONE, &query, &token, "", &why); /* a token that nobody gave */
    assert_string_equal(why.text, "");
    secret_free(&token);
}

static void socket_with_too_long_a_path(void **state)
{
    (void)state;
    char path[200];
    int fd;
    memset(path, '/', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(transport_connect(path, transport_now() + 1000, &fd, &why), TRANSPORT_ABSENT);
    assert_int_equal(errno, ENAMETOOLONG);
}

static enum transport_result exchange(int fd, const char *text, size_t len, int milliseconds)
{
    struct secret request;
    struct secret reply;
    struct protocol_message message;
    secret_init(&request, len);
    secret_init(&reply, PROTOCOL_MESSAGE_MAX);
    assert_true(secret_add(&request, text, len));
    enum transport_result result = transport_exchange(fd, &request, transport_now() + milliseconds, &reply, &message);
    secret_free(&request);
    secret_free(&reply);
    return result;
}

static void peer_that_reads_nothing(void **state)
{
    (void)state;
    static char much[4 * 1024 * 1024];
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(exchange(ends[0], much, sizeof much, 20), TRANSPORT_TIMEOUT);
    close(ends[1]);
    assert_int_equal(exchange(ends[0], "get\n\n", 5, 1000), TRANSPORT_CLOSED); /* and one that is gone */
    close(ends[0]);
}

static void peer_that_never_ends_its_answer(void **state)
{
    (void)state;
    static char much[PROTOCOL_MESSAGE_MAX];
    int ends[2];
    memset(much, 'x', sizeof much);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(send(ends[1], much, sizeof much, MSG_DONTWAIT), (ssize_t)sizeof much);
    assert_int_equal(exchange(ends[0], "get\n\n", 5, 1000), TRANSPORT_GARBAGE);
    close(ends[0]);
    close(ends[1]);
}

/* Standard input and output are closed, and their numbers are given out next. */
static void descriptors_that_cannot_be_moved(void **state)
{
    (void)state;
    struct process child;
    int spare = dup(STDIN_FILENO);
    int other = dup(STDOUT_FILENO);
    fflush(stdout);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    int moved = transport_lift(open("/dev/null", O_RDONLY | O_CLOEXEC));
    bool is_high = moved >= TRANSPORT_FIRST_FREE;
    close(moved);
    int errors[3];
    for (int i = 0; i < 3; i++) {
        plan("fcntl", EMFILE, i + 1, 1);
        errors[i] = process_start(&child, helper_path);
        fault_end();
        process_end(&child);
    }
    dup2(spare, STDIN_FILENO);
    dup2(other, STDOUT_FILENO);
    close(spare);
    close(other);
    assert_true(is_high);
    for (int i = 0; i < 3; i++)
        assert_int_equal(errors[i], EMFILE);
}

/* Such as one that sudo runs as somebody else. */
static void helper_that_cannot_be_killed(void **state)
{
    (void)state;
    struct process child;
    setenv("FAKE_HELPER", "hang", 1);
    assert_int_equal(process_start(&child, helper_path), 0);
    pid_t pid = child.pid;
    plan("kill", EPERM, 1, 1);
    int64_t begin = transport_now();
    alarm(60); /* ends this program rather than let it wait without end */
    process_end(&child);
    alarm(0);
    int64_t took = transport_now() - begin;
    bool tried = fault_end();
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(tried);
    assert_true(took >= PROCESS_END_MS + PROCESS_KILLED_MS);
}

static void folder_of_a_user_without_the_variable(void **state)
{
    (void)state;
    char path[TRANSPORT_PATH_MAX];
    char expected[TRANSPORT_PATH_MAX];
    char *before = getenv("XDG_RUNTIME_DIR") ? strdup(getenv("XDG_RUNTIME_DIR")) : NULL;
    unsetenv("XDG_RUNTIME_DIR");
    snprintf(expected, sizeof expected, "/run/user/%lu/xoauth2/agent.sock", (unsigned long)geteuid());
    if (transport_user_socket(path)) /* where this machine has such a folder */
        assert_string_equal(path, expected);
    if (before)
        setenv("XDG_RUNTIME_DIR", before, 1);
    free(before);
}

static int begin(void **state)
{
    assert_non_null(realpath("tests/unit/fake_helper", helper_path));
    return folder_make(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_with_the_helper),
        cmocka_unit_test(login_with_an_agent),
        cmocka_unit_test(options_from_a_file),
        cmocka_unit_test(load_that_fails),
        cmocka_unit_test(step_after_the_end),
        cmocka_unit_test(program_with_raised_privileges_asks_the_system_alone),
        cmocka_unit_test(message_that_does_not_fit),
        cmocka_unit_test(request_that_does_not_fit),
        cmocka_unit_test(socket_with_too_long_a_path),
        cmocka_unit_test(peer_that_reads_nothing),
        cmocka_unit_test(peer_that_never_ends_its_answer),
        cmocka_unit_test(descriptors_that_cannot_be_moved),
        cmocka_unit_test(helper_that_cannot_be_killed),
        cmocka_unit_test(folder_of_a_user_without_the_variable),
        cmocka_unit_test(accounts_of_the_machine), /* last: it leaves the folder */
    };
    return cmocka_run_group_tests(tests, begin, folder_remove);
}
