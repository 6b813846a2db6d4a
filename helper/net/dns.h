/* Questions to the system's name servers. What they answer is believed as far as the network is: nothing here checks
 * DNSSEC, so it is good for a hint to a person, and not for sending a token by it. */
#ifndef XOAUTH2_DNS_H
#define XOAUTH2_DNS_H

#include <stdbool.h>
#include <stddef.h>

#define DNS_HOST_MAX 254  /* bytes of a host name, with its NUL */
#define DNS_TEXT_MAX 1024 /* bytes of a TXT record that is looked at, with its NUL */
#define DNS_TRY_SECONDS 2 /* wait for one name server; each of the at most three is asked DNS_TRIES times */
#define DNS_TRIES 1

struct sockaddr_in;

/* Asks for the records of one type (ns_t_mx, ns_t_txt), by UDP alone. Returns the length of the answer, or 0 where
 * there is none or none came in time and whole; then `*silent` tells the latter. A name that is no host name is not
 * asked for. */
size_t dns_ask(const char *name, int type, unsigned char *answer, size_t size, bool *silent);

/* Whether the bytes are a host name that can be shown and compared: a resolver hands out any bytes. Service names
 * such as
 * "_ua-auto-config.example.org" count. */
bool dns_is_host(const char *name);

/* Calls `each` with the text of every TXT record of an answer, its strings joined; one that is too long or has a NUL
 * is passed over. */
void dns_each_text(const unsigned char *answer, size_t len, void (*each)(void *arg, const char *text), void *arg);

/* The name server to ask instead of those in resolv.conf: a unit test puts its own there. */
extern const struct sockaddr_in *dns_server;

#endif
