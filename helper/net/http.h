/* Requests to a provider, by libcurl, with the limits that all of them share.
 *
 * https only, http for loopback addresses alone; TLS 1.2 or later by libcurl's defaults or the account's
 * ca_file/ca_path; the account's proxy, else that of the environment, and none for http. A POST follows no redirect
 * and never goes over a connection that was used before: libcurl sends a request again where such a connection turns
 * out to be closed, and a refresh token sent twice looks like a stolen one. A GET follows at most HTTP_REDIRECTS_MAX
 * redirects within the same scheme, host and port. */
#ifndef XOAUTH2_HTTP_H
#define XOAUTH2_HTTP_H

#include "account.h"
#include "failure.h"
#include "secret.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_CONNECT_TIMEOUT 10000 /* milliseconds */
#define HTTP_TOTAL_TIMEOUT 25000   /* milliseconds, for one exchange with all its tries */
#define HTTP_BODY_MAX 262144       /* bytes of a reply's body */
#define HTTP_HEADERS_MAX 65536     /* bytes of a reply's headers */
#define HTTP_FORM_MAX 524288 /* bytes of an encoded form: two tokens of STATE_TOKEN_MAX with every byte encoded */
#define HTTP_REDIRECTS_MAX 3
#define HTTP_RETRY_AFTER_MAX 86400 /* seconds; a longer Retry-After counts as this */

struct http; /* one idle connection handle and the account's settings */

struct http_reply {
    long status;
    struct secret body;
    int64_t retry_after; /* seconds, from Retry-After (seconds or HTTP date); 0 where absent */
    bool sent; /* whether the request may have reached the server; false: nothing left, so it may be sent again */
};

/* One field of a form; a NULL or empty value is left out. */
struct http_field {
    const char *name;
    const char *value;
};

/* Settings come from the account; it must outlive the result. NULL with a report. */
struct http *http_open(const struct account *a, struct report *why);
void http_close(struct http **h);

void http_reply_free(struct http_reply *r);

/* POSTs a form (application/x-www-form-urlencoded, RFC 6749 Appendix B), asking for JSON. `fields` ends with a NULL
 * name. With `basic_user` the credentials go into the Authorization header, each form-encoded first (RFC 6749,
 * section 2.3.1). `timeout` in milliseconds. `*reply` is overwritten; the caller frees it whatever the result. True
 * when any HTTP answer came, whatever its status. False with FAILURE_UNREACHABLE (DNS, TCP, TLS, time-out, too large)
 * in words that name the host, or FAILURE_CONFIG (address not allowed, CA file unusable); `*reply` has what came of
 * an answer that broke off then, status 0 where not even that. */
bool http_post(struct http *h, const char *url, const struct http_field fields[], const char *basic_user,
               const char *basic_secret, int64_t timeout, struct http_reply *reply, struct report *why);

/* GETs a JSON document, with a bearer token where `token` is not NULL. Otherwise as http_post(). A redirect that is
 * not followed is an answer like any other. */
bool http_get(struct http *h, const char *url, const char *token, int64_t timeout, struct http_reply *reply,
              struct report *why);

/* The same in parts, for a program with its own event loop: start, give http_handle() to a multi handle, and when
 * that reports CURLMSG_DONE take it out again and call http_finish() with the result. The exchange must end before
 * `h` is closed. */
struct http_exchange;

/* NULL with a report. The fields are copied; `fields` need not outlive the call. */
struct http_exchange *http_start_post(struct http *h, const char *url, const struct http_field fields[],
                                      const char *basic_user, const char *basic_secret, int64_t timeout,
                                      struct report *why);
struct http_exchange *http_start_get(struct http *h, const char *url, const char *token, int64_t timeout,
                                     struct report *why);

/* A POST of a JSON document, as http_start_post(); the text is copied. */
struct http_exchange *http_start_json(struct http *h, const char *url, const char *json, int64_t timeout,
                                      struct report *why);

/* A GET for a managed identity: from a service of the machine's own cloud, which may be plain http at a link-local
 * address (settings_identity_url_allowed). `query` is encoded and added; `header` is one whole line. No redirect is
 * followed. */
struct http_exchange *http_start_identity(struct http *h, const char *url, const struct http_field query[],
                                          const char *header, int64_t timeout, struct report *why);

/* libcurl's easy handle (a CURL *), made ready. It belongs to the exchange. */
void *http_handle(struct http_exchange *x);

enum http_step {
    HTTP_DONE,   /* an answer came: `*reply` has it */
    HTTP_AGAIN,  /* another step is to be made: perform the same handle once more */
    HTTP_FAILED, /* no whole answer: `*why`, and reply->sent; `*reply` has what came before it broke off */
};

/* Looks at what came of the handle; `result` is the CURLcode. Moves the body into `*reply`, which the caller frees.
 */
enum http_step http_finish(struct http_exchange *x, int result, struct http_reply *reply, struct report *why);

/* Performs to the end, waiting. As http_post(); ends and frees the exchange. NULL is allowed and false, `*why`
 * untouched. */
bool http_perform(struct http_exchange *x, struct http_reply *reply, struct report *why);

/* Ends and frees at any time; the handle must not be in a multi handle any more. */
void http_end(struct http_exchange **x);

/* The host part of a URL, for messages; the caller frees. NULL where it has none. */
char *http_host(const char *url);

#endif
