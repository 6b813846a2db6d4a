#include "config.h"

#include "formats.h"

#include "accountfile.h"
#include "clock.h"
#include "net/jsontext.h"
#include "readfile.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SETTINGS_MAX = 65536, SCOPE_MAX = 4096, OAMA_MARGIN = 300 /* seconds that oama takes from a token's life */ };

static const char SASL_CONFIG[] = "/etc/sasl-xoauth2.conf";

/* A file being read. */
struct source {
    const char *name;
    struct json_object *root;
    struct json_object *settings; /* of sasl-xoauth2; NULL where there are none */
    const struct formats_given *given;
    const char *provider; /* once it is known */
    struct transfer *to;
};

/* --- the account file --- */

static bool set(struct source *s, enum setting key, const char *value, struct report *why)
{
    if (!value || !*value || accountfile_set(&s->to->text, key, value))
        return true;
    return report_set(why, FAILURE_CONFIG, "%s: the value for '%s' has a line break or is too long", s->name,
                      SETTING_NAMES[key]);
}

/* The provider whose token endpoint this is, or NULL. `*tenant` gets a copy of its tenant at Microsoft. */
static const char *provider_of(const char *endpoint, char tenant[128])
{
    static const char *const KNOWN[][2] = {
        {"https://login.microsoftonline.com/", "microsoft"},
        {"https://login.microsoftonline.us/", "microsoft-gcc-high"},
        {"https://login.partner.microsoftonline.cn/", "microsoft-china"},
        {"https://accounts.google.com/", "google"},
        {"https://oauth2.googleapis.com/", "google"},
        {"https://www.googleapis.com/", "google"},
    };
    tenant[0] = '\0';
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        size_t len = strlen(KNOWN[i][0]);
        if (strncmp(endpoint, KNOWN[i][0], len) != 0)
            continue;
        size_t name = strcspn(endpoint + len, "/");
        if (KNOWN[i][1][0] == 'm' && name < 128)
            snprintf(tenant, 128, "%.*s", (int)name, endpoint + len);
        return KNOWN[i][1];
    }
    return NULL;
}

/* That of outlook is fixed. */
static bool has_tenant(const char *provider)
{
    return strncmp(provider, "microsoft", 9) == 0;
}

static bool set_endpoint(struct source *s, const char *endpoint, struct report *why)
{
    char tenant[128];
    const char *found = provider_of(endpoint, tenant);
    s->provider = s->given->provider ? s->given->provider : found;
    if (!s->provider)
        return set(s, SETTING_TOKEN_ENDPOINT, endpoint, why);
    return set(s, SETTING_PROVIDER, s->provider, why) &&
           (!has_tenant(s->provider) || strcmp(tenant, "common") == 0 || set(s, SETTING_TENANT, tenant, why));
}

static bool set_provider(struct source *s, const char *found, struct report *why)
{
    s->provider = s->given->provider ? s->given->provider : found;
    if (!s->provider)
        return report_set(why, FAILURE_CONFIG, "%s does not tell the provider: give --provider NAME", s->name);
    return set(s, SETTING_PROVIDER, s->provider, why);
}

static bool is_microsoft(const char *provider)
{
    return provider && (has_tenant(provider) || strncmp(provider, "outlook", 7) == 0);
}

/* Microsoft refuses a renewal that names more than was consented to. Its provider files name all that there is, and
 * what these programs asked for is known only where the file tells; but they name nothing when they renew, and so do
 * we then. */
static bool set_scope(struct source *s, const char *scope, bool renews, struct report *why)
{
    if (!scope && renews && is_microsoft(s->provider))
        return set(s, SETTING_REFRESH_SENDS_SCOPE, "no", why);
    return set(s, SETTING_SCOPE, scope, why);
}

/* The command line before the file. */
static bool set_client(struct source *s, const char *id, const char *secret, struct report *why)
{
    const struct formats_given *g = s->given;
    if (g->client_id)
        id = g->client_id;
    if (!id || !*id)
        return report_set(why, FAILURE_CONFIG, "%s does not tell the client: give its id with --client-id", s->name);
    if (!set(s, SETTING_CLIENT_ID, id, why))
        return false;
    if (!state_set(&s->to->state.client_id, id))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    if (g->client_secret_file)
        return set(s, SETTING_CLIENT_SECRET_FILE, g->client_secret_file, why);
    return set(s, SETTING_CLIENT_SECRET, secret, why);
}

static bool set_name(struct source *s, const char *found, struct report *why)
{
    const char *name = s->given->account ? s->given->account : found;
    if (!name || !*name)
        return report_set(why, FAILURE_CONFIG, "%s does not tell whose it is: give --account ADDRESS", s->name);
    return account_name(name, s->to->name, why);
}

/* --- tokens --- */

static bool set_tokens(struct source *s, const char *refresh, const char *access, int64_t expires_at,
                       struct report *why)
{
    struct state *to = &s->to->state;
    int64_t now = clock_wall();
    s->to->has_state = true;
    if (!state_set(&to->refresh_token, refresh))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    if (!access || !*access || expires_at <= now) /* one whose end is not known is of no use */
        return true;
    if (!state_set(&to->access_token, access))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    to->obtained_at = now;
    to->expires_at = expires_at;
    return true;
}

/* Called when the name is known. */
static bool need_refresh_token(const struct source *s, const char **token, struct report *why)
{
    *token = jsontext_string(s->root, "refresh_token");
    return *token || report_set(why, FAILURE_CONFIG,
                                "%s has no 'refresh_token', so there is nothing to take: run 'xoauth2 login%s %s'",
                                s->name, s->given->system ? " --system" : "", s->to->name);
}

/* --- sasl-xoauth2 --- */

/* A setting, which the token file may replace. */
static const char *setting(const struct source *s, const char *name)
{
    const char *value = jsontext_string(s->root, name);
    return value || !s->settings ? value : jsontext_string(s->settings, name);
}

static bool is_on(const struct source *s, const char *name)
{
    const char *text = setting(s, name);
    return jsontext_true(s->root, name) || (s->settings && jsontext_true(s->settings, name)) ||
           (text && (strcasecmp(text, "yes") == 0 || strcasecmp(text, "true") == 0));
}

static bool load_settings(struct source *s, struct report *why)
{
    const struct readfile_rules rules = {.any_owner = true, .follow_symlink = true, .limit = SETTINGS_MAX};
    const char *path = s->given->config ? s->given->config : SASL_CONFIG;
    struct secret text;
    secret_init(&text, 0);
    enum readfile_result result = readfile(path, &rules, &text, why);
    if (result == READFILE_MISSING && !s->given->config)
        return true;
    if (result == READFILE_MISSING)
        return report_set(why, FAILURE_CONFIG, "the file %s is missing", path);
    if (result != READFILE_OK)
        return false;
    s->settings = jsontext_parse(text.data, text.len);
    secret_free(&text);
    return s->settings || report_set(why, FAILURE_CONFIG, "%s is not a whole JSON object", path);
}

/* The name of a token file is the address by custom. */
static const char *address_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    return strchr(base, '@') ? base : NULL;
}

static bool set_sasl_account(struct source *s, struct report *why)
{
    const char *endpoint = setting(s, "token_endpoint");
    const char *user = jsontext_string(s->root, "user");
    bool app = is_on(s, "use_client_credentials");
    if (is_on(s, "manage_token_externally"))
        return report_set(why, FAILURE_CONFIG,
                          "%s: 'manage_token_externally' is set: make an account with 'token_command' for "
                          "whatever fetches the token",
                          s->name);
    return set_name(s, user ? user : address_in(s->name), why) &&
           set_endpoint(s, endpoint ? endpoint : "https://accounts.google.com/", why) &&
           set_client(s, setting(s, "client_id"), setting(s, "client_secret"), why) &&
           set_scope(s, setting(s, "scope"), !app, why) && set(s, SETTING_PROXY, setting(s, "proxy"), why) &&
           set(s, SETTING_CA_FILE, setting(s, "ca_bundle_file"), why) &&
           set(s, SETTING_CA_PATH, setting(s, "ca_certs_dir"), why) &&
           set(s, SETTING_GRANT, app ? "client_credentials" : NULL, why);
}

static bool take_sasl(struct source *s, struct report *why)
{
    const char *refresh = NULL;
    if (!load_settings(s, why) || !set_sasl_account(s, why))
        return false;
    if (!is_on(s, "use_client_credentials") && !need_refresh_token(s, &refresh, why))
        return false;
    return set_tokens(s, refresh, jsontext_string(s->root, "access_token"),
                      jsontext_seconds(s->root, "expiry", INT64_MAX), why);
}

/* --- mutt_oauth2.py --- */

/* Seconds since 1970 of a time in a form of strptime(3), 0 where it is not. */
static int64_t read_time(const char *text, const char *form, bool utc)
{
    struct tm tm = {.tm_isdst = -1};
    if (!text || !strptime(text, form, &tm))
        return 0;
    time_t when = utc ? timegm(&tm) : mktime(&tm);
    return when > 0 ? when : 0;
}

static bool take_mutt(struct source *s, struct report *why)
{
    const char *registration = jsontext_string(s->root, "registration");
    const char *refresh;
    return set_name(s, jsontext_string(s->root, "email"), why) && need_refresh_token(s, &refresh, why) &&
           set_provider(s, registration, why) &&
           set_client(s, jsontext_string(s->root, "client_id"), jsontext_string(s->root, "client_secret"), why) &&
           set_scope(s, NULL, true, why) &&
           set_tokens(s, refresh, jsontext_string(s->root, "access_token"),
                      read_time(jsontext_string(s->root, "access_token_expiration"), "%Y-%m-%dT%H:%M:%S", false),
                      why);
}

/* --- oama --- */

static const char *oama_email(const struct source *s)
{
    struct json_object *object;
    const char *plain = jsontext_string(s->root, "email");
    if (plain || !json_object_object_get_ex(s->root, "email", &object) ||
        !json_object_is_type(object, json_type_object))
        return plain;
    return jsontext_string(object, "unEmailAddress");
}

/* Microsoft is told the scope at each renewal, and refuses more than was consented to; without offline_access it
 * gives no new refresh token. */
static bool set_oama_scope(struct source *s, const char *service, struct report *why)
{
    char scope[SCOPE_MAX];
    const char *granted = jsontext_string(s->root, "scope");
    if (!granted || !service || strcmp(service, "microsoft") != 0)
        return true;
    bool offline = strstr(granted, "offline_access");
    int len = snprintf(scope, sizeof scope, "%s%s", granted, offline ? "" : " offline_access");
    return len < (int)sizeof scope ? set(s, SETTING_SCOPE, scope, why)
                                   : report_set(why, FAILURE_CONFIG, "%s: 'scope' is too long", s->name);
}

static bool take_oama(struct source *s, struct report *why)
{
    const char *service = jsontext_string(s->root, "service");
    const char *end = jsontext_string(s->root, "exp_date");
    const char *refresh;
    int64_t expires_at = read_time(end, "%Y-%m-%d %H:%M UTC", true);
    if (!set_name(s, oama_email(s), why) || !need_refresh_token(s, &refresh, why))
        return false;
    if (!s->given->client_id)
        return report_set(
            why, FAILURE_CONFIG,
            "%s: oama keeps the client in ~/.config/oama/config.yaml, under 'services' and '%s': give its client_id "
            "with --client-id, and a file of mode 0600 that has its client_secret with --client-secret-file",
            s->name, service ? service : "");
    return set_provider(s, service, why) && set_client(s, NULL, NULL, why) && set_oama_scope(s, service, why) &&
           set_tokens(s, refresh, jsontext_string(s->root, "access_token"),
                      expires_at > 0 ? expires_at + OAMA_MARGIN : 0, why);
}

/* --- which --- */

static bool has(struct json_object *root, const char *name)
{
    struct json_object *value;
    return json_object_object_get_ex(root, name, &value);
}

static bool take(struct source *s, const char **program, struct report *why)
{
    if (has(s->root, "registration")) {
        *program = "mutt_oauth2.py";
        return take_mutt(s, why);
    }
    if (has(s->root, "service") || has(s->root, "exp_date")) {
        *program = "oama";
        return take_oama(s, why);
    }
    if (has(s->root, "refresh_token") || has(s->root, "expiry") || has(s->root, "use_client_credentials") ||
        has(s->root, "manage_token_externally")) {
        *program = "sasl-xoauth2";
        return take_sasl(s, why);
    }
    return report_set(why, FAILURE_CONFIG,
                      "%s is no token file of sasl-xoauth2, mutt_oauth2.py or oama: it has neither "
                      "'refresh_token' nor 'registration' nor 'service'",
                      s->name);
}

static bool no_json(const char *name, const struct secret *text, struct report *why)
{
    const char *data = text->data ? text->data : "";
    if (data[strspn(data, " \t\r\n")] == '{')
        return report_set(why, FAILURE_CONFIG, "%s is not a whole JSON object: it is damaged", name);
    return report_set(why, FAILURE_CONFIG,
                      "%s is not JSON; if it is encrypted, run 'gpg --decrypt FILE | xoauth2 import'", name);
}

bool formats_read(const struct secret *text, const char *name, const struct formats_given *given, struct transfer *t,
                  const char **program, struct report *why)
{
    struct source s = {.name = name, .given = given, .to = t, .root = jsontext_parse(text->data, text->len)};
    if (!s.root)
        return no_json(name, text, why);
    bool ok =
        (secret_adds(&t->text, "# Made by 'xoauth2 import'; xoauth2.conf(5) tells what else can stand here.\n") ||
         report_set(why, FAILURE_UNREACHABLE, "not enough memory")) &&
        take(&s, program, why);
    jsontext_free(&s.settings);
    jsontext_free(&s.root);
    return ok;
}
