/* What a provider publishes of itself: 'o' at the front means a client that nobody has registered. Each document
 * begins with a byte for the HTTP status, '2' for 200; a form feed is between the answer for OpenID Connect and the
 * one for OAuth. */
#include "config.h"

#include "fuzz.h"

#include "net/oauth.h"

#include <stdlib.h>
#include <string.h>

static const char ISSUER[] = "https://login.example.org/common/v2";

static struct fuzz_input documents;

bool __wrap_http_get(struct http *h, const char *url, const char *token, int64_t timeout, struct http_reply *reply,
                     struct report *why);

/* Nothing that is asked for is sent anywhere. */
bool __wrap_http_get(struct http *h, const char *url, const char *token, int64_t timeout, struct http_reply *reply,
                     struct report *why)
{
    static const long STATUS[] = {500, 404, 200, 302, 429};
    (void)h;
    MUST(settings_url_allowed(url) && !token && timeout > 0);
    *reply = (struct http_reply){0};
    secret_init(&reply->body, HTTP_BODY_MAX);
    uint8_t first = fuzz_byte(&documents);
    if (first == '!')
        return report_set(why, FAILURE_UNREACHABLE, "nobody is there");
    reply->status = STATUS[first % 5];
    size_t len;
    char *body = fuzz_part(&documents, &len);
    if (len > 0)
        MUST(secret_add(&reply->body, body, len));
    free(body);
    return true;
}

static void check_endpoint(const char *url)
{
    MUST(!url || (settings_url_allowed(url) && strncasecmp(url, "https:", 6) == 0)); /* as the issuer is */
}

static void check(const struct oauth_client *c)
{
    MUST(c->token_endpoint);
    check_endpoint(c->token_endpoint);
    check_endpoint(c->authorization_endpoint);
    check_endpoint(c->device_authorization_endpoint);
    check_endpoint(c->revocation_endpoint);
    check_endpoint(c->userinfo_endpoint);
    check_endpoint(c->registration_endpoint);
    MUST(strcmp(c->issuer, ISSUER) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct paths PATHS = {.accounts = "/nonexistent", .state = "/nonexistent"};
    struct account a;
    struct report why = {0};
    struct secret text;
    if (size > HTTP_BODY_MAX)
        return 0;
    documents = (struct fuzz_input){data, size};
    secret_init(&text, KEYFILE_SIZE_MAX);
    MUST(secret_adds(&text, "issuer: ") && secret_adds(&text, ISSUER));
    MUST(account_parse(&a, &PATHS, "me@example.org", &text, &why));
    struct oauth_client c = {.account = &a, .issuer = strdup(ISSUER), .login = strdup(a.name)};
    c.open = size > 0 && data[0] == 'o';
    if (c.open)
        fuzz_byte(&documents);
    if (oauth_discover(&c, &why))
        check(&c);
    else
        fuzz_check_report(&why);
    oauth_client_close(&c);
    account_free(&a);
    return 0;
}
