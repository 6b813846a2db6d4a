/* The bytes that go to the server: XOAUTH2's message, and OAUTHBEARER's (RFC 7628, section 3.1). */
#ifndef XOAUTH2_GRAMMAR_H
#define XOAUTH2_GRAMMAR_H

#include "secret.h"

#include <stdbool.h>
#include <stddef.h>

#define GRAMMAR_USER_MAX 1024           /* bytes; libsasl2 itself takes no more */
#define GRAMMAR_HOST_MAX 255            /* bytes; DNS has no longer name */
#define GRAMMAR_TOKEN_MAX (1024 * 1024) /* bytes */

/* Everything that a message may be made of. The strings are not owned. */
struct grammar_login {
    const char *user;
    size_t user_len;
    const char *token;
    size_t token_len;
    const char *host; /* its length is 0: not known */
    size_t host_len;
    const char *port; /* decimal; NULL: not known */
};

/* What is wrong with a user name, as words that continue "the user name ", or NULL: it must not be empty,
 * and be UTF-8 without control characters. Static. */
const char *grammar_user_fault(const char *user, size_t len);

/* The same for a server's name, which may be empty. */
const char *grammar_host_fault(const char *host, size_t len);

/* The same for an access token, which must be a b64token (RFC 6750, section 2.1). */
const char *grammar_token_fault(const char *token, size_t len);

/* The port in libsasl2's "ADDRESS;PORT", or NULL where that is not a decimal number of 1 to 65535 without
 * leading zeros. Points into `address`, which may be NULL. */
const char *grammar_port(const char *address);

/* The most bytes that either message takes. `out` needs this limit. */
#define GRAMMAR_MESSAGE_MAX (GRAMMAR_TOKEN_MAX + 3 * GRAMMAR_USER_MAX + GRAMMAR_HOST_MAX + 64)

/* Write a message into `out`, which is emptied first. All parts have been found faultless. False when memory is
 * short. */
bool grammar_xoauth2(struct secret *out, const struct grammar_login *login);
bool grammar_oauthbearer(struct secret *out, const struct grammar_login *login);

#endif
