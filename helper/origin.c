#include "config.h"

#include "origin.h"

#include "secret.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool take(const struct account *a, enum setting key, char **value, struct report *why)
{
    *why = (struct report){0};
    *value = account_expanded(a, key, why);
    return *value || why->code == FAILURE_NONE;
}

bool origin_take(struct origin *o, const struct account *a, struct report *why)
{
    *o = (struct origin){0};
    return take(a, SETTING_ISSUER, &o->issuer, why) && take(a, SETTING_CLIENT_ID, &o->client_id, why) &&
           take(a, SETTING_TOKEN_ENDPOINT, &o->token_endpoint, why);
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
    if (origin_changed(o, s) == SETTING_COUNT)
        return;
    secret_free_string(&s->access_token);
    s->obtained_at = 0;
    s->expires_at = 0;
}
