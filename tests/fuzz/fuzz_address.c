/* Addresses from files and from servers, each a line: of endpoints, of mail servers, of accounts, and patterns. What
 * is allowed here must be what libcurl makes of it. */
#include "config.h"

#include "fuzz.h"

#include "glob.h"
#include "http.h"
#include "paths.h"
#include "server.h"
#include "settings.h"
#include "text.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *part_of(CURLU *url, CURLUPart what)
{
    char *part = NULL;
    MUST(curl_url_get(url, what, &part, 0) == CURLUE_OK);
    return part;
}

/* libcurl sends a request for `text` to nobody but whom the settings allow. */
static void check_url(const char *text)
{
    bool allowed = settings_url_allowed(text);
    bool identity = settings_identity_url_allowed(text);
    MUST(identity || !allowed);
    if (!identity)
        return;
    CURLU *url = curl_url();
    MUST(url);
    if (curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
        char *scheme = part_of(url, CURLUPART_SCHEME);
        char *host = part_of(url, CURLUPART_HOST);
        char *own = http_host(text);
        char *user = NULL;
        MUST(own && strcasecmp(own, host) == 0);
        MUST(curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
        MUST(strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
        if (strcmp(scheme, "http") == 0)
            MUST(settings_is_loopback(host) || (!allowed && strncmp(host, "169.254.", 8) == 0));
        if (*host != '[' && host[strspn(host, "0123456789.")]) /* numbers have more than one form */
            MUST(strcasestr(text, host));
        free(own);
        curl_free(scheme);
        curl_free(host);
    }
    curl_url_cleanup(url);
}

static void check_servers(const char *list)
{
    struct server s;
    struct server again;
    bool good = server_list_is_good(list);
    size_t count = 0;
    for (; server_next(&s, &list); count++) {
        MUST(s.port > 0 && s.host[0] && !text_has_control(s.url, strlen(s.url)));
        MUST(server_parse(&again, s.url, strlen(s.url)));
        MUST(strcmp(again.host, s.host) == 0 && again.port == s.port && again.protocol == s.protocol);
        MUST(again.tls == s.tls && strcmp(again.url, s.url) == 0);
    }
    MUST(!good || count > 0);
}

static void check_account(const char *text)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char again[ACCOUNT_NAME_MAX + 1];
    struct report why;
    if (!account_name(text, name, &why)) {
        fuzz_check_report(&why);
        MUST(!name[0]);
        return;
    }
    MUST(fuzz_is_harmless(name) && !strchr(name, '/') && name[0] != '.' && strcasecmp(name, text) == 0);
    MUST(account_name(name, again, &why) && strcmp(name, again) == 0);
}

/* Slow, obviously right, and so only for short ones. */
static bool matches(const char *pattern, size_t len, const char *text)
{
    if (len == 0)
        return !*text;
    if (*pattern == '*')
        return matches(pattern + 1, len - 1, text) || (*text && matches(pattern, len, text + 1));
    return *text && strncasecmp(pattern, text, 1) == 0 && matches(pattern + 1, len - 1, text + 1);
}

static void check_patterns(const char *list, const char *text)
{
    enum { SHORT = 12 };
    const char *entry;
    size_t len;
    size_t rank = glob_rank(list, text);
    size_t best = 0;
    while ((entry = glob_next(&list, &len))) {
        bool match = glob_match(entry, len, text);
        if (len <= SHORT && strlen(text) <= SHORT)
            MUST(match == matches(entry, len, text));
        size_t one = !match ? 0 : memchr(entry, '*', len) ? len + 1 : GLOB_EXACT;
        best = one > best ? one : best;
    }
    MUST(rank == best);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *text = fuzz_text(&in);
    char *other = fuzz_text(&in);
    check_url(text);
    check_servers(text);
    check_account(text);
    check_patterns(text, other);
    free(other);
    free(text);
    return 0;
}
