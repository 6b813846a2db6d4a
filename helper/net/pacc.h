/* What a mail domain publishes for mail programs: its servers and its OAuth issuer (draft-ietf-mailmaint-pacc-03).
 * Nothing of it is trusted because it was found; see login_found.h. */
#ifndef XOAUTH2_PACC_H
#define XOAUTH2_PACC_H

#include "dns.h"
#include "failure.h"

#include <stdbool.h>
#include <stddef.h>

#define PACC_ISSUER_MAX 512  /* bytes of an issuer, with its NUL */
#define PACC_ADDRESS_MAX 384 /* bytes of the document's address, with its NUL */
#define PACC_DIGEST_CHARS 44 /* SHA-256 in base64 */
#define PACC_TIMEOUT 8000    /* milliseconds to fetch the document */

enum pacc_protocol { PACC_IMAP, PACC_POP3, PACC_SUBMISSION, PACC_PROTOCOL_COUNT };

struct pacc {
    char issuer[PACC_ISSUER_MAX];                 /* empty where no OAuth server is named */
    char host[PACC_PROTOCOL_COUNT][DNS_HOST_MAX]; /* in lower case; empty where the domain has no such server */
};

/* Reads a document: JSON whose members that are not known do not count. Needs no network. Returns NULL, or what is
 * wrong with it; `*found` is empty then. Every string of it is visible ASCII, the issuer https without user, query,
 * fragment or dot segments. */
const char *pacc_parse(const char *data, size_t len, struct pacc *found);

/* The text that a TXT record has as its "d=" for this document. False where libcrypto fails. */
bool pacc_digest(const char *data, size_t len, char digest[PACC_DIGEST_CHARS + 1]);

enum pacc_record {
    PACC_RECORD_FOREIGN, /* a TXT record for something else */
    PACC_RECORD_OTHER,   /* it vouches for another document, or by a digest that is not known here */
    PACC_RECORD_MATCHES,
};

/* Reads one TXT record, "v=UAAC1; a=sha256; d=..."; a NULL digest matches none. */
enum pacc_record pacc_read_record(const char *text, const char *digest);

struct http;

enum pacc_result {
    PACC_FOUND,
    PACC_NONE,     /* the domain publishes nothing, or DNS does not answer; no report */
    PACC_UNUSABLE, /* it does, but what it publishes cannot be used: `*why` says why */
};

/* Looks for the document of a domain: first the TXT record that announces it, then the document, over https alone; it
 * must be the one that the record vouches for. */
enum pacc_result pacc_find(struct http *h, const char *domain, struct pacc *found, struct report *why);

/* Where the document of a domain is. False where the name is too long. */
bool pacc_address(const char *domain, char address[PACC_ADDRESS_MAX]);

#endif
