#include "config.h"

#include "oauth.h"

#include "advice.h"
#include "clock.h"
#include "jsontext.h"
#include "origin.h"
#include "text.h"

#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLIENT_SECRET_MAX = 16384, /* bytes */
    SCOPE_MAX = 8192,          /* bytes */
    HIDDEN_MIN = 4,            /* shorter values are no secrets, and blotting them out would spoil the words */
    SHOWN_MAX = 200,           /* bytes of an error description in a report */
};

/* --- the client --- */

static bool take_settings(struct oauth_client *c, const struct account *a, struct report *why)
{
    return account_expand(a, SETTING_ISSUER, &c->issuer, why) &&
           account_expand(a, SETTING_AUTHORIZATION_ENDPOINT, &c->authorization_endpoint, why) &&
           account_expand(a, SETTING_TOKEN_ENDPOINT, &c->token_endpoint, why) &&
           account_expand(a, SETTING_DEVICE_AUTHORIZATION_ENDPOINT, &c->device_authorization_endpoint, why) &&
           account_expand(a, SETTING_REVOCATION_ENDPOINT, &c->revocation_endpoint, why) &&
           account_expand(a, SETTING_USERINFO_ENDPOINT, &c->userinfo_endpoint, why) &&
           account_expand(a, SETTING_CLIENT_ID, &c->client_id, why);
}

/* Puts the setting's place before the cause. */
static bool blame(const struct account *a, enum setting key, const struct report *cause, struct report *why)
{
    keyfile_complain(&a->file, key, why, "'%s': %s", SETTING_NAMES[key], cause->text);
    why->code = cause->code;
    return false;
}

/* The key that signs the client's assertions, or the file that has them. */
static bool take_key(struct oauth_client *c, const struct account *a, const struct paths *p, struct report *why)
{
    struct report cause = {0};
    const char *key = a->file.value[SETTING_CLIENT_KEY_FILE];
    const char *certificate = a->file.value[SETTING_CLIENT_CERTIFICATE_FILE];
    c->assertion_file = a->file.value[SETTING_CLIENT_ASSERTION_FILE];
    if (!key || account_grant(a) == GRANT_JWT_BEARER) /* there it signs the grant */
        return true;
    c->key = jwt_key_load(key, account_forbidden_mode(p), p->owner, &cause);
    if (!c->key)
        return blame(a, SETTING_CLIENT_KEY_FILE, &cause, why);
    if (!certificate || jwt_thumbprint(certificate, p->owner, c->key, clock_wall(), c->thumbprint, &cause))
        return true;
    return blame(a, SETTING_CLIENT_CERTIFICATE_FILE, &cause, why);
}

bool oauth_client_open(struct oauth_client *c, const struct account *a, const struct paths *p, struct report *why)
{
    *c = (struct oauth_client){.account = a};
    secret_init(&c->client_secret, CLIENT_SECRET_MAX);
    secret_init(&c->assertion, JWT_TOKEN_MAX);
    const char *method = account_value(a, SETTING_CLIENT_AUTHENTICATION);
    c->basic = method && strcmp(method, "basic") == 0;
    if (!take_settings(c, a, why) || !account_client_secret(a, p, &c->client_secret, why) ||
        !take_key(c, a, p, why))
        return false;
    if (asprintf(&c->login, "%s%s", p->system ? "--system " : "", a->name) < 0) {
        c->login = NULL;
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    }
    c->http = http_open(a, why);
    return c->http != NULL;
}

void oauth_client_close(struct oauth_client *c)
{
    if (!c)
        return;
    http_close(&c->http);
    free(c->issuer);
    free(c->authorization_endpoint);
    free(c->token_endpoint);
    free(c->device_authorization_endpoint);
    free(c->revocation_endpoint);
    free(c->userinfo_endpoint);
    free(c->client_id);
    free(c->login);
    free(c->scopes_supported);
    free(c->registration_endpoint);
    free(c->protected_resources);
    secret_free(&c->client_secret);
    secret_free(&c->assertion);
    jwt_key_free(&c->key);
    *c = (struct oauth_client){0};
}

/* --- the request --- */

static bool check_client(const struct oauth_client *c, struct report *why)
{
    const char *needed = account_value(c->account, SETTING_CLIENT_SECRET_NEEDED);
    if (account_grant(c->account) == GRANT_JWT_BEARER) /* the grant proves who asks */
        return true;
    if (!c->client_id)
        return report_set(why, FAILURE_CONFIG, "no client id for %s: give one with 'xoauth2 login --client-id ID %s'",
                          c->account->name, c->login);
    if (needed && strcmp(needed, "yes") == 0 && c->client_secret.len == 0 && !c->key && !c->assertion_file)
        return report_set(why, FAILURE_CONFIG,
                          "this provider wants a client secret, and %s has none: "
                          "run 'xoauth2 login --client-secret-file FILE %s'",
                          c->account->name, c->login);
    return true;
}

/* access-token, refresh-token = 1*VSCHAR  (RFC 6749, Appendix A.12, A.17) */
static bool is_visible(const char *token)
{
    for (; *token; token++)
        if (*token < 0x20 || *token > 0x7E)
            return false;
    return true;
}

/* --- assertions --- */

struct json_object *oauth_claims(const char *issuer, const char *subject, const char *audience, int64_t lifetime,
                                 struct report *why)
{
    char id[JWT_ID_CHARS + 1];
    int64_t now = clock_wall();
    if (!jwt_id(id, why))
        return NULL;
    struct json_object *claims = json_object_new_object();
    if (claims && jsontext_put_string(claims, "iss", issuer) && jsontext_put_string(claims, "sub", subject) &&
        jsontext_put_string(claims, "aud", audience) && jsontext_put_string(claims, "jti", id) &&
        jsontext_put_number(claims, "iat", now) && jsontext_put_number(claims, "nbf", now) &&
        jsontext_put_number(claims, "exp", now + lifetime))
        return claims;
    json_object_put(claims);
    report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    return NULL;
}

/* private_key_jwt (OpenID Connect Core 1.0, section 9); Microsoft wants PS256 and x5t#S256. */
static bool sign_assertion(struct oauth_client *c, const char *audience, struct report *why)
{
    const char *algorithm = account_value(c->account, SETTING_SIGNING_ALGORITHM);
    bool pkcs1 = algorithm && strcmp(algorithm, "RS256") == 0;
    const struct jwt_header header = {.key_id = account_value(c->account, SETTING_CLIENT_KEY_ID),
                                      .thumbprint = *c->thumbprint ? c->thumbprint : NULL};
    struct json_object *claims = oauth_claims(c->client_id, c->client_id, audience, OAUTH_ASSERTION_LIFETIME, why);
    bool ok = claims && jwt_sign(c->key, jwt_key_algorithm(c->key, pkcs1 ? JWT_RS256 : JWT_PS256), &header, claims,
                                 &c->assertion, why);
    json_object_put(claims);
    return ok;
}

/* Whoever signs the token may put a symbolic link there, and any mode: the folder protects it. */
static bool read_assertion(struct oauth_client *c, struct report *why)
{
    const struct readfile_rules rules = {
        .forbidden_mode = 022, .any_owner = true, .follow_symlink = true, .limit = JWT_TOKEN_MAX};
    struct report cause = {0};
    enum readfile_result result = readfile(c->assertion_file, &rules, &c->assertion, &cause);
    if (result == READFILE_MISSING)
        report_set(&cause, FAILURE_CONFIG, "the file %s is missing", c->assertion_file);
    if (result != READFILE_OK)
        return blame(c->account, SETTING_CLIENT_ASSERTION_FILE, &cause, why);
    char *token = c->assertion.data ? c->assertion.data : "";
    size_t len = strcspn(token, " \t\r\n");
    bool alone = len > 0 && len + strspn(token + len, " \t\r\n") == c->assertion.len;
    if (alone) {
        token[len] = '\0';
        c->assertion.len = len;
    }
    if (alone && is_visible(token))
        return true;
    report_set(&cause, FAILURE_CONFIG, "%s does not hold a token", c->assertion_file);
    return blame(c->account, SETTING_CLIENT_ASSERTION_FILE, &cause, why);
}

/* Adds what proves the client. Returns how many fields, or -1 with a report. */
static int add_proof(struct oauth_client *c, const char *url, struct http_field *to, struct report *why)
{
    to[0] = (struct http_field){"client_id", c->client_id};
    if (!c->key && !c->assertion_file) {
        to[1] = (struct http_field){"client_secret", c->client_secret.data};
        return 2;
    }
    if (!(c->key ? sign_assertion(c, c->token_endpoint ? c->token_endpoint : url, why) : read_assertion(c, why)))
        return -1;
    to[1] = (struct http_field){"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"};
    to[2] = (struct http_field){"client_assertion", c->assertion.data};
    return 3;
}

struct http_exchange *oauth_start(struct oauth_client *c, const char *url, const struct http_field fields[],
                                  int64_t timeout, struct report *why)
{
    struct http_field all[OAUTH_FIELDS_MAX] = {0};
    int count = 0;
    if (!check_client(c, why))
        return NULL;
    bool basic = c->basic && c->client_secret.len > 0;
    for (; fields[count].name && count < OAUTH_FIELDS_MAX - 4; count++)
        all[count] = fields[count];
    if (fields[count].name) {
        report_set(why, FAILURE_CONFIG, "a request has too many fields");
        return NULL;
    }
    if (!basic && add_proof(c, url, all + count, why) < 0)
        return NULL;
    return http_start_post(c->http, url, all, basic ? c->client_id : NULL, basic ? c->client_secret.data : NULL,
                           timeout, why);
}

bool oauth_token_request(struct oauth_client *c, const struct http_field fields[], int64_t timeout,
                         struct oauth_answer *answer, struct report *why)
{
    struct http_reply reply;
    *answer = (struct oauth_answer){0};
    if (!c->token_endpoint)
        return report_set(why, FAILURE_CONFIG,
                          "no token endpoint for %s: set token_endpoint or issuer in its account file",
                          c->account->name);
    bool ok = http_perform(oauth_start(c, c->token_endpoint, fields, timeout, why), &reply, why) ||
              oauth_is_whole(&reply);
    if (ok)
        oauth_finish(c, c->token_endpoint, fields, &reply, answer, why);
    http_reply_free(&reply);
    return ok;
}

/* --- the answer --- */

void oauth_answer_free(struct oauth_answer *answer)
{
    if (!answer)
        return;
    secret_free_string(&answer->access_token);
    secret_free_string(&answer->refresh_token);
    secret_free_string(&answer->id_token);
    secret_free_string(&answer->description); /* a server may have put anything there */
    free(answer->scope);
    free(answer->error);
    free(answer->token_type);
    *answer = (struct oauth_answer){0};
}

/* error = 1*( %x20-21 / %x23-5B / %x5D-7E )  (RFC 6749, section 5.2) */
static char *copy_error(struct json_object *root)
{
    const char *error = jsontext_string(root, "error");
    if (!error || strlen(error) > OAUTH_ERROR_MAX)
        return NULL;
    for (const char *p = error; *p; p++)
        if (*p < 0x20 || *p > 0x7E || *p == '"' || *p == '\\')
            return NULL;
    return strdup(error);
}

/* Kept on disk and shown: only what can be a list of scopes. */
static char *copy_scope(struct json_object *root)
{
    const char *scope = jsontext_string(root, "scope");
    if (!scope || strlen(scope) > SCOPE_MAX || text_has_control(scope, strlen(scope)))
        return NULL;
    return strdup(scope);
}

/* Seconds until then, at most OAUTH_LIFETIME_MAX; 0 where that is past or unknown. */
static int64_t until(int64_t when)
{
    int64_t left = when > 0 ? when - clock_wall() : 0;
    return left <= 0 ? 0 : left < OAUTH_LIFETIME_MAX ? left : OAUTH_LIFETIME_MAX;
}

/* Copies a member, where there is one. False where memory is short. */
static bool copy_member(struct json_object *root, const char *key, char **to)
{
    *to = jsontext_copy(root, key);
    return *to || !jsontext_string(root, key);
}

static bool take_tokens(struct json_object *root, struct oauth_answer *answer)
{
    return copy_member(root, "access_token", &answer->access_token) &&
           copy_member(root, "refresh_token", &answer->refresh_token) &&
           copy_member(root, "id_token", &answer->id_token) && copy_member(root, "token_type", &answer->token_type);
}

static void take_rest(struct json_object *root, struct oauth_answer *answer)
{
    answer->error = copy_error(root);
    answer->scope = copy_scope(root);
    answer->expires_in = jsontext_seconds(root, "expires_in", OAUTH_LIFETIME_MAX);
    if (answer->expires_in == 0) /* a managed identity's answer may tell the time alone, in seconds since 1970 */
        answer->expires_in = until(jsontext_seconds(root, "expires_on", INT64_MAX));
    answer->refresh_expires_in = jsontext_seconds(root, "refresh_token_expires_in", OAUTH_REFRESH_LIFETIME_MAX);
    if (answer->refresh_expires_in == 0)
        answer->refresh_expires_in = jsontext_seconds(root, "refresh_expires_in", OAUTH_REFRESH_LIFETIME_MAX);
    const char *description = jsontext_string(root, "error_description");
    answer->description = description ? strndup(description, OAUTH_DESCRIPTION_MAX) : NULL;
}

/* False where memory is short. */
static bool read_answer(const struct http_reply *reply, struct oauth_answer *answer)
{
    *answer = (struct oauth_answer){.retry_after = reply->retry_after};
    struct json_object *root = jsontext_parse(reply->body.data, reply->body.len);
    if (!root)
        return errno != ENOMEM;
    bool ok = take_tokens(root, answer);
    if (ok)
        take_rest(root, answer);
    jsontext_free(&root);
    return ok;
}

void oauth_parse_answer(const struct http_reply *reply, struct oauth_answer *answer)
{
    int64_t deadline = clock_monotonic() + OAUTH_MEMORY_PATIENCE;
    while (!read_answer(reply, answer) && clock_nap(deadline))
        oauth_answer_free(answer);
    if (answer->expires_in == 0)
        answer->expires_in = OAUTH_LIFETIME_ASSUMED;
    answer->ok = reply->status >= 200 && reply->status <= 299 && answer->access_token && !answer->error;
}

bool oauth_is_whole(const struct http_reply *reply)
{
    struct oauth_answer answer;
    oauth_parse_answer(reply, &answer);
    bool whole = answer.ok;
    oauth_answer_free(&answer);
    return whole;
}

void oauth_blot_out(char *text, const char *secret)
{
    size_t len = strlen(secret);
    if (!text || len < HIDDEN_MIN)
        return;
    for (char *found = text; (found = strstr(found, secret)); found += len)
        memset(found, '*', len);
}

static bool is_public_field(const char *name)
{
    static const char *const PUBLIC[] = {"grant_type", "client_id", "scope", "redirect_uri", "token_type_hint", NULL};
    for (size_t i = 0; PUBLIC[i]; i++)
        if (strcmp(PUBLIC[i], name) == 0)
            return true;
    return false;
}

static void blot_out_all(const struct oauth_client *c, const struct http_field fields[], struct oauth_answer *answer)
{
    if (c->client_secret.len > 0) {
        oauth_blot_out(answer->description, c->client_secret.data);
        oauth_blot_out(answer->error, c->client_secret.data);
    }
    if (c->assertion.len > 0) {
        oauth_blot_out(answer->description, c->assertion.data);
        oauth_blot_out(answer->error, c->assertion.data);
    }
    for (; fields->name; fields++) {
        if (!fields->value || is_public_field(fields->name))
            continue;
        oauth_blot_out(answer->description, fields->value);
        oauth_blot_out(answer->error, fields->value);
    }
}

static bool is_renewal(const struct http_field fields[])
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, "grant_type") == 0)
            return fields->value && strcmp(fields->value, "refresh_token") == 0;
    return false;
}

/* Whether the server has forgotten the client that this program registered by itself: no account file names that. */
static bool is_forgotten(const struct oauth_client *c, const struct oauth_answer *answer)
{
    return answer->error && strcmp(answer->error, "invalid_client") == 0 &&
           !account_value(c->account, SETTING_CLIENT_ID);
}

void oauth_finish(const struct oauth_client *c, const char *url, const struct http_field fields[],
                  const struct http_reply *reply, struct oauth_answer *answer, struct report *why)
{
    char *host = http_host(url);
    oauth_parse_answer(reply, answer);
    blot_out_all(c, fields, answer);
    if (!answer->ok && is_renewal(fields) && is_forgotten(c, answer))
        report_set(why, FAILURE_LOGIN_NEEDED,
                   "%s no longer knows the client that this program registered there: run 'xoauth2 login %s', which "
                   "registers a new one",
                   host ? host : "the provider", c->login);
    else if (!answer->ok)
        oauth_classify(answer, reply->status, host ? host : "the provider", c->login, !is_renewal(fields), why);
    free(host);
}

/* --- what an error means --- */

struct error_class {
    const char *error;
    enum failure code;
};

/* RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628 section 3.5, OpenID Connect Core section 3.1.2.6, Microsoft's device
 * flow. */
static const struct error_class CLASSES[] = {
    {"invalid_grant", FAILURE_LOGIN_NEEDED},          {"interaction_required", FAILURE_LOGIN_NEEDED},
    {"consent_required", FAILURE_LOGIN_NEEDED},       {"login_required", FAILURE_LOGIN_NEEDED},
    {"access_denied", FAILURE_LOGIN_NEEDED},          {"authorization_declined", FAILURE_LOGIN_NEEDED},
    {"expired_token", FAILURE_LOGIN_NEEDED},          {"bad_verification_code", FAILURE_LOGIN_NEEDED},
    {"temporarily_unavailable", FAILURE_UNREACHABLE}, {"server_error", FAILURE_UNREACHABLE},
    {"authorization_pending", FAILURE_UNREACHABLE},   {"slow_down", FAILURE_UNREACHABLE},
};

static enum failure class_of(const char *error)
{
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++)
        if (strcmp(CLASSES[i].error, error) == 0)
            return CLASSES[i].code;
    return FAILURE_CONFIG;
}

static bool is_transient_status(long status)
{
    return status >= 500 || status == 429 || status == 408;
}

/* Words for an answer that says nothing in OAuth's terms. All such are transient: a gateway, a captive portal or a
 * web server in maintenance may have given them. */
static void classify_status(long status, const char *host, struct report *why)
{
    if (status == 429)
        report_set(why, FAILURE_UNREACHABLE, "%s had too many requests (HTTP 429): try again later", host);
    else if (is_transient_status(status))
        report_set(why, FAILURE_UNREACHABLE, "%s is in trouble (HTTP %ld): try again later", host, status);
    else if (status >= 300 && status <= 399)
        report_set(
            why, FAILURE_UNREACHABLE,
            "%s redirects the request (HTTP %ld), and tokens are not sent after it: check token_endpoint in the "
            "account file",
            host, status);
    else
        report_set(
            why, FAILURE_UNREACHABLE,
            "%s gave no OAuth answer (HTTP %ld): try again later; if it stays, check token_endpoint in the account "
            "file and whether the network wants a sign-in of its own",
            host, status);
}

/* The part of a description that is for people: one line, without the numbers that Microsoft adds for its support. */
static void shown_description(const char *description, char out[SHOWN_MAX + 1])
{
    static const char *const TRACES[] = {"Trace ID:", "Correlation ID:", "Timestamp:"};
    size_t len = description ? strnlen(description, SHOWN_MAX) : 0;
    memcpy(out, description ? description : "", len);
    out[len] = '\0';
    for (size_t i = 0; i < sizeof TRACES / sizeof TRACES[0]; i++) {
        char *trace = strstr(out, TRACES[i]);
        if (trace)
            *trace = '\0';
    }
    for (char *p = out; *p; p++)
        if (*p == '\r' || *p == '\n' || *p == '\t')
            *p = ' ';
    for (len = strlen(out); len > 0 && (out[len - 1] == ' ' || out[len - 1] == '.'); len--)
        out[len - 1] = '\0';
}

void oauth_classify(const struct oauth_answer *answer, long status, const char *host, const char *account,
                    bool during_login, struct report *why)
{
    if (!answer->error) {
        classify_status(status, host, why);
        return;
    }
    enum failure overriding = FAILURE_NONE;
    char shown[SHOWN_MAX + 1];
    char remedy[REPORT_TEXT_MAX] = "";
    const char *advice = advice_for(answer->error, answer->description, &overriding);
    enum failure code = overriding != FAILURE_NONE ? overriding : class_of(answer->error);
    if (is_transient_status(status))
        code = FAILURE_UNREACHABLE;
    shown_description(answer->description, shown);
    if (code == FAILURE_LOGIN_NEEDED && !during_login)
        snprintf(remedy, sizeof remedy, "; run 'xoauth2 login %s'", account);
    if (!advice)
        advice = code == FAILURE_UNREACHABLE ? "try again later" : "check the account file";
    report_set(why, code, "%s refused %s (%s%s%s): %s%s", host, during_login ? "the login" : "to renew the token",
               answer->error, *shown ? ": " : "", shown, advice, remedy);
}

/* --- a good answer --- */

/* b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="  (RFC 6750, section 2.1) */
static bool is_b64token(const char *token)
{
    size_t len = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");
    return len > 0 && token[len + strspn(token + len, "=")] == '\0';
}

static bool take_refresh_token(struct state *s, const struct oauth_answer *answer, const struct oauth_client *c,
                               int64_t now, struct report *why)
{
    const char *lifetime = account_value(c->account, SETTING_REFRESH_TOKEN_LIFETIME);
    const char *token = answer->refresh_token;
    if (token && (strlen(token) > STATE_TOKEN_MAX || !is_visible(token)))
        return report_set(
            why, FAILURE_CONFIG,
            "the provider gave %s a refresh token that cannot be kept (over %d bytes, or odd characters)",
            c->account->name, STATE_TOKEN_MAX);
    if (token && (!s->refresh_token || strcmp(token, s->refresh_token) != 0)) {
        if (!state_set(&s->refresh_token, token))
            return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
        s->refresh_obtained_at = now;
        s->refresh_expires_at = 0;
    }
    if (answer->refresh_expires_in > 0)
        s->refresh_expires_at = now + answer->refresh_expires_in;
    else if (lifetime && s->refresh_token) /* counted from the last use: that is what providers mean by it */
        s->refresh_expires_at = now + strtoll(lifetime, NULL, 10);
    return true;
}

static bool unusable_token(const struct account *a, struct report *why)
{
    if (account_grant(a) == GRANT_COMMAND)
        return keyfile_complain(&a->file, SETTING_TOKEN_COMMAND, why,
                                "'token_command': what it wrote is no access token (over %d bytes, or characters that "
                                "RFC 6750 forbids): run it by hand",
                                STATE_TOKEN_MAX);
    return report_set(
        why, FAILURE_CONFIG,
        "the provider gave %s an access token that cannot be used (over %d bytes, or characters that "
        "RFC 6750 forbids): check scope",
        a->name, STATE_TOKEN_MAX);
}

static bool take_access_token(struct state *s, const struct oauth_answer *answer, const struct oauth_client *c,
                              int64_t now, struct report *why)
{
    if (answer->token_type && strcasecmp(answer->token_type, "Bearer") != 0)
        return report_set(
            why, FAILURE_CONFIG,
            "the provider gave %s a token that is no bearer token, which no mail server takes: check scope",
            c->account->name);
    if (strlen(answer->access_token) > STATE_TOKEN_MAX || !is_b64token(answer->access_token))
        return unusable_token(c->account, why);
    if (!state_set(&s->access_token, answer->access_token))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    s->obtained_at = now;
    s->expires_at = now + answer->expires_in;
    return true;
}

/* A missing value keeps the old one: a renewal knows less than the login did. */
static bool keep_or_set(char **field, const char *value)
{
    return !value || state_set(field, value);
}

static bool take_origin(struct state *s, const struct oauth_answer *answer, const struct oauth_client *c,
                        struct report *why)
{
    char source[ORIGIN_SOURCE_MAX];
    origin_source(c->account, source);
    bool found_basic = c->basic && !account_value(c->account, SETTING_CLIENT_AUTHENTICATION);
    bool ok = keep_or_set(&s->client_authentication, found_basic ? "basic" : NULL) &&
              state_set(&s->source, source) && keep_or_set(&s->scope, answer->scope) &&
              keep_or_set(&s->issuer, c->issuer) &&
              keep_or_set(&s->client_id, c->client_id) && keep_or_set(&s->token_endpoint, c->token_endpoint) &&
              keep_or_set(&s->revocation_endpoint, c->revocation_endpoint) &&
              keep_or_set(&s->userinfo_endpoint, c->userinfo_endpoint);
    return ok || report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

bool oauth_apply(struct state *s, const struct oauth_answer *answer, const struct oauth_client *c, int64_t now,
                 struct report *why)
{
    bool ok = take_refresh_token(s, answer, c, now, why);
    ok = take_origin(s, answer, c, why) && ok;
    ok = take_access_token(s, answer, c, now, why) && ok;
    if (!ok)
        return false;
    state_set(&s->last_error.error, NULL);
    state_set(&s->last_error.message, NULL);
    s->last_error = (struct state_error){0};
    return true;
}
