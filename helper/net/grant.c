#include "config.h"

#include "grant.h"

#include "clock.h"
#include "jsontext.h"
#include "readfile.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVICE_ACCOUNT_MAX = 65536, RESOURCE_MAX = 2048 };

static const char IDENTITY_ENDPOINT[] = "http://169.254.169.254/metadata/identity/oauth2/token";

static bool no_memory(struct report *why)
{
    return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

/* Puts the setting's place before the cause. */
static bool blame(const struct account *a, enum setting key, const struct report *cause, struct report *why)
{
    keyfile_complain(&a->file, key, why, "'%s': %s", SETTING_NAMES[key], cause->text);
    why->code = cause->code;
    return false;
}

/* --- opening --- */

/* The account's own scope, else the provider's for programs, else the provider's for people. */
static bool take_scope(struct grant_source *g, const struct account *a, struct report *why)
{
    enum setting key = SETTING_SCOPE;
    if (!a->file.value[SETTING_SCOPE] && a->provider.value[SETTING_APP_SCOPE])
        key = SETTING_APP_SCOPE;
    return account_expand(a, key, &g->scope, why);
}

/* "common" is a tenant for people alone. */
static bool check_tenant(const struct account *a, struct report *why)
{
    const char *endpoint = account_value(a, SETTING_TOKEN_ENDPOINT);
    if (!endpoint || !strstr(endpoint, "{tenant}") || account_value(a, SETTING_TENANT))
        return true;
    return keyfile_complain(&a->file, SETTING_GRANT, why,
                            "'grant' without a person needs 'tenant' here: add your directory's id or domain");
}

/* A member of the service account's file. NULL with `*cause`. */
static const char *member(struct json_object *root, const char *name, const char *path, struct report *cause)
{
    const char *value = jsontext_string(root, name);
    if (!value)
        report_set(cause, FAILURE_CONFIG,
                   "%s has no '%s': it must be the JSON key file that Google made for the service account", path,
                   name);
    return value;
}

static bool take_service_key(struct grant_source *g, const char *pem, const char *path, struct report *cause)
{
    struct secret text;
    char what[PATH_MAX + 32];
    secret_init(&text, SERVICE_ACCOUNT_MAX);
    snprintf(what, sizeof what, "'private_key' in %s", path);
    bool ok = secret_adds(&text, pem) || no_memory(cause);
    if (ok)
        g->key = jwt_key_parse(&text, what, cause);
    secret_free(&text);
    if (g->key && jwt_key_algorithm(g->key, JWT_RS256) != JWT_RS256)
        return report_set(cause, FAILURE_CONFIG,
                          "%s is not of the kind RSA, as those of Google's service accounts are", what);
    return g->key != NULL;
}

static bool take_service_members(struct grant_source *g, struct oauth_client *c, struct json_object *root,
                                 const char *path, struct report *cause)
{
    const char *email = member(root, "client_email", path, cause);
    const char *pem = email ? member(root, "private_key", path, cause) : NULL;
    const char *endpoint = pem && !c->token_endpoint ? member(root, "token_uri", path, cause) : c->token_endpoint;
    if (!endpoint || !pem)
        return false;
    if (!settings_url_allowed(endpoint))
        return report_set(cause, FAILURE_CONFIG, "'token_uri' in %s is not an https address", path);
    if (!c->token_endpoint)
        c->token_endpoint = strdup(endpoint);
    g->issuer = strdup(email);
    g->key_id = jsontext_copy(root, "private_key_id");
    return c->token_endpoint && g->issuer ? take_service_key(g, pem, path, cause) : no_memory(cause);
}

static bool open_service_account(struct grant_source *g, struct oauth_client *c, const struct paths *p,
                                 struct report *why)
{
    const struct account *a = c->account;
    const char *path = a->file.value[SETTING_SERVICE_ACCOUNT_FILE];
    const struct readfile_rules rules = {.forbidden_mode = account_forbidden_mode(p),
                                         .owner = p->owner,
                                         .follow_symlink = true,
                                         .limit = SERVICE_ACCOUNT_MAX};
    struct secret text;
    struct report cause = {0};
    secret_init(&text, 0);
    g->google = true;
    enum readfile_result result = readfile(path, &rules, &text, &cause);
    struct json_object *root = result == READFILE_OK ? jsontext_parse(text.data, text.len) : NULL;
    secret_free(&text);
    bool ok = root && take_service_members(g, c, root, path, &cause);
    if (result == READFILE_MISSING)
        report_set(&cause, FAILURE_CONFIG, "the file %s is missing", path);
    else if (result == READFILE_OK && !root)
        report_set(&cause, FAILURE_CONFIG, "%s is not a whole JSON object", path);
    jsontext_free(&root);
    return ok || blame(a, SETTING_SERVICE_ACCOUNT_FILE, &cause, why);
}

/* The client's own key signs. */
static bool open_client_key(struct grant_source *g, struct oauth_client *c, const struct paths *p, struct report *why)
{
    struct report cause = {0};
    const char *id = account_value(c->account, SETTING_CLIENT_KEY_ID);
    if (!c->client_id)
        return keyfile_complain(&c->account->file, SETTING_GRANT, why,
                                "'grant: jwt_bearer' with 'client_key_file' needs 'client_id' too: add it");
    g->key =
        jwt_key_load(c->account->file.value[SETTING_CLIENT_KEY_FILE], account_forbidden_mode(p), p->owner, &cause);
    if (!g->key)
        return blame(c->account, SETTING_CLIENT_KEY_FILE, &cause, why);
    g->issuer = strdup(c->client_id);
    g->key_id = id ? strdup(id) : NULL;
    return (g->issuer && (!id || g->key_id)) || no_memory(why);
}

bool grant_open(struct grant_source *g, struct oauth_client *c, const struct paths *p, struct report *why)
{
    const struct account *a = c->account;
    *g = (struct grant_source){.kind = account_grant(a)};
    secret_init(&g->assertion, JWT_TOKEN_MAX);
    if (g->kind == GRANT_AUTHORIZATION_CODE || g->kind == GRANT_COMMAND)
        return true;
    if (!take_scope(g, a, why))
        return false;
    if (g->kind == GRANT_MANAGED_IDENTITY)
        return g->scope ||
               keyfile_complain(&a->file, SETTING_GRANT, why,
                                "'grant: managed_identity' needs 'provider' or 'scope' to tell for what: add one");
    if (!check_tenant(a, why))
        return false;
    if (g->kind == GRANT_CLIENT_CREDENTIALS)
        return true;
    return a->file.value[SETTING_SERVICE_ACCOUNT_FILE] ? open_service_account(g, c, p, why)
                                                       : open_client_key(g, c, p, why);
}

void grant_close(struct grant_source *g)
{
    if (!g)
        return;
    free(g->scope);
    free(g->issuer);
    free(g->key_id);
    jwt_key_free(&g->key);
    secret_free(&g->assertion);
}

/* --- the request --- */

/* Whose token it is to be. */
static const char *subject_of(const struct account *a)
{
    const char *fixed = a->file.value[SETTING_SUBJECT];
    if (fixed)
        return fixed;
    return *a->subject ? a->subject : a->name;
}

static bool add_scope(const struct grant_source *g, struct json_object *claims)
{
    struct json_object *scope = g->google && g->scope ? json_object_new_string(g->scope) : NULL;
    return !g->google || !g->scope || (scope && json_object_object_add(claims, "scope", scope) == 0);
}

bool grant_prepare(struct grant_source *g, const struct oauth_client *c, struct report *why)
{
    const char *algorithm = account_value(c->account, SETTING_SIGNING_ALGORITHM);
    const struct jwt_header header = {.key_id = g->key_id};
    if (g->kind != GRANT_JWT_BEARER)
        return true;
    enum jwt_algorithm rsa = algorithm && strcmp(algorithm, "PS256") == 0 ? JWT_PS256 : JWT_RS256;
    struct json_object *claims =
        oauth_claims(g->issuer, subject_of(c->account), c->token_endpoint, GRANT_ASSERTION_LIFETIME, why);
    bool ok = claims && (add_scope(g, claims) || no_memory(why)) &&
              jwt_sign(g->key, jwt_key_algorithm(g->key, rsa), &header, claims, &g->assertion, why);
    json_object_put(claims);
    return ok;
}

void grant_fill(const struct grant_source *g, struct http_field fields[GRANT_FIELDS])
{
    bool bearer = g->kind == GRANT_JWT_BEARER;
    fields[0] = (struct http_field){"grant_type",
                                    bearer ? "urn:ietf:params:oauth:grant-type:jwt-bearer" : "client_credentials"};
    fields[1] = (struct http_field){"scope", g->google ? NULL : g->scope};
    fields[2] = (struct http_field){bearer ? "assertion" : NULL, g->assertion.data};
    fields[3] = (struct http_field){NULL, NULL};
}

/* The resource that a scope such as "https://outlook.office365.com/.default" stands for. */
static bool resource_of(const char *scope, char resource[RESOURCE_MAX])
{
    static const char SUFFIX[] = "/.default";
    size_t len = strlen(scope);
    size_t suffix = strlen(SUFFIX);
    if (len > suffix && strcmp(scope + len - suffix, SUFFIX) == 0)
        len -= suffix;
    return snprintf(resource, RESOURCE_MAX, "%.*s", (int)len, scope) < RESOURCE_MAX && !strchr(resource, ' ');
}

static struct http_exchange *start_app_service(const char *url, const char *secret, const char *resource,
                                               struct oauth_client *c, int64_t timeout, struct report *why)
{
    const struct http_field query[] = {
        {"api-version", "2019-08-01"}, {"resource", resource}, {"client_id", c->client_id}, {NULL, NULL}};
    struct http_exchange *x = NULL;
    char *header = NULL;
    if (secret[strcspn(secret, "\r\n")] != '\0')
        report_set(why, FAILURE_CONFIG, "the environment variable IDENTITY_HEADER has a line break");
    else if (asprintf(&header, "X-IDENTITY-HEADER: %s", secret) < 0)
        header = NULL;
    else
        x = http_start_identity(c->http, url, query, header, timeout, why);
    secret_free_string(&header);
    return x;
}

struct http_exchange *grant_start_identity(const struct grant_source *g, struct oauth_client *c, int64_t timeout,
                                           struct report *why)
{
    char resource[RESOURCE_MAX];
    const char *url = c->account->file.value[SETTING_IDENTITY_ENDPOINT];
    const char *app_url = getenv("IDENTITY_ENDPOINT");
    const char *app_secret = getenv("IDENTITY_HEADER");
    if (!resource_of(g->scope, resource)) {
        keyfile_complain(
            &c->account->file, SETTING_GRANT, why,
            "'grant: managed_identity' takes one scope, such as https://outlook.office365.com/.default: mend 'scope'");
        return NULL;
    }
    if (!url && app_url && app_secret)
        return start_app_service(app_url, app_secret, resource, c, timeout, why);
    const struct http_field query[] = {
        {"api-version", "2018-02-01"}, {"resource", resource}, {"client_id", c->client_id}, {NULL, NULL}};
    return http_start_identity(c->http, url ? url : IDENTITY_ENDPOINT, query, "Metadata: true", timeout, why);
}

/* --- commands --- */

static bool take_json(const struct secret *output, struct oauth_answer *answer)
{
    struct json_object *root = jsontext_parse(output->data, output->len);
    if (!root)
        return false;
    answer->access_token = jsontext_copy(root, "access_token");
    if (!answer->access_token) /* az account get-access-token */
        answer->access_token = jsontext_copy(root, "accessToken");
    answer->expires_in = jsontext_seconds(root, "expires_in", OAUTH_LIFETIME_MAX);
    int64_t end = jsontext_seconds(root, "expires_on", INT64_MAX);
    int64_t left = end > 0 ? end - clock_wall() : 0;
    if (answer->expires_in == 0 && end > 0) /* one that has ended is known to have */
        answer->expires_in = left < 1 ? 1 : left < OAUTH_LIFETIME_MAX ? left : OAUTH_LIFETIME_MAX;
    jsontext_free(&root);
    return answer->access_token != NULL;
}

static bool take_line(const struct secret *output, struct oauth_answer *answer)
{
    const char *text = output->data ? output->data : "";
    size_t len = strcspn(text, "\r\n");
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    if (len == 0 || memchr(text, '\0', output->len))
        return false;
    answer->access_token = strndup(text, len);
    return answer->access_token != NULL;
}

bool grant_parse_output(const struct secret *output, struct oauth_answer *answer)
{
    *answer = (struct oauth_answer){0};
    const char *text = output->data ? output->data : "";
    bool json = text[strspn(text, " \t\r\n")] == '{';
    answer->ok = output->len > 0 && (json ? take_json(output, answer) : take_line(output, answer));
    if (answer->expires_in == 0)
        answer->expires_in = GRANT_COMMAND_LIFETIME;
    return answer->ok;
}

bool grant_run_command(const struct account *a, int64_t timeout, struct oauth_answer *answer, struct report *why)
{
    struct secret output;
    secret_init(&output, 0);
    *answer = (struct oauth_answer){0};
    bool ok = account_run(a, SETTING_TOKEN_COMMAND, NULL, &output, timeout, why);
    if (ok && !grant_parse_output(&output, answer))
        ok = keyfile_complain(
            &a->file, SETTING_TOKEN_COMMAND, why,
            "'token_command': the command wrote %s: it must write the token in its first line, or JSON with "
            "'access_token'",
            output.len == 0 ? "nothing" : "no token");
    secret_free(&output);
    return ok;
}
