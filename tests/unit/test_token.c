#include "config.h"

#include "token.h"

#include "caller.h"
#include "clock.h"
#include "fetch.h"
#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "me@x.org"

static struct account account;
static struct token_reply reply;
static struct report why;
static char program[256];

/* A stand-in for the program that renews tokens: notes its arguments in `calls` and does what `behaviour`, a piece of
 * shell text, says. */
static void make_program(void)
{
    char text[1024];
    snprintf(text, sizeof text, "#!/bin/sh\ncd %s || exit 1\necho \"$@\" >> calls\n. ./behaviour\n", folder_path(""));
    snprintf(program, sizeof program, "%s", folder_write("refresh", text, 0700));
    fetch_program = program;
}

/* Puts a state in place of the old one, as the real program does. */
static const char GIVE[] = "give() {\n"
                           "    umask 077\n"
                           "    printf '%s' \"$1\" > state/new && mv state/new state/" NAME ".json\n"
                           "}\n"
                           "ok() { printf 'ok\\nversion=1\\n\\n'; }\n"
                           "no() { printf 'error\\nversion=1\\ncode=%s\\nmessage=%s\\n\\n' \"$1\" \"$2\"; }\n";

static void behaviour(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void behaviour(const char *format, ...)
{
    char text[4096];
    va_list args;
    size_t len = (size_t)snprintf(text, sizeof text, "%s", GIVE);
    va_start(args, format);
    vsnprintf(text + len, sizeof text - len, format, args);
    va_end(args);
    folder_write("behaviour", text, 0600);
}

/* A state with this access token, obtained `age` seconds ago, that lives for `left` seconds from now. */
static const char *state_text(const char *token, int age, int left, const char *rest)
{
    static char text[1024];
    int64_t now = clock_wall();
    snprintf(text, sizeof text, "{\"access_token\":\"%s\",\"obtained_at\":%" PRId64 ",\"expires_at\":%" PRId64 "%s}",
             token, now - age, now + left, rest);
    return text;
}

static void has_state(const char *token, int age, int left, const char *rest)
{
    store_folder_state(NAME, state_text(token, age, left, rest));
}

#define REFRESHABLE ",\"refresh_token\":\"rt\""

static void gives_new_token(void)
{
    behaviour("give '%s'\nok\n", state_text("new", 0, 3600, REFRESHABLE));
}

static int calls(void)
{
    int count = 0;
    FILE *f = fopen(folder_path("calls"), "r");
    if (!f)
        return 0;
    for (int c; (c = getc(f)) != EOF;)
        count += c == '\n';
    fclose(f);
    return count;
}

static void use_account(const char *text)
{
    account_free(&account);
    store_folder_account(NAME, text);
    if (account_load(&account, &paths, NAME, &why) != READFILE_OK)
        fail_msg("%s", why.text);
}

static int setup(void **state)
{
    why = (struct report){0};
    store_folder_setup(state);
    unlink(folder_path("calls"));
    make_program();
    gives_new_token();
    use_account("issuer: https://x.org\nhosts: imap.x.org\n");
    caller_watch(-1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    account_free(&account);
    secret_free(&reply.token);
    return 0;
}

static bool get(bool force)
{
    why = (struct report){0};
    return token_get(&account, &paths, NULL, force, &reply, &why);
}

static void gets(const char *token)
{
    if (!get(false))
        fail_msg("%s", why.text);
    assert_string_equal(reply.token.data, token);
}

static void fails(enum failure code, const char *words)
{
    assert_false(get(false));
    assert_int_equal(reply.token.len, 0);
    if (!strstr(why.text, words))
        fail_msg("'%s' does not say '%s'", why.text, words);
    assert_int_equal(why.code, code);
}

static void fresh_token_asks_nobody(void **state)
{
    (void)state;
    int64_t before = clock_wall();
    has_state("old", 10, 3600, REFRESHABLE);
    gets("old");
    assert_true(reply.expires_at >= before + 3600 && reply.expires_at <= clock_wall() + 3600);
    assert_int_equal(calls(), 0);
}

static void expired_token_is_renewed_once(void **state)
{
    (void)state;
    has_state("old", 4000, -400, REFRESHABLE);
    gets("new");
    gets("new");
    assert_int_equal(calls(), 1);
    assert_string_equal(store_folder_read(folder_path("calls")), "--lock-fd 3 -- " NAME "\n");
}

static void token_near_its_end_is_renewed(void **state)
{
    (void)state;
    has_state("old", 3400, REFRESH_MARGIN_DEFAULT - 10, REFRESHABLE);
    gets("new");
}

static void margin_of_the_account_counts(void **state)
{
    (void)state;
    use_account("issuer: https://x.org\nrefresh_margin: 10\n");
    has_state("old", 3400, REFRESH_MARGIN_DEFAULT - 10, REFRESHABLE);
    gets("old");
}

static void force_renews_a_fresh_token(void **state)
{
    (void)state;
    has_state("old", 10, 3600, REFRESHABLE);
    assert_true(get(true));
    assert_string_equal(reply.token.data, "new");
    assert_string_equal(store_folder_read(folder_path("calls")), "--force --lock-fd 3 -- " NAME "\n");
}

static void system_is_handed_on(void **state)
{
    (void)state;
    has_state("old", 4000, -400, REFRESHABLE);
    paths.system = true;
    gets("new");
    assert_string_equal(store_folder_read(folder_path("calls")), "--system --lock-fd 3 -- " NAME "\n");
}

static void other_host_gets_nothing(void **state)
{
    (void)state;
    char words[512];
    has_state("old", 10, 3600, REFRESHABLE);
    assert_false(token_get(&account, &paths, "imap.evil.org", false, &reply, &why));
    assert_int_equal(why.code, FAILURE_WRONG_HOST);
    snprintf(words, sizeof words,
             "the token of " NAME " is not for imap.evil.org: add it to 'hosts:' in %s if it is right",
             folder_path("accounts/" NAME ".conf"));
    assert_string_equal(why.text, words);
    assert_true(token_get(&account, &paths, "imap.x.org", false, &reply, &why));
}

static void never_logged_in(void **state)
{
    (void)state;
    fails(FAILURE_LOGIN_NEEDED, NAME " is not logged in: run 'xoauth2 login " NAME "'");
    assert_int_equal(calls(), 0);
}

static void without_refresh_token_the_valid_token_serves_to_its_end(void **state)
{
    (void)state;
    has_state("old", 3400, 60, "");
    gets("old");
    has_state("old", 4000, -1, "");
    fails(FAILURE_LOGIN_NEEDED, "the login of " NAME " has ended: run 'xoauth2 login " NAME "'");
    assert_int_equal(calls(), 0);
}

#define DEAD                                                                                                         \
    ",\"last_error\":{\"code\":\"login-needed\",\"message\":\"the login has ended (invalid_grant)\",\"at\":5}"

static void known_dead_refresh_token_is_not_tried_again(void **state)
{
    (void)state;
    has_state("old", 4000, -1, REFRESHABLE DEAD);
    fails(FAILURE_LOGIN_NEEDED, "the login has ended (invalid_grant)");
    assert_int_equal(calls(), 0);
    assert_true(get(true)); /* but a person may insist */
    assert_int_equal(calls(), 1);
}

static void failure_that_was_kept_without_words(void **state)
{
    (void)state;
    has_state("old", 4000, -1, REFRESHABLE ",\"last_error\":{\"code\":\"login-needed\",\"at\":5}");
    fails(FAILURE_LOGIN_NEEDED, "the last attempt to renew the token of " NAME
                                " failed (login-needed): run 'xoauth2 refresh " NAME "'");
}

static void valid_token_beats_a_known_dead_refresh_token(void **state)
{
    (void)state;
    has_state("old", 3400, 60, REFRESHABLE DEAD);
    gets("old");
    assert_int_equal(calls(), 0);
}

/* A state that has failed `ago` seconds ago, to be tried again in `left`. */
static void has_failed(const char *code, int64_t ago, int64_t left)
{
    char rest[256];
    int64_t now = clock_wall();
    snprintf(rest, sizeof rest,
             REFRESHABLE ",\"last_error\":{\"code\":\"%s\",\"message\":\"down\",\"at\":%" PRId64
                         ",\"retry_at\":%" PRId64 "}",
             code, now - ago, now + left);
    has_state("old", 4000, -1, rest);
}

static void back_off_is_kept(void **state)
{
    (void)state;
    has_failed("unreachable", 5, 60);
    fails(FAILURE_UNREACHABLE, "down");
    assert_int_equal(calls(), 0);
    assert_true(get(true));
}

static void back_off_ends(void **state)
{
    (void)state;
    has_failed("unreachable", 5, -1);
    gets("new");
}

static void back_off_from_the_future_does_not_count(void **state)
{
    (void)state;
    has_failed("unreachable", -5000, 6000);
    gets("new");
}

static void wrong_configuration_is_tried_again(void **state)
{
    (void)state;
    has_failed("config", 5, 60);
    gets("new");
}

static void failure_comes_with_its_text(void **state)
{
    (void)state;
    has_state("old", 4000, -1, REFRESHABLE);
    behaviour("no config 'the client id is wrong: mend it'\n");
    fails(FAILURE_CONFIG, "the client id is wrong: mend it");
}

static void valid_token_beats_a_failure_but_not_when_forced(void **state)
{
    (void)state;
    has_state("old", 3400, 60, REFRESHABLE);
    behaviour("no unreachable 'down'\n");
    gets("old");
    assert_int_equal(calls(), 1);
    assert_false(get(true));
    assert_string_equal(why.text, "down");
}

static void bad_answers_of_the_program_are_failures(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "exit 0\n", "printf 'ok\\n'\n", "printf 'maybe\\nversion=1\\n\\n'\n", "printf 'error\\nversion=1\\n\\n'\n",
        "printf '\\377\\n\\n'\n", "head -c 100000 /dev/zero | tr '\\0' x\n", "kill -9 $$\n", "ok\n",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        has_state(i == sizeof BAD / sizeof BAD[0] - 1 ? "" : "old", 4000, -1, REFRESHABLE);
        if (i == sizeof BAD / sizeof BAD[0] - 1)
            store_folder_state(NAME, "{\"refresh_token\":\"rt\"}");
        behaviour("%s", BAD[i]);
        assert_false(get(false));
        assert_int_equal(why.code, FAILURE_UNREACHABLE);
        assert_true(strlen(why.text) > 10);
    }
}

static void missing_program_is_told(void **state)
{
    (void)state;
    char words[512];
    has_state("old", 4000, -1, REFRESHABLE);
    snprintf(program, sizeof program, "%s", folder_path("no-such-program"));
    snprintf(words, sizeof words, "%s is missing: install the whole package", program);
    fails(FAILURE_CONFIG, words);
}

static void broken_state_is_told_and_kept(void **state)
{
    (void)state;
    store_folder_state(NAME, "{");
    fails(FAILURE_CONFIG, "is damaged");
    assert_string_equal(store_folder_read(folder_path("state/" NAME ".json")), "{");
    assert_int_equal(calls(), 0);
}

static void program_gets_a_clean_process(void **state)
{
    (void)state;
    int stray = fcntl(STDIN_FILENO, F_DUPFD, 100); /* not close-on-exec */
    sigset_t term;
    sigset_t old;
    has_state("old", 4000, -1, REFRESHABLE);
    behaviour("readlink /proc/$$/fd/0 /proc/$$/fd/2 > facts\n"
              "grep -qE 'SigBlk:\t0+$' /proc/self/status && echo unblocked >> facts\n"
              /* glibc ignores the two signals that it keeps for itself, 32 and 33 */
              "grep -qE 'SigIgn:\t0+(18)?0{7}$' /proc/$$/status && echo default >> facts\n"
              "[ \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ ] && echo session >> facts\n"
              "[ -e /proc/$$/fd/3 ] && echo lock >> facts\n"
              "[ -e /proc/$$/fd/%d ] && echo stray >> facts\n"
              "give '%s'\nok\n",
              stray, state_text("new", 0, 3600, REFRESHABLE));
    assert_true(stray >= 100);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &old);
    signal(SIGPIPE, SIG_IGN);
    gets("new");
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(stray);
    assert_string_equal(store_folder_read(folder_path("facts")),
                        "/dev/null\n/dev/null\nunblocked\ndefault\nsession\nlock\n");
}

static void host_that_ignores_its_children_gets_a_token(void **state)
{
    (void)state;
    has_state("old", 4000, -1, REFRESHABLE);
    signal(SIGCHLD, SIG_IGN);
    gets("new");
    signal(SIGCHLD, SIG_DFL);
}

static void wait_for_file(const char *name)
{
    for (int i = 0; access(folder_path(name), F_OK) != 0; i++) {
        if (i == 1000)
            fail_msg("%s does not come", name);
        usleep(10000);
    }
}

/* Starts a program that does not answer until the file `go` is there, and leaves it with the lock. */
static void leave_one_behind(int64_t deadline)
{
    int lock = store_lock(&paths, NAME, clock_monotonic(), &why);
    unlink(folder_path("go"));
    unlink(folder_path("done"));
    unlink(folder_path("started"));
    behaviour("echo > started\nuntil [ -e go ]; do sleep 0.02; done\ngive '%s'\necho > done\nok\n",
              state_text("new", 0, 3600, REFRESHABLE));
    has_state("old", 4000, -1, REFRESHABLE);
    assert_false(fetch_token(&paths, NAME, false, lock, deadline, &why));
    store_unlock(&lock);
    assert_int_equal(why.code, FAILURE_UNREACHABLE);
}

static void let_it_end(void)
{
    folder_write("go", "", 0600);
    wait_for_file("done");
}

static void deadline_leaves_the_exchange_running_with_its_lock(void **state)
{
    (void)state;
    leave_one_behind(clock_monotonic() + 50);
    assert_int_equal(store_lock(&paths, NAME, clock_monotonic(), &why), -1);
    assert_int_equal(why.code, FAILURE_BUSY);
    let_it_end();
    int lock = store_lock(&paths, NAME, clock_monotonic() + 10000, &why);
    assert_true(lock >= 0);
    store_unlock(&lock);
    gets("new");
    assert_int_equal(calls(), 1);
}

static void caller_that_goes_away_ends_the_wait(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    caller_watch(ends[1]);
    assert_false(caller_wait(1));
    close(ends[0]);
    assert_true(caller_wait(10000));
    leave_one_behind(clock_monotonic() + 3600000);
    caller_watch(-1);
    close(ends[1]);
    let_it_end();
}

/* Runs token_get() in `count` processes at once. Returns how many ended with 0; a process compares what it got. */
static int at_once(int count, bool (*check)(void))
{
    int start[2];
    int good = 0;
    pid_t pids[64];
    char c;
    assert_int_equal(pipe(start), 0);
    for (int i = 0; i < count; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            close(start[1]);
            while (read(start[0], &c, 1) < 0 && errno == EINTR)
                ;
            _exit(check() ? 0 : 1);
        }
    }
    close(start[0]);
    close(start[1]);
    for (int i = 0; i < count; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return good;
}

static bool got_new(void)
{
    return get(false) && strcmp(reply.token.data, "new") == 0;
}

static bool must_log_in(void)
{
    return !get(false) && why.code == FAILURE_LOGIN_NEEDED && strcmp(why.text, "dead") == 0;
}

static bool is_down(void)
{
    return !get(false) && why.code == FAILURE_CONFIG && strcmp(why.text, "down") == 0;
}

static void many_processes_at_expiry_make_one_exchange(void **state)
{
    (void)state;
    for (int trial = 1; trial <= 10; trial++) {
        has_state("old", 4000, -1, REFRESHABLE);
        behaviour("sleep 0.05\ngive '%s'\nok\n", state_text("new", 0, 3600, REFRESHABLE));
        assert_int_equal(at_once(32, got_new), 32);
        assert_int_equal(calls(), trial);
    }
}

static void many_processes_share_one_failure(void **state)
{
    (void)state;
    has_state("old", 4000, -1, REFRESHABLE);
    behaviour("sleep 0.3\ngive '%s'\nno login-needed dead\n",
              state_text("old", 4000, -1,
                         REFRESHABLE ",\"last_error\":{\"code\":\"login-needed\",\"message\":\"dead\",\"at\":5}"));
    assert_int_equal(at_once(16, must_log_in), 16);
    assert_int_equal(calls(), 1);
}

/* One that forbids no further try: but those who have waited for this one take it over. The answer comes when all of
 * them have the lock's file open, for who comes later asks again. */
static void failure_met_while_waiting_is_taken_over(void **state)
{
    enum { PROCESSES = 8 };
    (void)state;
    has_state("old", 4000, -1, REFRESHABLE);
    behaviour("all_wait() {\n"
              "    count=0\n"
              "    for file in /proc/[0-9]*/fd/*; do\n"
              "        case $file in /proc/$$/*) continue ;; esac\n"
              "        [ ! $file -ef state/" NAME ".lock ] || count=$((count + 1))\n"
              "    done\n"
              "    [ $count -ge %d ]\n"
              "}\n"
              "until all_wait; do sleep 0.02; done\n"
              "give '%s'\n"
              "no config down\n",
              PROCESSES,
              state_text("old", 4000, -1,
                         REFRESHABLE ",\"last_error\":{\"code\":\"config\",\"message\":\"down\",\"at\":5}"));
    assert_int_equal(at_once(PROCESSES, is_down), PROCESSES);
    assert_int_equal(calls(), 1);
}

/* The state after a refused token. */
static const char *after_reject(const char *token, const char *challenge)
{
    static struct state s;
    struct report message;
    has_state("old", 10, 3600, REFRESHABLE);
    assert_true(token_reject(&account, &paths, token, challenge, strlen(challenge), &message, &why));
    assert_non_null(strstr(message.text, NAME));
    state_free(&s);
    assert_int_equal(state_load(&s, &paths, NAME, &why), READFILE_OK);
    assert_string_equal(s.refresh_token, "rt");
    const char *kept = s.access_token ? "kept" : "dropped";
    state_free(&s);
    return kept;
}

static void stale_token_is_dropped(void **state)
{
    (void)state;
    assert_string_equal(after_reject("old", "{\"status\":\"401\",\"schemes\":\"bearer\"}\n"), "dropped");
    assert_string_equal(after_reject("old", "{\"status\":401}"), "dropped");
    assert_string_equal(after_reject("old", "{\"status\":\"invalid_token\"}"), "dropped");
}

static void other_challenges_drop_nothing(void **state)
{
    (void)state;
    static const char *const OTHER[] = {
        "", "{", "null", "[]", "\"401\"", "{\"status\":\"403\"}", "{\"status\":403}", "{\"status\":\"400\"}",
        "{\"status\":[401]}", "{\"status\":null}", "{\"status\":401.0}", "garbage", "{\"a\":{\"status\":401}}",
    };
    for (size_t i = 0; i < sizeof OTHER / sizeof OTHER[0]; i++)
        assert_string_equal(after_reject("old", OTHER[i]), "kept");
}

/* What is said of a challenge. */
static const char *said_of(const char *challenge)
{
    static struct report message;
    assert_true(token_reject(&account, &paths, "older", challenge, strlen(challenge), &message, &why));
    return message.text;
}

static void hint_of_the_server_is_shown(void **state)
{
    (void)state;
    const char *said = said_of(
        "{\"status\":\"400\",\"openid-configuration\":\"https://a.example/.well-known/openid-configuration\"}");
    assert_non_null(
        strstr(said, "the one of https://a.example/.well-known/openid-configuration: if that is not where"));
}

static void odd_hint_is_not_shown(void **state)
{
    (void)state;
    static const char *const ODD[] = {
        "\"http://a.example/\"", "\"https://a.example/\\u001b[2J\"", "\"https://a b/\"", "7", "\"\"", "null",
        "\"javascript:x\"",      "\"https://a.example/'; rm\""};
    char challenge[512];
    for (size_t i = 0; i < sizeof ODD / sizeof ODD[0]; i++) {
        snprintf(challenge, sizeof challenge, "{\"status\":\"400\",\"openid-configuration\":%s}", ODD[i]);
        assert_null(strstr(said_of(challenge), "OAuth server"));
    }
    snprintf(challenge, sizeof challenge, "{\"openid-configuration\":\"https://a.example/%0*d\"}", 300, 0);
    assert_null(strstr(said_of(challenge), "OAuth server"));
}

static void another_token_is_not_dropped(void **state)
{
    (void)state;
    assert_string_equal(after_reject("older", "{\"status\":401}"), "kept");
}

static void after_a_drop_the_next_get_renews(void **state)
{
    (void)state;
    after_reject("old", "{\"status\":401}");
    gets("new");
    assert_int_equal(calls(), 1);
}

/* The answer to one request, asked in the folders that the environment names. */
static const char *answer(const char *request)
{
    static char text[PROTOCOL_MESSAGE_MAX + 1];
    char copy[1024];
    struct protocol_message message;
    struct secret out;
    size_t used;
    snprintf(copy, sizeof copy, "%s\n\n", request);
    assert_int_equal(protocol_parse(copy, strlen(copy), &used, &message), PROTOCOL_COMPLETE);
    secret_init(&out, PROTOCOL_MESSAGE_MAX);
    token_answer(&message, &out);
    snprintf(text, sizeof text, "%s", out.data);
    secret_free(&out);
    return text;
}

static int setup_environment(void **state)
{
    setup(state);
    folder_sub("c", 0700);
    folder_sub("s", 0700);
    unlink(folder_path("c/xoauth2"));
    unlink(folder_path("s/xoauth2"));
    assert_int_equal(symlink("..", folder_path("c/xoauth2")), 0);
    assert_int_equal(symlink("../state", folder_path("s/xoauth2")), 0);
    setenv("XDG_CONFIG_HOME", folder_path("c"), 1);
    setenv("XDG_STATE_HOME", folder_path("s"), 1);
    return 0;
}

static void get_is_answered(void **state)
{
    (void)state;
    char wanted[256];
    int64_t now;
    do {
        now = clock_wall();
        has_state("old", 10, 3600, REFRESHABLE);
    } while (clock_wall() != now);
    snprintf(wanted, sizeof wanted, "ok\nversion=1\ntoken=old\nexpires_at=%" PRId64 "\n\n", now + 3600);
    assert_string_equal(answer("get\nuser=" NAME "\nhost=imap.x.org"), wanted);
    assert_string_equal(answer("get\nversion=1\nuser=shared@x.org\nauthid=Me@X.org"), wanted);
    assert_string_equal(answer("get\nuser=" NAME "\nfuture=1"), wanted);
}

static void get_for_another_host(void **state)
{
    (void)state;
    has_state("old", 10, 3600, REFRESHABLE);
    assert_non_null(strstr(answer("get\nuser=" NAME "\nhost=imap.y.org"), "code=wrong-host\n"));
}

static void get_for_nobody(void **state)
{
    (void)state;
    assert_string_equal(answer("get\nuser=no@x.org"),
                        "error\nversion=1\ncode=no-account\n"
                        "message=no account for no@x.org: run 'xoauth2 login no@x.org'\n\n");
    assert_non_null(strstr(answer("get\nuser=../x"), "code=no-account\n"));
    assert_non_null(strstr(answer("get\nuser=a%0Ab"), "code=no-account\n"));
}

static void broken_account_is_no_missing_account(void **state)
{
    (void)state;
    store_folder_account(NAME, "nonsense\n");
    assert_non_null(strstr(answer("get\nuser=" NAME), "code=config\n"));
}

static void no_account_tells_what_was_passed_over(void **state)
{
    (void)state;
    store_folder_account("a@x.org", "nonsense\n");
    const char *text = answer("get\nuser=no@x.org");
    assert_non_null(strstr(text, "code=no-account\n"));
    assert_non_null(strstr(text, "(passed over: "));
    assert_non_null(strstr(text, "a@x.org.conf:1: "));
}

static void request_without_a_user(void **state)
{
    (void)state;
    assert_non_null(strstr(answer("get"), "code=config\nmessage=the request names no user"));
}

static void unknown_request(void **state)
{
    (void)state;
    assert_non_null(
        strstr(answer("conquer\nuser=" NAME), "code=config\nmessage=this version of xoauth2 does not know"));
}

static void reject_is_answered(void **state)
{
    (void)state;
    has_state("old", 10, 3600, REFRESHABLE);
    /* {"status":"403"} and {"status":"401"} */
    assert_non_null(strstr(answer("reject\nuser=" NAME "\ntoken=old\nchallenge=eyJzdGF0dXMiOiI0MDMifQ=="),
                           "ok\nversion=1\nmessage="));
    gets("old");
    assert_non_null(strstr(answer("reject\nuser=" NAME "\ntoken=old\nchallenge=eyJzdGF0dXMiOiI0MDEifQ=="),
                           "ok\nversion=1\nmessage="));
    gets("new");
}

static void malformed_reject(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "\ntoken=old", "\nchallenge=e30=", "\ntoken=old\nchallenge=e30"};
    char request[256];
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        snprintf(request, sizeof request, "reject\nuser=" NAME "%s", BAD[i]);
        assert_non_null(strstr(answer(request), "code=config\n"));
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define E(f) cmocka_unit_test_setup_teardown(f, setup_environment, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(fresh_token_asks_nobody),
        T(expired_token_is_renewed_once),
        T(token_near_its_end_is_renewed),
        T(margin_of_the_account_counts),
        T(force_renews_a_fresh_token),
        T(system_is_handed_on),
        T(other_host_gets_nothing),
        T(never_logged_in),
        T(without_refresh_token_the_valid_token_serves_to_its_end),
        T(known_dead_refresh_token_is_not_tried_again),
        T(failure_that_was_kept_without_words),
        T(valid_token_beats_a_known_dead_refresh_token),
        T(back_off_is_kept),
        T(back_off_ends),
        T(back_off_from_the_future_does_not_count),
        T(wrong_configuration_is_tried_again),
        T(failure_comes_with_its_text),
        T(valid_token_beats_a_failure_but_not_when_forced),
        T(bad_answers_of_the_program_are_failures),
        T(missing_program_is_told),
        T(broken_state_is_told_and_kept),
        T(program_gets_a_clean_process),
        T(host_that_ignores_its_children_gets_a_token),
        T(deadline_leaves_the_exchange_running_with_its_lock),
        T(caller_that_goes_away_ends_the_wait),
        T(many_processes_at_expiry_make_one_exchange),
        T(many_processes_share_one_failure),
        T(failure_met_while_waiting_is_taken_over),
        T(stale_token_is_dropped),
        T(other_challenges_drop_nothing),
        T(hint_of_the_server_is_shown),
        T(odd_hint_is_not_shown),
        T(another_token_is_not_dropped),
        T(after_a_drop_the_next_get_renews),
        E(get_is_answered),
        E(get_for_another_host),
        E(get_for_nobody),
        E(broken_account_is_no_missing_account),
        E(no_account_tells_what_was_passed_over),
        E(request_without_a_user),
        E(unknown_request),
        E(reject_is_answered),
        E(malformed_reject),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
