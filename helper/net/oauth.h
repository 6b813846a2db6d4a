/* OAuth 2.0 (RFC 6749): token requests, their answers, and what an error means. */
#ifndef XOAUTH2_OAUTH_H
#define XOAUTH2_OAUTH_H

#include "account.h"
#include "http.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define OAUTH_LIFETIME_ASSUMED 3600 /* seconds, where expires_in is missing (RFC 6749, section 5.1) */

/* A client that talks to one account's provider. All strings are owned. */
struct oauth_client {
    const struct account *account;
    struct http *http;
    char *issuer;
    char *authorization_endpoint;
    char *token_endpoint;
    char *device_authorization_endpoint;
    char *revocation_endpoint;
    char *userinfo_endpoint;
    char *client_id;
    struct secret client_secret; /* empty: a public client */
    bool basic;                  /* client_secret_basic instead of _post */
    bool iss_required;           /* RFC 9207: authorization_response_iss_parameter_supported */
    char *scopes_supported;      /* separated by spaces; NULL where unknown */
    char *registration_endpoint;
};

/* Fills the client from the account's settings alone; no network. */
bool oauth_client_open(struct oauth_client *c, const struct account *a, const struct paths *p, struct report *why);
void oauth_client_close(struct oauth_client *c);

/* Fills in the endpoints that the settings do not give from the issuer's metadata (OpenID Connect Discovery 1.0 section 4, then
 * RFC 8414 section 3). The document's issuer must be the one asked for; its endpoints must be allowed addresses. Does
 * nothing where authorization (or device) and token endpoint are known already. */
bool oauth_discover(struct oauth_client *c, struct report *why);

/* An answer of the token endpoint (RFC 6749, section 5), or of another endpoint that answers errors in that form. */
struct oauth_answer {
    bool ok;
    char *access_token;
    char *refresh_token; /* NULL: keep the old one */
    char *id_token;
    char *scope;
    int64_t expires_in;         /* seconds; OAUTH_LIFETIME_ASSUMED where missing */
    int64_t refresh_expires_in; /* seconds, from refresh_token_expires_in or refresh_expires_in; 0 unknown */
    char *error;                /* the `error` field; NULL where the answer was not such JSON */
    char *description;
    int64_t retry_after;
};
void oauth_answer_free(struct oauth_answer *answer);

/* Sends one token request: `fields` (ending with a NULL name) plus client_id and, in the form the account wants, the secret.
 * True when an answer came, good or bad; `*why` then holds the class and words for a bad one (oauth_classify).
 * False where none came. */
bool oauth_token_request(struct oauth_client *c, const struct http_field fields[], int64_t timeout,
                         struct oauth_answer *answer, struct report *why);

/* Reads a reply. Anything that is not the JSON of RFC 6749 is an answer without `error`, FAILURE_UNREACHABLE. Needs no network:
 * the unit tests feed it recorded replies. */
void oauth_parse_answer(const struct http_reply *reply, struct oauth_answer *answer);

/* What a bad answer means, in the classes of failure.h, and words with the advice for this provider's error
 * (see advice.h). `account` is for "run 'xoauth2 login ACCOUNT'". `during_login`: nothing to log in again for. */
void oauth_classify(const struct oauth_answer *answer, long status, const char *host, const char *account,
                    bool during_login, struct report *why);

/* Takes a good answer into the state: tokens, times, scope; clears the last error; keeps the old refresh token where none came.
 * False where memory is short or a token is unusable (too long, or not RFC 6750 b64token). */
bool oauth_apply(struct state *s, const struct oauth_answer *answer, const struct oauth_client *c, int64_t now,
                 struct report *why);

#endif
