#include "config.h"

#include "origin.h"

#include "hash.h"
#include "secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void origin_source(const struct account *a, char source[ORIGIN_SOURCE_MAX])
{
    static const enum setting KEYS[] = {SETTING_TENANT,
                                        SETTING_ISSUER,
                                        SETTING_TOKEN_ENDPOINT,
                                        SETTING_CLIENT_ID,
                                        SETTING_CLIENT_KEY_FILE,
                                        SETTING_SCOPE,
                                        SETTING_CLIENT_ASSERTION_FILE,
                                        SETTING_SERVICE_ACCOUNT_FILE,
                                        SETTING_IDENTITY_ENDPOINT,
                                        SETTING_SUBJECT,
                                        SETTING_TOKEN_COMMAND};
    uint64_t value = HASH_START;
    size_t count = account_grant(a) == GRANT_AUTHORIZATION_CODE ? 1 : sizeof KEYS / sizeof KEYS[0];
    for (size_t i = 0; i < count; i++) {
        const char *text = account_value(a, KEYS[i]);
        value = hash_add(hash_add(value, text ? text : ""), "\n");
    }
    snprintf(source, ORIGIN_SOURCE_MAX, "%s %016" PRIx64, account_grant_name(a), value);
}

bool origin_take(struct origin *o, const struct account *a, struct report *why)
{
    *o = (struct origin){0};
    origin_source(a, o->source);
    return account_expand(a, SETTING_ISSUER, &o->issuer, why) &&
           account_expand(a, SETTING_CLIENT_ID, &o->client_id, why) &&
           account_expand(a, SETTING_TOKEN_ENDPOINT, &o->token_endpoint, why);
}

void origin_free(struct origin *o)
{
    if (!o)
        return;
    free(o->issuer);
    free(o->client_id);
    free(o->token_endpoint);
    *o = (struct origin){0};
}

static bool stamp(char **field, const char *value)
{
    return *field || !value || state_set(field, value);
}

bool origin_stamp(const struct origin *o, struct state *s)
{
    return stamp(&s->issuer, o->issuer) && stamp(&s->client_id, o->client_id) &&
           stamp(&s->token_endpoint, o->token_endpoint) && stamp(&s->source, o->source);
}

/* The length of scheme, host and port. */
static size_t server_length(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + strlen("://") : url;
    return (size_t)(host - url) + strcspn(host, "/?#");
}

static bool same_server(const char *a, const char *b)
{
    size_t len = server_length(a);
    return len == server_length(b) && strncasecmp(a, b, len) == 0;
}

enum setting origin_changed(const struct origin *o, const struct state *s)
{
    bool issuers = o->issuer && s->issuer;
    if (issuers && strcmp(o->issuer, s->issuer) != 0)
        return SETTING_ISSUER;
    if (o->client_id && s->client_id && strcmp(o->client_id, s->client_id) != 0)
        return SETTING_CLIENT_ID;
    /* The addresses of one issuer may move to another host. */
    if (!issuers && o->token_endpoint && s->token_endpoint && !same_server(o->token_endpoint, s->token_endpoint))
        return SETTING_TOKEN_ENDPOINT;
    return SETTING_COUNT;
}

static const char *words_for(enum setting changed)
{
    if (changed == SETTING_ISSUER)
        return "issuer";
    return changed == SETTING_CLIENT_ID ? "client id" : "token endpoint";
}

bool origin_report(enum setting changed, const char *name, const struct paths *p, struct report *why)
{
    return report_set(why, FAILURE_LOGIN_NEEDED,
                      "the %s of %s was changed after the last login: run 'xoauth2%s login %s'", words_for(changed),
                      name, paths_option(p), name);
}

bool origin_check(const struct account *a, const struct state *s, const struct paths *p, struct report *why)
{
    struct origin now;
    bool ok = origin_take(&now, a, why);
    enum setting changed = ok && !s->unattended ? origin_changed(&now, s) : SETTING_COUNT;
    if (changed != SETTING_COUNT)
        ok = origin_report(changed, a->name, p, why);
    origin_free(&now);
    return ok;
}

void origin_forget(const struct origin *o, struct state *s)
{
    bool same = !s->source || strcmp(o->source, s->source) == 0;
    if (same && origin_changed(o, s) == SETTING_COUNT)
        return;
    secret_free_string(&s->access_token);
    s->obtained_at = 0;
    s->expires_at = 0;
}
