/* Addresses of mail servers: servers:, and what `xoauth2 test` is given. */
#ifndef XOAUTH2_SERVER_H
#define XOAUTH2_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum server_protocol { SERVER_IMAP, SERVER_POP3, SERVER_SMTP };

#define SERVER_HOST_MAX 255                   /* bytes, with the brackets of an IPv6 address */
#define SERVER_URL_MAX (SERVER_HOST_MAX + 17) /* bytes: "pop3s://", host, ":65535" */

struct server {
    enum server_protocol protocol;
    bool tls;   /* from the first byte; else by STARTTLS, except on this machine */
    bool local; /* a loopback address or localhost */
    uint16_t port;
    char host[SERVER_HOST_MAX + 1];
    char url[SERVER_URL_MAX + 1]; /* scheme, host, port: no more */
};

/* Parses `len` bytes: imaps://, pop3s://, smtps:// or one of them without its "s", a host, maybe a port and a final
 * slash. The port is the protocol's where none is given; that of smtp:// is 587. False for everything else. */
bool server_parse(struct server *s, const char *text, size_t len);

/* The next one of a list as glob_next() takes it. `*list` moves on. False at the end, or at a wrong one. */
bool server_next(struct server *s, const char **list);

/* Whether all of a list is right, and there is at least one. */
bool server_list_is_good(const char *list);

#endif
