#include "config.h"

#include "plugin.h"

#include "configured.h"
#include "mechanism.h"

#include <stdlib.h>

enum { MECHANISM_COUNT = 2 };

/* One load of the plugin: sasl_client_init() to sasl_client_done(). Nothing in it changes in between, so that
 * connections in any number of threads and processes can share it. */
struct load {
    sasl_client_plug_t plugs[MECHANISM_COUNT]; /* first: libsasl2 keeps its address, so no leak checker complains */
    struct mechanism_global global;
    int mechanisms_left; /* libsasl2 frees each mechanism by itself */
};

/* A bearer token is readable on a bare wire, so there is no NOPLAINTEXT. NODICTIONARY puts the mechanisms above
 * PLAIN and LOGIN. */
static const unsigned CONFIGURED_FLAGS = SASL_SEC_NOANONYMOUS | SASL_SEC_PASS_CREDENTIALS | SASL_SEC_NODICTIONARY;

/* Puts them below ANONYMOUS: where nobody has set up OAuth, a server that offers it changes no login. */
static const unsigned UNCONFIGURED_FLAGS = SASL_SEC_PASS_CREDENTIALS;

/* NULL would mean a password as well, and there is none in most programs that use this. */
static const unsigned long REQUIRED_PROMPTS[] = {SASL_CB_AUTHNAME, SASL_CB_LIST_END};

static int new_xoauth2(void *glob_context, sasl_client_params_t *params, void **conn_context)
{
    const struct load *load = glob_context;
    return mechanism_new(&MECHANISM_XOAUTH2, &load->global, params, conn_context);
}

static int new_oauthbearer(void *glob_context, sasl_client_params_t *params, void **conn_context)
{
    const struct load *load = glob_context;
    return mechanism_new(&MECHANISM_OAUTHBEARER, &load->global, params, conn_context);
}

static void free_mechanism(void *glob_context, const sasl_utils_t *utils)
{
    (void)utils;
    struct load *load = glob_context;
    if (--load->mechanisms_left > 0)
        return;
    options_unload(&load->global.options);
    free(load);
}

static sasl_client_plug_t make_plug(struct load *load, const struct mechanism *mechanism, unsigned security_flags,
                                    int (*mech_new)(void *, sasl_client_params_t *, void **))
{
    return (sasl_client_plug_t){
        .mech_name = mechanism_name(mechanism),
        .max_ssf = 0,
        .security_flags = security_flags,
        .features = SASL_FEAT_WANT_CLIENT_FIRST | SASL_FEAT_ALLOWS_PROXY,
        .required_prompts = REQUIRED_PROMPTS,
        .glob_context = load,
        .mech_new = mech_new,
        .mech_step = mechanism_step,
        .mech_dispose = mechanism_dispose,
        .mech_free = free_mechanism,
    };
}

int sasl_client_plug_init(const sasl_utils_t *utils, int max_version, int *out_version, sasl_client_plug_t **pluglist,
                          int *plugcount)
{
    if (max_version < SASL_CLIENT_PLUG_VERSION)
        return SASL_BADVERS;
    struct load *load = calloc(1, sizeof *load);
    if (!load)
        return SASL_NOMEM;
    options_load(&load->global.options, options_path(utils));
    bool configured = load->global.options.found || options_given(utils) || configured_accounts();
    unsigned flags = configured ? CONFIGURED_FLAGS : UNCONFIGURED_FLAGS;
    load->plugs[0] = make_plug(load, &MECHANISM_XOAUTH2, flags, new_xoauth2);
    load->plugs[1] = make_plug(load, &MECHANISM_OAUTHBEARER, flags, new_oauthbearer);
    load->mechanisms_left = MECHANISM_COUNT;
    *out_version = SASL_CLIENT_PLUG_VERSION;
    *pluglist = load->plugs;
    *plugcount = MECHANISM_COUNT;
    return SASL_OK;
}
