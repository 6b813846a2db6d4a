/* Where tokens come from: the user's agent, the system's agent, the helper program; in this order. */
#ifndef XOAUTH2_SOURCE_H
#define XOAUTH2_SOURCE_H

#include "failure.h"
#include "secret.h"

#include <stdbool.h>

#define SOURCE_TOKEN_MAX 65536     /* bytes; what a message of the protocol can carry is less */
#define SOURCE_REJECT_MS 2000      /* telling a source that its token was refused takes no longer */
#define SOURCE_CHALLENGE_MAX 16384 /* bytes of a server's answer that are passed on; a longer one is not */

enum source {
    SOURCE_NONE,
    SOURCE_USER_AGENT,
    SOURCE_SYSTEM_AGENT,
    SOURCE_HELPER,
};

/* Where to look. The strings are not owned. */
struct source_places {
    const char *user_socket;   /* NULL: none is asked */
    bool user_socket_chosen;   /* the user named it, so that its absence is a failure */
    const char *system_socket; /* NULL: none is asked */
    const char *helper;        /* NULL: none is run */
    bool helper_chosen;        /* the user named it */
    bool (*machine_has_accounts)(void); /* whether the system's agent would have some; may be NULL */
};

/* What is asked for. The strings are not owned; NULL where not known. */
struct source_query {
    const char *account; /* the authentication name: who owns the token */
    const char *authzid; /* whose mailbox, if it is another's */
    const char *service;
    const char *host;
    const char *port;
    const char *mechanism;
};

/* Gets a token within `timeout` seconds. A source that has no account for the user, that does not let him use
 * it, or that cannot be reached hands on to the next one; any other answer, and the time-out, are final. Of
 * several failures `*why` tells the most specific. `*from` says who gave the token. */
bool source_get(const struct source_places *places, const struct source_query *query, unsigned timeout,
                struct secret *token, enum source *from, struct report *why);

/* Tells the source that the server refused its token. `challenge` is the server's answer in base64. `*advice` is
 * what the source has to say about it, empty if nothing; a failure is not reported. */
void source_reject(const struct source_places *places, enum source from, const struct source_query *query,
                   const struct secret *token, const char *challenge, struct report *advice);

#endif
