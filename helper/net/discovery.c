#include "config.h"

#include "oauth.h"

#include "clock.h"
#include "jsontext.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    METADATA_SCOPES_MAX = 8192, /* bytes of scopes_supported, joined */
    ISSUER_SHOWN_MAX = 200,     /* bytes of a foreign issuer in a report */
};

static const char OPENID_SUFFIX[] = "/.well-known/openid-configuration";
static const char OAUTH_SUFFIX[] = "/.well-known/oauth-authorization-server";

/* Length of an issuer without the slashes at its end, which stand in front of no well-known suffix. */
static int trimmed_length(const char *issuer)
{
    size_t len = strlen(issuer);
    while (len > 0 && issuer[len - 1] == '/')
        len--;
    return (int)len;
}

/* The issuer with the suffix behind it (OpenID Connect Discovery 1.0, section 4). The caller frees. */
static char *openid_address(const char *issuer)
{
    char *url = NULL;
    return asprintf(&url, "%.*s%s", trimmed_length(issuer), issuer, OPENID_SUFFIX) < 0 ? NULL : url;
}

/* The suffix between host and path (RFC 8414, section 3.1). The caller frees. */
static char *oauth_address(const char *issuer)
{
    char *url = NULL;
    const char *host = strstr(issuer, "://");
    if (!host)
        return NULL;
    size_t base = (size_t)(host + 3 - issuer) + strcspn(host + 3, "/?#");
    int rest = trimmed_length(issuer) - (int)base;
    if (asprintf(&url, "%.*s%s%.*s", (int)base, issuer, OAUTH_SUFFIX, rest > 0 ? rest : 0, issuer + base) < 0)
        return NULL;
    return url;
}

bool oauth_is_issuer_of_tenant(const char *issuer, const char *tenant, const char *given)
{
    static const char *const WORDS[] = {"/common/", "/organizations/", "/consumers/", NULL};
    size_t len = strlen(tenant);
    for (size_t i = 0; WORDS[i]; i++) {
        const char *at = strstr(issuer, WORDS[i]);
        size_t before = at ? (size_t)(at + 1 - issuer) : 0;
        if (at && strncmp(issuer, given, before) == 0 && strncmp(given + before, tenant, len) == 0 &&
            strcmp(at + strlen(WORDS[i]) - 1, given + before + len) == 0)
            return true;
    }
    return false;
}

static bool check_issuer(struct oauth_client *c, struct json_object *root, struct report *why)
{
    const char *given = jsontext_string(root, "issuer");
    bool own = c->account->file.value[SETTING_ISSUER];
    const struct keyfile *file = own ? &c->account->file : &c->account->provider;
    const char *path = file->unwritten ? NULL : file->path;
    if (!given)
        return report_set(why, FAILURE_CONFIG,
                          "the metadata of %s names no issuer: set the endpoints in the account file", c->issuer);
    c->any_tenant = oauth_is_issuer_of_tenant(c->issuer, "{tenantid}", given);
    if (strcmp(c->issuer, given) == 0 || c->any_tenant)
        return true;
    return report_set(
        why, FAILURE_CONFIG,
        "the metadata of %s names another issuer, %.*s: if that is the provider you mean, 'issuer' in %s "
        "(--issuer at the login) has to be exactly that",
        c->issuer, ISSUER_SHOWN_MAX, given, path ? path : "the account file");
}

/* Whether an address may stand in the metadata: a server elsewhere does not send us to one on this machine. */
static bool is_allowed(const struct oauth_client *c, const char *url)
{
    return settings_url_allowed(url) &&
           (strncasecmp(c->issuer, "https:", 6) != 0 || strncasecmp(url, "https:", 6) == 0);
}

/* Fills in one address that the settings did not give. */
static bool take_endpoint(const struct oauth_client *c, struct json_object *root, const char *key, char **endpoint,
                          struct report *why)
{
    const char *url = jsontext_string(root, key);
    if (*endpoint || !url)
        return true;
    if (!is_allowed(c, url))
        return report_set(
            why, FAILURE_CONFIG,
            "the provider's metadata gives an address for %s that is not https: set it in the account file", key);
    *endpoint = strdup(url);
    return *endpoint || report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

static struct json_object *array_member(struct json_object *root, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(root, key, &value) && json_object_is_type(value, json_type_array) ? value : NULL;
}

static bool has_word(struct json_object *array, const char *word)
{
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *item = json_object_array_get_idx(array, i);
        if (json_object_is_type(item, json_type_string) && strcmp(json_object_get_string(item), word) == 0)
            return true;
    }
    return false;
}

/* The scopes joined by spaces; a list too long to be one is cut. */
static char *join_scopes(struct json_object *array)
{
    struct secret joined;
    secret_init(&joined, METADATA_SCOPES_MAX);
    for (size_t i = 0; array && i < json_object_array_length(array); i++) {
        struct json_object *item = json_object_array_get_idx(array, i);
        const char *scope = json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "";
        if (!*scope || strpbrk(scope, " \t\r\n"))
            continue;
        if ((joined.len > 0 && !secret_adds(&joined, " ")) || !secret_adds(&joined, scope))
            break;
    }
    char *text = joined.data && joined.len > 0 ? strdup(joined.data) : NULL;
    secret_free(&joined);
    return text;
}

/* How the client authenticates itself, where the account file does not say: as the server wants it. One that does not
 * tell wants client_secret_basic (RFC 8414, section 2). */
static void take_authentication(struct oauth_client *c, struct json_object *root)
{
    static const char KEY[] = "token_endpoint_auth_methods_supported";
    struct json_object *methods = array_member(root, KEY);
    if (account_value(c->account, SETTING_CLIENT_AUTHENTICATION))
        return;
    if (methods)
        c->basic = has_word(methods, "client_secret_basic") && !has_word(methods, "client_secret_post");
    else if (!json_object_object_get_ex(root, KEY, NULL))
        c->basic = true;
}

static bool take_metadata(struct oauth_client *c, struct json_object *root, struct report *why)
{
    if (!check_issuer(c, root, why))
        return false;
    free(c->scopes_supported);
    c->scopes_supported = join_scopes(array_member(root, "scopes_supported"));
    free(c->protected_resources);
    c->protected_resources = join_scopes(array_member(root, "protected_resources"));
    c->iss_required = jsontext_true(root, "authorization_response_iss_parameter_supported");
    take_authentication(c, root);
    return take_endpoint(c, root, "authorization_endpoint", &c->authorization_endpoint, why) &&
           take_endpoint(c, root, "token_endpoint", &c->token_endpoint, why) &&
           take_endpoint(c, root, "device_authorization_endpoint", &c->device_authorization_endpoint, why) &&
           take_endpoint(c, root, "revocation_endpoint", &c->revocation_endpoint, why) &&
           take_endpoint(c, root, "userinfo_endpoint", &c->userinfo_endpoint, why) &&
           take_endpoint(c, root, "registration_endpoint", &c->registration_endpoint, why);
}

/* Gets one form of the document. False with FAILURE_UNREACHABLE where the server cannot be reached; else true, with
 * `*root` NULL where it has no such document; `*redirected` is the status then if it is a redirect. */
static bool get_document(struct oauth_client *c, char *url, int64_t deadline, struct json_object **root,
                         long *redirected, struct report *why)
{
    struct http_reply reply;
    *root = NULL;
    if (!url)
        return report_set(why, FAILURE_CONFIG, "%s is not an address: correct issuer in the account file", c->issuer);
    bool ok = http_get(c->http, url, NULL, clock_left(deadline), &reply, why);
    if (ok && reply.status == 200)
        *root = jsontext_parse(reply.body.data, reply.body.len);
    if (ok && reply.status >= 300 && reply.status <= 399)
        *redirected = reply.status;
    if (ok && (reply.status >= 500 || reply.status == 429))
        ok = report_set(why, FAILURE_UNREACHABLE, "%s is in trouble (HTTP %ld): try again later", c->issuer,
                        reply.status);
    http_reply_free(&reply);
    return ok;
}

/* In the order of OpenID Connect, which most servers have, or of the profile for open clients. */
static bool get_metadata(struct oauth_client *c, struct json_object **root, struct report *why)
{
    int64_t deadline = clock_monotonic() + HTTP_TOTAL_TIMEOUT;
    long redirected = 0;
    bool ok = true;
    *root = NULL;
    for (int i = 0; ok && !*root && i < 2; i++) {
        char *url = (i == 0) == c->open ? oauth_address(c->issuer) : openid_address(c->issuer);
        ok = get_document(c, url, deadline, root, &redirected, why);
        free(url);
    }
    if (!ok || *root)
        return ok;
    if (redirected)
        return report_set(
            why, FAILURE_CONFIG,
            "%s redirects the request for its OAuth metadata to another host (HTTP %ld), which is not followed: "
            "check issuer",
            c->issuer, redirected);
    return report_set(
        why, FAILURE_CONFIG,
        "%s publishes no OAuth metadata: check issuer, or set authorization_endpoint and token_endpoint in "
        "the account file",
        c->issuer);
}

bool oauth_discover(struct oauth_client *c, struct report *why)
{
    struct json_object *root = NULL;
    if (c->token_endpoint && (c->authorization_endpoint || c->device_authorization_endpoint))
        return true;
    if (!c->issuer)
        return report_set(
            why, FAILURE_CONFIG,
            "%s has neither the addresses of a server nor an issuer: run 'xoauth2 login --provider NAME %s', or with "
            "--issuer URL",
            c->account->name, c->login);
    bool ok = get_metadata(c, &root, why) && take_metadata(c, root, why);
    if (ok && !c->token_endpoint)
        ok = report_set(why, FAILURE_CONFIG, "%s names no token endpoint: set token_endpoint in the account file",
                        c->issuer);
    jsontext_free(&root);
    return ok;
}
