/* Whether tokens still belong to what an account's settings name. An account file can be edited, or replaced by one
 * of another provider, while its tokens stay: these must not go there. */
#ifndef XOAUTH2_ORIGIN_H
#define XOAUTH2_ORIGIN_H

#include "account.h"
#include "store.h"

/* A word for how an access token is got: the grant, and of those without a login a hash of the settings that tell
 * from where and for whom. */
#define ORIGIN_SOURCE_MAX 48 /* bytes, with the NUL */
void origin_source(const struct account *a, char source[ORIGIN_SOURCE_MAX]);

/* What the settings name; NULL where they name nothing. */
struct origin {
    char *issuer;
    char *client_id;
    char *token_endpoint;
    char source[ORIGIN_SOURCE_MAX];
};

/* False with FAILURE_UNREACHABLE where memory is short. The caller frees, whatever the result. */
bool origin_take(struct origin *o, const struct account *a, struct report *why);
void origin_free(struct origin *o);

/* Notes in a state that comes from elsewhere, with this account, what it does not say of its origin. False where
 * memory is short. */
bool origin_stamp(const struct origin *o, struct state *s);

/* The setting that was changed since the refresh token was issued: SETTING_ISSUER, SETTING_CLIENT_ID, or, where no
 * issuer tells and another server is named now, SETTING_TOKEN_ENDPOINT. SETTING_COUNT: none. What either side does
 * not know counts as unchanged. */
enum setting origin_changed(const struct origin *o, const struct state *s);

/* "the issuer of ACCOUNT was changed after the last login: run ...", with FAILURE_LOGIN_NEEDED. Returns false. */
bool origin_report(enum setting changed, const char *name, const struct paths *p, struct report *why);

/* The same for an account as it is now, where a person logs in. False with that report, or where memory is short. */
bool origin_check(const struct account *a, const struct state *s, const struct paths *p, struct report *why);

/* Takes an access token that was issued before such a change, or got in another way, out of `s`; the disk is left as
 * it is. */
void origin_forget(const struct origin *o, struct state *s);

#endif
