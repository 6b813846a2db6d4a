/* What is taken from the token files of other programs, and what of them is refused. */
#include "config.h"

#include "formats.h"

#include "clock.h"
#include "folder.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static struct transfer t;
static struct report why;
static struct formats_given given;
static const char *program;

static int begin(void **state)
{
    (void)state;
    transfer_init(&t);
    why = (struct report){0};
    /* not this machine's own */
    given = (struct formats_given){.config = folder_path("sasl-xoauth2.conf")};
    program = "";
    folder_write("sasl-xoauth2.conf", "{}", 0644);
    return 0;
}

static int end(void **state)
{
    (void)state;
    transfer_free(&t);
    return 0;
}

static bool read_text(const char *json)
{
    struct secret text;
    secret_init(&text, 65536);
    assert_true(secret_adds(&text, json));
    bool ok = formats_read(&text, "FILE", &given, &t, &program, &why);
    secret_free(&text);
    return ok;
}

static void expect_taken(const char *json, const char *from, const char *account)
{
    static const char FIRST[] = "# Made by 'xoauth2 import'; xoauth2.conf(5) tells what else can stand here.\n";
    bool ok = read_text(json);
    assert_string_equal(why.text, "");
    assert_true(ok);
    assert_string_equal(program, from);
    assert_int_equal(strncmp(t.text.data, FIRST, strlen(FIRST)), 0);
    assert_string_equal(t.text.data + strlen(FIRST), account);
}

static void expect_refused(const char *json, const char *words)
{
    transfer_free(&t);
    transfer_init(&t);
    assert_false(read_text(json));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_string_equal(why.text, words);
}

/* --- sasl-xoauth2 --- */

static void sasl_file_is_read_wrongly(void **unused)
{
    (void)unused;
    expect_taken(
        "{\"access_token\": \"at\", \"expiry\": \"4102444800\", \"refresh_token\": \"rt\", \"user\": \"Me@Example.org\","
        "\"client_id\": \"c\", \"client_secret\": \"s\", \"token_endpoint\": \"https://i.example/t\", \"scope\": \"a b\","
        "\"proxy\": \"http://p.example:1\", \"ca_bundle_file\": \"/ca.pem\", \"ca_certs_dir\": \"/ca\"}",
        "sasl-xoauth2",
        "token_endpoint: https://i.example/t\nclient_id: c\nclient_secret: s\nscope: a b\nproxy: http://p.example:1\n"
        "ca_file: /ca.pem\nca_path: /ca\n");
    assert_string_equal(t.name, "me@example.org");
    assert_true(t.has_state);
    assert_string_equal(t.state.refresh_token, "rt");
    assert_string_equal(t.state.access_token, "at");
    assert_int_equal(t.state.expires_at, 4102444800);
    assert_string_equal(t.state.client_id, "c");
}

/* The token file goes before them, the command line before both. */
static void sasl_settings_are_forgotten(void **unused)
{
    (void)unused;
    folder_write("sasl-xoauth2.conf",
                 "{\"client_id\": \"general\", \"client_secret\": \"gs\", \"scope\": \"general\"}", 0644);
    expect_taken("{\"refresh_token\": \"rt\", \"user\": \"me@gmail.com\", \"scope\": \"own\"}", "sasl-xoauth2",
                 "provider: google\nclient_id: general\nclient_secret: gs\nscope: own\n");
    transfer_free(&t);
    transfer_init(&t);
    given.client_id = "mine";
    given.client_secret_file = "/my/secret";
    given.account = "other@example.org";
    given.provider = "mine";
    expect_taken("{\"refresh_token\": \"rt\", \"user\": \"me@gmail.com\"}", "sasl-xoauth2",
                 "provider: mine\nclient_id: mine\nclient_secret_file: /my/secret\nscope: general\n");
    assert_string_equal(t.name, "other@example.org");
}

static void endpoint_of_a_provider_is_taken_for_a_strangers(void **unused)
{
    (void)unused;
    static const struct {
        const char *endpoint;
        const char *lines;
        bool keeps_scope; /* as granted: the provider's own might be more */
    } KNOWN[] = {
        {"https://login.microsoftonline.com/common/oauth2/v2.0/token", "provider: microsoft\n", true},
        {"https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
         "provider: microsoft\ntenant: contoso.com\n", true},
        {"https://login.microsoftonline.us/t/oauth2/v2.0/token", "provider: microsoft-gcc-high\ntenant: t\n", true},
        {"https://login.partner.microsoftonline.cn/t/oauth2/v2.0/token", "provider: microsoft-china\ntenant: t\n",
         true},
        {"https://oauth2.googleapis.com/token", "provider: google\n", false},
        {"https://www.googleapis.com/oauth2/v4/token", "provider: google\n", false},
        {"https://login.microsoftonline.com.evil.example/t",
         "token_endpoint: https://login.microsoftonline.com.evil.example/t\n", false},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        char json[512];
        char account[512];
        snprintf(json, sizeof json, "{\"refresh_token\": \"rt\", \"user\": \"a@b.org\", \"client_id\": \"c\", "
                                    "\"token_endpoint\": \"%s\"}", KNOWN[i].endpoint);
        snprintf(account, sizeof account, "%sclient_id: c\n%s", KNOWN[i].lines,
                 KNOWN[i].keeps_scope ? "refresh_sends_scope: no\n" : "");
        expect_taken(json, "sasl-xoauth2", account);
        transfer_free(&t);
        transfer_init(&t);
    }
}

static void tenant_is_lost_with_a_given_provider(void **unused)
{
    (void)unused;
    static const struct {
        const char *provider;
        const char *endpoint;
        const char *lines;
    } GIVEN[] = {
        {"microsoft", "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
         "provider: microsoft\ntenant: contoso.com\nclient_id: c\nrefresh_sends_scope: no\n"},
        {"microsoft-dod", "https://login.microsoftonline.us/t/oauth2/v2.0/token",
         "provider: microsoft-dod\ntenant: t\nclient_id: c\nrefresh_sends_scope: no\n"},
        {"microsoft", "https://login.microsoftonline.com/common/oauth2/v2.0/token",
         "provider: microsoft\nclient_id: c\nrefresh_sends_scope: no\n"},
        {"microsoft", "https://login.microsoftonline.com/",
         "provider: microsoft\nclient_id: c\nrefresh_sends_scope: no\n"},
        {"outlook", "https://login.microsoftonline.com/consumers/oauth2/v2.0/token",
         "provider: outlook\nclient_id: c\nrefresh_sends_scope: no\n"},
        {"mine", "https://login.microsoftonline.com/t/oauth2/v2.0/token", "provider: mine\nclient_id: c\n"},
    };
    for (size_t i = 0; i < sizeof GIVEN / sizeof GIVEN[0]; i++) {
        char json[512];
        snprintf(json, sizeof json, "{\"refresh_token\": \"rt\", \"user\": \"a@b.org\", \"client_id\": \"c\", "
                                    "\"token_endpoint\": \"%s\"}", GIVEN[i].endpoint);
        given.provider = GIVEN[i].provider;
        expect_taken(json, "sasl-xoauth2", GIVEN[i].lines);
        transfer_free(&t);
        transfer_init(&t);
    }
}

static void sasl_client_credentials_need_a_refresh_token(void **unused)
{
    (void)unused;
    expect_taken(
        "{\"user\": \"a@b.org\", \"client_id\": \"c\", \"client_secret\": \"s\", \"use_client_credentials\": true}",
        "sasl-xoauth2", "provider: google\nclient_id: c\nclient_secret: s\ngrant: client_credentials\n");
    assert_null(t.state.refresh_token);
    transfer_free(&t);
    transfer_init(&t);
    given.provider = "microsoft";
    expect_taken(
        "{\"user\": \"a@b.org\", \"client_id\": \"c\", \"client_secret\": \"s\", \"use_client_credentials\": true}",
        "sasl-xoauth2", "provider: microsoft\nclient_id: c\nclient_secret: s\ngrant: client_credentials\n");
}

static void access_token_that_has_ended_is_kept(void **unused)
{
    (void)unused;
    static const char *const ENDS[] = {"\"1000000000\"", "0", "-5", "\"soon\"", "null", "1e99", "[]"};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        char json[512];
        snprintf(json, sizeof json, "{\"refresh_token\": \"rt\", \"user\": \"a@b.org\", \"client_id\": \"c\", "
                                    "\"access_token\": \"at\", \"expiry\": %s}", ENDS[i]);
        assert_true(read_text(json));
        assert_string_equal(t.state.refresh_token, "rt");
        if (t.state.access_token && t.state.expires_at <= clock_wall())
            fail_msg("%s: an ended token was taken", ENDS[i]);
        transfer_free(&t);
        transfer_init(&t);
    }
}

static void sasl_file_that_lacks_something(void **unused)
{
    (void)unused;
    expect_refused("{\"expiry\": \"1\", \"user\": \"a@b.org\", \"client_id\": \"c\"}",
                   "FILE has no 'refresh_token', so there is nothing to take: run 'xoauth2 login a@b.org'");
    given.system = true;
    expect_refused("{\"expiry\": \"1\", \"user\": \"a@b.org\", \"client_id\": \"c\"}",
                   "FILE has no 'refresh_token', so there is nothing to take: run 'xoauth2 login --system a@b.org'");
    expect_refused("{\"refresh_token\": 5, \"user\": \"a@b.org\", \"client_id\": \"c\"}",
                   "FILE has no 'refresh_token', so there is nothing to take: run 'xoauth2 login --system a@b.org'");
    expect_refused("{\"refresh_token\": \"rt\", \"client_id\": \"c\"}",
                   "FILE does not tell whose it is: give --account ADDRESS");
    expect_refused("{\"refresh_token\": \"rt\", \"user\": \"a@b.org\"}",
                   "FILE does not tell the client: give its id with --client-id");
    expect_refused(
        "{\"refresh_token\": \"rt\", \"user\": \"a@b.org\", \"client_id\": \"c\", \"scope\": \"a\\nclient_secret: x\"}",
        "FILE: the value for 'scope' has a line break or is too long");
    expect_refused(
        "{\"manage_token_externally\": true, \"user\": \"a@b.org\"}",
        "FILE: 'manage_token_externally' is set: make an account with 'token_command' for whatever fetches the token");
}

static void sasl_settings_that_are_broken(void **unused)
{
    (void)unused;
    static const char FILE_TEXT[] = "{\"refresh_token\": \"rt\", \"user\": \"a@b.org\", \"client_id\": \"c\"}";
    char words[512];
    folder_write("sasl-xoauth2.conf", "{\"client_id\": \"half", 0644);
    snprintf(words, sizeof words, "%s is not a whole JSON object", given.config);
    expect_refused(FILE_TEXT, words);
    given.config = folder_path("nowhere.conf");
    snprintf(words, sizeof words, "the file %s is missing", given.config);
    expect_refused(FILE_TEXT, words);
}

/* --- mutt_oauth2.py --- */

static void mutt_file_is_read_wrongly(void **unused)
{
    (void)unused;
    expect_taken(
        "{\"registration\": \"microsoft\", \"authflow\": \"authcode\", \"email\": \"me@example.org\", \"client_id\": \"c\","
        "\"client_secret\": \"\", \"access_token\": \"at\", \"access_token_expiration\": "
        "\"2099-12-31T00:00:00.123456\", \"refresh_token\": \"rt\"}",
        "mutt_oauth2.py", "provider: microsoft\nclient_id: c\nrefresh_sends_scope: no\n");
    assert_string_equal(t.name, "me@example.org");
    assert_string_equal(t.state.refresh_token, "rt");
    assert_string_equal(t.state.access_token, "at");
    assert_in_range(t.state.expires_at, 4102358400 - 86400, 4102358400 + 86400); /* local time */
}

static void mutt_file_that_lacks_something(void **unused)
{
    (void)unused;
    expect_refused(
        "{\"registration\": \"google\", \"email\": \"a@b.org\", \"client_id\": \"c\", \"refresh_token\": \"\"}",
        "FILE has no 'refresh_token', so there is nothing to take: run 'xoauth2 login a@b.org'");
    expect_refused("{\"registration\": \"google\", \"refresh_token\": \"rt\", \"client_id\": \"c\"}",
                   "FILE does not tell whose it is: give --account ADDRESS");
    expect_refused("{\"registration\": 7, \"email\": \"a@b.org\", \"refresh_token\": \"rt\", \"client_id\": \"c\"}",
                   "FILE does not tell the provider: give --provider NAME");
}

/* --- oama --- */

static void oama_file_is_read_wrongly(void **unused)
{
    (void)unused;
    given.client_id = "c";
    expect_taken(
        "{\"email\": {\"unEmailAddress\": \"me@example.org\"}, \"service\": \"microsoft\", \"scope\": \"a b\","
        "\"refresh_token\": \"rt\", \"access_token\": \"at\", \"token_type\": \"Bearer\","
        "\"exp_date\": \"2099-12-31 00:00 UTC\", \"expires_in\": 3599}",
        "oama", "provider: microsoft\nclient_id: c\nscope: a b offline_access\n");
    assert_string_equal(t.name, "me@example.org");
    assert_int_equal(t.state.expires_at, 4102358400 + 300); /* oama takes five minutes from it */
    transfer_free(&t);
    transfer_init(&t);
    expect_taken("{\"email\": \"me@gmail.com\", \"service\": \"google\", \"scope\": \"https://mail.google.com/\","
                 "\"refresh_token\": \"rt\", \"access_token\": \"at\"}",
                 "oama", "provider: google\nclient_id: c\n");
    assert_null(t.state.access_token);
}

static void oama_file_that_lacks_something(void **unused)
{
    (void)unused;
    expect_refused(
        "{\"email\": \"me@gmail.com\", \"service\": \"google\", \"refresh_token\": \"rt\"}",
        "FILE: oama keeps the client in ~/.config/oama/config.yaml, under 'services' and 'google': give its client_id "
        "with --client-id, and a file of mode 0600 that has its client_secret with --client-secret-file");
    given.client_id = "c";
    expect_refused("{\"email\": \"me@gmail.com\", \"service\": \"google\"}",
                   "FILE has no 'refresh_token', so there is nothing to take: run 'xoauth2 login me@gmail.com'");
    expect_refused("{\"email\": {\"other\": 1}, \"service\": \"google\", \"refresh_token\": \"rt\"}",
                   "FILE does not tell whose it is: give --account ADDRESS");
    expect_refused("{\"email\": \"me@gmail.com\", \"exp_date\": \"x\", \"refresh_token\": \"rt\"}",
                   "FILE does not tell the provider: give --provider NAME");
}

/* --- neither --- */

static void file_of_another_kind(void **unused)
{
    (void)unused;
    expect_refused("{\"refresh_token\": \"half", "FILE is not a whole JSON object: it is damaged");
    expect_refused(" {} {}", "FILE is not a whole JSON object: it is damaged");
    expect_refused("", "FILE is not JSON; if it is encrypted, run 'gpg --decrypt FILE | xoauth2 import'");
    expect_refused("[1]", "FILE is not JSON; if it is encrypted, run 'gpg --decrypt FILE | xoauth2 import'");
    expect_refused(
        "{\"hello\": \"world\"}",
        "FILE is no token file of sasl-xoauth2, mutt_oauth2.py or oama: it has neither 'refresh_token' nor "
        "'registration' nor 'service'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sasl_file_is_read_wrongly, begin, end),
        cmocka_unit_test_setup_teardown(sasl_settings_are_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(endpoint_of_a_provider_is_taken_for_a_strangers, begin, end),
        cmocka_unit_test_setup_teardown(tenant_is_lost_with_a_given_provider, begin, end),
        cmocka_unit_test_setup_teardown(sasl_client_credentials_need_a_refresh_token, begin, end),
        cmocka_unit_test_setup_teardown(access_token_that_has_ended_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(sasl_file_that_lacks_something, begin, end),
        cmocka_unit_test_setup_teardown(sasl_settings_that_are_broken, begin, end),
        cmocka_unit_test_setup_teardown(mutt_file_is_read_wrongly, begin, end),
        cmocka_unit_test_setup_teardown(mutt_file_that_lacks_something, begin, end),
        cmocka_unit_test_setup_teardown(oama_file_is_read_wrongly, begin, end),
        cmocka_unit_test_setup_teardown(oama_file_that_lacks_something, begin, end),
        cmocka_unit_test_setup_teardown(file_of_another_kind, begin, end),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
