/* Renewing an access token, with the refresh token of a state (RFC 6749, section 6) or by a grant without a person
 * (grant.h): which request, and what its answer does to the state. No file is touched here and nobody waits, but in
 * renew_now(); so a program with its own event loop can use the parts. */
#ifndef XOAUTH2_RENEW_H
#define XOAUTH2_RENEW_H

#include "account.h"
#include "failure.h"
#include "grant.h"
#include "http.h"
#include "oauth.h"
#include "settings.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define RENEW_TRIES_MAX 2         /* requests in one renewal */
#define RENEW_PAUSE 1000          /* milliseconds before a second one, where the server says nothing */
#define RENEW_QUICK 3000          /* milliseconds; a failure that took longer is not worth another wait */
#define RENEW_PAUSE_MAX 5         /* seconds of Retry-After that are waited for */
#define RENEW_RETRY_DELAY 5       /* seconds to leave the server alone after a transient failure */
#define RENEW_RETRY_DELAY_MAX 300 /* seconds; a longer Retry-After counts as this */

/* One renewal. `state` and the account outlive it. */
struct renewal {
    struct oauth_client client; /* token_endpoint, client_id: those that this refresh token goes with */
    struct state *state;
    struct grant_source grant;
    char *scope;     /* NULL: none is sent */
    char *sent;      /* the refresh token that the last request carried */
    int64_t sent_at; /* wall-clock seconds */
};

/* Checks that there is a refresh token and where it may go, before anything is spent: to the endpoint that the
 * account or its provider file names, else to the one that was recorded when it was issued; never to one found later.
 * `r` is overwritten; renew_close() is allowed whatever the result. False with FAILURE_LOGIN_NEEDED or
 * FAILURE_CONFIG. */
bool renew_open(struct renewal *r, const struct account *a, const struct paths *p, struct state *s,
                struct report *why);
void renew_close(struct renewal *r);

/* Finds the token endpoint of an account without a refresh token, where neither its settings nor its state have one,
 * in the issuer's metadata. Waits for the network. True where nothing is to be done. */
bool renew_discover(struct renewal *r, struct report *why);

/* As origin_changed(), for a client whose endpoints are those of the settings still. */
enum setting renew_origin_changed(const struct oauth_client *c, const struct state *s);

/* Completes the client by what the state has of the login: token endpoint, client id and how the client proves
 * itself, where the settings do not say. The origin must not have changed. False where memory is short. */
bool renew_recall(struct oauth_client *c, const struct state *s, struct report *why);

/* The address that a token of this state may be sent to, of the two kinds that may be used: `configured` if not NULL,
 * else `recorded`. NULL where there is none, or the origin has changed. */
const char *renew_endpoint(const struct oauth_client *c, const struct state *s, const char *configured,
                           const char *recorded);

/* Starts the request. NULL with a report. A token_command is none: renew_now() alone runs it. */
struct http_exchange *renew_start(struct renewal *r, int64_t timeout, struct report *why);

enum renew_result {
    RENEW_OK,      /* the state has the new tokens: commit it, now */
    RENEW_REFUSED, /* the server refused this refresh token (invalid_grant) */
    RENEW_FAILED,  /* anything else */
};

/* Takes a reply into the state: the new tokens, or the last error. The refresh token stays whatever the error. After
 * a failure too the state is to be committed, since it holds what is to be remembered, and maybe a new refresh token.
 * But if its refresh token is still the one that was sent, look first whether the disk has another one, which a
 * process on another machine that shares the folder may have put there: that one must not be overwritten. */
enum renew_result renew_finish(struct renewal *r, const struct http_reply *reply, struct report *why);

/* Records a request that got no answer; `*why` says what happened. */
void renew_unanswered(struct renewal *r, const struct report *why);

/* Milliseconds after which the same request may be sent again, or -1: only if the server cannot have worked on it.
 * Nothing left (name not found, connection refused, TLS failed), or it answered that it would not (429, 503). After a
 * time-out, a cut connection or another 5xx it may have rotated the refresh token already, and the old one sent once
 * more can cost the whole login where reuse is taken for theft. */
int renew_pause(const struct http_reply *reply, bool answered);

/* All of it, waiting at most `timeout` milliseconds, with RENEW_TRIES_MAX tries. As renew_finish(). */
enum renew_result renew_now(struct renewal *r, int64_t timeout, struct report *why);

#endif
