/* Signed JSON Web Tokens (RFC 7519, RFC 7515): what a client or a service account proves itself with (RFC 7523).
 * libcrypto signs; this brings the parts into their form. */
#ifndef XOAUTH2_JWT_H
#define XOAUTH2_JWT_H

#include "failure.h"
#include "secret.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JWT_KEY_FILE_MAX 65536 /* bytes of a PEM file */
#define JWT_RSA_BITS_MIN 2048  /* RFC 7518, section 3.3 */
#define JWT_TOKEN_MAX 16384    /* bytes of a signed token */
#define JWT_THUMBPRINT_CHARS 43

struct json_object;
struct jwt_key; /* a private key; wiped when it is freed */

/* RFC 7518, section 3.1. JWT_PS256's salt is as long as its hash (section 3.5). */
enum jwt_algorithm { JWT_RS256, JWT_PS256, JWT_ES256 };

/* Reads a private key from PEM text. `what` names it in reports. NULL with FAILURE_CONFIG: no key, an encrypted one,
 * one that is neither RSA of JWT_RSA_BITS_MIN nor EC on P-256. */
struct jwt_key *jwt_key_parse(const struct secret *pem, const char *what, struct report *why);

/* Reads it from a file with none of the `forbidden_mode` bits that belongs to root or `owner`. */
struct jwt_key *jwt_key_load(const char *path, mode_t forbidden_mode, uid_t owner, struct report *why);

void jwt_key_free(struct jwt_key **key);

/* JWT_ES256 for an EC key, else `rsa`. */
enum jwt_algorithm jwt_key_algorithm(const struct jwt_key *key, enum jwt_algorithm rsa);

/* The x5t#S256 (RFC 7515, section 4.1.8) of the first certificate in a PEM file, which must be valid at `now`
 * (wall-clock seconds) and belong to the key. The file must not be writable to others. False with FAILURE_CONFIG. */
bool jwt_thumbprint(const char *path, uid_t owner, const struct jwt_key *key, int64_t now,
                    char thumbprint[JWT_THUMBPRINT_CHARS + 1], struct report *why);

/* What goes into the header beside alg and typ; NULL leaves one out. */
struct jwt_header {
    const char *key_id;     /* kid */
    const char *thumbprint; /* x5t#S256 */
};

/* Signs the claims, a JSON object, into `out`, which is emptied first: the compact form (RFC 7515, section 7.1).
 * False with FAILURE_CONFIG where the key does not suit the algorithm, or FAILURE_UNREACHABLE. */
bool jwt_sign(const struct jwt_key *key, enum jwt_algorithm algorithm, const struct jwt_header *header,
              struct json_object *claims, struct secret *out, struct report *why);

/* A `jti` that no other token has: 128 random bits. */
#define JWT_ID_CHARS 22
bool jwt_id(char id[JWT_ID_CHARS + 1], struct report *why);

#endif
