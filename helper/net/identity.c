#include "config.h"

#include "identity.h"

#include "jsontext.h"
#include "oauth.h"
#include "secret.h"
#include "text.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const CLAIM_NAMES[IDENTITY_CLAIM_COUNT] = {
    [IDENTITY_EMAIL] = "email",
    [IDENTITY_PREFERRED_USERNAME] = "preferred_username",
    [IDENTITY_UPN] = "upn",
    [IDENTITY_SUB] = "sub",
};

enum { ID_TOKEN_MAX = 131072 /* bytes */ };

void identity_free(struct identity *who)
{
    for (int i = 0; i < IDENTITY_CLAIM_COUNT; i++)
        secret_free_string(&who->claim[i]);
}

/* Decodes base64url (RFC 4648, section 5) without padding. The caller wipes and frees; NULL where it is none. */
static char *decode(const char *text, size_t len, size_t *decoded_len)
{
    static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if (len == 0 || len > ID_TOKEN_MAX || len % 4 == 1 || strspn(text, ALPHABET) < len)
        return NULL;
    size_t blocks = (len + 3) / 4;
    char *padded = malloc(blocks * 4);
    char *decoded = malloc(blocks * 3 + 1);
    if (padded && decoded) {
        for (size_t i = 0; i < blocks * 4; i++)
            padded[i] = i >= len ? '=' : text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
        EVP_DecodeBlock((unsigned char *)decoded, (const unsigned char *)padded, (int)(blocks * 4));
        *decoded_len = len * 3 / 4;
        decoded[*decoded_len] = '\0';
        explicit_bzero(padded, blocks * 4);
    } else {
        free(decoded);
        decoded = NULL;
    }
    free(padded);
    return decoded;
}

/* The payload of a JWS in compact form (RFC 7515, section 3.1). */
static struct json_object *payload_of(const char *id_token)
{
    const char *start = strchr(id_token, '.');
    const char *end = start ? strchr(start + 1, '.') : NULL;
    if (!end)
        return NULL;
    size_t len = 0;
    char *text = decode(start + 1, (size_t)(end - start - 1), &len);
    if (!text)
        return NULL;
    struct json_object *payload = jsontext_parse(text, len);
    explicit_bzero(text, len);
    free(text);
    return payload;
}

static bool is_string(struct json_object *value, const char *wanted)
{
    return json_object_is_type(value, json_type_string) && strcmp(json_object_get_string(value), wanted) == 0;
}

/* `aud` is a string or an array of strings. */
static bool is_audience(struct json_object *payload, const char *client_id)
{
    struct json_object *audience = NULL;
    if (!json_object_object_get_ex(payload, "aud", &audience))
        return false;
    if (!json_object_is_type(audience, json_type_array))
        return is_string(audience, client_id);
    for (size_t i = 0; i < json_object_array_length(audience); i++)
        if (is_string(json_object_array_get_idx(audience, i), client_id))
            return true;
    return false;
}

/* Entra for many tenants: the issuer is that of the person's own tenant, which the claim `tid` names. */
static bool is_own_tenants(struct json_object *payload, const char *issuer, const char *iss)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
    const char *tenant = jsontext_string(payload, "tid");
    return tenant && *tenant && tenant[strspn(tenant, ALLOWED)] == '\0' &&
           oauth_is_issuer_of_tenant(issuer, tenant, iss);
}

/* Google may leave "https://" out. */
static bool is_issuer(struct json_object *payload, const struct identity_source *from)
{
    static const char SCHEME[] = "https://";
    const char *issuer = from->issuer;
    const char *iss = jsontext_string(payload, "iss");
    if (!issuer)
        return true;
    if (!iss)
        return false;
    if (strcmp(iss, issuer) == 0 || (from->any_tenant && is_own_tenants(payload, issuer, iss)))
        return true;
    return strncmp(issuer, SCHEME, strlen(SCHEME)) == 0 && strcmp(iss, issuer + strlen(SCHEME)) == 0;
}

/* Takes the claims that are not known yet. */
static void take_claims(struct identity *who, struct json_object *from)
{
    for (int i = 0; i < IDENTITY_CLAIM_COUNT; i++) {
        if (who->claim[i])
            continue;
        who->claim[i] = jsontext_copy(from, CLAIM_NAMES[i]);
        if (who->claim[i])
            text_neutralize(who->claim[i]);
    }
}

bool identity_add_id_token(struct identity *who, const char *id_token, const struct identity_source *from,
                           const char **problem)
{
    struct json_object *payload = payload_of(id_token);
    *problem = NULL;
    if (!payload)
        *problem = "it cannot be decoded";
    else if (!is_issuer(payload, from))
        *problem = "it comes from another issuer";
    else if (!is_audience(payload, from->client_id))
        *problem = "it was made for another client";
    else
        take_claims(who, payload);
    jsontext_free(&payload);
    return !*problem;
}

bool identity_add_userinfo(struct identity *who, const char *data, size_t len)
{
    struct json_object *answer = jsontext_parse(data, len);
    if (!answer)
        return false;
    const char *sub = jsontext_string(answer, "sub");
    const char *known = who->claim[IDENTITY_SUB];
    bool same = !known || (sub && strcmp(sub, known) == 0);
    if (same)
        take_claims(who, answer);
    jsontext_free(&answer);
    return same;
}

bool identity_has_name(const struct identity *who)
{
    return who->claim[IDENTITY_EMAIL] || who->claim[IDENTITY_PREFERRED_USERNAME] || who->claim[IDENTITY_UPN];
}

const char *identity_name(const struct identity *who)
{
    for (int i = 0; i < IDENTITY_CLAIM_COUNT; i++)
        if (who->claim[i])
            return who->claim[i];
    return NULL;
}

/* An opaque `sub` says nothing about an address, nor about a name. */
static bool can_differ(const struct identity *who)
{
    const char *sub = who->claim[IDENTITY_SUB];
    return identity_has_name(who) || (sub && strchr(sub, '@'));
}

enum identity_match identity_compare(const struct identity *who, const char *account)
{
    for (int i = 0; i < IDENTITY_CLAIM_COUNT; i++)
        if (who->claim[i] && strcasecmp(who->claim[i], account) == 0)
            return IDENTITY_SAME;
    return can_differ(who) ? IDENTITY_OTHER : IDENTITY_UNKNOWN;
}
