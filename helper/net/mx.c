#include "config.h"

#include "mx.h"

#include "dns.h"

#include <arpa/nameser.h>
#include <limits.h>
#include <resolv.h>

/* Takes the host of one record. The "null MX" of a domain without mail (RFC 7505) is none. */
static void take(const ns_msg *message, const ns_rr *record, struct mx *mx)
{
    char *host = mx->host[mx->count];
    const unsigned char *name = ns_rr_rdata(*record) + NS_INT16SZ; /* behind the preference */
    if (ns_rr_type(*record) != ns_t_mx || ns_rr_rdlen(*record) <= NS_INT16SZ)
        return;
    if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), name, host, MX_HOST_MAX) < 0 ||
        !dns_is_host(host))
        return;
    mx->count++;
}

bool mx_parse(const unsigned char *answer, size_t len, struct mx *mx)
{
    ns_msg message;
    ns_rr record;
    mx->count = 0;
    if (len > INT_MAX || ns_initparse(answer, (int)len, &message) != 0)
        return false;
    for (int i = 0; i < ns_msg_count(message, ns_s_an) && mx->count < MX_HOSTS_MAX; i++) {
        if (ns_parserr(&message, ns_s_an, i, &record) != 0)
            break;
        take(&message, &record, mx);
    }
    return mx->count > 0;
}

bool mx_lookup(const char *domain, struct mx *mx)
{
    unsigned char answer[NS_MAXMSG];
    mx->count = 0;
    size_t len = dns_ask(domain, ns_t_mx, answer, sizeof answer, &mx->silent);
    return len > 0 && mx_parse(answer, len, mx);
}
