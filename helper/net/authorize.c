#include "config.h"

#include "authorize.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SHA256_BYTES = 32, BLOCK_CHARS = 44 };

/* base64url without padding (RFC 4648, section 5) of 32 bytes. */
static void encode(const unsigned char bytes[SHA256_BYTES], char out[AUTHORIZE_RANDOM_CHARS + 1])
{
    char block[BLOCK_CHARS + 1];
    EVP_EncodeBlock((unsigned char *)block, bytes, SHA256_BYTES);
    for (int i = 0; i < AUTHORIZE_RANDOM_CHARS; i++)
        out[i] = block[i] == '+' ? '-' : block[i] == '/' ? '_' : block[i];
    out[AUTHORIZE_RANDOM_CHARS] = '\0';
    explicit_bzero(block, sizeof block);
}

static bool draw(char out[AUTHORIZE_RANDOM_CHARS + 1], struct report *why)
{
    unsigned char bytes[AUTHORIZE_RANDOM_BYTES];
    ssize_t got;
    do
        got = getrandom(bytes, sizeof bytes, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof bytes)
        return report_set(why, FAILURE_UNREACHABLE, "the system gives no random numbers: %s", strerror(errno));
    encode(bytes, out);
    explicit_bzero(bytes, sizeof bytes);
    return true;
}

bool authorize_begin(struct authorization *a, struct report *why)
{
    return draw(a->state, why) && draw(a->verifier, why);
}

void authorize_end(struct authorization *a)
{
    explicit_bzero(a, sizeof *a);
}

bool authorize_challenge(const char *verifier, char challenge[AUTHORIZE_RANDOM_CHARS + 1])
{
    unsigned char digest[SHA256_BYTES];
    if (EVP_Digest(verifier, strlen(verifier), digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    encode(digest, challenge);
    return true;
}

/* Appends name=value to the query, encoded. */
static bool append(CURLU *url, const char *name, const char *value)
{
    if (!value || !*value)
        return true;
    char *pair = NULL;
    if (asprintf(&pair, "%s=%s", name, value) < 0)
        return false;
    CURLUcode result = curl_url_set(url, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE);
    free(pair);
    return result == CURLUE_OK;
}

/* Appends the provider's own parameters. */
static bool append_all(CURLU *url, const char *parameters)
{
    char *copy = strdup(parameters ? parameters : "");
    if (!copy)
        return false;
    bool ok = true;
    char *rest = NULL;
    for (char *pair = strtok_r(copy, " \t", &rest); ok && pair; pair = strtok_r(NULL, " \t", &rest)) {
        char *value = strchr(pair, '=');
        if (!value)
            continue;
        *value = '\0';
        ok = append(url, pair, value + 1);
    }
    free(copy);
    return ok;
}

static bool fill(CURLU *url, const struct authorization *a, const struct authorize_request *q)
{
    char challenge[AUTHORIZE_RANDOM_CHARS + 1];
    return authorize_challenge(a->verifier, challenge) && append(url, "response_type", "code") &&
           append(url, "client_id", q->client_id) && append(url, "redirect_uri", q->redirect_uri) &&
           append(url, "scope", q->scope) && append(url, "state", a->state) &&
           append(url, "code_challenge", challenge) && append(url, "code_challenge_method", "S256") &&
           append(url, "login_hint", q->login_hint) && append_all(url, q->parameters);
}

/* RFC 3986: an address is made of visible ASCII characters. It will be shown. */
static bool is_visible(const char *url)
{
    for (; *url; url++)
        if (*url <= 0x20 || *url >= 0x7F)
            return false;
    return true;
}

char *authorize_url(const struct authorization *a, const struct authorize_request *request, struct report *why)
{
    CURLU *url = curl_url();
    char *part = NULL;
    char *result = NULL;
    if (!is_visible(request->endpoint) || !url || curl_url_set(url, CURLUPART_URL, request->endpoint, 0) != CURLUE_OK)
        report_set(why, FAILURE_CONFIG,
                   "the authorization endpoint '%s' is not an address: correct it in the account file",
                   request->endpoint);
    else if (!fill(url, a, request) || curl_url_get(url, CURLUPART_URL, &part, 0) != CURLUE_OK ||
             !(result = strdup(part)))
        report_set(why, FAILURE_UNREACHABLE, "not enough memory for the login's address");
    curl_free(part);
    curl_url_cleanup(url);
    return result;
}
