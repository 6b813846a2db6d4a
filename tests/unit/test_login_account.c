#include "config.h"

#include "login_account.h"

#include "folder.h"
#include "login_again.h"
#include "login_provider.h"
#include "name_server.h"
#include "provider.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct login l;

static const char *folders[2];
static int null = -1; /* where what is said goes */

static int start(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    static char providers[512];
    snprintf(providers, sizeof providers, "%s", folder_sub("providers", 0755));
    folders[0] = providers;
    provider_folders = folders;
    folder_write(
        "providers/near.conf",
        "description: Near Mail\ntoken_endpoint: https://near.example/t\nauthorization_endpoint: "
        "https://near.example/a\n"
        "domains: near.example *.near.example\nclient_secret_needed: yes\nadvice: Register at near.example.\n",
        0644);
    folder_write("providers/far.conf",
                 "token_endpoint: https://far.example/t\nauthorization_endpoint: https://far.example/a\n"
                 "domains: *.example far.example\n",
                 0644);
    folder_write("providers/broken.conf", "domains: broken.example\nnonsense\n", 0644);
    folder_sub("accounts", 0700);
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return null >= 0 ? 0 : -1;
}

static int begin(void **state)
{
    (void)state;
    l = (struct login){.name = "me@example.org"};
    l.paths.owner = getuid();
    snprintf(l.paths.accounts, sizeof l.paths.accounts, "%s", folder_path("accounts"));
    snprintf(l.paths.state, sizeof l.paths.state, "%s", folder_path("state"));
    secret_init(&l.text, KEYFILE_SIZE_MAX);
    account_init(&l.account);
    secret_init(&l.client.client_secret, 100);
    l.terminal = (struct terminal){.tty = -1, .out = null};
    unlink(folder_path("accounts/me@example.org.conf"));
    return 0;
}

static int end(void **state)
{
    (void)state;
    account_free(&l.account);
    secret_free(&l.text);
    secret_free(&l.client.client_secret);
    return 0;
}

static void account_file(const char *text)
{
    folder_write("accounts/me@example.org.conf", text, 0600);
}

static void expect_text(const char *text)
{
    struct report why = {0};
    bool ok = login_account_gather(&l, &why);
    assert_string_equal(why.text, "");
    assert_true(ok);
    assert_string_equal(l.text.data, text);
}

static void expect_refused(const char *part)
{
    struct report why = {0};
    assert_false(login_account_gather(&l, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    if (!strstr(why.text, part))
        fail_msg("'%s' is not in '%s'", part, why.text);
    assert_string_not_equal(why.text, part);
}

#define FIRST "# Written by 'xoauth2 login'; xoauth2.conf(5) tells what else can stand here.\n"

static void first_login(void **unused)
{
    (void)unused;
    l.options = (struct login_options){
        .issuer = "https://i.example", .client_id = "c", .scope = "s t", .ca_file = (char *)"/ca"};
    expect_text(FIRST "issuer: https://i.example\nclient_id: c\nscope: s t\nca_file: /ca\n");
    assert_string_equal(account_value(&l.account, SETTING_ISSUER), "https://i.example");
    assert_int_equal(access(folder_path("accounts/me@example.org.conf"), F_OK), -1);
}

static void second_login_keeps_what_is_not_given(void **unused)
{
    (void)unused;
    account_file("# mine\nclient_id: c   \n\nissuer: https://i.example\n# end\n");
    l.options = (struct login_options){.scope = "s", .flow = LOGIN_FLOW_DEVICE};
    expect_text("# mine\nclient_id: c   \n\nissuer: https://i.example\n# end\nscope: s\nflow: device\n");
}

static void second_login_without_options(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nclient_id: c");
    expect_text("issuer: https://i.example\nclient_id: c");
}

static void same_issuer_again(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nclient_id: c\nscope: s\n");
    l.options = (struct login_options){.issuer = "https://i.example"};
    expect_text("issuer: https://i.example\nclient_id: c\nscope: s\n");
}

/* Gives --set KEY=, as the refusal advises. */
static void remove_key(enum setting key)
{
    l.options.set[l.options.set_count].key = key;
    l.options.set[l.options.set_count++].value = "";
    secret_reset(&l.text);
}

static void secret_of_one_provider_is_not_taken_to_another(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nclient_id: c\nclient_secret: s\n");
    l.options = (struct login_options){.issuer = "https://evil.example", .client_id = "c"};
    expect_refused(":3: 'client_secret' belongs to the provider that the account has now: remove it with --set "
                   "client_secret= or give --client-secret-file, and so log in at the new one");
    remove_key(SETTING_CLIENT_SECRET);
    expect_text("issuer: https://evil.example\nclient_id: c\n");
}

static void endpoint_of_one_provider_is_not_taken_to_another(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\ntoken_endpoint: https://i.example/t\n");
    l.options = (struct login_options){.provider = "near", .client_id = "c"};
    expect_refused(":2: 'token_endpoint' belongs to the provider that the account has now: remove it with --set "
                   "token_endpoint=, and so log in at the new one");
}

static void hosts_of_one_provider_are_not_taken_to_another(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nhosts: imap.i.example\n");
    l.options = (struct login_options){.issuer = "https://o.example"};
    expect_refused(":2: 'hosts' belongs to the provider that the account has now: remove it with --set hosts=");
}

static void command_that_gives_the_token_stays_beside_a_provider(void **unused)
{
    (void)unused;
    account_file("token_command: /bin/keeper\n");
    l.options = (struct login_options){.issuer = "https://o.example", .client_id = "c"};
    expect_refused(":1: 'token_command' belongs to the provider that the account has now: remove it with --set "
                   "token_command=");
}

#define REMOVE(key) "'" key "' belongs to the provider that the account has now: remove it with --set " key "="

static void provider_without_a_name_is_left(void **unused)
{
    (void)unused;
    account_file("# mine\ntoken_endpoint: https://old.example/t\nauthorization_endpoint: https://old.example/a\n"
                 "client_id: c\nclient_secret: s\nflow: browser\n");
    l.options = (struct login_options){.provider = "near", .client_id = "new"};
    expect_refused(":3: " REMOVE("authorization_endpoint") ", and so log in at the new one");
    remove_key(SETTING_AUTHORIZATION_ENDPOINT);
    expect_refused(":2: " REMOVE("token_endpoint") ", and so log in at the new one");
    remove_key(SETTING_TOKEN_ENDPOINT);
    expect_refused(":5: " REMOVE("client_secret") " or give --client-secret-file");
    remove_key(SETTING_CLIENT_SECRET);
    expect_text("# mine\nclient_id: new\nflow: browser\nprovider: near\n");
}

static void no_endpoint_without_a_name_is_taken_to_an_issuer(void **unused)
{
    static const char *const KEYS[] = {"authorization_endpoint", "token_endpoint", "device_authorization_endpoint",
                                       "revocation_endpoint", "userinfo_endpoint"};
    (void)unused;
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s: https://old.example/e\nclient_id: c\n", KEYS[i]);
        account_file(text);
        l.options = (struct login_options){.issuer = "https://i.example", .client_id = "c"};
        snprintf(text, sizeof text, ":1: '%s' belongs to the provider that the account has now", KEYS[i]);
        expect_refused(text);
        secret_reset(&l.text);
    }
}

static void endpoint_that_the_person_keeps(void **unused)
{
    (void)unused;
    account_file("token_endpoint: https://old.example/t\nclient_id: c\n");
    l.options = (struct login_options){.issuer = "https://i.example", .client_id = "c"};
    l.options.set[l.options.set_count].key = SETTING_TOKEN_ENDPOINT;
    l.options.set[l.options.set_count++].value = "https://new.example/t";
    expect_text("token_endpoint: https://new.example/t\nclient_id: c\nissuer: https://i.example\n");
}

static void guessed_provider_gets_no_endpoint_of_another(void **unused)
{
    (void)unused;
    snprintf(l.name, sizeof l.name, "me@near.example");
    folder_write("accounts/me@near.example.conf", "authorization_endpoint: https://old.example/a\n", 0600);
    l.options = (struct login_options){.client_id = "c"};
    expect_refused(":1: " REMOVE("authorization_endpoint"));
    unlink(folder_path("accounts/me@near.example.conf"));
}

static void issuer_gives_way_to_a_provider(void **unused)
{
    (void)unused;
    account_file("# mine\nissuer: https://i.example\nclient_id: old\n");
    l.options = (struct login_options){.provider = "near", .client_id = "new"};
    expect_text("# mine\nclient_id: new\nprovider: near\n");
}

static void issuer_for_a_provider_file_without_a_server(void **unused)
{
    (void)unused;
    folder_write("providers/plain.conf", "scope: openid\n", 0644);
    l.options = (struct login_options){.provider = "plain", .issuer = "https://i.example", .client_id = "c"};
    expect_text(FIRST "provider: plain\nissuer: https://i.example\nclient_id: c\n");
    assert_string_equal(account_value(&l.account, SETTING_SCOPE), "openid");
    account_free(&l.account);
    account_file("provider: plain\nissuer: https://i.example\nclient_secret: s\n");
    l.options = (struct login_options){.provider = "plain"};
    expect_text("provider: plain\nissuer: https://i.example\nclient_secret: s\n");
    account_free(&l.account);
    l.options = (struct login_options){.issuer = "https://i.example"};
    expect_text("provider: plain\nissuer: https://i.example\nclient_secret: s\n");
    account_free(&l.account);
    l.options = (struct login_options){.provider = "plain", .issuer = "https://evil.example"};
    expect_refused(":3: 'client_secret' belongs to the provider that the account has now");
    unlink(folder_path("providers/plain.conf"));
}

static void issuer_for_a_provider_file_with_one(void **unused)
{
    (void)unused;
    l.options = (struct login_options){.provider = "near", .issuer = "https://i.example", .client_id = "c"};
    expect_refused("near.conf:3: the provider near has a server of its own: leave --issuer out");
    account_free(&l.account);
}

static void secret_in_the_file_gives_way_to_one_beside_it(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nclient_secret: s\n");
    l.options = (struct login_options){.client_secret_file = (char *)"/s"};
    expect_text("issuer: https://i.example\nclient_secret_file: /s\n");
}

static void secret_of_a_command_gives_way_to_one_in_a_file(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nclient_secret_command: /bin/show me\n");
    l.options = (struct login_options){.client_secret_file = (char *)"/s"};
    expect_text("issuer: https://i.example\nclient_secret_file: /s\n");
    account_file("issuer: https://i.example\nclient_secret_command: /bin/show me\n");
    l.options = (struct login_options){.issuer = "https://other.example", .client_id = "c"};
    expect_refused(
        ":2: 'client_secret_command' belongs to the provider that the account has now: remove it with --set "
        "client_secret_command= or give --client-secret-file, and so log in");
}

/* What the metadata told, as the client has it after discovery. */
static void learn(bool basic, const char *secret)
{
    l.client.basic = basic;
    assert_true(secret_adds(&l.client.client_secret, secret));
    login_account_learn(&l, &l.client);
}

/* Writes the account file. */
static void expect_written(const char *text)
{
    struct report why = {0};
    bool ok = login_account_write(&l, &why);
    assert_string_equal(why.text, "");
    assert_true(ok);
    assert_string_equal(l.text.data, text);
}

static void server_that_takes_basic_alone_is_remembered(void **unused)
{
    (void)unused;
    l.options =
        (struct login_options){.issuer = "https://i.example", .client_id = "c", .client_secret_file = (char *)"/s"};
    expect_text(FIRST "issuer: https://i.example\nclient_id: c\nclient_secret_file: /s\n");
    learn(true, "secret");
    expect_written(FIRST
                   "issuer: https://i.example\nclient_id: c\nclient_secret_file: /s\nclient_authentication: basic\n");
}

static void client_authentication_of_the_file_stays(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nclient_id: c\nclient_authentication: post\n");
    expect_text("issuer: https://i.example\nclient_id: c\nclient_authentication: post\n");
    learn(true, "secret");
    expect_written("issuer: https://i.example\nclient_id: c\nclient_authentication: post\n");
}

static void client_without_a_secret_authenticates_in_no_way(void **unused)
{
    (void)unused;
    l.options = (struct login_options){.issuer = "https://i.example", .client_id = "c"};
    expect_text(FIRST "issuer: https://i.example\nclient_id: c\n");
    learn(true, "");
    expect_written(FIRST "issuer: https://i.example\nclient_id: c\n");
}

static void server_that_takes_the_form_needs_no_line(void **unused)
{
    (void)unused;
    l.options =
        (struct login_options){.issuer = "https://i.example", .client_id = "c", .client_secret_file = (char *)"/s"};
    expect_text(FIRST "issuer: https://i.example\nclient_id: c\nclient_secret_file: /s\n");
    learn(false, "secret");
    expect_written(FIRST "issuer: https://i.example\nclient_id: c\nclient_secret_file: /s\n");
}

static void expect_again(const char *more, const char *command)
{
    char text[LOGIN_AGAIN_MAX];
    login_again(&l, more, text);
    assert_string_equal(text, command);
}

static void command_to_repeat_has_all_options(void **unused)
{
    (void)unused;
    expect_again("", "xoauth2 login me@example.org");
    l.options = (struct login_options){.provider = "near",
                                       .tenant = "t",
                                       .client_id = "c",
                                       .client_secret_file = (char *)"/s",
                                       .scope = "a b$c",
                                       .ca_file = (char *)"/ca",
                                       .flow = LOGIN_FLOW_DEVICE,
                                       .set = {{SETTING_HOSTS, "h i"}, {SETTING_PROXY, ""}},
                                       .set_count = 2};
    expect_again("",
                 "xoauth2 login --provider near --tenant t --client-id c --client-secret-file /s --scope \"a b\\$c\" "
                 "--set hosts=\"h i\" --set proxy= --ca-file /ca --device me@example.org");
    l.paths.system = true;
    l.options = (struct login_options){.issuer = "https://i.example", .flow = LOGIN_FLOW_BROWSER};
    expect_again("--client-id ID",
                 "xoauth2 login --issuer https://i.example --browser --client-id ID --system me@example.org");
}

static void command_to_repeat_has_no_option_twice(void **unused)
{
    (void)unused;
    l.options =
        (struct login_options){.client_id = "c", .client_secret_file = (char *)"/s", .flow = LOGIN_FLOW_DEVICE};
    expect_again("--browser", "xoauth2 login --client-id c --client-secret-file /s --browser me@example.org");
    expect_again("--client-secret-file FILE",
                 "xoauth2 login --client-id c --device --client-secret-file FILE me@example.org");
}

static void command_to_repeat_that_is_too_long(void **unused)
{
    (void)unused;
    char scope[LOGIN_AGAIN_MAX];
    memset(scope, 'x', sizeof scope - 1);
    scope[sizeof scope - 1] = '\0';
    l.options = (struct login_options){.scope = scope};
    expect_again("", "the same command");
    expect_again("--browser", "the same command with --browser");
    scope[LOGIN_AGAIN_MAX - 1 - strlen("xoauth2 login --scope  me@example.org")] = '\0';
    char text[LOGIN_AGAIN_MAX];
    login_again(&l, "", text);
    assert_int_equal(strlen(text), LOGIN_AGAIN_MAX - 1);
}

static void file_that_is_not_complete_is_completed(void **unused)
{
    (void)unused;
    account_file("hosts: imap.example.org\n");
    l.options = (struct login_options){.issuer = "https://i.example"};
    expect_text("hosts: imap.example.org\nissuer: https://i.example\n");
}

static void broken_file_is_refused(void **unused)
{
    (void)unused;
    account_file("issuer: https://i.example\nnonsense\n");
    expect_refused("me@example.org.conf:2: not a line of the form 'key: value'");
    folder_write("accounts/me@example.org.conf", "issuer: https://i.example\n", 0644);
    expect_refused("may be accessed by others");
}

static void value_with_a_line_break(void **unused)
{
    (void)unused;
    l.options = (struct login_options){.issuer = "https://i.example", .scope = "a\nclient_id: b"};
    expect_refused("an option's value has a line break");
}

static void unknown_provider(void **unused)
{
    (void)unused;
    l.options = (struct login_options){.provider = "nowhere"};
    expect_refused("there is no provider file nowhere.conf: give --provider with one of broken, far, near, or add");
}

static void address_that_tells_its_provider(void **unused)
{
    (void)unused;
    snprintf(l.name, sizeof l.name, "me@mail.near.example");
    l.options = (struct login_options){.client_id = "c"};
    expect_text(FIRST "provider: near\nclient_id: c\n");
}

static void address_that_tells_nothing(void **unused)
{
    (void)unused;
    static const unsigned char NO_SUCH_NAME[] = "\x00\x00\x81\x83\x00\x01\x00\x00\x00\x00\x00\x00"
                                                "\x07" "example" "\x03" "org" "\x00" "\x00\x0f\x00\x01";
    name_server_start(NO_SUCH_NAME, sizeof NO_SUCH_NAME - 1);
    expect_refused(
        "which provider is me@example.org at? Neither the address nor its mail server (none found in DNS) tells: "
        "add --provider NAME (broken, far, near), or --issuer URL");
    name_server_stop();
}

static void name_server_that_is_silent(void **unused)
{
    (void)unused;
    name_server_start((const unsigned char *)"", 0);
    expect_refused(
        "which provider is me@example.org at? Neither the address nor its mail server (DNS gives no answer) tells: ");
    name_server_stop();
}

static void mail_server_that_tells_the_provider(void **unused)
{
    (void)unused;
    folder_write(
        "providers/third.conf",
        "description: Third\ntoken_endpoint: https://third.example/t\nmx: mail.example.com *.nowhere.example\n",
        0644);
    name_server_start((const unsigned char *)NAME_SERVER_ANSWER, sizeof NAME_SERVER_ANSWER - 1);
    struct login_guess guess;
    struct report why;
    assert_true(login_provider_guess(&l.paths, "me@example.org", &guess, &why));
    assert_string_equal(guess.name, "third");
    assert_string_equal(guess.mail_server, "mail.example.com");
    l.options = (struct login_options){.client_id = "c"};
    expect_text(FIRST "provider: third\nclient_id: c\n");
    unlink(folder_path("providers/third.conf"));
    *l.guessed = '\0';
    expect_refused("mail server (in.example.org)");
    name_server_stop();
}

static void given_provider_is_asked_for_in_dns(void **unused)
{
    (void)unused;
    l.options = (struct login_options){.provider = "near", .client_id = "c"};
    name_server_start((const unsigned char *)"", 0); /* would be waited for */
    expect_text(FIRST "provider: near\nclient_id: c\n");
    name_server_stop();
}

static void exact_domain_before_a_pattern(void **unused)
{
    (void)unused;
    struct login_guess guess;
    struct report why;
    assert_true(login_provider_guess(&l.paths, "me@NEAR.example", &guess, &why));
    assert_string_equal(guess.name, "near");
    assert_string_equal(guess.description, "Near Mail");
    assert_string_equal(guess.mail_server, "");
    assert_true(login_provider_guess(&l.paths, "me@other.example", &guess, &why));
    assert_string_equal(guess.name, "far");
    assert_string_equal(guess.description, "far");
    assert_non_null(strstr(guess.broken.text, "providers/broken.conf:2: not a line of the form"));
    assert_false(login_provider_guess(&l.paths, "near.example", &guess, &why));
}

static void client_that_is_missing(void **unused)
{
    (void)unused;
    struct report why;
    l.options = (struct login_options){.provider = "near"};
    expect_text(FIRST "provider: near\n");
    assert_false(login_account_check_client(&l, &why));
    assert_string_equal(why.text, "no client id for me@example.org at Near Mail: Register at near.example.");
}

static void client_without_its_secret(void **unused)
{
    (void)unused;
    struct report why;
    l.options = (struct login_options){.provider = "near", .client_id = "c"};
    expect_text(FIRST "provider: near\nclient_id: c\n");
    l.client.client_id = (char *)"c";
    l.paths.system = true;
    assert_false(login_account_check_client(&l, &why));
    assert_string_equal(
        why.text, "Near Mail wants the client's secret too: put it into a file of its own (mode 0600) and run "
                  "'xoauth2 login --provider near --client-id c --client-secret-file FILE --system me@example.org'");
    assert_true(secret_adds(&l.client.client_secret, "x"));
    assert_true(login_account_check_client(&l, &why));
}

static void issuer_without_a_client(void **unused)
{
    (void)unused;
    struct report why;
    l.options = (struct login_options){.issuer = "https://i.example"};
    expect_text(FIRST "issuer: https://i.example\n");
    assert_false(login_account_check_client(&l, &why));
    assert_non_null(strstr(why.text,
                           "at https://i.example, or ask who runs it for one, then run 'xoauth2 login --issuer "
                           "https://i.example --client-id ID me@example.org'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_login, begin, end),
        cmocka_unit_test_setup_teardown(second_login_keeps_what_is_not_given, begin, end),
        cmocka_unit_test_setup_teardown(second_login_without_options, begin, end),
        cmocka_unit_test_setup_teardown(same_issuer_again, begin, end),
        cmocka_unit_test_setup_teardown(secret_of_one_provider_is_not_taken_to_another, begin, end),
        cmocka_unit_test_setup_teardown(endpoint_of_one_provider_is_not_taken_to_another, begin, end),
        cmocka_unit_test_setup_teardown(hosts_of_one_provider_are_not_taken_to_another, begin, end),
        cmocka_unit_test_setup_teardown(command_that_gives_the_token_stays_beside_a_provider, begin, end),
        cmocka_unit_test_setup_teardown(provider_without_a_name_is_left, begin, end),
        cmocka_unit_test_setup_teardown(no_endpoint_without_a_name_is_taken_to_an_issuer, begin, end),
        cmocka_unit_test_setup_teardown(endpoint_that_the_person_keeps, begin, end),
        cmocka_unit_test_setup_teardown(guessed_provider_gets_no_endpoint_of_another, begin, end),
        cmocka_unit_test_setup_teardown(issuer_gives_way_to_a_provider, begin, end),
        cmocka_unit_test_setup_teardown(issuer_for_a_provider_file_without_a_server, begin, end),
        cmocka_unit_test_setup_teardown(issuer_for_a_provider_file_with_one, begin, end),
        cmocka_unit_test_setup_teardown(secret_in_the_file_gives_way_to_one_beside_it, begin, end),
        cmocka_unit_test_setup_teardown(secret_of_a_command_gives_way_to_one_in_a_file, begin, end),
        cmocka_unit_test_setup_teardown(server_that_takes_basic_alone_is_remembered, begin, end),
        cmocka_unit_test_setup_teardown(client_authentication_of_the_file_stays, begin, end),
        cmocka_unit_test_setup_teardown(client_without_a_secret_authenticates_in_no_way, begin, end),
        cmocka_unit_test_setup_teardown(server_that_takes_the_form_needs_no_line, begin, end),
        cmocka_unit_test_setup_teardown(command_to_repeat_has_all_options, begin, end),
        cmocka_unit_test_setup_teardown(command_to_repeat_has_no_option_twice, begin, end),
        cmocka_unit_test_setup_teardown(command_to_repeat_that_is_too_long, begin, end),
        cmocka_unit_test_setup_teardown(file_that_is_not_complete_is_completed, begin, end),
        cmocka_unit_test_setup_teardown(broken_file_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(value_with_a_line_break, begin, end),
        cmocka_unit_test_setup_teardown(unknown_provider, begin, end),
        cmocka_unit_test_setup_teardown(address_that_tells_its_provider, begin, end),
        cmocka_unit_test_setup_teardown(mail_server_that_tells_the_provider, begin, end),
        cmocka_unit_test_setup_teardown(given_provider_is_asked_for_in_dns, begin, end),
        cmocka_unit_test_setup_teardown(address_that_tells_nothing, begin, end),
        cmocka_unit_test_setup_teardown(name_server_that_is_silent, begin, end),
        cmocka_unit_test_setup_teardown(exact_domain_before_a_pattern, begin, end),
        cmocka_unit_test_setup_teardown(client_that_is_missing, begin, end),
        cmocka_unit_test_setup_teardown(client_without_its_secret, begin, end),
        cmocka_unit_test_setup_teardown(issuer_without_a_client, begin, end),
    };
    return cmocka_run_group_tests(tests, start, folder_remove);
}
