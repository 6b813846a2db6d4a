/* Who signed in: from the id_token that came with the token, or from the userinfo endpoint.
 *
 * The id_token is only decoded. It came straight from the token endpoint over TLS, which stands in for its signature
 * (OpenID Connect Core 1.0, section 3.1.3.7); its issuer and audience are checked. */
#ifndef XOAUTH2_IDENTITY_H
#define XOAUTH2_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

/* In the order in which they are preferred. */
enum identity_claim {
    IDENTITY_EMAIL,
    IDENTITY_PREFERRED_USERNAME,
    IDENTITY_UPN, /* Microsoft */
    IDENTITY_SUB, /* often an opaque number */
    IDENTITY_CLAIM_COUNT
};

/* What is known. The strings are harmless to show. */
struct identity {
    char *claim[IDENTITY_CLAIM_COUNT];
};

void identity_free(struct identity *who);

/* Who must have made an id_token, and for whom. */
struct identity_source {
    const char *issuer; /* NULL where it is not known */
    bool any_tenant;    /* it stands for all tenants of Entra: see struct oauth_client */
    const char *client_id;
};

/* Adds what the id_token says. False, with a static text in `*problem`, for one that cannot be believed; nothing is
 * added then. */
bool identity_add_id_token(struct identity *who, const char *id_token, const struct identity_source *from,
                           const char **problem);

/* Adds what the userinfo endpoint answered. False for an answer that is not such JSON or is about somebody else than
 * the id_token (OpenID Connect Core 1.0, section 5.3.2). */
bool identity_add_userinfo(struct identity *who, const char *data, size_t len);

/* Whether one of the claims names a person as mail does; `sub` alone does not count. */
bool identity_has_name(const struct identity *who);

/* The best name to show, or NULL where nothing is known. */
const char *identity_name(const struct identity *who);

enum identity_match {
    IDENTITY_UNKNOWN, /* nothing is known that could be compared */
    IDENTITY_SAME,    /* one of the claims is the account's name; letters of either case are equal */
    IDENTITY_OTHER,
};
enum identity_match identity_compare(const struct identity *who, const char *account);

#endif
