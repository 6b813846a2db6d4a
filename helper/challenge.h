/* What a mail server's challenge says when it refuses a token (RFC 7628, section 3.2.2; XOAUTH2 servers give an HTTP
 * status). */
#ifndef XOAUTH2_CHALLENGE_H
#define XOAUTH2_CHALLENGE_H

#include <stddef.h>

#define CHALLENGE_CONFIGURATION_MAX 200 /* bytes of an address, with its NUL; a longer one is not shown */

enum challenge_verdict { CHALLENGE_OTHER, CHALLENGE_STALE, CHALLENGE_FORBIDDEN, CHALLENGE_MALFORMED };

struct challenge {
    enum challenge_verdict verdict;
    char configuration[CHALLENGE_CONFIGURATION_MAX]; /* see below */
};

/* Reads one; anything that is no such JSON is CHALLENGE_OTHER. */
struct challenge challenge_read(const char *text, size_t len);

struct json_object;

/* The address of the server's "openid-configuration": https, harmless to show; else empty. It is a hint for a person
 * and no more: a server that refuses tokens must not choose where the next one comes from. */
void challenge_configuration(struct json_object *root, char out[CHALLENGE_CONFIGURATION_MAX]);

#endif
