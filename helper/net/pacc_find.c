#include "config.h"

#include "pacc.h"

#include "http.h"

#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the TXT records of a domain tell. */
struct records {
    const char *digest; /* of the document, once it is there */
    bool announced;
    bool matches;
};

static void read_one(void *arg, const char *text)
{
    struct records *r = arg;
    enum pacc_record record = pacc_read_record(text, r->digest);
    r->announced = r->announced || record != PACC_RECORD_FOREIGN;
    r->matches = r->matches || record == PACC_RECORD_MATCHES;
}

bool pacc_address(const char *domain, char address[PACC_ADDRESS_MAX])
{
    return snprintf(address, PACC_ADDRESS_MAX, "https://ua-auto-config.%s/.well-known/user-agent-configuration.json",
                    domain) < PACC_ADDRESS_MAX;
}

/* Reports a document that cannot be used. */
static enum pacc_result unusable(const char *domain, enum failure code, const char *wrong, struct report *why)
{
    char address[PACC_ADDRESS_MAX];
    pacc_address(domain, address);
    report_set(why, code,
               "%s announces settings for mail programs, but %s cannot be used: %s. Tell who runs %s; to go on "
               "without it, give "
               "--provider NAME, or --issuer URL with the address of its OAuth server",
               domain, address, wrong, domain);
    return PACC_UNUSABLE;
}

/* What is wrong with an answer that is not the document. */
static void describe_status(long status, char *wrong, size_t size)
{
    if (status >= 300 && status <= 399)
        snprintf(wrong, size, "it redirects to another host (HTTP %ld), which is not followed", status);
    else
        snprintf(wrong, size, "the server answers HTTP %ld", status);
}

static enum pacc_result read_reply(const char *domain, const struct http_reply *reply, struct records *r,
                                   const unsigned char *answer, size_t len, struct pacc *found, struct report *why)
{
    char digest[PACC_DIGEST_CHARS + 1];
    char status[80];
    const char *body = reply->body.data ? reply->body.data : "";
    describe_status(reply->status, status, sizeof status);
    if (reply->status != 200)
        return unusable(domain, reply->status >= 500 ? FAILURE_UNREACHABLE : FAILURE_CONFIG, status, why);
    if (!pacc_digest(body, reply->body.len, digest))
        return unusable(domain, FAILURE_UNREACHABLE, "its digest cannot be computed", why);
    r->digest = digest;
    dns_each_text(answer, len, read_one, r);
    r->digest = NULL;
    if (!r->matches)
        return unusable(domain, FAILURE_CONFIG, "it is not the document that the TXT record in DNS vouches for", why);
    const char *wrong = pacc_parse(body, reply->body.len, found);
    return wrong ? unusable(domain, FAILURE_CONFIG, wrong, why) : *found->issuer ? PACC_FOUND : PACC_NONE;
}

enum pacc_result pacc_find(struct http *h, const char *domain, struct pacc *found, struct report *why)
{
    unsigned char answer[NS_MAXMSG];
    char name[DNS_HOST_MAX];
    char address[PACC_ADDRESS_MAX];
    struct http_reply reply;
    struct records r = {0};
    struct report cause = {0};
    bool silent;
    *found = (struct pacc){0};
    if (snprintf(name, sizeof name, "_ua-auto-config.%s", domain) >= (int)sizeof name ||
        !pacc_address(domain, address))
        return PACC_NONE;
    size_t len = dns_ask(name, ns_t_txt, answer, sizeof answer, &silent);
    if (len > 0)
        dns_each_text(answer, len, read_one, &r);
    if (!r.announced)
        return PACC_NONE;
    enum pacc_result result;
    if (http_get(h, address, NULL, PACC_TIMEOUT, &reply, &cause))
        result = read_reply(domain, &reply, &r, answer, len, found, why);
    else
        result = unusable(domain, cause.code, cause.text, why);
    http_reply_free(&reply);
    return result;
}
