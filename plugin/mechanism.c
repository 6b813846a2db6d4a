#include "config.h"

#include "mechanism.h"

#include "ask.h"
#include "configured.h"
#include "grammar.h"
#include "source.h"
#include "text.h"
#include "transport.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

struct mechanism {
    const char *name;
    bool (*build)(struct secret *out, const struct grammar_login *login);
    const char *acknowledgement; /* what answers an error challenge */
};

/* The server waits for an empty answer before it fails the command. */
const struct mechanism MECHANISM_XOAUTH2 = {"XOAUTH2", grammar_xoauth2, ""};

/* RFC 7628, section 3.2.3. */
const struct mechanism MECHANISM_OAUTHBEARER = {"OAUTHBEARER", grammar_oauthbearer, "\001"};

enum state {
    STATE_START, /* nothing sent yet */
    STATE_SENT,  /* the message is sent; the server answers */
    STATE_DONE,
};

struct connection {
    const struct mechanism *mechanism;
    const struct mechanism_global *global;
    enum state state;
    struct options options;
    struct ask ask;
    enum source from;
    struct secret token;   /* kept to name it when the server refuses it; empty if it is a password */
    struct secret message; /* lives until the end: programs reuse the pointer */
};

const char *mechanism_name(const struct mechanism *mechanism)
{
    return mechanism->name;
}

/* The one place where a failure becomes a code of libsasl2. */
static int sasl_code(enum failure failure)
{
    static const int CODES[] = {
        [FAILURE_NONE] = SASL_FAIL, /* whatever failed, it was no success */
        [FAILURE_NO_ACCOUNT] = SASL_NOUSER,
        [FAILURE_NOT_ALLOWED] = SASL_NOAUTHZ,
        [FAILURE_WRONG_HOST] = SASL_NOAUTHZ,
        [FAILURE_LOGIN_NEEDED] = SASL_EXPIRED,
        [FAILURE_UNREACHABLE] = SASL_UNAVAIL,
        [FAILURE_BUSY] = SASL_TRYAGAIN,
        [FAILURE_CONFIG] = SASL_CONFIGERR,
    };
    return CODES[failure];
}

/* Tells the user, who sees the error or the log or both, and returns `code`. */
static int fail(const sasl_utils_t *utils, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail(const sasl_utils_t *utils, int code, const char *format, ...)
{
    char text[REPORT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_neutralize(text);
    utils->seterror(utils->conn, SASL_NOLOG, "%s", text);
    utils->log(utils->conn, SASL_LOG_ERR, "%s", text);
    return code;
}

int mechanism_new(const struct mechanism *mechanism, const struct mechanism_global *global,
                  sasl_client_params_t *params, void **conn_context)
{
    struct connection *c = malloc(sizeof *c);
    if (!c)
        return fail(params->utils, SASL_NOMEM, "not enough memory");
    *c = (struct connection){.mechanism = mechanism, .global = global};
    secret_init(&c->token, SOURCE_TOKEN_MAX);
    secret_init(&c->message, GRAMMAR_MESSAGE_MAX);
    *conn_context = c;
    return SASL_OK;
}

void mechanism_dispose(void *conn_context, const sasl_utils_t *utils)
{
    (void)utils;
    struct connection *c = conn_context;
    if (!c)
        return;
    secret_free(&c->token);
    secret_free(&c->message);
    options_free(&c->options);
    free(c);
}

static int ask_failed(const struct connection *c, const sasl_utils_t *utils, int code, const char *what)
{
    if (code == SASL_BADPARAM)
        return fail(utils, code, "%s needs a %s, and this program cannot ask for one: set it in its configuration",
                    c->mechanism->name, what);
    /* Only an error may leave the step as one: a callback that answers nonsense must not look like a success. */
    return fail(utils, code < 0 ? code : SASL_FAIL, "this program gave no %s: set it in its configuration", what);
}

/* What is wrong with a name once libsasl2 has rewritten it; mostly it has not. */
static const char *rewritten_fault(const char *before, size_t before_len, const char *after, size_t after_len)
{
    if (before_len == after_len && memcmp(before, after, after_len) == 0)
        return NULL;
    return grammar_user_fault(after, after_len);
}

/* Checks the names and gives them to libsasl2, which may change them. */
static int take_names(struct connection *c, sasl_client_params_t *params, sasl_out_params_t *oparams)
{
    const struct ask *ask = &c->ask;
    const sasl_utils_t *utils = params->utils;
    bool other = ask->authzid_len > 0; /* another's mailbox */
    const char *fault = grammar_user_fault(ask->authid, ask->authid_len);
    if (!fault && other)
        fault = grammar_user_fault(ask->authzid, ask->authzid_len);
    if (fault)
        return fail(utils, SASL_BADPARAM, "the user name %s: correct it in this program's configuration", fault);
    unsigned authid_flags = SASL_CU_AUTHID;
    int result = SASL_OK;
    if (!other)
        authid_flags |= SASL_CU_AUTHZID;
    else
        result = params->canon_user(utils->conn, ask->authzid, (unsigned)ask->authzid_len, SASL_CU_AUTHZID, oparams);
    if (result == SASL_OK)
        result = params->canon_user(utils->conn, ask->authid, (unsigned)ask->authid_len, authid_flags, oparams);
    if (result != SASL_OK)
        return fail(utils, result,
                    "libsasl2 does not accept the user name: correct it in this program's configuration");
    fault = rewritten_fault(ask->authid, ask->authid_len, oparams->authid, oparams->alen);
    if (!fault && other)
        fault = rewritten_fault(ask->authzid, ask->authzid_len, oparams->user, oparams->ulen);
    if (fault)
        return fail(utils, SASL_BADPARAM, "the user name %s once libsasl2 has rewritten it: correct it", fault);
    return SASL_OK;
}

/* Where this connection looks for tokens. A program with raised privileges takes none from places that its caller
 * chose. `own_socket` is the place for a path that is found. */
static struct source_places find_places(const struct connection *c, char own_socket[TRANSPORT_PATH_MAX])
{
    struct source_places places = {.system_socket = RUNDIR "/agent.sock", .machine_has_accounts = configured_machine};
    if (getauxval(AT_SECURE))
        return places;
    const struct options *o = &c->options;
    places.user_socket_chosen = o->agent_socket != NULL;
    places.user_socket = o->agent_socket ? o->agent_socket : transport_user_socket(own_socket) ? own_socket : NULL;
    places.helper_chosen = o->helper != NULL;
    places.helper = o->helper ? o->helper : BINDIR "/xoauth2";
    return places;
}

static struct source_query make_query(const struct connection *c, const sasl_client_params_t *params,
                                      const sasl_out_params_t *oparams)
{
    bool same = strcmp(oparams->user, oparams->authid) == 0;
    return (struct source_query){
        .account = oparams->authid,
        .authzid = same ? NULL : oparams->user,
        .service = params->service,
        .host = params->serverFQDN,
        .port = grammar_port(params->ipremoteport),
        .mechanism = c->mechanism->name,
    };
}

/* Takes the application's password as the token. Points `login` at it. */
static int token_from_password(const struct connection *c, const sasl_utils_t *utils, struct grammar_login *login)
{
    login->token = c->ask.password;
    login->token_len = c->ask.password_len;
    if (login->token_len > 0 && login->token[login->token_len - 1] == '\n')
        login->token_len--;
    const char *fault = grammar_token_fault(login->token, login->token_len);
    if (fault)
        return fail(
            utils, SASL_BADPARAM,
            "the password, which xoauth2_token_source makes the access token, %s: give this program a token as "
            "its password, or set xoauth2_token_source to auto",
            fault);
    return SASL_OK;
}

/* Gets the token from an agent or the helper. */
static int token_from_source(struct connection *c, const sasl_client_params_t *params,
                             const sasl_out_params_t *oparams, struct grammar_login *login)
{
    char own_socket[TRANSPORT_PATH_MAX];
    struct source_places places = find_places(c, own_socket);
    struct source_query query = make_query(c, params, oparams);
    struct report why;
    if (!source_get(&places, &query, c->options.timeout, &c->token, &c->from, &why))
        return fail(params->utils, sasl_code(why.code), "%s", why.text);
    login->token = c->token.data;
    login->token_len = c->token.len;
    const char *fault = grammar_token_fault(login->token, login->token_len);
    if (fault)
        return fail(params->utils, SASL_BADPARAM, "the access token for %s %s: run 'xoauth2 refresh %s'",
                    query.account, fault, query.account);
    return SASL_OK;
}

/* Reads the options, asks for names and password, and checks everything but the token. */
static int prepare(struct connection *c, sasl_client_params_t *params, sasl_interact_t **prompt_need,
                   sasl_out_params_t *oparams)
{
    const sasl_utils_t *utils = params->utils;
    const char *what = "";
    struct report why;
    options_free(&c->options); /* from the round before, if the application was prompted */
    if (!options_gather(&c->options, &c->global->options, utils, &why))
        return fail(utils, sasl_code(why.code), "%s", why.text);
    int result = ask_application(&c->ask, utils, c->options.password, prompt_need, &what);
    if (result != SASL_OK)
        return result == SASL_INTERACT ? result : ask_failed(c, utils, result, what);
    result = take_names(c, params, oparams);
    if (result != SASL_OK)
        return result;
    const char *fault = grammar_host_fault(params->serverFQDN, params->serverFQDN ? params->slen : 0);
    if (fault)
        return fail(utils, SASL_BADPARAM, "the server's name %s: correct it in this program's configuration", fault);
    return SASL_OK;
}

static int first_step(struct connection *c, sasl_client_params_t *params, sasl_interact_t **prompt_need,
                      const char **clientout, unsigned *clientoutlen, sasl_out_params_t *oparams)
{
    int result = prepare(c, params, prompt_need, oparams);
    if (result != SASL_OK)
        return result;
    struct grammar_login login = {
        .user = oparams->user,
        .user_len = oparams->ulen,
        .host = params->serverFQDN,
        .host_len = params->serverFQDN ? params->slen : 0,
        .port = grammar_port(params->ipremoteport),
    };
    result = c->options.password ? token_from_password(c, params->utils, &login)
                                 : token_from_source(c, params, oparams, &login);
    if (result != SASL_OK)
        return result;
    if (!c->mechanism->build(&c->message, &login))
        return fail(params->utils, SASL_NOMEM, "not enough memory");
    *clientout = c->message.data;
    *clientoutlen = (unsigned)c->message.len;
    c->state = STATE_SENT;
    return SASL_CONTINUE;
}

/* Lets the source of the token know what the server said of it, and logs what there is to say about that. */
static void tell_source(struct connection *c, const sasl_client_params_t *params, const sasl_out_params_t *oparams,
                        const char *challenge, unsigned len)
{
    char encoded[(SOURCE_CHALLENGE_MAX + 2) / 3 * 4 + 1];
    char own_socket[TRANSPORT_PATH_MAX];
    struct report advice;
    unsigned encoded_len = 0;
    const sasl_utils_t *utils = params->utils;
    if (c->from == SOURCE_NONE || len > SOURCE_CHALLENGE_MAX ||
        utils->encode64(challenge, len, encoded, sizeof encoded, &encoded_len) != SASL_OK)
        return;
    struct source_places places = find_places(c, own_socket);
    struct source_query query = make_query(c, params, oparams);
    source_reject(&places, c->from, &query, &c->token, encoded, &advice);
    /* As an error: a lower level passes no program's log unless its log_level was raised. */
    if (advice.text[0])
        utils->log(utils->conn, SASL_LOG_ERR, "%s", advice.text);
}

static int second_step(struct connection *c, const sasl_client_params_t *params, const char *serverin,
                       unsigned serverinlen, const char **clientout, unsigned *clientoutlen,
                       sasl_out_params_t *oparams)
{
    bool is_error = serverin && serverinlen > 0;
    if (is_error && serverin[0] == '{')
        tell_source(c, params, oparams, serverin, serverinlen);
    /* Without any data from the server there must be none from the client either. */
    *clientout = is_error ? c->mechanism->acknowledgement : serverin ? "" : NULL;
    *clientoutlen = is_error ? (unsigned)strlen(c->mechanism->acknowledgement) : 0;
    oparams->doneflag = 1;
    oparams->mech_ssf = 0;
    oparams->maxoutbuf = 0;
    oparams->encode_context = NULL;
    oparams->encode = NULL;
    oparams->decode_context = NULL;
    oparams->decode = NULL;
    c->state = STATE_DONE;
    return SASL_OK;
}

int mechanism_step(void *conn_context, sasl_client_params_t *params, const char *serverin, unsigned serverinlen,
                   sasl_interact_t **prompt_need, const char **clientout, unsigned *clientoutlen,
                   sasl_out_params_t *oparams)
{
    struct connection *c = conn_context;
    *clientout = NULL;
    *clientoutlen = 0;
    switch (c->state) {
    case STATE_START:
        return first_step(c, params, prompt_need, clientout, clientoutlen, oparams);
    case STATE_SENT:
        return second_step(c, params, serverin, serverinlen, clientout, clientoutlen, oparams);
    case STATE_DONE:
        break;
    }
    return fail(params->utils, SASL_BADPROT, "%s is over, and the server goes on: try again", c->mechanism->name);
}
