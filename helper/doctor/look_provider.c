#include "config.h"

#include "look.h"

#include "clock.h"
#include "glob.h"
#include "http.h"
#include "screen.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    WAIT_MAX = 10000, /* milliseconds for one provider */
    SKEW_WARN = 60,   /* seconds between two clocks */
    SKEW_MAX = 300,   /* what providers and assertions forgive */
    PROXY_SIZE = 300, /* bytes of HOST:PORT */
};

/* One question and what is known of the way to the one who is asked. */
struct question {
    struct record *record;
    const struct account *account;
    char *url;
    char *host;
    char proxy[PROXY_SIZE]; /* HOST:PORT, never the user and the password that may be in front of it; "": none */
    const char *proxy_from; /* a variable, or NULL for the account file */
};

/* The proxy's HOST:PORT, and nothing else. */
static void take_proxy(struct question *q, const char *value)
{
    CURLU *url = curl_url();
    char *host = NULL;
    char *port = NULL;
    if (url && curl_url_set(url, CURLUPART_URL, value, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
        snprintf(q->proxy, sizeof q->proxy, "%s:%s", host,
                 curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK ? port : "1080");
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

/* The first of these variables that is set, and its name. */
static const char *first_set(const char *const names[], const char **name)
{
    for (; *names; names++)
        if (getenv(*names)) {
            *name = *names;
            return getenv(*names);
        }
    return NULL;
}

/* Whether no_proxy lists the host, or a domain that it is in. */
static bool goes_without_proxy(const char *host)
{
    static const char *const VARIABLES[] = {"no_proxy", "NO_PROXY", NULL};
    const char *name;
    const char *list = first_set(VARIABLES, &name);
    size_t host_len = strlen(host);
    const char *entry;
    size_t len;
    while (list && (entry = glob_next(&list, &len))) {
        size_t dot = *entry == '.';
        const char *domain = entry + dot;
        len -= dot;
        if (len == 1 && *domain == '*')
            return true;
        if (len > 0 && len <= host_len && strncasecmp(host + host_len - len, domain, len) == 0 &&
            (len == host_len || host[host_len - len - 1] == '.'))
            return true;
    }
    return false;
}

/* As libcurl chooses it: the account's, else that of the environment; and none for plain http, see http.h. */
static void find_proxy(struct question *q)
{
    static const char *const VARIABLES[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    const char *value = account_value(q->account, SETTING_PROXY);
    if (strncmp(q->url, "https:", 6) != 0 || goes_without_proxy(q->host))
        return;
    if (!value)
        value = first_set(VARIABLES, &q->proxy_from);
    if (value && *value)
        take_proxy(q, value);
}

static const char *proxy_place(const struct question *q)
{
    return q->proxy_from ? q->proxy_from : "'proxy' in the account file";
}

static void judge_clock(const struct question *q, int64_t theirs, int64_t ours)
{
    int64_t skew = ours > theirs ? ours - theirs : theirs - ours;
    enum level level = skew > SKEW_MAX ? LEVEL_PROBLEM : skew > SKEW_WARN ? LEVEL_WARNING : LEVEL_OK;
    if (level == LEVEL_OK)
        record_add(q->record, CHECK_CLOCK, level, q->account->name, "as that of %s", q->host);
    else
        record_add(q->record, CHECK_CLOCK, level, q->account->name,
                   "this machine's clock is %" PRId64 " s %s that of %s: run 'timedatectl set-ntp true'", skew,
                   ours > theirs ? "ahead of" : "behind", q->host);
}

static void judge_answer(const struct question *q, CURL *easy, int64_t asked_at)
{
    struct curl_header *date = NULL;
    record_add(q->record, CHECK_PROVIDER, LEVEL_OK, q->account->name, "%s answers", q->host);
    if (*q->proxy)
        record_add(q->record, CHECK_PROXY, LEVEL_OK, q->account->name, "%s, from %s", q->proxy, proxy_place(q));
    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK)
        return;
    time_t theirs = curl_getdate(date->value, NULL);
    if (theirs > 0)
        judge_clock(q, theirs, asked_at);
}

static void judge_failure(const struct question *q, CURLcode code, const struct report *why)
{
    const char *name = q->account->name;
    bool proxy =
        code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY ||
        (*q->proxy && (code == CURLE_COULDNT_CONNECT || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING));
    if (proxy)
        record_add(q->record, CHECK_PROXY, LEVEL_PROBLEM, name,
                   "the proxy %s, from %s, lets nobody through to %s: correct or remove it", q->proxy, proxy_place(q),
                   q->host);
    else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        record_add(q->record, CHECK_CA, LEVEL_PROBLEM, name, "%s", why->text);
    else
        record_add(q->record, CHECK_PROVIDER, LEVEL_WARNING, name,
                   "%s; without the network neither provider nor clock could be checked", why->text);
}

static void ask(const struct question *q)
{
    struct report why = {.code = FAILURE_NONE};
    struct http_reply reply = {.status = 0};
    struct http *h = http_open(q->account, &why);
    struct http_exchange *x = h ? http_start_get(h, q->url, NULL, WAIT_MAX, &why) : NULL;
    enum http_step step = x ? HTTP_AGAIN : HTTP_FAILED;
    CURLcode code = CURLE_OK;
    int64_t asked_at = 0;
    screen_waiting("asking %s", q->host);
    while (step == HTTP_AGAIN) {
        code = curl_easy_perform(http_handle(x));
        asked_at = clock_wall();
        step = http_finish(x, (int)code, &reply, &why);
    }
    screen_ready();
    if (step == HTTP_DONE)
        judge_answer(q, http_handle(x), asked_at);
    else
        judge_failure(q, code, &why);
    http_reply_free(&reply);
    http_end(&x);
    http_close(&h);
}

/* An address is asked once, unless the way there is another. */
static bool is_new(const struct question *q)
{
    char key[PATH_MAX * 2];
    const char *file = account_value(q->account, SETTING_CA_FILE);
    const char *path = account_value(q->account, SETTING_CA_PATH);
    snprintf(key, sizeof key, "asked %s %s %s %s", q->url, q->proxy, file ? file : "", path ? path : "");
    if (record_number(q->record, key))
        return false;
    record_set_number(q->record, key, 1);
    return true;
}

/* What libcurl would only say in its own words, and only where the address is https. */
static void look_at_ca(const struct question *q)
{
    static const enum setting KEYS[] = {SETTING_CA_FILE, SETTING_CA_PATH};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        const char *value = account_value(q->account, KEYS[i]);
        if (value && access(value, R_OK) != 0)
            record_add(q->record, CHECK_CA, LEVEL_PROBLEM, q->account->name,
                       "%s, the '%s' of the account, cannot be read: correct it in %s", value, SETTING_NAMES[KEYS[i]],
                       q->account->file.path);
    }
}

void look_at_provider(struct record *r, const struct account *a, const struct state *s)
{
    struct question q = {.record = r, .account = a};
    struct report why;
    enum grant grant = account_grant(a);
    if (grant == GRANT_COMMAND || grant == GRANT_MANAGED_IDENTITY)
        return;
    look_at_ca(&q);
    account_expand(a, SETTING_TOKEN_ENDPOINT, &q.url, &why);
    if (!q.url && s->token_endpoint)
        q.url = strdup(s->token_endpoint);
    if (!q.url)
        account_expand(a, SETTING_ISSUER, &q.url, &why);
    q.host = q.url ? http_host(q.url) : NULL;
    if (q.host) {
        find_proxy(&q);
        if (is_new(&q))
            ask(&q);
    }
    free(q.url);
    free(q.host);
}
