/* The mechanisms in libsasl2's hands, with tokens from the helper program and from an agent. */
#include "config.h"

#include "app.h"
#include "fake_agent.h"
#include "folder.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROBE_NOT_SECURE = 77 };

static char helper_path[4096];
static char record_path[256];
static const char *const HELPER[] = {"xoauth2_helper", helper_path, "xoauth2_timeout", "20", NULL};

static const char TOKEN[] = "ok\nversion=1\ntoken=tok\nexpires_at=4102444800\n\n";
static const char ERROR_401[] = "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"mail\"}";

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

static int descriptors;

static int begin(void **state)
{
    (void)state;
    unlink(record_path);
    setenv("FAKE_RECORD", record_path, 1);
    app_begin(NULL, folder_path("conf"), HELPER);
    descriptors = count_descriptors();
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(count_descriptors(), descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    app_end();
    return 0;
}

static struct app usual(void)
{
    return (struct app){
        .authname = "me@x.org", .password = "real password", .host = "mail.x.org", .remote = "192.0.2.1;993"};
}

static void assert_sent(const struct app_session *s, const char *bytes)
{
    assert_int_equal(s->out_len, strlen(bytes));
    assert_memory_equal(s->out, bytes, s->out_len);
}

static const char *recorded(void)
{
    static char text[APP_TEXT_MAX];
    FILE *file = fopen(record_path, "r");
    text[0] = '\0';
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    return text;
}

static void assert_failure(const char *answer, int code, const char *words)
{
    struct app app = usual();
    struct app_session s;
    char line[2048];
    setenv("FAKE_HELPER", answer, 1);
    app_forget_log();
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), code);
    assert_int_equal(s.out_len, 0);
    assert_non_null(strstr(app_error(&s), words));
    assert_string_equal(strstr(app_error(&s), words), words);
    app_dispose(&s);
    snprintf(line, sizeof line, "%s\n", words);
    assert_string_equal(app_log(), line);
    app_forget_log();
}

static void token_of_the_helper(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    setenv("FAKE_HELPER", TOKEN, 1);
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_sent(&s, "user=me@x.org\001auth=Bearer tok\001\001");
    assert_int_equal(app_step(&s, NULL, 0), SASL_OK);
    app_dispose(&s);
    assert_string_equal(recorded(), "get\nversion=1\nuser=me@x.org\nauthid=me@x.org\nservice=imap\nhost=mail.x.org\n"
                                    "port=993\nmechanism=XOAUTH2\n\n");
    assert_string_equal(app_log(), "");
}

static void program_without_a_password(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    app.password = NULL;
    app.user = "shared@x.org";
    setenv("FAKE_HELPER", TOKEN, 1);
    assert_int_equal(app_start(&s, &app, "OAUTHBEARER"), SASL_CONTINUE);
    assert_sent(&s, "n,a=shared@x.org,\001host=mail.x.org\001port=993\001auth=Bearer tok\001\001");
    app_dispose(&s);
    assert_non_null(strstr(recorded(), "authzid=shared@x.org\n"));
}

/* Not even asked for: it may be a real one. */
static void password_is_not_touched(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    app.prompts = true;
    setenv("FAKE_HELPER", TOKEN, 1);
    sasl_interact_t *need = NULL;
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    sasl_dispose(&s.conn);
    assert_int_equal(sasl_client_new("imap", NULL, NULL, NULL, s.callbacks, 0, &s.conn), SASL_OK);
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", &need, &s.out, &s.out_len, &s.mech), SASL_INTERACT);
    assert_int_equal(need[0].id, SASL_CB_AUTHNAME);
    assert_int_equal(need[1].id, SASL_CB_LIST_END);
    app_dispose(&s);
    assert_null(strstr(recorded(), "password"));
}

static void every_failure_and_its_code(void **state)
{
    (void)state;
    assert_failure("error\nversion=1\ncode=no-account\n\n", SASL_NOUSER,
                   "no account for me@x.org: run 'xoauth2 login me@x.org', or restrict this program to PLAIN");
    assert_failure("error\nversion=1\ncode=not-allowed\nmessage=text A\n\n", SASL_NOAUTHZ, "text A");
    assert_failure("error\nversion=1\ncode=wrong-host\nmessage=text B\n\n", SASL_NOAUTHZ, "text B");
    assert_failure("error\nversion=1\ncode=login-needed\nmessage=text C\n\n", SASL_EXPIRED, "text C");
    assert_failure("error\nversion=1\ncode=unreachable\nmessage=text D\n\n", SASL_UNAVAIL, "text D");
    assert_failure("error\nversion=1\ncode=busy\nmessage=text E\n\n", SASL_TRYAGAIN, "text E");
    assert_failure("error\nversion=1\ncode=config\nmessage=text F\n\n", SASL_CONFIGERR, "text F");
}

static void percent_signs_in_a_text(void **state)
{
    (void)state;
    assert_failure("error\nversion=1\ncode=config\nmessage=%25s%25n%25m\n\n", SASL_CONFIGERR, "%s%n%m");
}

static void tokens_that_are_none(void **state)
{
    (void)state;
    assert_failure("ok\nversion=1\n\n", SASL_BADPARAM,
                   "the access token for me@x.org is empty: run 'xoauth2 refresh me@x.org'");
    assert_failure("ok\nversion=1\ntoken=SeCrEt x\n\n", SASL_BADPARAM,
                   "the access token for me@x.org has characters that no access token has: run 'xoauth2 refresh "
                   "me@x.org'");
    assert_failure("ok\nversion=1\ntoken=SeCrEt%01%01\n\n", SASL_BADPARAM,
                   "the access token for me@x.org has characters that no access token has: run 'xoauth2 refresh "
                   "me@x.org'");
}

/* Logs in, then lets the server answer. */
static void refuse(const char *challenge, const char *answer_to_reject)
{
    struct app app = usual();
    struct app_session s;
    setenv("FAKE_HELPER", TOKEN, 1);
    assert_int_equal(app_start(&s, &app, "OAUTHBEARER"), SASL_CONTINUE);
    unlink(record_path);
    setenv("FAKE_HELPER", answer_to_reject, 1);
    assert_int_equal(app_step(&s, challenge, strlen(challenge)), SASL_OK);
    assert_sent(&s, "\001");
    app_dispose(&s);
}

static void refused_token(void **state)
{
    (void)state;
    app_forget_log();
    refuse(ERROR_401, "ok\nversion=1\nmessage=the server refused the token: %25s\n\n");
    assert_string_equal(recorded(),
                        "reject\nversion=1\nuser=me@x.org\nauthid=me@x.org\nservice=imap\nhost=mail.x.org\nport=993\n"
                        "mechanism=OAUTHBEARER\ntoken=tok\n"
                        "challenge=eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0=\n\n");
    assert_string_equal(app_log(), "the server refused the token: %s\n");
    app_forget_log();
}

static void challenge_that_is_no_json_is_not_passed_on(void **state)
{
    (void)state;
    refuse("a1 OK Success", TOKEN);
    refuse(" {}", TOKEN);
    assert_string_equal(recorded(), "");
}

static void failure_to_reject_changes_nothing(void **state)
{
    (void)state;
    static const char *const ANSWERS[] = {"die", "garbage\n", "error\nversion=1\ncode=config\nmessage=x\n\n", "hang",
                                          "ok\nversion=1\n\n"};
    app_forget_log();
    for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++)
        refuse(ERROR_401, ANSWERS[i]);
    assert_string_equal(app_log(), "");
}

static void challenge_that_is_too_long_to_pass_on(void **state)
{
    (void)state;
    char *challenge = malloc(1 << 20);
    assert_non_null(challenge);
    memset(challenge, 'x', 1 << 20);
    challenge[0] = '{';
    challenge[(1 << 20) - 1] = '\0';
    refuse(challenge, TOKEN);
    assert_string_equal(recorded(), "");
    challenge[16384] = '\0';
    refuse(challenge, TOKEN);
    assert_non_null(strstr(recorded(), "challenge=e3h4"));
    free(challenge);
}

/* With the largest token that the protocol carries, a long challenge does not fit beside it. */
static void long_token(void **state)
{
    (void)state;
    enum { TOKEN_LEN = 60000 };
    struct app app = usual();
    struct app_session s;
    char *answer = malloc(TOKEN_LEN + 64);
    assert_non_null(answer);
    int head = sprintf(answer, "ok\nversion=1\ntoken=");
    memset(answer + head, 't', TOKEN_LEN);
    strcpy(answer + head + TOKEN_LEN, "\n\n");
    setenv("FAKE_HELPER", answer, 1);
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_int_equal(s.out_len, TOKEN_LEN + strlen("user=me@x.org\001auth=Bearer \001\001"));
    char challenge[8000];
    memset(challenge, '{', sizeof challenge);
    assert_int_equal(app_step(&s, challenge, sizeof challenge), SASL_OK);
    app_dispose(&s);
    free(answer);
}

static void agent_of_the_user(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    char path[256];
    folder_sub("run/xoauth2", 0700);
    snprintf(path, sizeof path, "%s", folder_path("run/xoauth2/agent.sock"));
    setenv("FAKE_HELPER", "die", 1);
    pid_t agent = fake_agent_start(path, "ok\nversion=1\ntoken=from-agent\nmessage=advice\n\n", record_path);
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_sent(&s, "user=me@x.org\001auth=Bearer from-agent\001\001");
    assert_int_equal(app_step(&s, "{}", 2), SASL_OK);
    app_dispose(&s);
    fake_agent_stop(agent);
    unlink(path);
    assert_non_null(strstr(recorded(), "\n\nreject\nversion=1\nuser=me@x.org\n"));
    assert_string_equal(app_log(), "advice\n");
}

static void chosen_agent_instead_of_the_users(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    char chosen[256];
    char usual_path[256];
    folder_sub("run/xoauth2", 0700);
    snprintf(chosen, sizeof chosen, "%s", folder_path("run/chosen.sock"));
    snprintf(usual_path, sizeof usual_path, "%s", folder_path("run/xoauth2/agent.sock"));
    app.options[0] = "xoauth2_agent_socket";
    app.options[1] = chosen;
    app.options[2] = "xoauth2_helper";
    app.options[3] = helper_path;
    pid_t one = fake_agent_start(chosen, "ok\nversion=1\ntoken=chosen\n\n", NULL);
    pid_t other = fake_agent_start(usual_path, "ok\nversion=1\ntoken=usual\n\n", NULL);
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_sent(&s, "user=me@x.org\001auth=Bearer chosen\001\001");
    app_dispose(&s);
    fake_agent_stop(one);
    fake_agent_stop(other);
    unlink(usual_path);
}

static void many_logins_leave_nothing_behind(void **state)
{
    (void)state;
    setenv("FAKE_HELPER", TOKEN, 1);
    for (int i = 0; i < 50; i++) {
        struct app app = usual();
        struct app_session s;
        assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
        assert_int_equal(app_step(&s, ERROR_401, strlen(ERROR_401)), SASL_OK);
        app_dispose(&s);
    }
}

/* A leak checker cannot look into a program with raised privileges, and would call that an error. */
int __lsan_is_turned_off(void);
__attribute__((used, visibility("default"))) int __lsan_is_turned_off(void)
{
    return getauxval(AT_SECURE) != 0;
}

/* What the program of the next test does: a login with a helper of the caller's choice. */
static int probe(const char *helper)
{
    const struct app app = {
        .authname = "me@x.org",
        .options = {"xoauth2_helper", helper, NULL},
    };
    struct app_session s;
    if (!getauxval(AT_SECURE))
        return PROBE_NOT_SECURE; /* the file system does not let a program have more privileges */
    app_begin(NULL, "/nonexistent", NULL);
    int result = app_start(&s, &app, "XOAUTH2");
    puts(app_error(&s));
    app_dispose(&s);
    app_end();
    return result == SASL_UNAVAIL ? 0 : 1;
}

static void copy_file(const char *from, const char *to)
{
    char buffer[65536];
    size_t got;
    FILE *in = fopen(from, "r");
    FILE *out = fopen(to, "w");
    assert_non_null(in);
    assert_non_null(out);
    while ((got = fread(buffer, 1, sizeof buffer, in)) > 0)
        assert_int_equal(fwrite(buffer, 1, got, out), got);
    assert_int_equal(fclose(out), 0);
    fclose(in);
}

/* A caller must not make a set-uid program run a helper of his, or believe an agent of his. */
static void program_with_raised_privileges(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can make such a program of another user */
    char program[256];
    char command[8192];
    char text[2048] = "";
    snprintf(program, sizeof program, "%s", folder_path("raised"));
    copy_file("/proc/self/exe", program);
    folder_sub(".", 0755);
    assert_int_equal(chown(program, 12345, 0), 0);
    assert_int_equal(chmod(program, 04755), 0);
    folder_sub("run/xoauth2", 0777);
    setenv("FAKE_HELPER", TOKEN, 1);
    pid_t agent = fake_agent_start(folder_path("run/xoauth2/agent.sock"), TOKEN, record_path);
    snprintf(command, sizeof command, "%s probe %s", program, helper_path);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    text[fread(text, 1, sizeof text - 1, output)] = '\0';
    int status = pclose(output);
    fake_agent_stop(agent);
    unlink(folder_path("run/xoauth2/agent.sock"));
    if (WIFEXITED(status) && WEXITSTATUS(status) == PROBE_NOT_SECURE)
        skip();
    assert_int_equal(status, 0);
    assert_non_null(strstr(text,
                           "agent.sock: start it, since a program with raised privileges asks no other source of "
                           "tokens\n"));
    assert_string_equal(recorded(), "");
}

static int prepare(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    assert_non_null(realpath("tests/unit/fake_helper", helper_path));
    folder_sub("conf", 0700);
    folder_sub("run", 0700);
    snprintf(record_path, sizeof record_path, "%s", folder_path("record"));
    folder_home();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "probe") == 0)
        return probe(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(token_of_the_helper, begin, end),
        cmocka_unit_test_setup_teardown(program_without_a_password, begin, end),
        cmocka_unit_test_setup_teardown(password_is_not_touched, begin, end),
        cmocka_unit_test_setup_teardown(every_failure_and_its_code, begin, end),
        cmocka_unit_test_setup_teardown(percent_signs_in_a_text, begin, end),
        cmocka_unit_test_setup_teardown(tokens_that_are_none, begin, end),
        cmocka_unit_test_setup_teardown(refused_token, begin, end),
        cmocka_unit_test_setup_teardown(challenge_that_is_no_json_is_not_passed_on, begin, end),
        cmocka_unit_test_setup_teardown(failure_to_reject_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(challenge_that_is_too_long_to_pass_on, begin, end),
        cmocka_unit_test_setup_teardown(long_token, begin, end),
        cmocka_unit_test_setup_teardown(agent_of_the_user, begin, end),
        cmocka_unit_test_setup_teardown(chosen_agent_instead_of_the_users, begin, end),
        cmocka_unit_test_setup_teardown(program_with_raised_privileges, begin, end),
        cmocka_unit_test_setup_teardown(many_logins_leave_nothing_behind, begin, end),
    };
    return cmocka_run_group_tests(tests, prepare, folder_remove);
}
