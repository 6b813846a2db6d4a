/* The provider files that are installed: what a login, a refresh and the mail servers of each need is in them. */
#include "config.h"

#include "glob.h"
#include "keyfile.h"
#include "settings.h"

#include "test.h"

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
        cmocka_unit_test(who_signed_in_stays_unknown),
        cmocka_unit_test(person_is_not_told_how_to_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
