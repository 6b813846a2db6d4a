/* Requests to a provider, by libcurl, with the limits that all of them share.
 *
 * https only, http for loopback addresses alone; TLS by libcurl's defaults or the account's ca_file/ca_path; the account's
 * proxy. A POST follows no redirect. A GET follows at most HTTP_REDIRECTS_MAX, to https and to the same host only. */
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
#define HTTP_REDIRECTS_MAX 3

struct http; /* a connection cache and the account's settings */

struct http_reply {
    long status;
    struct secret body;
    int64_t retry_after; /* seconds, from Retry-After (seconds or HTTP date); 0 where absent */
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

/* POSTs a form (application/x-www-form-urlencoded, RFC 6749 Appendix B), asking for JSON. `fields` ends with a NULL name. With
 * `basic_user` the credentials go into the Authorization header, each form-encoded first (RFC 6749, section 2.3.1).
 * `timeout` in milliseconds. True when any HTTP answer came, whatever its status. False with FAILURE_UNREACHABLE (DNS, TCP, TLS,
 * time-out, too large) in words that name the host, or FAILURE_CONFIG (address not allowed, CA file unusable). */
bool http_post(struct http *h, const char *url, const struct http_field fields[], const char *basic_user,
               const char *basic_secret, int64_t timeout, struct http_reply *reply, struct report *why);

/* GETs a JSON document, with a bearer token where `token` is not NULL. Otherwise as http_post(). */
bool http_get(struct http *h, const char *url, const char *token, int64_t timeout, struct http_reply *reply,
              struct report *why);

/* The host part of a URL, for messages; the caller frees. NULL where it has none. */
char *http_host(const char *url);

#endif
