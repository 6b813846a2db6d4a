#include "config.h"

#include "source.h"

#include "fake_agent.h"
#include "folder.h"
#include "process.h"
#include "test.h"
#include "transport.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char GIVEN[] = "ok\nversion=1\ntoken=from-%s\nexpires_at=1\n\n";
static const char NO_ACCOUNT[] = "error\nversion=1\ncode=no-account\n\n";

static char helper_path[4096];

static int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* One request. What it leaves behind is an error in every test. */
struct outcome {
    bool given;
    enum source from;
    struct report why;
    char token[256];
};

static struct source_places no_places(void)
{
    return (struct source_places){.system_socket = "/nonexistent/agent.sock"};
}

static struct source_query query(void)
{
    return (struct source_query){.account = "me@x.org", .service = "imap", .host = "h", .mechanism = "XOAUTH2"};
}

static void get(struct outcome *o, const struct source_places *places, unsigned timeout)
{
    struct secret token;
    struct source_query q = query();
    int descriptors = count_descriptors();
    *o = (struct outcome){0};
    secret_init(&token, SOURCE_TOKEN_MAX);
    o->given = source_get(places, &q, timeout, &token, &o->from, &o->why);
    if (token.len > 0)
        snprintf(o->token, sizeof o->token, "%s", token.data);
    secret_free(&token);
    assert_int_equal(count_descriptors(), descriptors);
}

static void assert_no_child(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void get_from_helper(struct outcome *o, const char *mode, unsigned timeout)
{
    struct source_places places = no_places();
    places.helper = helper_path;
    places.helper_chosen = true;
    setenv("FAKE_HELPER", mode, 1);
    get(o, &places, timeout);
    assert_no_child();
}

static void assert_failure(const struct outcome *o, enum failure code, const char *words)
{
    assert_false(o->given);
    assert_int_equal(o->why.code, code);
    assert_string_equal(o->why.text, words);
    assert_string_equal(o->token, "");
}

static const char *about_helper(const char *words)
{
    static char text[8192];
    snprintf(text, sizeof text, "the helper %s %s", helper_path, words);
    return text;
}

static void helper_gives_a_token(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "ok\nversion=1\ntoken=abc\n\n", 30);
    assert_true(o.given);
    assert_string_equal(o.token, "abc");
    assert_int_equal(o.from, SOURCE_HELPER);
}

static void helper_sees_a_clean_world(void **state)
{
    (void)state;
    struct outcome o;
    int leak = dup(STDERR_FILENO); /* a host's descriptor that is not closed on exec */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    sigset_t some;
    sigset_t before;
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigaddset(&some, SIGCHLD);
    sigprocmask(SIG_BLOCK, &some, &before);
    get_from_helper(&o, "examine", 30);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    close(leak);
    assert_failure(&o, FAILURE_CONFIG, "arguments 2 xoauth2 helper, descriptor 0, signal 0, stderr 1");
}

/* Runs `body` in a process of its own, so that it may spoil it. */
static void in_a_process(void (*body)(struct outcome *o), const char *token)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct outcome o = {0};
        body(&o);
        _exit(o.given && strcmp(o.token, token) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void ask_ok(struct outcome *o)
{
    struct source_places places = no_places();
    places.helper = helper_path;
    setenv("FAKE_HELPER", "ok\nversion=1\ntoken=abc\n\n", 1);
    get(o, &places, 30);
}

static void ask_without_standard_descriptors(struct outcome *o)
{
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    ask_ok(o);
}

static void host_closed_its_standard_descriptors(void **state)
{
    (void)state;
    in_a_process(ask_without_standard_descriptors, "abc");
}

/* What a host prints in the meantime must not go into our connections. */
static void connect_without_standard_descriptors(struct outcome *o)
{
    struct process child;
    struct report why;
    int fd;
    pid_t agent = fake_agent_start(folder_path("lifted.sock"), NO_ACCOUNT, NULL);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    setenv("FAKE_HELPER", "die", 1);
    if (process_start(&child, helper_path) == 0 &&
        transport_connect(folder_path("lifted.sock"), transport_now() + 10000, &fd, &why) == TRANSPORT_CONNECTED)
        o->given =
            child.fd > 2 && fd > 2 && (fcntl(child.fd, F_GETFD) & FD_CLOEXEC) && (fcntl(fd, F_GETFD) & FD_CLOEXEC);
    process_end(&child);
    fake_agent_stop(agent);
}

static void connections_stay_clear_of_the_standard_descriptors(void **state)
{
    (void)state;
    in_a_process(connect_without_standard_descriptors, "");
}

static void examine_without_stdin(struct outcome *o)
{
    close(STDIN_FILENO);
    get_from_helper(o, "examine", 30);
    o->given = strcmp(o->why.text, "arguments 2 xoauth2 helper, descriptor 0, signal 0, stderr 1") == 0;
}

static void descriptors_of_a_host_without_stdin(void **state)
{
    (void)state;
    in_a_process(examine_without_stdin, "");
}

static void ask_ignoring_children(struct outcome *o)
{
    signal(SIGCHLD, SIG_IGN);
    ask_ok(o);
}

static void host_ignores_its_children(void **state)
{
    (void)state;
    in_a_process(ask_ignoring_children, "abc");
}

static void reap_everything(int number)
{
    int error = errno;
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    errno = error;
}

static void ask_reaping_children(struct outcome *o)
{
    struct sigaction action = {.sa_handler = reap_everything}; /* no SA_RESTART: calls are interrupted too */
    sigaction(SIGCHLD, &action, NULL);
    ask_ok(o);
}

static void host_reaps_every_child(void **state)
{
    (void)state;
    in_a_process(ask_reaping_children, "abc");
}

static void helper_is_gone_before_it_is_asked(void **state)
{
    (void)state;
    struct outcome o;
    signal(SIGPIPE, SIG_DFL); /* sending to it must not end the host */
    get_from_helper(&o, "die", 30);
    assert_failure(&o, FAILURE_UNREACHABLE,
                   about_helper("ended without an answer: run 'xoauth2 token me@x.org' to see why"));
}

static void helper_answers_without_reading(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "early", 30);
    assert_true(o.given);
    assert_string_equal(o.token, "early");
}

static void answer_in_single_bytes(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "dribble", 30);
    assert_true(o.given);
    assert_string_equal(o.token, "drop-by-drop");
}

static void helper_hangs(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "hang", 1);
    char expected[8192];
    snprintf(expected, sizeof expected,
             "no answer from the helper %s within 1 s: try again, or raise xoauth2_timeout", helper_path);
    assert_failure(&o, FAILURE_UNREACHABLE, expected);
}

static void helper_answers_and_stays(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "linger", 30); /* killed, since no child is left */
    assert_true(o.given);
    assert_string_equal(o.token, "late");
}

static void answers_that_are_none(void **state)
{
    (void)state;
    static const char *const WRONG[] = {
        "flood",
        "garbage without end\x01\n\n",
        "ok\nversion=2\ntoken=a\n\n",
        "perhaps\nversion=1\ntoken=a\n\n",
        "error\nversion=1\n\n",
        "ok\nversion=1\ntoken=%00\n\n",
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct outcome o;
        get_from_helper(&o, WRONG[i], 30);
        assert_failure(&o, FAILURE_UNREACHABLE,
                       about_helper("gave an answer that is none: check that it is the same version"));
    }
}

static void answer_is_cut(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "ok\nversion=1\ntoken=a\n", 30);
    assert_failure(&o, FAILURE_UNREACHABLE,
                   about_helper("ended without an answer: run 'xoauth2 token me@x.org' to see why"));
}

static void helper_has_no_account(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, NO_ACCOUNT, 30);
    assert_failure(&o, FAILURE_NO_ACCOUNT,
                   "no account for me@x.org: run 'xoauth2 login me@x.org', or restrict this program to PLAIN");
}

static bool yes(void)
{
    return true;
}

/* Such as Postfix's smtp without a chroot: its helper sees nothing of the machine's accounts. */
static void system_agent_is_needed_and_not_there(void **state)
{
    (void)state;
    struct source_places places = no_places();
    struct outcome o;
    places.helper = helper_path;
    places.machine_has_accounts = yes;
    setenv("FAKE_HELPER", NO_ACCOUNT, 1);
    get(&o, &places, 30);
    assert_failure(
        &o, FAILURE_UNREACHABLE,
        "no account for me@x.org of this user, and no agent at /nonexistent/agent.sock, "
        "which alone may use this machine's accounts: start it, or run 'xoauth2 login me@x.org', or restrict "
        "this program to PLAIN");
}

static void no_account_in_the_helpers_words(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "error\nversion=1\ncode=no-account\nmessage=nobody: do this\n\n", 30);
    assert_failure(&o, FAILURE_NO_ACCOUNT, "nobody: do this, or restrict this program to PLAIN");
    get_from_helper(&o, "error\nversion=1\ncode=no-account\nmessage=nobody, or restrict this program to PLAIN\n\n",
                    30);
    assert_failure(&o, FAILURE_NO_ACCOUNT, "nobody, or restrict this program to PLAIN");
}

static void failures_with_and_without_a_text(void **state)
{
    (void)state;
    struct outcome o;
    get_from_helper(&o, "error\nversion=1\ncode=login-needed\nmessage=do 100%25%0Athis\n\n", 30);
    assert_failure(&o, FAILURE_LOGIN_NEEDED, "do 100%?this");
    get_from_helper(&o, "error\nversion=1\ncode=login-needed\n\n", 30);
    assert_failure(&o, FAILURE_LOGIN_NEEDED, "the login of me@x.org has ended: run 'xoauth2 login me@x.org'");
    get_from_helper(&o, "error\nversion=1\ncode=busy\n\n", 30);
    assert_failure(&o, FAILURE_BUSY, about_helper("has too many requests: try again later"));
    get_from_helper(&o, "error\nversion=1\ncode=wrong-host\n\n", 30);
    assert_failure(&o, FAILURE_WRONG_HOST,
                   about_helper("gave no token for me@x.org (wrong-host): run 'xoauth2 status me@x.org'"));
    get_from_helper(&o, "error\nversion=1\ncode=not-yet-invented\n\n", 30);
    assert_failure(&o, FAILURE_UNREACHABLE,
                   about_helper("gave no token for me@x.org (unreachable): run 'xoauth2 status me@x.org'"));
}

static void no_such_helper(void **state)
{
    (void)state;
    struct outcome o;
    struct source_places places = no_places();
    places.helper = "/nonexistent/xoauth2";
    get(&o, &places, 30);
    assert_failure(
        &o, FAILURE_CONFIG,
        "no agent at /nonexistent/agent.sock, and no helper /nonexistent/xoauth2: start the agent, or install "
        "the helper");
    places.helper_chosen = true;
    get(&o, &places, 30);
    assert_failure(
        &o, FAILURE_CONFIG,
        "cannot run /nonexistent/xoauth2 (No such file or directory): install it, or correct xoauth2_helper");
    places.helper = folder_write("not-executable", "x", 0600);
    get(&o, &places, 30);
    assert_false(o.given);
    assert_non_null(strstr(o.why.text, "(Permission denied): install it, or correct xoauth2_helper"));
    assert_no_child();
}

static void raised_privileges_and_no_agent(void **state)
{
    (void)state;
    struct outcome o;
    struct source_places places = no_places();
    get(&o, &places, 30);
    assert_failure(
        &o, FAILURE_UNREACHABLE,
        "no agent at /nonexistent/agent.sock: start it, since a program with raised privileges asks no other "
        "source of tokens");
}

/* Both agents, then the helper; what each is asked is recorded. */
struct cast {
    struct source_places places;
    pid_t user;
    pid_t system;
    char user_socket[128];
    char system_socket[128];
    char record[128];
};

static void cast_begin(struct cast *c, const char *user_answer, const char *system_answer, const char *helper_answer)
{
    static int number;
    *c = (struct cast){0};
    number++;
    snprintf(c->user_socket, sizeof c->user_socket, "%s", folder_path("user.sock"));
    snprintf(c->system_socket, sizeof c->system_socket, "%s", folder_path("system.sock"));
    snprintf(c->record, sizeof c->record, "%s.%d", folder_path("record"), number);
    unlink(c->user_socket);
    unlink(c->system_socket);
    if (user_answer)
        c->user = fake_agent_start(c->user_socket, user_answer, c->record);
    if (system_answer)
        c->system = fake_agent_start(c->system_socket, system_answer, c->record);
    if (helper_answer) {
        setenv("FAKE_HELPER", helper_answer, 1);
        setenv("FAKE_RECORD", c->record, 1);
    }
    c->places = (struct source_places){
        .user_socket = c->user_socket,
        .system_socket = c->system_socket,
        .helper = helper_answer ? helper_path : "/nonexistent/xoauth2",
    };
}

/* Ends the cast; `requests` of them must have been made. */
static void cast_end(struct cast *c, int requests)
{
    if (c->user > 0)
        fake_agent_stop(c->user);
    if (c->system > 0)
        fake_agent_stop(c->system);
    unsetenv("FAKE_RECORD");
    FILE *file = fopen(c->record, "r");
    char line[256];
    int count = 0;
    while (file && fgets(line, sizeof line, file))
        count += line[0] == '\n';
    if (file)
        fclose(file);
    assert_int_equal(count, requests);
}

static const char *token_from(const char *who)
{
    static char text[128];
    snprintf(text, sizeof text, GIVEN, who);
    return text;
}

static void user_agent_goes_first(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    char user[128];
    snprintf(user, sizeof user, "%s", token_from("user"));
    cast_begin(&c, user, token_from("system"), token_from("helper"));
    get(&o, &c.places, 30);
    cast_end(&c, 1);
    assert_string_equal(o.token, "from-user");
    assert_int_equal(o.from, SOURCE_USER_AGENT);
}

static void no_account_leads_to_the_next(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    cast_begin(&c, NO_ACCOUNT, token_from("system"), "die");
    get(&o, &c.places, 30);
    cast_end(&c, 2);
    assert_string_equal(o.token, "from-system");
    assert_int_equal(o.from, SOURCE_SYSTEM_AGENT);
    cast_begin(&c, NO_ACCOUNT, NO_ACCOUNT, token_from("helper"));
    get(&o, &c.places, 30);
    cast_end(&c, 3);
    assert_string_equal(o.token, "from-helper");
    assert_int_equal(o.from, SOURCE_HELPER);
}

static void left_over_socket_is_passed_over(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    cast_begin(&c, NO_ACCOUNT, NULL, token_from("helper"));
    fake_agent_stop(c.user); /* the file stays; nobody listens */
    c.user = 0;
    get(&o, &c.places, 30);
    cast_end(&c, 1);
    assert_string_equal(o.token, "from-helper");
}

static void chosen_socket_that_is_not_there(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    char expected[512];
    cast_begin(&c, NULL, NULL, NO_ACCOUNT);
    c.places.user_socket_chosen = true;
    get(&o, &c.places, 30);
    cast_end(&c, 1); /* the helper was still asked */
    snprintf(expected, sizeof expected,
             "no agent at %s (No such file or directory): start it, or remove xoauth2_agent_socket", c.user_socket);
    assert_failure(&o, FAILURE_UNREACHABLE, expected);
}

static void other_failures_are_final(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    cast_begin(&c, "error\nversion=1\ncode=login-needed\nmessage=L\n\n", token_from("system"), token_from("helper"));
    get(&o, &c.places, 30);
    cast_end(&c, 1);
    assert_failure(&o, FAILURE_LOGIN_NEEDED, "L");
    cast_begin(&c, "error\nversion=1\ncode=wrong-host\nmessage=W\n\n", token_from("system"), token_from("helper"));
    get(&o, &c.places, 30);
    cast_end(&c, 1);
    assert_failure(&o, FAILURE_WRONG_HOST, "W");
}

static void system_agent_denies_what_the_user_has_himself(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    cast_begin(&c, NULL, "error\nversion=1\ncode=not-allowed\nmessage=N\n\n", token_from("helper"));
    get(&o, &c.places, 30);
    cast_end(&c, 2);
    assert_string_equal(o.token, "from-helper");
}

static void most_specific_failure_is_told(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    cast_begin(&c, NULL, "error\nversion=1\ncode=not-allowed\nmessage=N\n\n", NO_ACCOUNT);
    get(&o, &c.places, 30);
    cast_end(&c, 2);
    assert_failure(&o, FAILURE_NOT_ALLOWED, "N");
    cast_begin(&c, "error\nversion=1\ncode=no-account\nmessage=A\n\n", NULL,
               "error\nversion=1\ncode=login-needed\nmessage=L\n\n");
    get(&o, &c.places, 30);
    cast_end(&c, 2);
    assert_failure(&o, FAILURE_LOGIN_NEEDED, "L");
    cast_begin(&c, "nonsense\n\n", NULL, NO_ACCOUNT);
    get(&o, &c.places, 30);
    cast_end(&c, 2);
    assert_int_equal(o.why.code, FAILURE_UNREACHABLE);
    assert_non_null(strstr(o.why.text, "gave an answer that is none"));
}

static void agent_knows_nobody_and_no_helper_is_there(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    cast_begin(&c, NULL, NO_ACCOUNT, NULL);
    get(&o, &c.places, 30);
    cast_end(&c, 1);
    assert_int_equal(o.why.code, FAILURE_NO_ACCOUNT);
}

static void silent_agent_ends_the_search(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    char expected[512];
    cast_begin(&c, NO_ACCOUNT, NO_ACCOUNT, token_from("helper"));
    fake_agent_stop(c.user);
    c.user = fake_agent_start(c.user_socket, NULL, c.record);
    get(&o, &c.places, 3);
    cast_end(&c, 1);
    snprintf(expected, sizeof expected,
             "no answer from the agent at %s within 3 s: try again, or raise xoauth2_timeout", c.user_socket);
    assert_failure(&o, FAILURE_UNREACHABLE, expected);
}

static void agent_that_does_not_accept(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    int full;
    cast_begin(&c, NULL, NULL, token_from("helper"));
    int listener = fake_agent_wedged(c.user_socket, &full);
    get(&o, &c.places, 30);
    close(full);
    close(listener);
    cast_end(&c, 1);
    assert_string_equal(o.token, "from-helper");
}

static void time_is_over_before_the_next_source(void **state)
{
    (void)state;
    struct cast c;
    struct outcome o;
    int full;
    char expected[512];
    cast_begin(&c, NULL, token_from("system"), token_from("helper"));
    int listener = fake_agent_wedged(c.user_socket, &full);
    get(&o, &c.places, 1);
    close(full);
    close(listener);
    cast_end(&c, 0); /* nobody else was asked */
    snprintf(expected, sizeof expected, "cannot reach the agent at %s (Connection timed out): check that it runs",
             c.user_socket);
    assert_failure(&o, FAILURE_UNREACHABLE, expected);
}

static void no_descriptor_left_for_the_helper(void **state)
{
    (void)state;
    struct outcome o;
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    for (rlim_t limit = 4; limit < 12; limit++) {
        struct source_places places = no_places();
        places.helper = helper_path;
        setenv("FAKE_HELPER", "ok\nversion=1\ntoken=abc\n\n", 1);
        struct rlimit low = {limit, before.rlim_max};
        struct secret token;
        struct source_query q = query();
        secret_init(&token, SOURCE_TOKEN_MAX);
        int descriptors = count_descriptors();
        setrlimit(RLIMIT_NOFILE, &low);
        o.given = source_get(&places, &q, 30, &token, &o.from, &o.why);
        setrlimit(RLIMIT_NOFILE, &before);
        secret_free(&token);
        assert_int_equal(count_descriptors(), descriptors);
        assert_no_child();
        if (!o.given)
            assert_int_equal(o.why.code, FAILURE_UNREACHABLE);
        if (limit == 4) {
            assert_false(o.given);
            assert_non_null(strstr(o.why.text, "): try again later"));
        }
    }
}

static void what_is_asked(void **state)
{
    (void)state;
    struct cast c;
    struct secret token;
    enum source from;
    struct report why;
    cast_begin(&c, NO_ACCOUNT, NULL, token_from("helper"));
    struct source_query q = {"me@x.org", "shared@x.org", "imap", "h.example", "143", "OAUTHBEARER"};
    secret_init(&token, SOURCE_TOKEN_MAX);
    assert_true(source_get(&c.places, &q, 30, &token, &from, &why));
    secret_free(&token);
    cast_end(&c, 2);
    FILE *file = fopen(c.record, "r");
    char text[1024] = "";
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    static const char EXPECTED[] =
        "get\nversion=1\nuser=me@x.org\nauthid=me@x.org\nauthzid=shared@x.org\nservice=imap\n"
        "host=h.example\nport=143\nmechanism=OAUTHBEARER\n\n";
    assert_memory_equal(text, EXPECTED, sizeof EXPECTED - 1);
}

static void reject(struct cast *c, enum source from, struct report *advice)
{
    struct secret token;
    struct source_query q = query();
    secret_init(&token, SOURCE_TOKEN_MAX);
    assert_true(secret_adds(&token, "stale"));
    source_reject(&c->places, from, &q, &token, "e30=", advice);
    secret_free(&token);
}

static void refused_token_is_told_to_its_source_alone(void **state)
{
    (void)state;
    struct cast c;
    struct report advice;
    cast_begin(&c, "ok\nversion=1\nmessage=dropped%0A\n\n", NO_ACCOUNT, "die");
    reject(&c, SOURCE_USER_AGENT, &advice);
    cast_end(&c, 1);
    assert_string_equal(advice.text, "dropped?");
    FILE *file = fopen(c.record, "r");
    char text[1024] = "";
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_string_equal(text, "reject\nversion=1\nuser=me@x.org\nauthid=me@x.org\nservice=imap\nhost=h\n"
                              "mechanism=XOAUTH2\ntoken=stale\nchallenge=e30=\n\n");
}

static void failure_to_tell_a_source_is_nobodys_concern(void **state)
{
    (void)state;
    struct cast c;
    struct report advice;
    cast_begin(&c, "error\nversion=1\ncode=config\nmessage=M\n\n", NULL, "die");
    reject(&c, SOURCE_USER_AGENT, &advice);
    assert_string_equal(advice.text, "");
    reject(&c, SOURCE_SYSTEM_AGENT, &advice);
    assert_string_equal(advice.text, "");
    reject(&c, SOURCE_HELPER, &advice);
    assert_string_equal(advice.text, "");
    cast_end(&c, 1);
    assert_no_child();
}

static void who_may_serve_a_socket(void **state)
{
    (void)state;
    uid_t other = geteuid() + 1;
    folder_sub("sockets", 0755);
    const char *path = folder_path("sockets/agent.sock");
    assert_true(transport_trusts(path, 0));
    assert_true(transport_trusts(path, geteuid()));
    assert_false(transport_trusts(path, other));
    assert_false(transport_trusts("/agent.sock", other));
    assert_false(transport_trusts("agent.sock", other));
    if (geteuid() != 0)
        return; /* the rest needs a folder of somebody else; the above is what an ordinary user can see */
    assert_int_equal(chown(folder_path("sockets"), other, 0), 0);
    assert_true(transport_trusts(path, other));
    folder_sub("sockets", 0775);
    assert_false(transport_trusts(path, other));
    folder_sub("sockets", 0757);
    assert_false(transport_trusts(path, other));
    folder_sub("sockets", 01777);
    assert_false(transport_trusts(path, other));
}

/* A socket that another user has put into a folder for everybody. */
static void planted_socket(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can play another user */
    struct cast c;
    struct outcome o;
    int ready[2];
    folder_sub("open", 01777);
    cast_begin(&c, NULL, NULL, NO_ACCOUNT);
    snprintf(c.user_socket, sizeof c.user_socket, "%s", folder_path("open/agent.sock"));
    folder_sub(".", 0755);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (seteuid(12345) != 0)
            _exit(1);
        pid_t agent = fake_agent_start(c.user_socket, token_from("attacker"), NULL);
        if (write(ready[1], &agent, sizeof agent) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    pid_t agent = 0;
    close(ready[1]);
    assert_int_equal(read(ready[0], &agent, sizeof agent), sizeof agent);
    close(ready[0]);
    get(&o, &c.places, 30);
    kill(agent, SIGKILL);
    fake_agent_stop(pid);
    cast_end(&c, 1);
    char expected[512];
    snprintf(
        expected, sizeof expected,
        "the socket %s is served by user id 12345, who is not trusted: remove it, or give its folder to that user "
        "alone if it is your agent",
        c.user_socket);
    assert_failure(&o, FAILURE_NOT_ALLOWED, expected);
}

static void folder_of_the_users_socket(void **state)
{
    (void)state;
    char path[TRANSPORT_PATH_MAX];
    char expected[512];
    char deep[101] = "";
    memset(deep, 'd', sizeof deep - 1);
    const char *folder = folder_sub("own", 0755);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    assert_true(transport_user_socket(path));
    snprintf(expected, sizeof expected, "%s/xoauth2/agent.sock", folder);
    assert_string_equal(path, expected);
    setenv("XDG_RUNTIME_DIR", folder_sub(deep, 0700), 1);
    assert_false(transport_user_socket(path));
    unsetenv("XDG_RUNTIME_DIR");
}

/* Whether this user's agent is looked for in the folder that the variable names. */
static bool is_looked_for_in(const char *folder)
{
    char path[TRANSPORT_PATH_MAX] = "";
    setenv("XDG_RUNTIME_DIR", folder, 1);
    bool found = transport_user_socket(path);
    unsetenv("XDG_RUNTIME_DIR");
    return found && strncmp(path, folder, strlen(folder)) == 0;
}

/* Whoever makes the folder xoauth2 in it owns what he then serves there. */
static void runtime_folder_that_is_not_the_users_alone(void **state)
{
    (void)state;
    assert_true(is_looked_for_in(folder_sub("shared", 0700)));
    assert_false(is_looked_for_in(folder_sub("shared", 0770)));
    assert_false(is_looked_for_in(folder_sub("shared", 0702)));
    assert_false(is_looked_for_in(folder_sub("shared", 01777)));
    assert_false(is_looked_for_in(folder_path("not-there")));
    assert_false(is_looked_for_in(folder_write("file", "", 0600)));
    if (geteuid() != 0)
        return; /* only root can give a folder away */
    assert_int_equal(chown(folder_sub("shared", 0700), 12345, 0), 0);
    assert_false(is_looked_for_in(folder_path("shared")));
}

static int find_helper(void **state)
{
    assert_non_null(realpath("tests/unit/fake_helper", helper_path));
    return folder_make(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(helper_gives_a_token),
        cmocka_unit_test(helper_sees_a_clean_world),
        cmocka_unit_test(host_closed_its_standard_descriptors),
        cmocka_unit_test(connections_stay_clear_of_the_standard_descriptors),
        cmocka_unit_test(descriptors_of_a_host_without_stdin),
        cmocka_unit_test(host_ignores_its_children),
        cmocka_unit_test(host_reaps_every_child),
        cmocka_unit_test(helper_is_gone_before_it_is_asked),
        cmocka_unit_test(helper_answers_without_reading),
        cmocka_unit_test(answer_in_single_bytes),
        cmocka_unit_test(helper_hangs),
        cmocka_unit_test(helper_answers_and_stays),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(answer_is_cut),
        cmocka_unit_test(helper_has_no_account),
        cmocka_unit_test(system_agent_is_needed_and_not_there),
        cmocka_unit_test(no_account_in_the_helpers_words),
        cmocka_unit_test(failures_with_and_without_a_text),
        cmocka_unit_test(no_such_helper),
        cmocka_unit_test(raised_privileges_and_no_agent),
        cmocka_unit_test(user_agent_goes_first),
        cmocka_unit_test(no_account_leads_to_the_next),
        cmocka_unit_test(left_over_socket_is_passed_over),
        cmocka_unit_test(chosen_socket_that_is_not_there),
        cmocka_unit_test(other_failures_are_final),
        cmocka_unit_test(system_agent_denies_what_the_user_has_himself),
        cmocka_unit_test(most_specific_failure_is_told),
        cmocka_unit_test(agent_knows_nobody_and_no_helper_is_there),
        cmocka_unit_test(silent_agent_ends_the_search),
        cmocka_unit_test(agent_that_does_not_accept),
        cmocka_unit_test(time_is_over_before_the_next_source),
        cmocka_unit_test(no_descriptor_left_for_the_helper),
        cmocka_unit_test(what_is_asked),
        cmocka_unit_test(refused_token_is_told_to_its_source_alone),
        cmocka_unit_test(failure_to_tell_a_source_is_nobodys_concern),
        cmocka_unit_test(who_may_serve_a_socket),
        cmocka_unit_test(planted_socket),
        cmocka_unit_test(folder_of_the_users_socket),
        cmocka_unit_test(runtime_folder_that_is_not_the_users_alone),
    };
    return cmocka_run_group_tests(tests, find_helper, folder_remove);
}
