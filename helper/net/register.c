#include "config.h"

#include "register.h"

#include "jsontext.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 200 /* bytes of a server's words in a report */ };

/* Stays the same whatever the version: servers know programs by it. */
static const char SOFTWARE_ID[] = "0cdb2e0f-6c92-4a5b-9e86-2f6b1c6f3a47";

/* --- the request --- */

/* An array of texts; a NULL ends it. */
static bool put_list(struct json_object *to, const char *name, const char *const texts[])
{
    struct json_object *list = json_object_new_array();
    bool ok = list;
    for (size_t i = 0; ok && texts[i]; i++) {
        struct json_object *text = json_object_new_string(texts[i]);
        ok = text && json_object_array_add(list, text) == 0;
        if (!ok)
            json_object_put(text);
    }
    if (ok)
        return jsontext_put(to, name, list);
    json_object_put(list);
    return false;
}

char *register_body(const struct register_request *request)
{
    const char *const redirects[] = {request->redirect_uri, NULL};
    const char *const grants[] = {"authorization_code", "refresh_token",
                                  request->device ? "urn:ietf:params:oauth:grant-type:device_code" : NULL, NULL};
    const char *const responses[] = {"code", NULL};
    struct json_object *root = json_object_new_object();
    /* application_type: without it an OpenID server takes a program for a web site (its own registration, section 2).
     */
    bool ok = root && jsontext_put_string(root, "client_name", PACKAGE_NAME) &&
              jsontext_put_string(root, "software_id", SOFTWARE_ID) &&
              jsontext_put_string(root, "software_version", PACKAGE_VERSION) &&
              jsontext_put_string(root, "application_type", "native") &&
              jsontext_put_string(root, "token_endpoint_auth_method", "none") &&
              put_list(root, "redirect_uris", redirects) && put_list(root, "grant_types", grants) &&
              put_list(root, "response_types", responses) && jsontext_put_string(root, "scope", request->scope);
    const char *text =
        ok ? json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;
    char *body = text ? strdup(text) : NULL;
    json_object_put(root);
    return body;
}

/* --- the answer --- */

/* client-id = *VSCHAR  (RFC 6749, Appendix A.1) */
static bool is_client_id(const char *id)
{
    if (strlen(id) > REGISTER_CLIENT_ID_MAX)
        return false;
    for (; *id; id++)
        if (*id < 0x20 || *id > 0x7E)
            return false;
    return true;
}

/* Whether a list, where the answer has it, has this text: a server may register something else than it was asked for.
 */
static bool list_has(struct json_object *root, const char *name, const char *text)
{
    struct json_object *list = NULL;
    if (!json_object_object_get_ex(root, name, &list) || !json_object_is_type(list, json_type_array))
        return true;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (json_object_is_type(item, json_type_string) && strcmp(json_object_get_string(item), text) == 0)
            return true;
    }
    return false;
}

/* RFC 7591, section 2: without a method the client has to prove itself with its secret. */
static bool is_public(struct json_object *root)
{
    const char *method = jsontext_string(root, "token_endpoint_auth_method");
    return method ? strcmp(method, "none") == 0 : !jsontext_string(root, "client_secret");
}

static bool take_client(struct json_object *root, const char *host, const char *redirect_uri, char **client_id,
                        struct report *why)
{
    const char *id = root ? jsontext_string(root, "client_id") : NULL;
    if (!id || !is_client_id(id))
        return report_set(why, FAILURE_CONFIG,
                          "%s gave no answer to the registration that can be used: ask who runs it for a client id",
                          host);
    if (!is_public(root))
        return report_set(
            why, FAILURE_CONFIG,
            "%s registers this program only with a secret, which open programs cannot keep: ask who runs it for a "
            "client id",
            host);
    if (!list_has(root, "redirect_uris", redirect_uri) || !list_has(root, "grant_types", "authorization_code"))
        return report_set(
            why, FAILURE_CONFIG,
            "%s registered this program for something else than it asked for: ask who runs it for a client id with "
            "the redirect address %s",
            host, redirect_uri);
    *client_id = strdup(id);
    return *client_id || report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

/* RFC 7591, section 3.2.2; and servers that let only those register who show them a token. */
static bool refused(struct json_object *root, long status, const char *host, struct report *why)
{
    const char *error = root ? jsontext_string(root, "error") : NULL;
    const char *description = root ? jsontext_string(root, "error_description") : NULL;
    char words[2 * SHOWN_MAX + 8];
    if (status >= 500 || status == 429 || status == 408)
        return report_set(why, FAILURE_UNREACHABLE, "%s cannot register this program now (HTTP %ld): try again later",
                          host, status);
    if (error)
        snprintf(words, sizeof words, "%.*s%s%.*s", SHOWN_MAX, error, description ? ": " : "", SHOWN_MAX,
                 description ? description : "");
    else
        snprintf(words, sizeof words, "HTTP %ld%s", status, status >= 300 && status <= 399 ? ", a redirect" : "");
    return report_set(why, FAILURE_CONFIG,
                      "%s refused to register this program (%s): ask who runs it for a client id", host, words);
}

bool register_parse(const struct http_reply *reply, const char *host, const char *redirect_uri, char **client_id,
                    struct report *why)
{
    *client_id = NULL;
    struct json_object *root = jsontext_parse(reply->body.data, reply->body.len);
    bool good = reply->status == 201 || reply->status == 200;
    bool ok = good ? take_client(root, host, redirect_uri, client_id, why) : refused(root, reply->status, host, why);
    jsontext_free(&root);
    return ok;
}
