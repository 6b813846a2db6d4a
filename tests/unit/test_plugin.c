/* The mechanisms in libsasl2's hands, with the application's password as the token. */
#include "config.h"

#include "app.h"
#include "folder.h"
#include "grammar.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sasl/saslutil.h>

static const char *const PASSWORD_SOURCE[] = {"xoauth2_token_source", "password", NULL};

static int begin(void **state)
{
    (void)state;
    app_begin(NULL, folder_path("conf"), PASSWORD_SOURCE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    app_end();
    return 0;
}

static struct app usual(void)
{
    return (struct app){.authname = "me@x.org", .password = "tok", .host = "mail.x.org"};
}

static void assert_sent(const struct app_session *s, const char *bytes)
{
    assert_int_equal(s->out_len, strlen(bytes));
    assert_memory_equal(s->out, bytes, s->out_len);
}

/* One login up to the first message. */
static void assert_login(const struct app *app, const char *mechanism, const char *bytes)
{
    struct app_session s;
    assert_int_equal(app_start(&s, app, mechanism), SASL_CONTINUE);
    assert_string_equal(s.mech, mechanism);
    assert_sent(&s, bytes);
    assert_int_equal(app_step(&s, NULL, 0), SASL_OK);
    app_dispose(&s);
    assert_string_equal(app_log(), "");
}

/* A login that fails at once; program and log show the same text, once. */
static void assert_refused(const struct app *app, const char *mechanism, int code, const char *words)
{
    struct app_session s;
    char line[2048];
    app_forget_log();
    assert_int_equal(app_start(&s, app, mechanism), code);
    assert_int_equal(s.out_len, 0);
    assert_non_null(strstr(app_error(&s), words));
    assert_string_equal(strstr(app_error(&s), words), words);
    app_dispose(&s);
    snprintf(line, sizeof line, "%s\n", words);
    assert_string_equal(app_log(), line);
    app_forget_log();
}

static void vectors(void **state)
{
    (void)state;
    static const struct {
        const char *mechanism, *user, *token, *host, *remote, *base64;
    } VECTORS[] = {
        {"XOAUTH2", "test@contoso.onmicrosoft.com", "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA", NULL, NULL,
         "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJ"
         "D"
         "M0VvQUEBAQ=="},
        {"XOAUTH2", "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", "imap.gmail.com", NULL,
         "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl"
         "0"
         "Q2cBAQ=="},
        {"OAUTHBEARER", "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "server.example.com",
         "192.0.2.7;143",
         "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk5"
         "2"
         "YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"},
        {"OAUTHBEARER", "a,b=c@example.com", "t", NULL, NULL,
         "bixhPWE9MkNiPTNEY0BleGFtcGxlLmNvbSwBYXV0aD1CZWFyZXIgdAEB"},
    };
    for (size_t i = 0; i < sizeof VECTORS / sizeof VECTORS[0]; i++) {
        const struct app app = {
            .authname = VECTORS[i].user,
            .password = VECTORS[i].token,
            .host = VECTORS[i].host,
            .remote = VECTORS[i].remote,
        };
        struct app_session s;
        char encoded[1024];
        assert_int_equal(app_start(&s, &app, VECTORS[i].mechanism), SASL_CONTINUE);
        assert_int_equal(sasl_encode64(s.out, s.out_len, encoded, sizeof encoded, NULL), SASL_OK);
        assert_string_equal(encoded, VECTORS[i].base64);
        app_dispose(&s);
    }
}

static void port_of_an_ipv6_server(void **state)
{
    (void)state;
    struct app app = usual();
    app.remote = "2001:db8::1;993";
    assert_login(&app, "OAUTHBEARER", "n,a=me@x.org,\001host=mail.x.org\001port=993\001auth=Bearer tok\001\001");
}

static void shared_mailbox(void **state)
{
    (void)state;
    struct app app = usual();
    app.user = "shared@x.org";
    assert_login(&app, "XOAUTH2", "user=shared@x.org\001auth=Bearer tok\001\001");
    assert_login(&app, "OAUTHBEARER", "n,a=shared@x.org,\001host=mail.x.org\001auth=Bearer tok\001\001");
    app.user = ""; /* as good as none */
    assert_login(&app, "XOAUTH2", "user=me@x.org\001auth=Bearer tok\001\001");
}

static void names_that_the_library_knows_afterwards(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    const void *name;
    app.user = "shared@x.org";
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_int_equal(app_step(&s, NULL, 0), SASL_OK);
    assert_int_equal(sasl_getprop(s.conn, SASL_USERNAME, &name), SASL_OK);
    assert_string_equal(name, "shared@x.org");
    assert_int_equal(sasl_getprop(s.conn, SASL_AUTHUSER, &name), SASL_OK);
    assert_string_equal(name, "me@x.org");
    assert_int_equal(sasl_getprop(s.conn, SASL_SSF, &name), SASL_OK);
    assert_int_equal(*(const sasl_ssf_t *)name, 0);
    app_dispose(&s);
}

static void prompts(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    app.prompts = true;
    app.user = "shared@x.org";
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_int_equal(s.rounds, 1); /* all at once */
    assert_sent(&s, "user=shared@x.org\001auth=Bearer tok\001\001");
    app_dispose(&s);
}

static void prompts_that_nobody_answers(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    sasl_interact_t *need = NULL;
    app.prompts = true;
    app.null_prompts = false;
    s = (struct app_session){.app = &app};
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    sasl_dispose(&s.conn);
    assert_int_equal(sasl_client_new("imap", NULL, NULL, NULL, s.callbacks, 0, &s.conn), SASL_OK);
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", &need, &s.out, &s.out_len, &s.mech), SASL_INTERACT);
    assert_non_null(need);
    app_dispose(&s); /* the list goes with the connection */
}

static void user_cancels_the_prompts(void **state)
{
    (void)state;
    struct app_session s;
    struct app app = usual();
    sasl_interact_t *need = NULL;
    app.prompts = true;
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    sasl_dispose(&s.conn);
    assert_int_equal(sasl_client_new("imap", NULL, NULL, NULL, s.callbacks, 0, &s.conn), SASL_OK);
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", &need, &s.out, &s.out_len, &s.mech), SASL_INTERACT);
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", &need, &s.out, &s.out_len, &s.mech), SASL_BADPARAM);
    assert_null(need);
    assert_non_null(strstr(app_error(&s), "the user name is empty: correct it in this program's configuration"));
    app_dispose(&s);
}

/* A length without a text is none. */
static void length_without_an_answer(void **state)
{
    (void)state;
    struct app_session s;
    struct app app = usual();
    sasl_interact_t *need = NULL;
    app.prompts = true;
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    sasl_dispose(&s.conn);
    assert_int_equal(sasl_client_new("imap", NULL, NULL, NULL, s.callbacks, 0, &s.conn), SASL_OK);
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", &need, &s.out, &s.out_len, &s.mech), SASL_INTERACT);
    for (sasl_interact_t *prompt = need; prompt->id != SASL_CB_LIST_END; prompt++)
        prompt->len = 16;
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", &need, &s.out, &s.out_len, &s.mech), SASL_BADPARAM);
    assert_non_null(strstr(app_error(&s), "the user name is empty"));
    app_dispose(&s);
}

static void program_that_cannot_show_prompts(void **state)
{
    (void)state;
    struct app app = usual();
    app.null_prompts = true;
    assert_login(&app, "XOAUTH2", "user=me@x.org\001auth=Bearer tok\001\001");
    app.prompts = true;
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM,
                   "XOAUTH2 needs a password, and this program cannot ask for one: set it in its configuration");
    app.password = NULL;
    assert_refused(&app, "OAUTHBEARER", SASL_BADPARAM,
                   "OAUTHBEARER needs a user name, and this program cannot ask for one: set it in its configuration");
}

/* Nobody has to name another mailbox. */
static void only_the_mailbox_cannot_be_asked_for(void **state)
{
    (void)state;
    struct app app = usual();
    app.user = "shared@x.org";
    app.user_prompt = true;
    assert_login(&app, "XOAUTH2", "user=shared@x.org\001auth=Bearer tok\001\001");
    app.null_prompts = true;
    assert_login(&app, "XOAUTH2", "user=me@x.org\001auth=Bearer tok\001\001");
}

static void name_that_the_program_rewrites(void **state)
{
    (void)state;
    static const char WORDS[] = "the user name has control characters once libsasl2 has rewritten it: correct it";
    struct app app = usual();
    app.rewritten = "other@x.org";
    assert_login(&app, "XOAUTH2", "user=other@x.org\001auth=Bearer tok\001\001");
    app.rewritten = "x\001auth=Bearer y";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM, WORDS);
    app.user = app.rewritten; /* unchanged, but refused for itself */
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM,
                   "the user name has control characters: correct it in this program's configuration");
    app.user = "shared@x.org";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM, WORDS);
}

static void callback_that_fails(void **state)
{
    (void)state;
    struct app app = usual();
    app.authname_result = SASL_FAIL;
    assert_refused(&app, "XOAUTH2", SASL_FAIL, "this program gave no user name: set it in its configuration");
    app.authname_result = SASL_CONTINUE; /* which must not look like progress */
    assert_refused(&app, "XOAUTH2", SASL_FAIL, "this program gave no user name: set it in its configuration");
}

static void no_password_callback(void **state)
{
    (void)state;
    struct app app = usual();
    app.password = NULL;
    assert_refused(
        &app, "XOAUTH2", SASL_BADPARAM,
        "the password, which xoauth2_token_source makes the access token, is empty: give this program a token "
        "as its password, or set xoauth2_token_source to auto");
}

static void passwords_that_are_no_token(void **state)
{
    (void)state;
    struct app app = usual();
    static const char WORDS[] =
        "the password, which xoauth2_token_source makes the access token, has characters that no "
        "access token has: give this program a token as its password, or set "
        "xoauth2_token_source to auto";
    app.password = "my secret";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM, WORDS);
    app.password = "tok\001\001";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM, WORDS);
    app.password = "tok\n\n";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM, WORDS);
    app.password = "\n";
    assert_refused(
        &app, "XOAUTH2", SASL_BADPARAM,
        "the password, which xoauth2_token_source makes the access token, is empty: give this program a token "
        "as its password, or set xoauth2_token_source to auto");
}

static void newline_after_the_token(void **state)
{
    (void)state;
    struct app app = usual();
    app.password = "tok\n";
    assert_login(&app, "XOAUTH2", "user=me@x.org\001auth=Bearer tok\001\001");
}

/* The secret in app.c ends with its last byte; here it is cut out of a longer text too. */
static void secret_without_nul(void **state)
{
    (void)state;
    struct app app = usual();
    app.password = "token and more";
    app.password_len = 5;
    assert_login(&app, "XOAUTH2", "user=me@x.org\001auth=Bearer token\001\001");
}

static void token_of_a_mebibyte(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    char *token = malloc(GRAMMAR_TOKEN_MAX + 1);
    assert_non_null(token);
    memset(token, 'x', GRAMMAR_TOKEN_MAX + 1);
    app.password = token;
    app.password_len = GRAMMAR_TOKEN_MAX;
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_int_equal(s.out_len, GRAMMAR_TOKEN_MAX + strlen("user=me@x.org\001auth=Bearer \001\001"));
    app_dispose(&s);
    app.password_len = GRAMMAR_TOKEN_MAX + 1;
    assert_refused(
        &app, "XOAUTH2", SASL_BADPARAM,
        "the password, which xoauth2_token_source makes the access token, is too long: give this program a "
        "token as its password, or set xoauth2_token_source to auto");
    free(token);
}

static void user_names_that_are_refused(void **state)
{
    (void)state;
    struct app app = usual();
    app.authname = "";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM,
                   "the user name is empty: correct it in this program's configuration");
    app.authname = "me@x.org\001auth=Bearer other\001\001";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM,
                   "the user name has control characters: correct it in this program's configuration");
    app.authname = "m\xFC@x.org";
    assert_refused(&app, "OAUTHBEARER", SASL_BADPARAM,
                   "the user name is not UTF-8: correct it in this program's configuration");
    app.authname = "me@x.org";
    app.user = "shared\nx";
    assert_refused(&app, "XOAUTH2", SASL_BADPARAM,
                   "the user name has control characters: correct it in this program's configuration");
}

static void host_that_is_refused(void **state)
{
    (void)state;
    struct app app = usual();
    app.host = "mail\001port=1";
    assert_refused(&app, "OAUTHBEARER", SASL_BADPARAM,
                   "the server's name has control characters: correct it in this program's configuration");
}

/* What a challenge is answered with. A copy without a NUL behind it, so that reading on is seen. */
static void assert_answer(const char *mechanism, const char *challenge, size_t len, const char *answer)
{
    struct app app = usual();
    struct app_session s;
    char *copy = challenge ? malloc(len > 0 ? len : 1) : NULL;
    assert_int_equal(app_start(&s, &app, mechanism), SASL_CONTINUE);
    if (copy)
        memcpy(copy, challenge, len);
    assert_int_equal(app_step(&s, copy, len), SASL_OK);
    assert_sent(&s, answer);
    free(copy);
    app_dispose(&s);
}

static void challenges(void **state)
{
    (void)state;
    static const char *const ERRORS[] = {
        "{\"status\":\"401\",\"schemes\":\"bearer mac\",\"scope\":\"https://mail.google.com/\"}\n",
        "{\"status\":401}",
        "{\"status\":\"403\"}",
        "{\"status\":\"invalid_token\"}",
        "{",
        "garbage",
        "a002 SELECT inbox\r\n",
        " ",
        "\xFF\xFE",
    };
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
        assert_answer("XOAUTH2", ERRORS[i], strlen(ERRORS[i]), "");
        assert_answer("OAUTHBEARER", ERRORS[i], strlen(ERRORS[i]), "\001");
    }
    assert_answer("XOAUTH2", NULL, 0, "");
    assert_answer("OAUTHBEARER", NULL, 0, "");
    assert_answer("XOAUTH2", "", 0, "");
    assert_answer("OAUTHBEARER", "", 0, "");
    assert_string_equal(app_log(), "");
}

static void challenge_of_a_mebibyte(void **state)
{
    (void)state;
    char *challenge = malloc(1 << 20);
    assert_non_null(challenge);
    memset(challenge, '{', 1 << 20);
    assert_answer("XOAUTH2", challenge, 1 << 20, "");
    assert_answer("OAUTHBEARER", challenge, 1 << 20, "\001");
    free(challenge);
}

static void server_that_goes_on(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    assert_int_equal(app_step(&s, "{}", 2), SASL_OK);
    assert_int_equal(app_step(&s, "{}", 2), SASL_FAIL); /* by libsasl2 itself */
    app_dispose(&s);
    app_forget_log();
}

/* Some programs send the bytes of the first step when they have nothing else. */
static void message_lives_as_long_as_the_connection(void **state)
{
    (void)state;
    struct app app = usual();
    struct app_session s;
    static const char SENT[] = "user=me@x.org\001auth=Bearer tok\001\001";
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    const char *first = s.out;
    assert_int_equal(app_step(&s, "{}", 2), SASL_OK);
    assert_memory_equal(first, SENT, sizeof SENT - 1);
    app_dispose(&s);
}

static void option_of_the_connection(void **state)
{
    (void)state;
    struct app app = usual();
    app.options[0] = "xoauth2_token_source";
    app.options[1] = "Password";
    assert_refused(
        &app, "XOAUTH2", SASL_CONFIGERR,
        "the option xoauth2_token_source that this program gives must be 'auto' or 'password': correct its "
        "settings");
}

enum { THREADS = 8, LOGINS = 200 };

static void *log_in_often(void *argument)
{
    int number = *(const int *)argument;
    char name[64];
    char expected[128];
    snprintf(name, sizeof name, "user%d@x.org", number);
    snprintf(expected, sizeof expected, "user=%s\001auth=Bearer tok%d\001\001", name, number);
    char token[32];
    snprintf(token, sizeof token, "tok%d", number);
    const struct app app = {.authname = name, .password = token};
    for (int i = 0; i < LOGINS; i++) {
        struct app_session s;
        if (app_start(&s, &app, "XOAUTH2") != SASL_CONTINUE || s.out_len != strlen(expected) ||
            memcmp(s.out, expected, s.out_len) != 0 || app_step(&s, NULL, 0) != SASL_OK)
            return NULL;
        app_dispose(&s);
    }
    return argument;
}

static void several_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, log_in_often, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &numbers[i]);
    }
}

static void fork_after_init(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct app app = usual();
        struct app_session s;
        bool right = app_start(&s, &app, "XOAUTH2") == SASL_CONTINUE && app_step(&s, NULL, 0) == SASL_OK;
        app_dispose(&s);
        app_end();
        _exit(right ? 0 : 1);
    }
    struct app app = usual();
    assert_login(&app, "OAUTHBEARER", "n,a=me@x.org,\001host=mail.x.org\001auth=Bearer tok\001\001");
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void load_and_unload_again_and_again(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct app app = usual();
        app_begin(NULL, folder_path("conf"), PASSWORD_SOURCE);
        assert_login(&app, "XOAUTH2", "user=me@x.org\001auth=Bearer tok\001\001");
        app_end();
    }
}

static void wrong_options_file(void **state)
{
    (void)state;
    struct app app = usual();
    char words[512];
    const char *file = folder_write("conf/xoauth2.conf", "# mine\nxoauth2_timeuot: 5\n", 0644);
    snprintf(words, sizeof words, "%s:2: unknown key 'xoauth2_timeuot': did you mean 'xoauth2_timeout'?", file);
    app_begin(NULL, folder_path("conf"), NULL);
    assert_string_equal(app_log(), ""); /* nothing is said at load */
    assert_refused(&app, "XOAUTH2", SASL_CONFIGERR, words);
    app_end();
    unlink(file);
}

static void options_file_that_was_read_at_load(void **state)
{
    (void)state;
    struct app app = usual();
    const char *file = folder_write("conf/xoauth2.conf", "xoauth2_token_source: password\n", 0644);
    app_begin(NULL, folder_path("conf"), NULL);
    unlink(file); /* as in a program that changes its root directory */
    assert_login(&app, "XOAUTH2", "user=me@x.org\001auth=Bearer tok\001\001");
    app_end();
}

static int prepare(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    folder_sub("conf", 0700);
    folder_home();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(vectors, begin, end),
        cmocka_unit_test_setup_teardown(port_of_an_ipv6_server, begin, end),
        cmocka_unit_test_setup_teardown(shared_mailbox, begin, end),
        cmocka_unit_test_setup_teardown(names_that_the_library_knows_afterwards, begin, end),
        cmocka_unit_test_setup_teardown(prompts, begin, end),
        cmocka_unit_test_setup_teardown(prompts_that_nobody_answers, begin, end),
        cmocka_unit_test_setup_teardown(user_cancels_the_prompts, begin, end),
        cmocka_unit_test_setup_teardown(length_without_an_answer, begin, end),
        cmocka_unit_test_setup_teardown(program_that_cannot_show_prompts, begin, end),
        cmocka_unit_test_setup_teardown(only_the_mailbox_cannot_be_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(name_that_the_program_rewrites, begin, end),
        cmocka_unit_test_setup_teardown(callback_that_fails, begin, end),
        cmocka_unit_test_setup_teardown(no_password_callback, begin, end),
        cmocka_unit_test_setup_teardown(passwords_that_are_no_token, begin, end),
        cmocka_unit_test_setup_teardown(newline_after_the_token, begin, end),
        cmocka_unit_test_setup_teardown(secret_without_nul, begin, end),
        cmocka_unit_test_setup_teardown(token_of_a_mebibyte, begin, end),
        cmocka_unit_test_setup_teardown(user_names_that_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(host_that_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(challenges, begin, end),
        cmocka_unit_test_setup_teardown(challenge_of_a_mebibyte, begin, end),
        cmocka_unit_test_setup_teardown(server_that_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(message_lives_as_long_as_the_connection, begin, end),
        cmocka_unit_test_setup_teardown(option_of_the_connection, begin, end),
        cmocka_unit_test_setup_teardown(several_threads, begin, end),
        cmocka_unit_test_setup_teardown(fork_after_init, begin, end),
        cmocka_unit_test(load_and_unload_again_and_again),
        cmocka_unit_test(wrong_options_file),
        cmocka_unit_test(options_file_that_was_read_at_load),
    };
    return cmocka_run_group_tests(tests, prepare, folder_remove);
}
