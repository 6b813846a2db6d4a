/* The command runner: how a line becomes words, what the command sees, and how each of its ends is told. */
#include "config.h"

#include "clock.h"
#include "runner.h"

#include "folder.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIMEOUT = 30000 };

static const char WHAT[] = "me.conf:3: 'token_command'";

/* Runs a line that must succeed; the caller frees what it wrote. */
static struct secret good(const char *line, const char *input)
{
    struct secret in;
    struct secret out;
    struct report why = {0};
    secret_init(&in, 1 << 20);
    secret_init(&out, 0);
    if (input)
        assert_true(secret_adds(&in, input));
    if (!runner_run(line, WHAT, RUNNER_AS_WE_ARE, input ? &in : NULL, &out, TIMEOUT, &why))
        fail_msg("%s: %s", line, why.text);
    secret_free(&in);
    assert_true(secret_adds(&out, ""));
    return out;
}

static void must_print(const char *line, const char *wanted)
{
    struct secret out = good(line, NULL);
    assert_string_equal(out.data ? out.data : "", wanted);
    secret_free(&out);
}

/* Runs a line that must fail so, within the time. */
static void must_fail(const char *line, int64_t timeout, enum failure code, const char *words)
{
    struct secret out;
    struct report why = {0};
    secret_init(&out, 0);
    assert_false(runner_run(line, WHAT, RUNNER_AS_WE_ARE, NULL, &out, timeout, &why));
    if (why.code != code || !strstr(why.text, words) || !strstr(why.text, WHAT))
        fail_msg("%s: %s", line, why.text);
    assert_int_equal(out.len, 0);
    secret_free(&out);
}

static void quotes_are_not_understood(void **state)
{
    (void)state;
    must_print("printf '%s|' a 'b c' \"d 'e\" f\\ g '' \"\\\"\\\\\\n\"", "a|b c|d 'e|f g||\"\\\\n|");
    must_print("  printf\t'%s|'  a''b\"c\"d  ", "abcd|");
}

static void shell_meaning_is_given_to_characters(void **state)
{
    (void)state;
    must_print("printf '%s|' $HOME * ~ `id` a;b c>d e|f &", "$HOME|*|~|`id`|a;b|c>d|e|f|&|");
}

static void broken_line_is_run(void **state)
{
    (void)state;
    assert_non_null(runner_check(""));
    assert_non_null(runner_check("  "));
    assert_non_null(runner_check("'' a"));
    assert_non_null(runner_check("printf 'a"));
    assert_non_null(runner_check("printf \"a\\\""));
    assert_non_null(runner_check("printf a\\"));
    assert_non_null(runner_check("bin/printf a"));
    assert_non_null(runner_check("./printf a"));
    assert_null(runner_check("printf a"));
    assert_null(runner_check("/usr/bin/printf a"));
    must_fail("printf 'a", TIMEOUT, FAILURE_CONFIG, "not closed");
}

static void too_many_words_are_taken(void **state)
{
    (void)state;
    char line[RUNNER_LINE_MAX + 64] = "";
    for (int i = 0; i <= RUNNER_WORDS_MAX; i++)
        strcat(line, "a ");
    assert_non_null(runner_check(line));
    memset(line, 'a', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    assert_non_null(runner_check(line));
}

static void missing_program_is_no_error(void **state)
{
    (void)state;
    must_fail("no-such-program-anywhere", TIMEOUT, FAILURE_CONFIG, "no-such-program-anywhere");
    must_fail("/no/such/program", TIMEOUT, FAILURE_CONFIG, "cannot be run");
    must_fail("/etc/passwd", TIMEOUT, FAILURE_CONFIG, "cannot be run");
}

static void path_of_the_user_is_searched(void **state)
{
    (void)state;
    folder_write("printf", "#!/bin/sh\necho wrong\n", 0755);
    char *before = strdup(getenv("PATH"));
    assert_int_equal(setenv("PATH", folder_path("."), 1), 0);
    must_print("printf right", "right");
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
}

static void environment_leaks(void **state)
{
    (void)state;
    assert_int_equal(setenv("SOME_SECRET", "s3cret", 1), 0);
    assert_int_equal(setenv("LD_PRELOAD_X", "x", 1), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    assert_int_equal(setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/bus", 1), 0);
    struct secret out = good("env", NULL);
    assert_null(strstr(out.data, "s3cret"));
    assert_null(strstr(out.data, "LD_"));
    assert_non_null(strstr(out.data, "XDG_DATA_HOME=/data\n"));
    assert_non_null(strstr(out.data, "DBUS_SESSION_BUS_ADDRESS=unix:path=/bus\n"));
    assert_non_null(strstr(out.data, "PATH=" RUNNER_PATH "\n"));
    secret_free(&out);
}

static void home_is_missing(void **state)
{
    (void)state;
    char *before = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    unsetenv("HOME");
    struct secret out = good("env", NULL);
    assert_non_null(strstr(out.data, "HOME=/"));
    secret_free(&out);
    if (before)
        assert_int_equal(setenv("HOME", before, 1), 0);
    free(before);
}

static void descriptors_leak(void **state)
{
    (void)state;
    int open_one = dup(STDOUT_FILENO);
    struct secret out = good("ls /proc/self/fd", NULL);
    assert_string_equal(out.data, "0\n1\n2\n3\n"); /* 3 is the folder that ls reads */
    secret_free(&out);
    close(open_one);
}

static void input_is_cut(void **state)
{
    (void)state;
    char *input = malloc(200001);
    assert_non_null(input);
    memset(input, 'i', 200000);
    input[200000] = '\0';
    struct secret out = good("cat", input);
    assert_int_equal(out.len, 200000);
    secret_free(&out);
    out = good("true", input); /* reads nothing of it */
    assert_int_equal(out.len, 0);
    secret_free(&out);
    free(input);
    must_print("cat", ""); /* without input: the end at once */
}

static void failure_counts_as_success(void **state)
{
    (void)state;
    must_fail("false", TIMEOUT, FAILURE_CONFIG, "status 1");
    must_fail("sh -c 'exit 75'", TIMEOUT, FAILURE_UNREACHABLE, "status 75");
    must_fail("sh -c 'kill -9 $$'", TIMEOUT, FAILURE_UNREACHABLE, "signal 9");
}

static void what_it_wrote_gets_into_the_report(void **state)
{
    (void)state;
    struct secret out;
    struct report why = {0};
    secret_init(&out, 0);
    assert_false(runner_run("sh -c 'echo s3cret; echo s3cret >&2; exit 3'", WHAT, RUNNER_AS_WE_ARE, NULL, &out,
                            TIMEOUT, &why));
    assert_null(strstr(why.text, "s3cret"));
    assert_int_equal(out.len, 0);
    secret_free(&out);
}

static void hanging_command_holds_us(void **state)
{
    (void)state;
    int64_t begin = clock_monotonic();
    must_fail("sleep 1000", 300, FAILURE_UNREACHABLE, "was killed");
    assert_true(clock_monotonic() - begin < 20000);
}

static void child_of_a_killed_command_lives_on(void **state)
{
    (void)state;
    char line[512];
    const char *note = folder_path("pid");
    snprintf(line, sizeof line, "sh -c 'sleep 1000 & echo $! > %s; wait'", note);
    must_fail(line, 10000, FAILURE_UNREACHABLE, "was killed");
    FILE *file = fopen(note, "r");
    int pid = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &pid), 1);
    fclose(file);
    for (int i = 0; i < 2000 && kill(pid, 0) == 0; i++) {
        char stat_path[64];
        char text[64] = "";
        snprintf(stat_path, sizeof stat_path, "/proc/%d/stat", pid);
        FILE *stat_file = fopen(stat_path, "r");
        if (stat_file && fread(text, 1, sizeof text - 1, stat_file) > 0 && strstr(text, ") Z"))
            i = 2000; /* dead; whoever adopted it has not noticed */
        if (stat_file)
            fclose(stat_file);
        if (i < 1999)
            usleep(5000);
        else if (i == 1999)
            fail_msg("process %d is still there", pid);
    }
}

/* Many keepers start an agent that inherits our pipe. */
static void process_left_behind_holds_us(void **state)
{
    (void)state;
    struct secret out = good("sh -c 'echo token; sleep 30 & exit 0'", NULL);
    assert_string_equal(out.data, "token\n");
    secret_free(&out);
}

static void flood_fills_the_memory(void **state)
{
    (void)state;
    struct report why = {0};
    must_fail("yes", TIMEOUT, FAILURE_CONFIG, "too much");
    assert_false(runner_run("yes", WHAT, RUNNER_AS_WE_ARE, NULL, NULL, TIMEOUT, &why));
    assert_non_null(strstr(why.text, "too much"));
}

static void status_is_lost_where_children_are_ignored(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    must_fail("false", TIMEOUT, FAILURE_CONFIG, "status 1");
    signal(SIGCHLD, SIG_IGN);
    must_print("printf right", "right");
    signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_are_not_understood),
        cmocka_unit_test(shell_meaning_is_given_to_characters),
        cmocka_unit_test(broken_line_is_run),
        cmocka_unit_test(too_many_words_are_taken),
        cmocka_unit_test(missing_program_is_no_error),
        cmocka_unit_test(path_of_the_user_is_searched),
        cmocka_unit_test(environment_leaks),
        cmocka_unit_test(home_is_missing),
        cmocka_unit_test(descriptors_leak),
        cmocka_unit_test(input_is_cut),
        cmocka_unit_test(failure_counts_as_success),
        cmocka_unit_test(what_it_wrote_gets_into_the_report),
        cmocka_unit_test(hanging_command_holds_us),
        cmocka_unit_test(child_of_a_killed_command_lives_on),
        cmocka_unit_test(process_left_behind_holds_us),
        cmocka_unit_test(flood_fills_the_memory),
        cmocka_unit_test(status_is_lost_where_children_are_ignored),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
