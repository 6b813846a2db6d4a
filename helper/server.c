#include "config.h"

#include "server.h"

#include "glob.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const struct scheme {
    const char *prefix;
    enum server_protocol protocol;
    bool tls;
    uint16_t port;
} SCHEMES[] = {
    {"imaps://", SERVER_IMAP, true, 993}, {"imap://", SERVER_IMAP, false, 143},
    {"pop3s://", SERVER_POP3, true, 995}, {"pop3://", SERVER_POP3, false, 110},
    {"smtps://", SERVER_SMTP, true, 465}, {"smtp://", SERVER_SMTP, false, 587},
};

static const struct scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++)
        if (strncasecmp(text, SCHEMES[i].prefix, strlen(SCHEMES[i].prefix)) == 0)
            return &SCHEMES[i];
    return NULL;
}

/* The number of bytes of the host at the start; 0 where there is none. */
static size_t host_length(const char *text)
{
    if (*text != '[')
        return strspn(text, LETTERS DIGITS ".-_");
    size_t inside = strspn(text + 1, DIGITS "abcdefABCDEF:.");
    return inside > 0 && text[1 + inside] == ']' ? inside + 2 : 0;
}

/* What follows the host: maybe a port, maybe a slash. `*port` stays where there is none. */
static bool parse_rest(const char *rest, uint16_t *port)
{
    if (*rest == ':') {
        size_t digits = strspn(rest + 1, DIGITS);
        unsigned long number = digits > 0 && digits <= 5 ? strtoul(rest + 1, NULL, 10) : 0;
        if (number < 1 || number > UINT16_MAX)
            return false;
        *port = (uint16_t)number;
        rest += 1 + digits;
    }
    return strcmp(rest, "") == 0 || strcmp(rest, "/") == 0;
}

bool server_parse(struct server *s, const char *text, size_t len)
{
    char url[SERVER_URL_MAX + 2]; /* and a slash */
    *s = (struct server){0};
    if (len >= sizeof url || memchr(text, '\0', len))
        return false;
    memcpy(url, text, len);
    url[len] = '\0';
    const struct scheme *scheme = find_scheme(url);
    const char *host = scheme ? url + strlen(scheme->prefix) : url;
    size_t host_len = scheme ? host_length(host) : 0;
    s->port = scheme ? scheme->port : 0;
    if (host_len == 0 || host_len > SERVER_HOST_MAX || !parse_rest(host + host_len, &s->port))
        return false;
    memcpy(s->host, host, host_len);
    s->protocol = scheme->protocol;
    s->tls = scheme->tls;
    s->local = settings_is_loopback(s->host);
    snprintf(s->url, sizeof s->url, "%s%s:%u", scheme->prefix, s->host, (unsigned)s->port);
    return true;
}

bool server_next(struct server *s, const char **list)
{
    size_t len;
    const char *entry = glob_next(list, &len);
    return entry && server_parse(s, entry, len);
}

bool server_list_is_good(const char *list)
{
    struct server s;
    size_t len, count = 0;
    for (const char *entry; (entry = glob_next(&list, &len)); count++)
        if (!server_parse(&s, entry, len))
            return false;
    return count > 0;
}
