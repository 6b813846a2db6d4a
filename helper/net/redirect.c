#include "config.h"

#include "redirect.h"

#include "secret.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* The parameters that matter. Each may be there once (RFC 6749, section 3.1). */
enum parameter {
    PARAMETER_STATE,
    PARAMETER_ISS,
    PARAMETER_CODE,
    PARAMETER_ERROR,
    PARAMETER_DESCRIPTION,
    PARAMETER_COUNT
};

static const char *const PARAMETER_NAMES[PARAMETER_COUNT] = {
    [PARAMETER_STATE] = "state",
    [PARAMETER_ISS] = "iss",
    [PARAMETER_CODE] = "code",
    [PARAMETER_ERROR] = "error",
    [PARAMETER_DESCRIPTION] = "error_description",
};

struct parameters {
    char *value[PARAMETER_COUNT];
    bool twice[PARAMETER_COUNT];
    bool unreadable;
};

static void parameters_free(struct parameters *p)
{
    for (int i = 0; i < PARAMETER_COUNT; i++)
        secret_free_string(&p->value[i]);
}

/* Decodes application/x-www-form-urlencoded text. NULL for an encoded NUL or when memory is short. */
static char *decode(char *text)
{
    for (char *c = text; *c; c++)
        if (*c == '+')
            *c = ' ';
    int len = 0;
    char *decoded = curl_easy_unescape(NULL, text, 0, &len);
    char *copy = decoded && strlen(decoded) == (size_t)len ? strdup(decoded) : NULL;
    if (decoded)
        explicit_bzero(decoded, (size_t)len);
    curl_free(decoded);
    return copy;
}

static void take_pair(struct parameters *p, char *pair)
{
    char *value = strchr(pair, '=');
    if (!value)
        return;
    *value++ = '\0';
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        if (strcmp(pair, PARAMETER_NAMES[i]) != 0)
            continue;
        if (p->value[i]) {
            p->twice[i] = true;
            return;
        }
        p->value[i] = decode(value);
        if (!p->value[i])
            p->unreadable = true;
    }
}

/* Takes the query apart, in place. */
static void take_query(struct parameters *p, char *query)
{
    char *rest = NULL;
    for (char *pair = strtok_r(query, "&", &rest); pair; pair = strtok_r(NULL, "&", &rest))
        take_pair(p, pair);
}

/* A copy of the URL without what a terminal or a mail program may put around it. */
static char *trimmed(const char *url)
{
    static const char AROUND[] = " \t\r\n\"'<>";
    url += strspn(url, AROUND);
    size_t len = strlen(url);
    while (len > 0 && strchr(AROUND, url[len - 1]))
        len--;
    return len > 0 && len <= REDIRECT_URL_MAX ? strndup(url, len) : NULL;
}

/* The query of a URL; the caller wipes and frees. NULL where it is no URL or has no query. */
static char *query_of(const char *url)
{
    char *text = trimmed(url);
    CURLU *u = curl_url();
    char *part = NULL;
    char *query = NULL;
    if (text && u && curl_url_set(u, CURLUPART_URL, text, CURLU_GUESS_SCHEME) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_QUERY, &part, 0) == CURLUE_OK) {
        query = strdup(part);
        explicit_bzero(part, strlen(part));
    }
    curl_free(part);
    curl_url_cleanup(u);
    secret_free_string(&text);
    return query;
}

static bool same_state(const char *expected, const char *given)
{
    size_t len = strlen(expected);
    return strlen(given) == len && CRYPTO_memcmp(expected, given, len) == 0;
}

static enum redirect_result foreign(struct redirect *r, const char *problem)
{
    r->problem = problem;
    return REDIRECT_FOREIGN;
}

static enum redirect_result refused(struct redirect *r, const char *problem)
{
    r->problem = problem;
    return REDIRECT_REFUSED;
}

/* Hands a parameter over to the answer. */
static char *hand_over(struct parameters *p, enum parameter which)
{
    char *value = p->value[which];
    p->value[which] = NULL;
    return value;
}

static bool any_twice(const struct parameters *p)
{
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (p->twice[i])
            return true;
    return false;
}

/* RFC 9207, section 2.4: the comparison is exact. */
static const char *issuer_problem(const struct parameters *p, const struct redirect_expected *expected)
{
    const char *iss = p->value[PARAMETER_ISS];
    if (!iss)
        return expected->iss_required ? "it does not name its issuer (iss), although the provider says it always does"
                                      : NULL;
    if (expected->issuer && strcmp(iss, expected->issuer) != 0)
        return "it comes from another issuer (iss) than the one asked";
    return NULL;
}

static enum redirect_result judge(struct parameters *p, const struct redirect_expected *expected, struct redirect *r)
{
    const char *state = p->value[PARAMETER_STATE];
    if (!state)
        return foreign(r, "it does not carry the 'state' of a login");
    if (p->twice[PARAMETER_STATE] || !same_state(expected->state, state))
        return foreign(r, "it belongs to another login (its 'state' is not the one of this login)");
    if (p->unreadable || any_twice(p))
        return refused(r, "its parameters are malformed");
    const char *problem = issuer_problem(p, expected);
    if (problem)
        return refused(r, problem);
    if (p->value[PARAMETER_ERROR]) {
        r->error = hand_over(p, PARAMETER_ERROR);
        r->description = hand_over(p, PARAMETER_DESCRIPTION);
        return REDIRECT_ERROR;
    }
    if (!p->value[PARAMETER_CODE] || !*p->value[PARAMETER_CODE])
        return refused(r, "it holds neither a code nor an error");
    r->code = hand_over(p, PARAMETER_CODE);
    return REDIRECT_CODE;
}

enum redirect_result redirect_read(const char *url, const struct redirect_expected *expected, struct redirect *r)
{
    *r = (struct redirect){0};
    char *query = query_of(url);
    if (!query)
        return foreign(r, "it is not an address with a '?' and what follows it");
    struct parameters p = {0};
    take_query(&p, query);
    enum redirect_result result = judge(&p, expected, r);
    parameters_free(&p);
    secret_free_string(&query);
    return result;
}

void redirect_free(struct redirect *r)
{
    secret_free_string(&r->code);
    secret_free_string(&r->error);
    secret_free_string(&r->description);
    r->problem = NULL;
}
