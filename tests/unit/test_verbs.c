#include "config.h"

#include "clock.h"
#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "me@x.org"

static int setup(void **state)
{
    store_folder_setup(state);
    folder_sub("c", 0700);
    folder_sub("s", 0700);
    unlink(folder_path("c/xoauth2"));
    unlink(folder_path("s/xoauth2"));
    assert_int_equal(symlink("..", folder_path("c/xoauth2")), 0);
    assert_int_equal(symlink("../state", folder_path("s/xoauth2")), 0);
    setenv("XDG_CONFIG_HOME", folder_path("c"), 1);
    setenv("XDG_STATE_HOME", folder_path("s"), 1);
    setenv("XDG_RUNTIME_DIR", folder_path("run"), 1);
    setenv("TZ", "UTC0", 1);
    return 0;
}

static void has_account(const char *name, int left, const char *rest)
{
    char text[1024];
    int64_t now = clock_wall();
    store_folder_account(name, "issuer: https://x.org\n");
    snprintf(text, sizeof text,
             "{\"access_token\":\"access-hush\",\"obtained_at\":%" PRId64 ",\"expires_at\":%" PRId64 "%s}", now - 10,
             now + left, rest);
    store_folder_state(name, text);
}

#define REFRESHABLE ",\"refresh_token\":\"refresh-hush\""
#define FAILED(code)                                                                                                 \
    REFRESHABLE ",\"last_error\":{\"code\":\"" code                                                                  \
                "\",\"message\":\"what happened\",\"at\":5,\"retry_at\":99999999999}"

/* Runs "xoauth2 ARGUMENTS" by a shell; returns its exit status. What it wrote is then in `out` and `err`. */
static int run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd '%s' && { '%s' %s; } > out 2> err", folder_path(""), XOAUTH2_PROGRAM,
             arguments);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *out(void)
{
    return store_folder_read(folder_path("out"));
}

static const char *err(void)
{
    return store_folder_read(folder_path("err"));
}

static void fails_with(int status, const char *arguments, const char *words)
{
    int got = run(arguments);
    if (got != status)
        fail_msg("%s: status %d: %s", arguments, got, err());
    assert_string_equal(out(), "");
    assert_int_equal(strncmp(err(), "xoauth2: ", 9), 0);
    if (!strstr(err(), words))
        fail_msg("'%s' does not say '%s'", err(), words);
}

static void token_is_alone_on_standard_output(void **state)
{
    (void)state;
    has_account(NAME, 3600, REFRESHABLE);
    assert_int_equal(run("token Me@X.org < /dev/null"), 0);
    assert_string_equal(out(), "access-hush\n");
    assert_string_equal(err(), "");
    assert_int_equal(run("access " NAME), 0);
}

static void token_by_a_pattern(void **state)
{
    (void)state;
    has_account(NAME, 3600, REFRESHABLE);
    store_folder_account(NAME, "issuer: https://x.org\nusers: *@y.org\n");
    assert_int_equal(run("token you@y.org"), 0);
}

static void failures_have_their_exit_status(void **state)
{
    (void)state;
    fails_with(1, "token " NAME, "no account for " NAME ": run 'xoauth2 login " NAME "'");
    fails_with(1, "token ../x", "cannot be an account");
    fails_with(1, "token ''", "the account is empty");
    has_account(NAME, -1, "");
    fails_with(77, "token " NAME, "the login of " NAME " has ended: run 'xoauth2 login " NAME "'");
    fails_with(77, "refresh " NAME, "the login of " NAME " has ended");
    has_account(NAME, -1, FAILED("login-needed"));
    fails_with(77, "token " NAME, "what happened");
    has_account(NAME, -1, FAILED("unreachable"));
    fails_with(75, "token " NAME, "what happened");
    store_folder_state(NAME, "{");
    fails_with(1, "token " NAME, "is damaged");
}

static void system_stands_before_or_after_the_verb(void **state)
{
    (void)state;
    has_account(NAME, 3600, REFRESHABLE);
    fails_with(1, "--system token nobody@x.invalid", "xoauth2 --system login nobody@x.invalid");
    fails_with(1, "token --system nobody@x.invalid", "xoauth2 --system login nobody@x.invalid");
    fails_with(1, "token nobody@x.invalid --system", "xoauth2 --system login nobody@x.invalid");
}

static void wrong_usage_is_told(void **state)
{
    (void)state;
    fails_with(2, "", "no verb given: see 'xoauth2 --help'");
    fails_with(2, "tokn " NAME, "there is no verb 'tokn': did you mean 'token'?");
    fails_with(2, "xyzzy", "there is no verb 'xyzzy': see 'xoauth2 --help'");
    fails_with(2, "help statsu", "did you mean 'status'?");
    fails_with(2, "--systm token", "unknown option '--systm'");
    fails_with(2, "token", "no account given: see 'xoauth2 token --help'");
    fails_with(2, "token a b", "one argument too many: 'b'");
    fails_with(2, "list a", "one argument too many: 'a'");
    fails_with(2, "token --json " NAME, "unknown option '--json'");
    fails_with(2, "token --wrong " NAME, "unknown option '--wrong': see 'xoauth2 token --help'");
    fails_with(2, "token --system=yes " NAME, "unknown option '--system=yes'");
    fails_with(2, "token --help=3 " NAME, "unknown option '--help=3'");
    fails_with(2, "--version=3", "unknown option '--version=3'");
    fails_with(2, "token -xy " NAME, "unknown option '-x': see 'xoauth2 token --help'");
    fails_with(2, "token " NAME " -x", "unknown option '-x'");
    fails_with(2, "-xy token " NAME, "unknown option '-x': see 'xoauth2 --help'");
    fails_with(2, "-x", "unknown option '-x'");
    fails_with(2, "token -x --json " NAME, "unknown option '-x'");
    fails_with(2, "token \"$(printf -- '-\\303\\251')\" " NAME, "unknown option '-");
}

static void help_and_version_everywhere(void **state)
{
    (void)state;
    static const char *const VERBS[] = {"token", "refresh", "status", "list", "helper"};
    char command[64];
    assert_int_equal(run("--version"), 0);
    assert_string_equal(out(), "xoauth2 " PACKAGE_VERSION "\n");
    assert_int_equal(run("help"), 0);
    assert_int_equal(run("--help"), 0);
    assert_int_equal(run("help help"), 0);
    assert_non_null(strstr(out(), "Usage: xoauth2 [--system] VERB"));
    for (size_t i = 0; i < sizeof VERBS / sizeof VERBS[0]; i++) {
        assert_int_equal(run("--help"), 0);
        assert_non_null(strstr(out(), VERBS[i]));
        snprintf(command, sizeof command, "%s --help", VERBS[i]);
        assert_int_equal(run(command), 0);
        assert_non_null(strstr(out(), "Usage: xoauth2 [--system] "));
        snprintf(command, sizeof command, "help %s", VERBS[i]);
        assert_int_equal(run(command), 0);
        snprintf(command, sizeof command, "%s --version", VERBS[i]);
        assert_int_equal(run(command), 0);
        assert_string_equal(out(), "xoauth2 " PACKAGE_VERSION "\n");
    }
}

static void full_standard_output_is_a_failure(void **state)
{
    (void)state;
    has_account(NAME, 3600, REFRESHABLE);
    assert_int_equal(run("token " NAME " > /dev/full"), 1);
    assert_int_equal(run("list > /dev/full"), 1);
    assert_int_equal(run("status > /dev/full"), 1);
    assert_int_equal(run("--version > /dev/full"), 1);
}

static void list_gives_names(void **state)
{
    (void)state;
    assert_int_equal(run("list"), 0);
    assert_string_equal(out(), "");
    store_folder_account("b@x.org", "broken\n");
    has_account("a@x.org", 1, "");
    assert_int_equal(run("list"), 0);
    assert_string_equal(out(), "a@x.org\nb@x.org\n");
    assert_int_equal(run("list --json"), 0);
    struct json_object *all = json_tokener_parse(out());
    assert_int_equal(json_object_array_length(all), 2);
    json_object_put(all);
}

static void status_shows_no_secret(void **state)
{
    (void)state;
    has_account(NAME, 750, REFRESHABLE ",\"refresh_obtained_at\":1000,\"signed_in_as\":\"somebody\"");
    store_folder_account(NAME, "issuer: https://x.org\nclient_secret: client-hush\nrefresh_token_lifetime: 100\n");
    static const char *const COMMANDS[] = {"status", "status " NAME, "status --json", "status --json " NAME};
    for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        assert_int_equal(run(COMMANDS[i]), 0);
        assert_null(strstr(out(), "hush"));
        assert_non_null(strstr(out(), NAME));
        assert_non_null(strstr(out(), "somebody"));
    }
    assert_int_equal(run("status"), 0);
    assert_non_null(strstr(out(), "(in 12 min)"));
    assert_non_null(strstr(out(), "(hidden)"));
    assert_non_null(strstr(out(), "ends 1970-01-01"));
}

static void status_shows_what_is_wrong(void **state)
{
    (void)state;
    has_account("a@x.org", 3600, REFRESHABLE);
    assert_int_equal(run("status"), 0);
    has_account("b@x.org", 3600, FAILED("unreachable"));
    assert_int_equal(run("status"), 75);
    assert_non_null(strstr(out(), "what happened"));
    store_folder_account("c@x.org", "broken\n");
    assert_int_equal(run("status"), 1);
    assert_non_null(strstr(out(), "c@x.org.conf:1: "));
    has_account("d@x.org", -1, "");
    assert_int_equal(run("status"), 77);
    assert_non_null(strstr(out(), "xoauth2 login d@x.org"));
    assert_int_equal(run("status a@x.org"), 0);
    fails_with(1, "status z@x.org", "xoauth2 login z@x.org");
}

static void status_as_json(void **state)
{
    (void)state;
    struct json_object *item;
    struct json_object *value;
    has_account(NAME, 3600, FAILED("unreachable"));
    assert_int_equal(run("status --json"), 75);
    struct json_object *all = json_tokener_parse(out());
    assert_int_equal(json_object_array_length(all), 1);
    item = json_object_array_get_idx(all, 0);
    static const char *const MEMBERS[] = {
        "account",  "store",        "state",         "provider",   "issuer",       "signed_in_as", "scope",
        "login_at", "access_token", "refresh_token", "last_error", "account_file", "state_file"};
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0]; i++)
        assert_true(json_object_object_get_ex(item, MEMBERS[i], &value));
    json_object_object_get_ex(item, "state", &value);
    assert_string_equal(json_object_get_string(value), "unreachable");
    json_object_put(all);
}

/* An account of which each mailbox has a token of its own: ann's could not be renewed. */
static void has_mailboxes(void)
{
    static const char ACCOUNT[] = "token_endpoint: https://x.org\n"
                                  "grant: jwt_bearer\n"
                                  "client_key_file: /k\n"
                                  "users: *@y.org\n";
    static const char FAILURE[] = "{\"last_error\": {\"code\": \"unreachable\", \"message\": \"what happened\"}}";
    store_folder_account(NAME, ACCOUNT);
    store_folder_state(NAME " ann@y.org", FAILURE);
    store_folder_state(NAME " bob@y.org", "{\"access_token\":\"access-hush\",\"expires_at\":99999999999}");
}

static void status_of_mailboxes_is_that_of_the_account(void **state)
{
    (void)state;
    has_mailboxes();
    assert_int_equal(run("status"), 75);
    assert_non_null(strstr(out(), "ann@y.org, no access token\n  problem        what happened\n"));
    assert_non_null(strstr(out(), "bob@y.org, access token until"));
    assert_int_equal(run("status bob@y.org"), 0);
    assert_null(strstr(out(), "ann@y.org"));
    assert_int_equal(run("status cy@y.org"), 0);
    assert_non_null(strstr(out(), "  user           cy@y.org\n"));
    assert_int_equal(run("status Ann@y.org"), 75);
    assert_non_null(strstr(out(), NAME "\n  user           ann@y.org\n"));
    assert_non_null(strstr(out(), "what happened"));
    assert_null(strstr(out(), "bob@y.org"));
    store_folder_state(NAME " bob@y.org", "{");
    assert_int_equal(run("status " NAME), 1);
    assert_non_null(strstr(out(), "bob@y.org.json is damaged"));
    fails_with(1, "token bob@y.org", "move it away and run 'xoauth2 token bob@y.org'");
    assert_int_equal(run("status bob@y.org"), 1);
    assert_non_null(strstr(out(), "bob@y.org.json is damaged"));
}

/* Of an object below a list, this member. */
static const char *text_at(struct json_object *list, size_t index, const char *member)
{
    return json_object_get_string(json_object_object_get(json_object_array_get_idx(list, index), member));
}

static void status_of_mailboxes_as_json(void **state)
{
    (void)state;
    struct json_object *users;
    has_mailboxes();
    assert_int_equal(run("status --json"), 75);
    struct json_object *all = json_tokener_parse(out());
    assert_string_equal(text_at(all, 0, "state"), "ok");
    assert_null(text_at(all, 0, "user"));
    assert_true(json_object_object_get_ex(json_object_array_get_idx(all, 0), "users", &users));
    assert_int_equal(json_object_array_length(users), 2);
    assert_string_equal(text_at(users, 0, "user"), "ann@y.org");
    assert_string_equal(text_at(users, 0, "state"), "unreachable");
    assert_non_null(strstr(text_at(users, 0, "last_error"), "what happened"));
    assert_string_equal(text_at(users, 1, "state"), "ok");
    assert_non_null(strstr(text_at(users, 1, "state_file"), NAME " bob@y.org.json"));
    json_object_put(all);
    assert_int_equal(run("status --json ann@y.org"), 75);
    all = json_tokener_parse(out());
    assert_string_equal(text_at(all, 0, "account"), NAME);
    assert_string_equal(text_at(all, 0, "user"), "ann@y.org");
    assert_string_equal(text_at(all, 0, "state"), "unreachable");
    assert_null(text_at(all, 0, "users"));
    json_object_put(all);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    assert_int_equal(run("token \"$(printf 'a\\033[31m@x.org')\""), 1);
    assert_null(strchr(err(), '\033'));
    assert_int_equal(run("\"$(printf 'a\\033[31m')\""), 2);
    assert_null(strchr(err(), '\033'));
    has_account(NAME, 3600, REFRESHABLE ",\"signed_in_as\":\"\xc2\x9b" "31m\"");
    assert_int_equal(run("status"), 0);
    assert_non_null(strstr(out(), "??31m"));
    assert_null(strstr(out(), "\xc2\x9b"));
}

/* What `helper` answers to this input, given with printf's escapes. */
static const char *helper(int status, const char *input)
{
    char command[512];
    snprintf(command, sizeof command, "cd '%s' && printf '%s' | '%s' helper > out 2> err", folder_path(""), input,
             XOAUTH2_PROGRAM);
    int got = system(command);
    assert_true(WIFEXITED(got));
    assert_int_equal(WEXITSTATUS(got), status);
    assert_string_equal(err(), "");
    return out();
}

static void helper_answers_one_request_after_the_other(void **state)
{
    (void)state;
    has_account(NAME, 3600, REFRESHABLE);
    const char *text = helper(0, "get\\nuser=" NAME "\\n\\nget\\nuser=no\\n\\nget\\nuser=" NAME "\\n\\n");
    assert_int_equal(strncmp(text, "ok\nversion=1\ntoken=access-hush\n", 31), 0);
    text = strstr(text, "\n\nerror\nversion=1\ncode=no-account\n");
    assert_non_null(text);
    assert_non_null(strstr(text, "\n\nok\nversion=1\ntoken=access-hush\n"));
}

static void helper_ends_with_its_input(void **state)
{
    (void)state;
    assert_string_equal(helper(0, ""), "");
}

static void helper_is_told_half_a_request(void **state)
{
    (void)state;
    has_account(NAME, 3600, REFRESHABLE);
    assert_string_equal(helper(1, "get\\nuser=" NAME "\\n"),
                        "error\nversion=1\ncode=config\n"
                        "message=the request is malformed: see xoauth2-protocol(7)\n\n");
    const char *text = helper(1, "get\\nuser=" NAME "\\n\\nget");
    assert_int_equal(strncmp(text, "ok\n", 3), 0);
    assert_non_null(strstr(text, "\n\nerror\nversion=1\ncode=config\nmessage=the request is malformed"));
}

static void helper_ends_at_what_is_no_request(void **state)
{
    (void)state;
    assert_non_null(
        strstr(helper(1, "\\n\\nget\\nuser=" NAME "\\n\\n"), "code=config\nmessage=the request is malformed"));
    assert_null(strstr(out(), "token="));
    assert_non_null(strstr(helper(1, "get\\nversion=2\\n\\n"), "malformed"));
    assert_int_equal(run("helper < /dev/zero"), 1);
    assert_non_null(strstr(out(), "the request is too long"));
}

static void helper_survives_closed_descriptors(void **state)
{
    (void)state;
    assert_int_equal(run("helper <&- >&- 2>&-"), 0);
    assert_int_equal(run("helper < /dev/null > /dev/full"), 0);
}

/* A helper on a socket, as the plugin starts it. */
static pid_t start_helper(int *fd)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execl(XOAUTH2_PROGRAM, "xoauth2", "helper", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *fd = ends[0];
    return pid;
}

static void ends_with(pid_t pid, int wanted)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
}

static void helper_on_a_socket_ends_when_it_is_closed(void **state)
{
    (void)state;
    static const char REQUEST[] = "get\nuser=" NAME "\n\n";
    int fd;
    char text[256] = "";
    has_account(NAME, 3600, REFRESHABLE);
    pid_t pid = start_helper(&fd);
    assert_int_equal(write(fd, REQUEST, sizeof REQUEST - 1), sizeof REQUEST - 1);
    assert_true(read(fd, text, sizeof text - 1) > 3);
    assert_int_equal(strncmp(text, "ok\n", 3), 0);
    close(fd);
    ends_with(pid, 0);
}

static void helper_makes_no_core_dump(void **state)
{
    (void)state;
    int fd;
    char path[64];
    char text[64] = "";
    has_account(NAME, 3600, REFRESHABLE);
    pid_t pid = start_helper(&fd);
    assert_int_equal(write(fd, "get\nuser=x\n\n", 12), 12);
    assert_true(read(fd, text, sizeof text - 1) > 3); /* it has started */
    snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
    FILE *limits = fopen(path, "r");
    char line[256];
    bool found = false;
    while (limits && fgets(line, sizeof line, limits))
        found = found || strncmp(line, "Max core file size        0 ", 28) == 0;
    if (limits)
        fclose(limits);
    close(fd);
    ends_with(pid, 0);
    assert_true(found);
}

static void command_needs_libc_and_json_c_alone(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof command,
             "cd '%s' && env -u LD_PRELOAD LD_TRACE_LOADED_OBJECTS=1 '%s' > out && "
             "test \"$(grep -cvE "
             "'lib(json-c|c)\\.so|ld-linux|ld64|linux-vdso|"
             "lib(asan|ubsan|stdc\\+\\+|m|gcc_s|dl|rt|pthread)\\.so' out)\" = 0",
             folder_path(""), XOAUTH2_PROGRAM);
    assert_int_equal(system(command), 0);
}

static void set_uid_program_is_refused(void **state)
{
    (void)state;
    char command[1024];
    if (geteuid() != 0) {
        print_message("only root can make the program set-uid\n");
        skip();
    }
    struct statvfs fs;
    if (statvfs(folder_path(""), &fs) != 0 || (fs.f_flag & ST_NOSUID) ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0) {
        print_message("a program cannot be set-uid here\n");
        skip();
    }
    snprintf(
        command, sizeof command,
        "cd '%s' && chmod 711 . && cp '%s' suid && chown 65534 suid && chmod 4755 suid && ./suid list > out 2> err",
        folder_path(""), XOAUTH2_PROGRAM);
    int status = system(command);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(err(), "set-uid"));
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(token_is_alone_on_standard_output),
        T(token_by_a_pattern),
        T(failures_have_their_exit_status),
        T(system_stands_before_or_after_the_verb),
        T(wrong_usage_is_told),
        T(help_and_version_everywhere),
        T(full_standard_output_is_a_failure),
        T(list_gives_names),
        T(status_shows_no_secret),
        T(status_shows_what_is_wrong),
        T(status_as_json),
        T(status_of_mailboxes_is_that_of_the_account),
        T(status_of_mailboxes_as_json),
        T(control_characters_do_not_reach_the_terminal),
        T(helper_answers_one_request_after_the_other),
        T(helper_ends_with_its_input),
        T(helper_is_told_half_a_request),
        T(helper_ends_at_what_is_no_request),
        T(helper_survives_closed_descriptors),
        T(helper_on_a_socket_ends_when_it_is_closed),
        T(helper_makes_no_core_dump),
        T(command_needs_libc_and_json_c_alone),
        T(set_uid_program_is_refused),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
