/* Answers of a token endpoint: a byte for the HTTP status, one for the circumstances, then the body. */
#include "config.h"

#include "fuzz.h"

#include "net/oauth.h"
#include "text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char REFRESH_TOKEN[] = "planted-refresh-token";
static const char CLIENT_SECRET[] = "planted-client-secret";
static const char URL[] = "https://login.example.org/token";
static const int64_t NOW = 1800000000;

static const struct http_field RENEWAL[] = {
    {"grant_type", "refresh_token"}, {"refresh_token", REFRESH_TOKEN}, {"client_id", "client"}, {NULL, NULL},
};
static const struct http_field LOGIN[] = {
    {"grant_type", "authorization_code"}, {"code", REFRESH_TOKEN}, {NULL, NULL},
};

static long status_of(uint8_t byte)
{
    static const long STATUS[] = {200, 400, 401, 403, 408, 429, 500, 503, 302, 201, 599, 0};
    return STATUS[byte % (sizeof STATUS / sizeof STATUS[0])];
}

/* What was sent must not come back in words that are shown and kept. */
static void check_silence(const char *text)
{
    MUST(!text || (!strstr(text, REFRESH_TOKEN) && !strstr(text, CLIENT_SECRET)));
}

static void check_answer(const struct oauth_answer *answer, const struct report *why)
{
    MUST(!answer->ok || (answer->access_token && !answer->error));
    MUST(answer->expires_in >= 1 && answer->expires_in <= OAUTH_LIFETIME_MAX);
    MUST(answer->refresh_expires_in >= 0 && answer->refresh_expires_in <= OAUTH_REFRESH_LIFETIME_MAX);
    MUST(!answer->error || (strlen(answer->error) <= OAUTH_ERROR_MAX && !strpbrk(answer->error, "\"\\")));
    MUST(!answer->description || strlen(answer->description) <= OAUTH_DESCRIPTION_MAX);
    check_silence(answer->error);
    check_silence(answer->description);
    if (answer->ok)
        return;
    fuzz_check_report(why);
    check_silence(why->text);
    MUST(why->code == FAILURE_LOGIN_NEEDED || why->code == FAILURE_UNREACHABLE || why->code == FAILURE_CONFIG);
}

/* What was taken over can be written to the disk and read again: a new refresh token is lost otherwise. */
static void check_kept(const struct state *s)
{
    static const struct paths PATHS = {.accounts = "/accounts", .state = "/state"};
    struct state again;
    struct secret text;
    struct report why;
    secret_init(&text, STATE_SIZE_MAX);
    MUST(state_print(s, &text));
    MUST(state_parse(&again, &PATHS, "me@example.org", "the state", &text, &why) == READFILE_OK);
    MUST(strcmp(again.refresh_token, s->refresh_token) == 0);
    MUST(!s->access_token == !again.access_token);
    MUST(!s->access_token || strcmp(again.access_token, s->access_token) == 0);
    state_free(&again);
    secret_free(&text);
}

static void check_apply(const struct oauth_client *c, const struct oauth_answer *answer)
{
    struct state s;
    struct report why;
    state_init(&s);
    MUST(state_set(&s.refresh_token, REFRESH_TOKEN));
    bool ok = oauth_apply(&s, answer, c, NOW, &why);
    MUST(s.refresh_token && *s.refresh_token);
    MUST(strcmp(s.refresh_token, REFRESH_TOKEN) == 0 || strcmp(s.refresh_token, answer->refresh_token) == 0);
    if (ok) {
        MUST(strcmp(s.access_token, answer->access_token) == 0 && s.last_error.code == FAILURE_NONE);
        MUST(!answer->refresh_token || strcmp(s.refresh_token, answer->refresh_token) == 0);
        MUST(state_is_valid(&s, NOW) == (answer->expires_in > STATE_LAST_SECONDS));
    } else {
        fuzz_check_report(&why);
    }
    check_kept(&s);
    state_free(&s);
}

static void open_client(struct oauth_client *c, struct account *a, uint8_t act)
{
    static const char FILE_TEXT[] = "token_endpoint: https://login.example.org/token\nclient_id: client\n";
    static const char LIFETIME[] = "refresh_token_lifetime: 86400\n";
    static const struct paths PATHS = {.accounts = "/nonexistent", .state = "/nonexistent"};
    struct secret text;
    struct report why;
    secret_init(&text, KEYFILE_SIZE_MAX);
    MUST(secret_adds(&text, FILE_TEXT) && (!(act & 1) || secret_adds(&text, LIFETIME)));
    MUST(account_parse(a, &PATHS, "me@example.org", &text, &why));
    *c = (struct oauth_client){.account = a, .basic = act & 2};
    secret_init(&c->client_secret, sizeof CLIENT_SECRET);
    secret_init(&c->assertion, 0);
    MUST(secret_adds(&c->client_secret, CLIENT_SECRET));
    c->login = strdup(a->name);
    c->token_endpoint = strdup(URL);
    c->client_id = strdup("client");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct account a;
    struct oauth_client c;
    struct oauth_answer answer;
    struct report why = {0};
    struct http_reply reply = {.status = status_of(fuzz_byte(&in))};
    uint8_t act = fuzz_byte(&in);
    if (in.left > HTTP_BODY_MAX)
        return 0;
    open_client(&c, &a, act);
    secret_init(&reply.body, HTTP_BODY_MAX);
    reply.retry_after = act & 4 ? 120 : 0;
    if (in.left > 0)
        MUST(secret_add(&reply.body, in.data, in.left));
    oauth_finish(&c, URL, act & 8 ? LOGIN : RENEWAL, &reply, &answer, &why);
    check_answer(&answer, &why);
    if (answer.access_token)
        fuzz_watch_single(answer.access_token, data, size);
    if (answer.refresh_token)
        fuzz_watch_single(answer.refresh_token, data, size);
    if (answer.ok)
        check_apply(&c, &answer);
    http_reply_free(&reply);
    oauth_answer_free(&answer);
    fuzz_forget();
    oauth_client_close(&c);
    account_free(&a);
    return 0;
}
