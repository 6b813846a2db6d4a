#include "config.h"

#include "mx.h"

#include <arpa/nameser.h>
#include <limits.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

const struct sockaddr_in *mx_server;

/* What may stand in a host name that is shown and compared: a resolver hands out any bytes. */
static bool is_host(const char *name)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return *name && *name != '.' && name[strspn(name, ALLOWED)] == '\0';
}

/* Takes the host of one record. The "null MX" of a domain without mail (RFC 7505) is none. */
static void take(const ns_msg *message, const ns_rr *record, struct mx *mx)
{
    char *host = mx->host[mx->count];
    const unsigned char *name = ns_rr_rdata(*record) + NS_INT16SZ; /* behind the preference */
    if (ns_rr_type(*record) != ns_t_mx || ns_rr_rdlen(*record) <= NS_INT16SZ)
        return;
    if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), name, host, MX_HOST_MAX) < 0 || !is_host(host))
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
    struct __res_state resolver = {0};
    mx->count = 0;
    if (!is_host(domain) || res_ninit(&resolver) != 0)
        return false;
    resolver.retrans = MX_TRY_SECONDS;
    resolver.retry = MX_TRIES;
    if (mx_server) {
        resolver.nscount = 1;
        resolver.nsaddr_list[0] = *mx_server;
    }
    int len = res_nquery(&resolver, domain, ns_c_in, ns_t_mx, answer, sizeof answer);
    res_nclose(&resolver);
    return len > 0 && (size_t)len <= sizeof answer && mx_parse(answer, (size_t)len, mx);
}
