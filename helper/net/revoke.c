#include "config.h"

#include "revoke.h"

#include <stdlib.h>
#include <string.h>

/* Whether the provider calls a token unknown: then there is nothing left to revoke (some say so instead of 200). */
static bool is_unknown_token(const struct http_reply *reply)
{
    struct oauth_answer answer;
    oauth_parse_answer(reply, &answer);
    bool unknown = answer.error && strcmp(answer.error, "invalid_token") == 0;
    oauth_answer_free(&answer);
    return unknown;
}

bool revoke_token(struct oauth_client *c, const char *url, const char *token, const char *kind, int64_t timeout,
                  struct report *why)
{
    const struct http_field fields[] = {{"token", token}, {"token_type_hint", kind}, {NULL, NULL}};
    struct http_reply reply;
    bool ok = http_perform(oauth_start(c, url, fields, timeout, why), &reply, why);
    if (ok && (reply.status < 200 || reply.status > 299) && !is_unknown_token(&reply)) {
        bool later = reply.status >= 500 || reply.status == 429 || reply.status == 408;
        char *host = http_host(url);
        ok = report_set(why, later ? FAILURE_UNREACHABLE : FAILURE_CONFIG, "%s did not revoke the login (HTTP %ld)",
                        host ? host : "the provider", reply.status);
        free(host);
    }
    http_reply_free(&reply);
    return ok;
}
