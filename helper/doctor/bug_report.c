#include "config.h"

#include "bug_report.h"

#include "advice.h"
#include "clock.h"
#include "keeper.h"

#include <curl/curl.h>
#include <gnu/libc-version.h>
#include <json-c/json.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char SET[] = "set";
static const char OTHER[] = "other";

static void put(struct json_object *to, const char *key, const char *value)
{
    json_object_object_add(to, key, value ? json_object_new_string(value) : NULL);
}

static void put_number(struct json_object *to, const char *key, int64_t value)
{
    json_object_object_add(to, key, json_object_new_int64(value));
}

/* The one of the known words that a value is, else OTHER; NULL for none. `known` ends with NULL. */
static const char *known_word(const char *value, const char *const known[])
{
    if (!value)
        return NULL;
    for (; *known; known++)
        if (strcmp(*known, value) == 0)
            return *known;
    return OTHER;
}

static struct json_object *versions(void)
{
    struct json_object *v = json_object_new_object();
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    int major = 0, minor = 0, step = 0;
    char text[40];
    struct utsname kernel;
    sasl_version_info(NULL, NULL, &major, &minor, &step, NULL);
    snprintf(text, sizeof text, "%d.%d.%d", major, minor, step);
    put(v, "xoauth2", PACKAGE_VERSION);
    put(v, "libsasl2", text);
    put(v, "libcurl", curl->version);
    put(v, "tls", curl->ssl_version);
    put(v, "json-c", json_c_version());
    put(v, "libc", gnu_get_libc_version());
    if (uname(&kernel) == 0) {
        kernel.release[strspn(kernel.release, "0123456789.")] = '\0';
        put(v, "kernel", kernel.release);
    }
    return v;
}

/* Whether libsasl2 looks where the plugin was configured to be; the place itself may name its owner. */
static bool is_searched(const char *folder, const char *path)
{
    size_t len = strlen(folder);
    for (; path && *path; path += strcspn(path, ":"), path += *path == ':')
        if (strncmp(path, folder, len) == 0 && (path[len] == ':' || !path[len]))
            return true;
    return false;
}

static struct json_object *options(const struct record *r)
{
    struct json_object *o = json_object_new_object();
    put(o, "token_source", record_number(r, "password") ? "password" : "auto");
    put(o, "agent_socket", record_get(r, "agent_socket") ? SET : NULL);
    put(o, "helper", record_get(r, "helper") ? SET : NULL);
    put_number(o, "timeout", record_number(r, "timeout"));
    return o;
}

/* --- one account --- */

/* Whether the package has a provider file of this name. */
static bool is_packaged(const char *provider)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, PROVIDERDIR "/%s.conf", provider) < PATH_MAX && access(path, F_OK) == 0;
}

/* A value is shown where it can be no other than one of a few words or a number. */
static struct json_object *setting_value(enum setting key, const char *value)
{
    static const char *const WORDS[] = {"basic",
                                        "post",
                                        "browser",
                                        "device",
                                        "authorization_code",
                                        "client_credentials",
                                        "jwt_bearer",
                                        "managed_identity",
                                        "PS256",
                                        "RS256",
                                        "localhost",
                                        "127.0.0.1",
                                        "yes",
                                        "no",
                                        NULL};
    switch (key) {
    case SETTING_PROVIDER:
        return json_object_new_string(is_packaged(value) ? value : OTHER);
    case SETTING_CLIENT_AUTHENTICATION:
    case SETTING_GRANT:
    case SETTING_SIGNING_ALGORITHM:
    case SETTING_FLOW:
    case SETTING_REDIRECT_HOST:
    case SETTING_REFRESH_SENDS_SCOPE:
        return json_object_new_string(known_word(value, WORDS));
    case SETTING_REFRESH_MARGIN:
    case SETTING_REFRESH_TOKEN_LIFETIME:
        return json_object_new_int64(strtoll(value, NULL, 10));
    default:
        return json_object_new_string(SET);
    }
}

static struct json_object *settings(const struct account *a)
{
    struct json_object *out = json_object_new_object();
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (a->file.value[i])
            json_object_object_add(out, SETTING_NAMES[i], setting_value((enum setting)i, a->file.value[i]));
    return out;
}

/* Microsoft's number, if it is one of those that are known. */
static long known_number(const char *message)
{
    static const char PREFIX[] = "AADSTS";
    const char *at = message ? strstr(message, PREFIX) : NULL;
    long number = at ? strtol(at + strlen(PREFIX), NULL, 10) : 0;
    char text[40];
    snprintf(text, sizeof text, "%s%ld", PREFIX, number);
    return number > 0 && number < 10000000 && advice_for(NULL, text, NULL) ? number : 0;
}

static struct json_object *last_error(const struct state_error *e)
{
    static const char *const ERRORS[] = {"invalid_request",         "invalid_client",
                                         "invalid_grant",           "unauthorized_client",
                                         "unsupported_grant_type",  "invalid_scope",
                                         "access_denied",           "server_error",
                                         "temporarily_unavailable", "interaction_required",
                                         "consent_required",        "login_required",
                                         "expired_token",           NULL};
    struct json_object *out = json_object_new_object();
    long number = known_number(e->message);
    put(out, "code", failure_name(e->code));
    put(out, "error", known_word(e->error, ERRORS));
    if (number > 0)
        put_number(out, "aadsts", number);
    put_number(out, "seconds_ago", clock_wall() - e->at);
    return out;
}

static void put_state(struct json_object *to, const struct account *a, const struct state *s)
{
    int64_t now = clock_wall();
    int64_t end = keeper_refresh_end(a, s);
    json_object_object_add(to, "access_token", json_object_new_boolean(s->access_token != NULL));
    json_object_object_add(to, "refresh_token", json_object_new_boolean(s->refresh_token != NULL));
    if (s->access_token)
        put_number(to, "access_token_seconds_left", s->expires_at - now);
    if (s->refresh_token && s->refresh_obtained_at > 0)
        put_number(to, "refresh_token_seconds_old", now - s->refresh_obtained_at);
    if (end > 0)
        put_number(to, "refresh_token_seconds_left", end - now);
    json_object_object_add(to, "last_error", s->last_error.code == FAILURE_NONE ? NULL : last_error(&s->last_error));
}

struct accounts {
    struct record *record;
    struct json_object *array;
    const struct paths *paths;
};

static bool add_account(void *arg, const char *name)
{
    const struct accounts *all = arg;
    struct account a;
    struct state s;
    struct report why;
    struct json_object *item = json_object_new_object();
    enum readfile_result result = account_load(&a, all->paths, name, &why);
    char alias[RECORD_ALIAS_SIZE];
    record_alias(all->record, name, alias);
    put(item, "account", alias);
    put(item, "store", all->paths->system ? "system" : "user");
    json_object_object_add(item, "readable", json_object_new_boolean(result == READFILE_OK));
    if (result == READFILE_OK) {
        json_object_object_add(item, "settings", settings(&a));
        result = keeper_load(&s, &a, all->paths, &why);
        if (result == READFILE_OK)
            put_state(item, &a, &s);
        state_free(&s);
    }
    json_object_array_add(all->array, item);
    account_free(&a);
    return true;
}

void bug_report(struct record *r, const struct look *look)
{
    struct json_object *report = json_object_new_object();
    struct accounts all = {.record = r, .array = json_object_new_array()};
    struct paths user, system;
    struct report why;
    all.paths = &user;
    if (!look->system && paths_user(&user, &why))
        account_each(&user, add_account, &all, &why);
    paths_system(&system);
    all.paths = &system;
    account_each(&system, add_account, &all, &why);
    json_object_object_add(report, "versions", versions());
    json_object_object_add(report, "plugin_folder_searched",
                           json_object_new_boolean(is_searched(PLUGINDIR, record_get(r, "plugin_path"))));
    json_object_object_add(report, "options", options(r));
    json_object_object_add(report, "accounts", all.array);
    json_object_object_add(r->root, "report", report);
}
