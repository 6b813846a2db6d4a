#include "config.h"

#include "http.h"

#include "clock.h"
#include "screen.h"
#include "settings.h"

#include <ctype.h>
#include <curl/curl.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "xoauth2/" PACKAGE_VERSION

enum {
    DETAIL_MAX = 160, /* bytes of libcurl's words in a report */
    URL_MAX = 8192,   /* bytes of an address with its query */
    BODY_ROOM = 65536, /* bytes of a reply's body for which memory is there before anything is sent */
};

struct http {
    const struct account *account;
    CURL *idle; /* kept with its connections for the next GET; NULL while an exchange has it */
};

struct http_exchange {
    struct http *http;
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    char *host;
    struct secret form;
    struct secret body;
    size_t header_bytes;
    int64_t deadline;
    int redirects;
    bool post;
    bool folder_only; /* certificates come from the distribution's folder, not yet from its bundle */
    char detail[CURL_ERROR_SIZE];
};

struct http *http_open(const struct account *a, struct report *why)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h) {
        report_set(why, FAILURE_UNREACHABLE, "not enough memory");
        return NULL;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(h);
        report_set(why, FAILURE_UNREACHABLE, "libcurl cannot be initialized: not enough memory?");
        return NULL;
    }
    h->account = a;
    return h;
}

void http_close(struct http **h)
{
    if (!h || !*h)
        return;
    curl_easy_cleanup((*h)->idle);
    curl_global_cleanup();
    free(*h);
    *h = NULL;
}

void http_reply_free(struct http_reply *r)
{
    if (r)
        secret_free(&r->body);
}

static void reply_clear(struct http_reply *r)
{
    *r = (struct http_reply){0};
    secret_init(&r->body, HTTP_BODY_MAX);
}

/* A part of a URL; the caller frees with curl_free(). NULL where it is missing. */
static char *url_part(const char *url, CURLUPart part)
{
    char *value = NULL;
    CURLU *parsed = curl_url();
    if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parsed, part, &value, CURLU_DEFAULT_PORT) != CURLUE_OK)
        value = NULL;
    curl_url_cleanup(parsed);
    return value;
}

char *http_host(const char *url)
{
    char *part = url_part(url, CURLUPART_HOST);
    char *host = part ? strdup(part) : NULL;
    curl_free(part);
    return host;
}

static bool same_part(const char *a, const char *b, CURLUPart part)
{
    char *pa = url_part(a, part);
    char *pb = url_part(b, part);
    bool same = pa && pb && strcasecmp(pa, pb) == 0;
    curl_free(pa);
    curl_free(pb);
    return same;
}

static bool same_origin(const char *a, const char *b)
{
    return same_part(a, b, CURLUPART_SCHEME) && same_part(a, b, CURLUPART_HOST) && same_part(a, b, CURLUPART_PORT);
}

static bool is_https(const char *url)
{
    return strncasecmp(url, "https:", 6) == 0;
}

/* libcurl's own signature: `size` is always 1. */
static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    return secret_add(&x->body, data, size * count) ? count : 0;
}

static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
    struct http_exchange *x = arg;
    (void)data;
    x->header_bytes += size * count;
    return x->header_bytes <= HTTP_HEADERS_MAX ? count : 0;
}

/* Whether the folder has certificates named by their hash, as c_rehash and update-ca-certificates name them. */
static bool is_hashed_folder(const char *path)
{
    bool found = false;
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(folder));) {
        size_t digits = strspn(entry->d_name, "0123456789abcdef");
        found = digits == 8 && entry->d_name[8] == '.' && isdigit((unsigned char)entry->d_name[9]);
    }
    closedir(folder);
    return found;
}

/* Which certificates are trusted. The distribution's bundle holds the same as its hashed folder, but OpenSSL reads
 * all of the bundle for every connection and only the one certificate it needs from the folder: 1 ms instead of 20.
 */
static CURLcode set_trust(struct http_exchange *x)
{
    const char *file = account_value(x->http->account, SETTING_CA_FILE);
    const char *path = account_value(x->http->account, SETTING_CA_PATH);
    if (file || path) {
        CURLcode result = curl_easy_setopt(x->easy, CURLOPT_CAINFO, file);
        return result != CURLE_OK ? result : curl_easy_setopt(x->easy, CURLOPT_CAPATH, path);
    }
    char *folder = NULL;
    if (curl_easy_getinfo(x->easy, CURLINFO_CAPATH, &folder) != CURLE_OK || !folder || !is_hashed_folder(folder))
        return CURLE_OK;
    x->folder_only = true;
    return curl_easy_setopt(x->easy, CURLOPT_CAINFO, (char *)NULL);
}

/* Back to libcurl's default, bundle and folder, where the folder alone did not do: somebody may have added his
 * certificate to the bundle by hand. */
static bool trust_bundle(struct http_exchange *x)
{
    char *bundle = NULL;
    if (!x->folder_only || curl_easy_getinfo(x->easy, CURLINFO_CAINFO, &bundle) != CURLE_OK || !bundle)
        return false;
    x->folder_only = false;
    return curl_easy_setopt(x->easy, CURLOPT_CAINFO, bundle) == CURLE_OK;
}

static CURLcode set_tls(struct http_exchange *x)
{
    CURL *e = x->easy;
    if (!is_https(x->url))
        return CURLE_OK;
    CURLcode result = curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return result == CURLE_OK ? set_trust(x) : result;
}

/* Plain http is for this machine alone: no proxy of the environment may carry it away. */
static CURLcode set_address(struct http_exchange *x)
{
    CURL *e = x->easy;
    bool https = is_https(x->url);
    const char *proxy = account_value(x->http->account, SETTING_PROXY);
    CURLcode result = curl_easy_setopt(e, CURLOPT_URL, x->url);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    if (result == CURLE_OK && !https)
        result = curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    if (result == CURLE_OK && https && proxy)
        result = curl_easy_setopt(e, CURLOPT_PROXY, proxy);
    if (result == CURLE_OK && https)
        result = curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return result;
}

static CURLcode set_limits(struct http_exchange *x)
{
    CURL *e = x->easy;
    long left = clock_left(x->deadline);
    CURLcode result = curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    if (result == CURLE_OK) /* a time-out does not wait for the thread in which the name is looked up */
        result = curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT);
    if (result == CURLE_OK) /* 0 would mean no limit */
        result = curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, left > 0 ? left : 1L);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_BODY_MAX);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    return result;
}

static CURLcode set_callbacks(struct http_exchange *x)
{
    CURL *e = x->easy;
    CURLcode result = curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->detail);
    if (result == CURLE_OK)
        result = curl_easy_setopt(e, CURLOPT_PRIVATE, x);
    return result;
}

static CURLcode set_headers(struct http_exchange *x)
{
    static const char *const LINES[] = {"Accept: application/json", "Expect:"};
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        struct curl_slist *longer = curl_slist_append(x->headers, LINES[i]);
        if (!longer)
            return CURLE_OUT_OF_MEMORY;
        x->headers = longer;
    }
    CURLcode result = curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    return result == CURLE_OK ? curl_easy_setopt(x->easy, CURLOPT_USERAGENT, USER_AGENT) : result;
}

static CURLcode set_common(struct http_exchange *x)
{
    CURLcode result = set_callbacks(x);
    if (result == CURLE_OK)
        result = set_limits(x);
    if (result == CURLE_OK)
        result = set_address(x);
    if (result == CURLE_OK)
        result = set_tls(x);
    return result == CURLE_OK ? set_headers(x) : result;
}

/* Reports an address that may not be used. Returns NULL. */
static struct http_exchange *refuse_address(const char *url, struct report *why)
{
    char *host = http_host(url); /* not the address itself: it may have a password in it */
    report_set(why, FAILURE_CONFIG,
               "an address of %s is neither https nor one of this machine: correct it in the account file",
               host ? host : "nowhere");
    free(host);
    return NULL;
}

/* An exchange with everything set that GET and POST share. NULL with a report. */
static struct http_exchange *start_any(struct http *h, const char *url, int64_t timeout, struct report *why)
{
    struct http_exchange *x = calloc(1, sizeof *x);
    if (!x) {
        report_set(why, FAILURE_UNREACHABLE, "not enough memory");
        return NULL;
    }
    x->http = h;
    x->deadline = clock_monotonic() + timeout;
    secret_init(&x->form, HTTP_FORM_MAX);
    secret_init(&x->body, HTTP_BODY_MAX);
    x->easy = h->idle ? h->idle : curl_easy_init();
    h->idle = NULL;
    x->url = strdup(url);
    x->host = http_host(url);
    if (!x->easy || !x->url || !x->host || !secret_room(&x->body, BODY_ROOM) || set_common(x) != CURLE_OK) {
        report_set(why, FAILURE_UNREACHABLE, "not enough memory for a request");
        http_end(&x);
    }
    return x;
}

static struct http_exchange *start(struct http *h, const char *url, int64_t timeout, struct report *why)
{
    return settings_url_allowed(url) ? start_any(h, url, timeout, why) : refuse_address(url, why);
}

void *http_handle(struct http_exchange *x)
{
    return x->easy;
}

/* Form-encodes a string; the caller frees with wipe_encoded(). */
static char *encode(CURL *easy, const char *value)
{
    size_t len = strlen(value);
    return len <= HTTP_FORM_MAX ? curl_easy_escape(easy, value, (int)len) : NULL;
}

static void wipe_encoded(char *value)
{
    if (value)
        explicit_bzero(value, strlen(value));
    curl_free(value);
}

static bool add_field(struct http_exchange *x, const struct http_field *field)
{
    char *value = encode(x->easy, field->value);
    bool ok = value && (x->form.len == 0 || secret_adds(&x->form, "&")) && secret_adds(&x->form, field->name) &&
              secret_adds(&x->form, "=") && secret_adds(&x->form, value);
    wipe_encoded(value);
    return ok;
}

/* Makes a POST of what the form holds. */
static bool set_post(struct http_exchange *x)
{
    const char *form = x->form.data ? x->form.data : "";
    x->post = true;
    return curl_easy_setopt(x->easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, form) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->form.len) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}

static bool set_form(struct http_exchange *x, const struct http_field fields[])
{
    for (; fields->name; fields++)
        if (fields->value && *fields->value && !add_field(x, fields))
            return false;
    return set_post(x);
}

static bool add_header(struct http_exchange *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->headers, line);
    if (longer)
        x->headers = longer;
    return longer && curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK;
}

static bool set_basic(struct http_exchange *x, const char *user, const char *secret)
{
    char *u = encode(x->easy, user);
    char *s = encode(x->easy, secret ? secret : "");
    bool ok = u && s && curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
              curl_easy_setopt(x->easy, CURLOPT_USERNAME, u) == CURLE_OK &&
              curl_easy_setopt(x->easy, CURLOPT_PASSWORD, s) == CURLE_OK;
    wipe_encoded(u);
    wipe_encoded(s);
    return ok;
}

struct http_exchange *http_start_post(struct http *h, const char *url, const struct http_field fields[],
                                      const char *basic_user, const char *basic_secret, int64_t timeout,
                                      struct report *why)
{
    struct http_exchange *x = start(h, url, timeout, why);
    if (!x)
        return NULL;
    if (!set_form(x, fields) || (basic_user && !set_basic(x, basic_user, basic_secret))) {
        report_set(why, FAILURE_UNREACHABLE, "a request to %s is too large, or memory is short", x->host);
        http_end(&x);
    }
    return x;
}

struct http_exchange *http_start_json(struct http *h, const char *url, const char *json, int64_t timeout,
                                      struct report *why)
{
    struct http_exchange *x = start(h, url, timeout, why);
    if (!x)
        return NULL;
    if (!secret_adds(&x->form, json) || !set_post(x) || !add_header(x, "Content-Type: application/json")) {
        report_set(why, FAILURE_UNREACHABLE, "a request to %s is too large, or memory is short", x->host);
        http_end(&x);
    }
    return x;
}

struct http_exchange *http_start_get(struct http *h, const char *url, const char *token, int64_t timeout,
                                     struct report *why)
{
    struct http_exchange *x = start(h, url, timeout, why);
    if (!x || !token)
        return x;
    if (curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) != CURLE_OK ||
        curl_easy_setopt(x->easy, CURLOPT_XOAUTH2_BEARER, token) != CURLE_OK) {
        report_set(why, FAILURE_UNREACHABLE, "not enough memory for a request");
        http_end(&x);
    }
    return x;
}

/* Adds the fields to an address as its query. */
static bool add_query(CURL *easy, const char *url, const struct http_field query[], struct secret *out)
{
    const char *separator = strchr(url, '?') ? "&" : "?";
    bool ok = secret_adds(out, url);
    for (; ok && query->name; query++) {
        char *value = query->value ? encode(easy, query->value) : NULL;
        if (query->value)
            ok = value && secret_adds(out, separator) && secret_adds(out, query->name) && secret_adds(out, "=") &&
                 secret_adds(out, value);
        wipe_encoded(value);
        separator = query->value ? "&" : separator;
    }
    return ok;
}

static bool set_identity(struct http_exchange *x, const char *url, const struct http_field query[],
                         const char *header)
{
    struct secret whole;
    secret_init(&whole, URL_MAX);
    char *copy = add_query(x->easy, url, query, &whole) ? strdup(whole.data) : NULL;
    secret_free(&whole);
    if (!copy)
        return false;
    free(x->url);
    x->url = copy;
    return add_header(x, header) && set_address(x) == CURLE_OK;
}

struct http_exchange *http_start_identity(struct http *h, const char *url, const struct http_field query[],
                                          const char *header, int64_t timeout, struct report *why)
{
    if (!settings_identity_url_allowed(url))
        return refuse_address(url, why);
    struct http_exchange *x = start_any(h, url, timeout, why);
    if (!x)
        return NULL;
    x->redirects = HTTP_REDIRECTS_MAX;
    if (!set_identity(x, url, query, header)) {
        report_set(why, FAILURE_UNREACHABLE, "a request to %s is too large, or memory is short", x->host);
        http_end(&x);
    }
    return x;
}

/* Says what went wrong and what to do. Returns HTTP_FAILED. */
static enum http_step explain(const struct http_exchange *x, CURLcode result, struct report *why)
{
    const char *detail = x->detail[0] ? x->detail : curl_easy_strerror(result);
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        report_set(why, FAILURE_UNREACHABLE, "cannot find the address of %s: check the network connection", x->host);
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        report_set(why, FAILURE_UNREACHABLE,
                   "the proxy on the way to %s does not work (%.*s): check the proxy setting", x->host, DETAIL_MAX,
                   detail);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        report_set(why, FAILURE_UNREACHABLE,
                   "%s did not answer in time: check the network connection or try again later", x->host);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        report_set(
            why, FAILURE_UNREACHABLE,
            "the certificate of %s cannot be trusted (%.*s): check the clock and the network; if the server is "
            "your own, name its CA certificate with ca_file in the account file",
            x->host, DETAIL_MAX, detail);
        break;
    case CURLE_SSL_CACERT_BADFILE:
        report_set(why, FAILURE_CONFIG,
                   "the CA certificates for %s cannot be read (%.*s): correct ca_file or ca_path", x->host,
                   DETAIL_MAX, detail);
        break;
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
        report_set(why, FAILURE_UNREACHABLE, "the answer of %s is too large: check that the address is right",
                   x->host);
        break;
    default:
        report_set(why, FAILURE_UNREACHABLE,
                   "no answer from %s (%.*s): check the network connection or try again later", x->host, DETAIL_MAX,
                   detail);
    }
    return HTTP_FAILED;
}

/* Follows a redirect of a GET by setting the next address; false where it is not to be followed. */
static bool redirect(struct http_exchange *x, long status)
{
    char *next = NULL;
    if (x->post || status < 300 || status > 399 || x->redirects >= HTTP_REDIRECTS_MAX)
        return false;
    if (curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &next) != CURLE_OK || !next)
        return false;
    if (!settings_url_allowed(next) || !same_origin(x->url, next))
        return false;
    char *copy = strdup(next);
    if (!copy)
        return false;
    free(x->url);
    x->url = copy;
    x->redirects++;
    return true;
}

/* Makes the handle ready for another step of the same exchange. */
static enum http_step again(struct http_exchange *x, struct report *why)
{
    secret_reset(&x->body);
    x->header_bytes = 0;
    x->detail[0] = '\0';
    CURLcode result = set_limits(x);
    if (result == CURLE_OK)
        result = set_address(x);
    return result == CURLE_OK ? HTTP_AGAIN : explain(x, result, why);
}

/* Whether the connection was up, so that bytes of the request may have left. */
static bool was_sent(const struct http_exchange *x)
{
    curl_off_t began = 0;
    return curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &began) != CURLE_OK || began > 0;
}

static void take_reply(struct http_exchange *x, struct http_reply *reply)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0)
        reply->retry_after = seconds < HTTP_RETRY_AFTER_MAX ? seconds : HTTP_RETRY_AFTER_MAX;
    reply->body = x->body;
    secret_init(&x->body, HTTP_BODY_MAX);
}

enum http_step http_finish(struct http_exchange *x, int result, struct http_reply *reply, struct report *why)
{
    reply_clear(reply);
    if (result == CURLE_PEER_FAILED_VERIFICATION && trust_bundle(x)) /* in the handshake: nothing was sent yet */
        return again(x, why);
    reply->sent = was_sent(x);
    if (curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &reply->status) != CURLE_OK)
        reply->status = 0;
    if (result == CURLE_OK && reply->status == 0)
        result = CURLE_GOT_NOTHING;
    if (result != CURLE_OK) {
        take_reply(x, reply);
        return explain(x, (CURLcode)result, why);
    }
    if (redirect(x, reply->status))
        return again(x, why);
    take_reply(x, reply);
    return HTTP_DONE;
}

bool http_perform(struct http_exchange *x, struct http_reply *reply, struct report *why)
{
    reply_clear(reply);
    if (!x)
        return false;
    enum http_step step = HTTP_AGAIN;
    screen_waiting("waiting for %s", x->host);
    while (step == HTTP_AGAIN)
        step = http_finish(x, (int)curl_easy_perform(x->easy), reply, why);
    screen_ready();
    http_end(&x);
    return step == HTTP_DONE;
}

/* The handle goes back with its connections; a second one that was in use at the same time is not worth keeping. */
void http_end(struct http_exchange **x)
{
    if (!x || !*x)
        return;
    struct http_exchange *gone = *x;
    if (gone->easy && !gone->http->idle) {
        curl_easy_reset(gone->easy);
        gone->http->idle = gone->easy;
    } else {
        curl_easy_cleanup(gone->easy);
    }
    curl_slist_free_all(gone->headers);
    secret_free(&gone->form);
    secret_free(&gone->body);
    free(gone->url);
    free(gone->host);
    free(gone);
    *x = NULL;
}

bool http_post(struct http *h, const char *url, const struct http_field fields[], const char *basic_user,
               const char *basic_secret, int64_t timeout, struct http_reply *reply, struct report *why)
{
    return http_perform(http_start_post(h, url, fields, basic_user, basic_secret, timeout, why), reply, why);
}

bool http_get(struct http *h, const char *url, const char *token, int64_t timeout, struct http_reply *reply,
              struct report *why)
{
    return http_perform(http_start_get(h, url, token, timeout, why), reply, why);
}
