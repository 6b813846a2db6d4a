/* Which mail servers a domain has: the MX records of DNS (RFC 5321, section 5.1). Good enough to guess a provider by,
 * since the guess is told to the person; not good enough to send a token by. */
#ifndef XOAUTH2_MX_H
#define XOAUTH2_MX_H

#include <stdbool.h>
#include <stddef.h>

#define MX_HOSTS_MAX 16 /* hosts that are looked at */
#define MX_HOST_MAX 254 /* bytes of a host name, with its NUL */

struct mx {
    bool silent; /* no name server has answered in time */
    size_t count;
    char host[MX_HOSTS_MAX][MX_HOST_MAX]; /* in the order of the answer, without a final dot */
};

/* Asks for the hosts of a domain. False where there are none, or no answer came in time. */
bool mx_lookup(const char *domain, struct mx *mx);

/* Reads an answer. False where it has no usable record. */
bool mx_parse(const unsigned char *answer, size_t len, struct mx *mx);

#endif
