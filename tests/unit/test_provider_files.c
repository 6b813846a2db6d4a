/* The provider files that are installed: what a login, a refresh and the mail servers of each need is in them. */
#include "config.h"

#include "glob.h"
#include "keyfile.h"
#include "server.h"
#include "settings.h"
#include "text.h"

#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whoever owns the source, and whatever their umask. */
static struct keyfile load(const char *name)
{
    const struct readfile_rules rules = {.any_owner = true, .follow_symlink = true, .limit = KEYFILE_SIZE_MAX};
    const char *source = getenv("srcdir");
    struct keyfile file;
    struct report why = {0};
    char path[4096];
    snprintf(path, sizeof path, "%s/providers/%s.conf", source ? source : ".", name);
    if (keyfile_load(&file, path, &rules, SETTING_NAMES, &why) != READFILE_OK ||
        !settings_check_provider(&file, &why))
        fail_msg("%s: %s", path, why.code == FAILURE_NONE ? "missing" : why.text);
    return file;
}

static void must_allow(const struct keyfile *file, const char *host)
{
    const char *hosts = file->value[SETTING_HOSTS];
    if (!hosts || glob_rank(hosts, host) == 0)
        fail_msg("%s: a token may not go to %s", file->path, host);
}

static void must_have(const struct keyfile *file, enum setting key, const char *words)
{
    const char *value = file->value[key];
    if (!value || !strstr(value, words))
        fail_msg("%s: %s lacks '%s'", file->path, SETTING_NAMES[key], words);
}

static void google_mail_servers_are_shut_out(void **state)
{
    (void)state;
    struct keyfile google = load("google");
    must_allow(&google, "imap.gmail.com");
    must_allow(&google, "pop.gmail.com");
    must_allow(&google, "smtp.gmail.com");
    assert_int_equal(glob_rank(google.value[SETTING_HOSTS], "imap.gmail.com.example.org"), 0);
    assert_int_equal(glob_rank(google.value[SETTING_HOSTS], "evil-imap.gmail.com"), 0);
    keyfile_free(&google);
}

static void google_gives_no_refresh_token(void **state)
{
    (void)state;
    struct keyfile google = load("google");
    must_have(&google, SETTING_AUTHORIZATION_PARAMETERS, "access_type=offline");
    must_have(&google, SETTING_AUTHORIZATION_PARAMETERS, "prompt=consent");
    must_have(&google, SETTING_CLIENT_SECRET_NEEDED, "yes");
    keyfile_free(&google);
}

static void google_login_by_device_is_offered(void **state)
{
    (void)state;
    struct keyfile google = load("google");
    assert_null(google.value[SETTING_DEVICE_AUTHORIZATION_ENDPOINT]);
    keyfile_free(&google);
}

static void microsoft_mail_servers_are_shut_out(void **state)
{
    (void)state;
    struct keyfile microsoft = load("microsoft");
    must_allow(&microsoft, "outlook.office365.com");
    must_allow(&microsoft, "smtp.office365.com");
    must_allow(&microsoft, "smtp-mail.outlook.com");
    assert_int_equal(glob_rank(microsoft.value[SETTING_HOSTS], "outlook.office365.com.example.org"), 0);
    keyfile_free(&microsoft);
}

static void microsoft_token_is_for_graph(void **state)
{
    (void)state;
    struct keyfile microsoft = load("microsoft");
    must_have(&microsoft, SETTING_SCOPE, "https://outlook.office.com/IMAP.AccessAsUser.All ");
    must_have(&microsoft, SETTING_SCOPE, "https://outlook.office.com/POP.AccessAsUser.All ");
    must_have(&microsoft, SETTING_SCOPE, "https://outlook.office.com/SMTP.Send ");
    must_have(&microsoft, SETTING_SCOPE, "offline_access");
    assert_null(strstr(microsoft.value[SETTING_SCOPE], "graph"));
    keyfile_free(&microsoft);
}

/* AADSTS900144, AADSTS700025, AADSTS50011. */
static void microsoft_refuses_the_requests(void **state)
{
    (void)state;
    struct keyfile microsoft = load("microsoft");
    must_have(&microsoft, SETTING_REFRESH_SENDS_SCOPE, "yes");
    must_have(&microsoft, SETTING_CLIENT_SECRET_NEEDED, "no");
    must_have(&microsoft, SETTING_REDIRECT_HOST, "localhost");
    must_have(&microsoft, SETTING_TOKEN_ENDPOINT, "/{tenant}/");
    must_have(&microsoft, SETTING_AUTHORIZATION_ENDPOINT, "/{tenant}/");
    must_have(&microsoft, SETTING_DEVICE_AUTHORIZATION_ENDPOINT, "/{tenant}/");
    keyfile_free(&microsoft);
}

/* --- every file --- */

static int is_provider(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

/* Calls `check` for every file in the folder; returns how many there are. */
static int for_all(void (*check)(const char *name, const struct keyfile *file, void *arg), void *arg)
{
    const char *source = getenv("srcdir");
    char folder[4096];
    struct dirent **entries;
    snprintf(folder, sizeof folder, "%s/providers", source ? source : ".");
    int count = scandir(folder, &entries, is_provider, alphasort);
    assert_true(count > 0);
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        struct keyfile file = load(entries[i]->d_name);
        check(entries[i]->d_name, &file, arg);
        keyfile_free(&file);
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void is_complete(const char *name, const struct keyfile *file, void *arg)
{
    bool generic = strcmp(name, "generic") == 0; /* the account file says the rest */
    static const enum setting NEEDED[] = {SETTING_AUTHORIZATION_ENDPOINT, SETTING_TOKEN_ENDPOINT, SETTING_HOSTS,
                                          SETTING_SERVERS};
    (void)arg;
    must_have(file, SETTING_DESCRIPTION, "");
    must_have(file, SETTING_SCOPE, "");
    must_have(file, SETTING_REDIRECT_HOST, "");
    must_have(file, SETTING_ADVICE, "--client-id");
    for (size_t i = 0; !generic && i < sizeof NEEDED / sizeof NEEDED[0]; i++)
        must_have(file, NEEDED[i], "");
    if (!text_is_utf8(file->value[SETTING_DESCRIPTION], strlen(file->value[SETTING_DESCRIPTION])) ||
        strlen(file->value[SETTING_DESCRIPTION]) > 100 || strlen(file->value[SETTING_ADVICE]) > REPORT_TEXT_MAX - 300)
        fail_msg("%s: its description or advice does not fit into a message", file->path);
}

static void file_is_broken_or_incomplete(void **state)
{
    (void)state;
    assert_true(for_all(is_complete, NULL) >= 13);
}

static void takes_plain_http_or_any_host(const char *name, const struct keyfile *file, void *arg)
{
    (void)name;
    (void)arg;
    for (size_t i = SETTING_ISSUER; i <= SETTING_USERINFO_ENDPOINT; i++)
        if (file->value[i] && strncmp(file->value[i], "https://", 8) != 0)
            fail_msg("%s: %s is not https", file->path, SETTING_NAMES[i]);
    if (file->value[SETTING_HOSTS] && (glob_rank(file->value[SETTING_HOSTS], "mail.example.org") > 0 ||
                                       glob_rank(file->value[SETTING_HOSTS], "example.com") > 0))
        fail_msg("%s: a token may go anywhere", file->path);
}

static void token_may_go_anywhere(void **state)
{
    (void)state;
    for_all(takes_plain_http_or_any_host, NULL);
}

static void servers_may_have_the_token(const char *name, const struct keyfile *file, void *arg)
{
    const char *list = file->value[SETTING_SERVERS];
    struct server s;
    (void)name;
    (void)arg;
    while (list && server_next(&s, &list))
        must_allow(file, s.host);
}

static void test_is_sent_where_no_token_may_go(void **state)
{
    (void)state;
    for_all(servers_may_have_the_token, NULL);
}

struct address {
    const char *domain;
    enum setting by; /* domains or mx */
    char provider[64];
    size_t rank;
    bool tie;
};

static void weigh(const char *name, const struct keyfile *file, void *arg)
{
    struct address *a = arg;
    const char *list = file->value[a->by];
    size_t rank = list ? glob_rank(list, a->domain) : 0;
    a->tie = a->tie ? rank <= a->rank : rank > 0 && rank == a->rank;
    if (rank > a->rank) {
        a->rank = rank;
        snprintf(a->provider, sizeof a->provider, "%s", name);
    }
}

/* `provider` NULL: nobody's. */
static void must_be_at(enum setting by, const char *domain, const char *provider)
{
    struct address a = {.domain = domain, .by = by};
    for_all(weigh, &a);
    if (a.tie || strcmp(a.provider, provider ? provider : "") != 0)
        fail_msg("%s is at '%s'%s", domain, a.provider, a.tie ? " and another" : "");
}

static void address_is_taken_for_another_providers(void **state)
{
    (void)state;
    static const char *const DOMAINS[][2] = {
        {"gmail.com", "google"},    {"outlook.com", "outlook"},
        {"outlook.de", "outlook"},  {"hotmail.co.uk", "outlook"},
        {"live.com", "outlook"},    {"msn.com", "outlook"},
        {"yahoo.com", "yahoo"},     {"yahoo.co.jp", "yahoo"},
        {"ymail.com", "yahoo"},     {"aol.com", "aol"},
        {"aim.com", "aol"},         {"fastmail.com", "fastmail"},
        {"yandex.ru", "yandex"},    {"ya.ru", "yandex"},
        {"mail.ru", "mailru"},      {"bk.ru", "mailru"},
        {"comcast.net", "comcast"}, {"x.onmicrosoft.com", "microsoft"},
        {"example.org", NULL},      {"gmail.com.example.org", NULL},
        {"notmail.ru", NULL},       {"live.company.example", NULL},
        {"live.example", NULL},     {"outlook.company.example", NULL},
        {"outlook.example", NULL},  {"hotmail.company.example", NULL},
        {"live.co.uk", "outlook"},  {"live.nl", "outlook"},
        {"live.com.au", "outlook"}, {"hotmail.fr", "outlook"},
        {"hotmail.com", "outlook"}, {"outlook.com.br", "outlook"},
    };
    static const char *const SERVERS[][2] = {
        {"aspmx.l.google.com", "google"},
        {"contoso-com.mail.protection.outlook.com", "microsoft"},
        {"outlook-com.olc.protection.outlook.com", "outlook"},
        {"in1-smtp.messagingengine.com", "fastmail"},
        {"mx.example.org", NULL},
    };
    for (size_t i = 0; i < sizeof DOMAINS / sizeof DOMAINS[0]; i++)
        must_be_at(SETTING_DOMAINS, DOMAINS[i][0], DOMAINS[i][1]);
    for (size_t i = 0; i < sizeof SERVERS / sizeof SERVERS[0]; i++)
        must_be_at(SETTING_MX, SERVERS[i][0], SERVERS[i][1]);
}

static void token_of_a_cloud_is_for_another(void **state)
{
    (void)state;
    static const char *const CLOUDS[][4] = {
        {"microsoft", "login.microsoftonline.com/", "https://outlook.office365.com/.default",
         "imaps://outlook.office365.com "},
        {"microsoft-gcc-high", "login.microsoftonline.us/", "https://outlook.office365.us/.default",
         "imaps://outlook.office365.us "},
        {"microsoft-dod", "login.microsoftonline.us/", "https://outlook.office365.us/.default",
         "imaps://outlook-dod.office365.us "},
        {"microsoft-china", "login.partner.microsoftonline.cn/", "https://partner.outlook.cn/.default",
         "imaps://partner.outlook.cn "},
    };
    for (size_t i = 0; i < sizeof CLOUDS / sizeof CLOUDS[0]; i++) {
        struct keyfile file = load(CLOUDS[i][0]);
        must_have(&file, SETTING_TOKEN_ENDPOINT, CLOUDS[i][1]);
        must_have(&file, SETTING_TOKEN_ENDPOINT, "/{tenant}/");
        must_have(&file, SETTING_AUTHORIZATION_ENDPOINT, CLOUDS[i][1]);
        must_have(&file, SETTING_DEVICE_AUTHORIZATION_ENDPOINT, CLOUDS[i][1]);
        must_have(&file, SETTING_SERVERS, CLOUDS[i][3]);
        assert_string_equal(file.value[SETTING_APP_SCOPE], CLOUDS[i][2]);
        keyfile_free(&file);
    }
}

static void who_signed_in_stays_unknown(void **state)
{
    (void)state;
    struct keyfile google = load("google");
    struct keyfile microsoft = load("microsoft");
    must_have(&google, SETTING_SCOPE, "openid email");
    must_have(&microsoft, SETTING_SCOPE, "openid profile");
    keyfile_free(&google);
    keyfile_free(&microsoft);
}

static void person_is_not_told_how_to_register(void **state)
{
    (void)state;
    struct keyfile google = load("google");
    struct keyfile microsoft = load("microsoft");
    must_have(&google, SETTING_ADVICE, "--client-secret-file");
    must_have(&microsoft, SETTING_ADVICE, "--client-id");
    assert_true(strlen(google.value[SETTING_ADVICE]) < REPORT_TEXT_MAX - 300);
    assert_true(strlen(microsoft.value[SETTING_ADVICE]) < REPORT_TEXT_MAX - 300);
    keyfile_free(&google);
    keyfile_free(&microsoft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(google_mail_servers_are_shut_out),
        cmocka_unit_test(google_gives_no_refresh_token),
        cmocka_unit_test(google_login_by_device_is_offered),
        cmocka_unit_test(microsoft_mail_servers_are_shut_out),
        cmocka_unit_test(microsoft_token_is_for_graph),
        cmocka_unit_test(microsoft_refuses_the_requests),
        cmocka_unit_test(file_is_broken_or_incomplete),
        cmocka_unit_test(token_may_go_anywhere),
        cmocka_unit_test(test_is_sent_where_no_token_may_go),
        cmocka_unit_test(address_is_taken_for_another_providers),
        cmocka_unit_test(token_of_a_cloud_is_for_another),
        cmocka_unit_test(who_signed_in_stays_unknown),
        cmocka_unit_test(person_is_not_told_how_to_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
