/* Tokens without a person: client credentials, service accounts, managed identities, commands. Which request each
 * makes; renew.h sends it and takes the answer into the state. */
#ifndef XOAUTH2_GRANT_H
#define XOAUTH2_GRANT_H

#include "account.h"
#include "oauth.h"

#include <stdbool.h>
#include <stdint.h>

#define GRANT_FIELDS 4             /* of a request, with the NULL that ends it */
#define GRANT_ASSERTION_LIFETIME 3600 /* seconds: the most that Google takes */
#define GRANT_COMMAND_LIFETIME 60     /* seconds, where token_command does not say: it keeps its own tokens */

/* What one account needs beside its client. All owned. */
struct grant_source {
    enum grant kind;
    char *scope; /* NULL: none is sent */
    struct jwt_key *key; /* GRANT_JWT_BEARER: signs the assertion ... */
    char *issuer;        /* ... of this one ... */
    char *key_id;        /* ... or NULL */
    bool google;         /* its scope stands in the assertion */
    struct secret assertion; /* the last one */
};

/* Reads what the grant needs: files, scope; for a service account its token endpoint, where `c` has none. `g` is
 * overwritten; grant_close() is allowed whatever the result. False with FAILURE_CONFIG naming file and key. */
bool grant_open(struct grant_source *g, struct oauth_client *c, const struct paths *p, struct report *why);
void grant_close(struct grant_source *g);

/* Makes a new assertion, where the grant has one. */
bool grant_prepare(struct grant_source *g, const struct oauth_client *c, struct report *why);

/* The form of the request, as last prepared. Pointers live as long as `g`. */
void grant_fill(const struct grant_source *g, struct http_field fields[GRANT_FIELDS]);

/* Starts the request for a managed identity: App Service's endpoint where the environment has one (IDENTITY_ENDPOINT,
 * IDENTITY_HEADER), else that of virtual machines. NULL with a report. */
struct http_exchange *grant_start_identity(const struct grant_source *g, struct oauth_client *c, int64_t timeout,
                                           struct report *why);

/* Runs token_command. `*answer` is overwritten; the caller frees it. */
bool grant_run_command(const struct account *a, int64_t timeout, struct oauth_answer *answer, struct report *why);

/* Reads what token_command wrote: a token in the first line, or JSON with access_token (or accessToken) and perhaps
 * expires_in or expires_on. False where it is neither. */
bool grant_parse_output(const struct secret *output, struct oauth_answer *answer);

#endif
