/* What the steps of a login share. */
#ifndef XOAUTH2_LOGIN_H
#define XOAUTH2_LOGIN_H

#include "account.h"
#include "login_options.h"
#include "login_provider.h"
#include "oauth.h"
#include "pacc.h"
#include "paths.h"
#include "terminal.h"

#define LOGIN_WAIT_MAX 600000     /* milliseconds the browser may take */
#define LOGIN_QUESTION_MAX 300000 /* milliseconds a question may take */
#define LOGIN_ANSWER_MAX 512      /* bytes of the name or the address of a provider */

struct login {
    struct login_options options;
    struct paths paths;
    char name[ACCOUNT_NAME_MAX + 1];
    struct terminal terminal;
    struct secret text;     /* the account file, as it will be written */
    struct account account; /* the same, parsed */
    struct oauth_client client;
    char guessed[PROVIDER_NAME_MAX + 1]; /* the provider, where the address alone tells it; else empty */
    char answered[LOGIN_ANSWER_MAX];     /* what the person said when asked for it; an option points here then */
    struct pacc found; /* what the address's domain names; the options point into it and the two lists */
    char found_hosts[PACC_PROTOCOL_COUNT * (DNS_HOST_MAX + 1)];
    char found_servers[PACC_PROTOCOL_COUNT * (DNS_HOST_MAX + 16)];
    char *scope;                         /* to ask for; NULL for none */
    bool scope_chosen;                   /* it is the default with a bare issuer, and goes into the account file */
    bool wants_basic;                    /* the server's metadata asks for client_secret_basic: as above */
    bool registered; /* the client id is of this program's own registration: see login_register.h */
    bool client_unknown;                 /* and the server has just said that it does not know it */
    int64_t asked_at;                    /* wall-clock seconds when the token was asked for */
};

#endif
