/* OAuth 2.0 (RFC 6749): token requests, their answers, and what an error means. */
#ifndef XOAUTH2_OAUTH_H
#define XOAUTH2_OAUTH_H

#include "account.h"
#include "http.h"
#include "jwt.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define OAUTH_LIFETIME_ASSUMED 3600 /* seconds, where expires_in is missing (RFC 6749, section 5.1), 0 or negative   \
                                     */
#define OAUTH_LIFETIME_MAX (366 * 86400)            /* seconds; a longer expires_in counts as this */
#define OAUTH_REFRESH_LIFETIME_MAX (3660LL * 86400) /* the same for refresh tokens */
#define OAUTH_FIELDS_MAX 16        /* fields of one request, with those that client authentication adds */
#define OAUTH_ERROR_MAX 64         /* bytes of an `error` field; a longer one is none */
#define OAUTH_DESCRIPTION_MAX 1000 /* bytes kept of an error_description */
#define OAUTH_MEMORY_PATIENCE 5000 /* milliseconds */

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
    char *login;                 /* ACCOUNT as `xoauth2 login` wants it, with --system where that is so */
    struct secret client_secret; /* empty: a public client, or one that proves itself by assertions */
    struct jwt_key *key;         /* signs its assertions (private_key_jwt); else NULL */
    char thumbprint[JWT_THUMBPRINT_CHARS + 1]; /* of the certificate of `key`; else empty */
    const char *assertion_file;  /* has its assertions, which somebody else signs; else NULL */
    struct secret assertion;     /* the last one that was sent */
    bool basic;                  /* client_secret_basic instead of _post */
    bool iss_required;           /* RFC 9207: authorization_response_iss_parameter_supported */
    bool any_tenant;             /* its metadata names the issuer with "{tenantid}": Entra's for many tenants */
    char *scopes_supported;      /* separated by spaces; NULL where unknown */
    char *registration_endpoint;
    char *protected_resources;   /* the servers that the tokens are for (RFC 9728), as above */
    bool open; /* by the OAuth Profile for Open Public Clients: its metadata is that of RFC 8414 first */
};

/* How long an assertion is valid (RFC 7523, section 3), in seconds. */
#define OAUTH_ASSERTION_LIFETIME 600

/* The claims of a new assertion that every kind has: iss, aud, iat, nbf, exp, jti; and sub where it is not NULL. NULL
 * with a report. */
struct json_object *oauth_claims(const char *issuer, const char *subject, const char *audience, int64_t lifetime,
                                 struct report *why);

/* Fills the client from the account's settings alone; no network, but client_secret_command is run. `c` is
 * overwritten; oauth_client_close() is allowed whatever the result. */
bool oauth_client_open(struct oauth_client *c, const struct account *a, const struct paths *p, struct report *why);
void oauth_client_close(struct oauth_client *c);

/* Fills in the endpoints that the settings do not give from the issuer's metadata (OpenID Connect Discovery 1.0
 * section 4, then RFC 8414 section 3). The document's issuer must be the one asked for; its endpoints must be allowed
 * addresses. Does nothing where authorization (or device) and token endpoint are known already. */
bool oauth_discover(struct oauth_client *c, struct report *why);

/* Whether `given` is the issuer with this tenant in the place of the word ("common", "organizations", "consumers")
 * that stands for all of them in Entra's addresses. */
bool oauth_is_issuer_of_tenant(const char *issuer, const char *tenant, const char *given);

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
    char *token_type; /* NULL where missing */
};
void oauth_answer_free(struct oauth_answer *answer);

/* Sends one token request: `fields` (ending with a NULL name) plus client_id and, in the form the account wants, the
 * secret.
 * `*answer` is overwritten; the caller frees it whatever the result. True when an answer came, good or bad; `*why`
 * then holds the class and words for a bad one (oauth_classify). False where none came. */
bool oauth_token_request(struct oauth_client *c, const struct http_field fields[], int64_t timeout,
                         struct oauth_answer *answer, struct report *why);

/* The two halves of it, for a program with its own event loop (http.h), and for other endpoints where the client
 * authenticates itself: device authorization, revocation. NULL with a report. */
struct http_exchange *oauth_start(struct oauth_client *c, const char *url, const struct http_field fields[],
                                  int64_t timeout, struct report *why);

/* Reads the reply to `fields`: whatever secret was sent is blotted out of an error's description, since that will be
 * shown. `*why` is set for a bad answer. */
void oauth_finish(const struct oauth_client *c, const char *url, const struct http_field fields[],
                  const struct http_reply *reply, struct oauth_answer *answer, struct report *why);

/* Reads a reply. Anything that is not the JSON of RFC 6749 is an answer without `error`, FAILURE_UNREACHABLE. Needs
 * no network: the unit tests feed it recorded replies. It may hold the only copy of a new refresh token: where memory
 * is short it is waited for, OAUTH_MEMORY_PATIENCE at most. */
void oauth_parse_answer(const struct http_reply *reply, struct oauth_answer *answer);

/* Whether a reply that broke off has a whole good answer all the same: only the end of the transfer, or of the
 * connection, was lost then. A server that rotates has spent the old refresh token by now. */
bool oauth_is_whole(const struct http_reply *reply);

/* Overwrites a secret where a text that will be shown repeats it. NULL as text is allowed; a secret too short to be
 * one is left. */
void oauth_blot_out(char *text, const char *secret);

/* What a bad answer means, in the classes of failure.h, and words with the advice for this provider's error
 * (see advice.h). `account` is for "run 'xoauth2 login ACCOUNT'", so with "--system " before it for the system's
 * store. `during_login`: nothing to log in again for. */
void oauth_classify(const struct oauth_answer *answer, long status, const char *host, const char *account,
                    bool during_login, struct report *why);

/* Takes a good answer into the state: tokens, times, scope, and from `c` where they came from; clears the last error;
 * keeps the old refresh token where none came. False where memory is short or a token is unusable (too long, or an
 * access token that is no RFC 6750 b64token): then too what is usable was taken over, so commit the state, lest a new
 * refresh token be lost. `now`: wall-clock seconds when the request was sent. */
bool oauth_apply(struct state *s, const struct oauth_answer *answer, const struct oauth_client *c, int64_t now,
                 struct report *why);

#endif
