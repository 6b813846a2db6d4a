/* Whether tokens still belong to what an account's settings name. An account file can be edited, or replaced by one of
 * another provider, while its tokens stay: these must not go there. */
#ifndef XOAUTH2_ORIGIN_H
#define XOAUTH2_ORIGIN_H

#include "account.h"
#include "store.h"

/* What the settings name; NULL where they name nothing. */
struct origin {
    char *issuer;
    char *client_id;
    char *token_endpoint;
};

/* False with FAILURE_UNREACHABLE where memory is short. The caller frees, whatever the result. */
bool origin_take(struct origin *o, const struct account *a, struct report *why);
void origin_free(struct origin *o);

/* The setting that was changed since the tokens were issued: SETTING_ISSUER, SETTING_CLIENT_ID, or, where no issuer
 * tells and another server is named now, SETTING_TOKEN_ENDPOINT. SETTING_COUNT: none. What either side does not know
 * counts as unchanged. */
enum setting origin_changed(const struct origin *o, const struct state *s);

/* "the issuer of ACCOUNT was changed after the last login: run ...", with FAILURE_LOGIN_NEEDED. Returns false. */
bool origin_report(enum setting changed, const char *name, const struct paths *p, struct report *why);

/* The same for an account as it is now, where a person logs in. False with that report, or where memory is short. */
bool origin_check(const struct account *a, const struct state *s, const struct paths *p, struct report *why);

/* Takes an access token that was issued before such a change out of `s`; the disk is left as it is. */
void origin_forget(const struct origin *o, struct state *s);

#endif
