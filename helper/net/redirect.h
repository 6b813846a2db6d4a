/* Reading the address to which the provider sends the browser back (RFC 6749, section 4.1.2; RFC 9207). */
#ifndef XOAUTH2_REDIRECT_H
#define XOAUTH2_REDIRECT_H

#include <stdbool.h>

#define REDIRECT_URL_MAX 16384 /* bytes */

/* What the answer to this login must carry. */
struct redirect_expected {
    const char *state;
    const char *issuer; /* NULL where it is not known; then `iss` cannot be checked */
    bool iss_required;  /* the server says that it always sends `iss` */
};

enum redirect_result {
    REDIRECT_CODE,    /* `code` is set */
    REDIRECT_ERROR,   /* the provider's refusal: `error` is set, perhaps `description` */
    REDIRECT_REFUSED, /* an answer to this login that must not be used: `problem` says why */
    REDIRECT_FOREIGN, /* no answer to this login; the wait goes on. `problem` says why */
};

/* The fields of an answer, decoded but not yet made harmless for a terminal. */
struct redirect {
    char *code;
    char *error;
    char *description;
    const char *problem; /* static */
};

/* Reads a whole URL, from the browser or as a person pasted it; white space and quotes around it do not count.
 * `state` is compared in constant time, before anything else is looked at. `*r` is overwritten. */
enum redirect_result redirect_read(const char *url, const struct redirect_expected *expected, struct redirect *r);

/* Wipes and frees. */
void redirect_free(struct redirect *r);

#endif
