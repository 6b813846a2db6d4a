/* The authorization request (RFC 6749, section 4.1.1) with PKCE (RFC 7636, S256 alone). */
#ifndef XOAUTH2_AUTHORIZE_H
#define XOAUTH2_AUTHORIZE_H

#include "failure.h"

#include <stdbool.h>

#define AUTHORIZE_RANDOM_BYTES 32 /* 256 bits, for each of state and verifier */
#define AUTHORIZE_RANDOM_CHARS 43 /* the same in base64url, without padding */

/* The secrets of one login. */
struct authorization {
    char state[AUTHORIZE_RANDOM_CHARS + 1];
    char verifier[AUTHORIZE_RANDOM_CHARS + 1];
};

/* What goes into the address. NULL leaves a parameter out. */
struct authorize_request {
    const char *endpoint; /* may have a query of its own, which stays */
    const char *client_id;
    const char *redirect_uri;
    const char *scope;
    const char *login_hint;
    const char *parameters; /* the provider's own: name=value pairs separated by white space */
};

/* Draws new secrets. False with FAILURE_UNREACHABLE where the system gives no random bytes. */
bool authorize_begin(struct authorization *a, struct report *why);

/* The S256 challenge of a verifier (RFC 7636, section 4.2). */
bool authorize_challenge(const char *verifier, char challenge[AUTHORIZE_RANDOM_CHARS + 1]);

/* The address to open in a browser. It holds the state and the challenge, but not the verifier, and may be shown. The
 * caller frees. NULL with a report. */
char *authorize_url(const struct authorization *a, const struct authorize_request *request, struct report *why);

/* Wipes both. */
void authorize_end(struct authorization *a);

#endif
