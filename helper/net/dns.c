#include "config.h"

#include "dns.h"

#include <arpa/nameser.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

const struct sockaddr_in *dns_server;

bool dns_is_host(const char *name)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    return *name && *name != '.' && name[strspn(name, ALLOWED)] == '\0';
}

/* Whether the answer lacks what had no room in it. */
static bool is_truncated(const unsigned char *answer)
{
    HEADER header;
    memcpy(&header, answer, sizeof header);
    return header.tc;
}

/* By UDP alone: the resolver has no time-out for TCP, so a server could hold us there for as long as it likes. */
static void set_limits(struct __res_state *resolver)
{
    resolver->retrans = DNS_TRY_SECONDS;
    resolver->retry = DNS_TRIES;
    resolver->options &= ~(unsigned long)RES_USEVC;
    resolver->options |= RES_IGNTC | RES_USE_EDNS0;
    if (dns_server) {
        resolver->nscount = 1;
        resolver->nsaddr_list[0] = *dns_server;
    }
}

size_t dns_ask(const char *name, int type, unsigned char *answer, size_t size, bool *silent)
{
    struct __res_state resolver = {0};
    *silent = false;
    if (!dns_is_host(name) || size < sizeof(HEADER) || size > INT_MAX || res_ninit(&resolver) != 0)
        return 0;
    set_limits(&resolver);
    memset(answer, 0, sizeof(HEADER));
    int len = res_nquery(&resolver, name, ns_c_in, type, answer, (int)size);
    *silent = is_truncated(answer) || (len < 0 && resolver.res_h_errno == TRY_AGAIN);
    res_nclose(&resolver);
    return !*silent && len > 0 && (size_t)len <= size ? (size_t)len : 0;
}

/* The strings of a record one after the other (RFC 1035, section 3.3.14). */
static bool join_strings(const ns_rr *record, char text[DNS_TEXT_MAX])
{
    const unsigned char *data = ns_rr_rdata(*record);
    size_t left = ns_rr_rdlen(*record);
    size_t used = 0;
    while (left > 0) {
        size_t len = *data;
        if (len + 1 > left || used + len >= DNS_TEXT_MAX || memchr(data + 1, '\0', len))
            return false;
        memcpy(text + used, data + 1, len);
        used += len;
        data += len + 1;
        left -= len + 1;
    }
    text[used] = '\0';
    return true;
}

void dns_each_text(const unsigned char *answer, size_t len, void (*each)(void *arg, const char *text), void *arg)
{
    ns_msg message;
    ns_rr record;
    char text[DNS_TEXT_MAX];
    if (len > INT_MAX || ns_initparse(answer, (int)len, &message) != 0)
        return;
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        if (ns_parserr(&message, ns_s_an, i, &record) != 0)
            return;
        if (ns_rr_type(record) == ns_t_txt && join_strings(&record, text))
            each(arg, text);
    }
}
