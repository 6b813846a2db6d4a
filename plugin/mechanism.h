/* The two mechanisms as one state machine: a message, then at most one answer to the server's error. */
#ifndef XOAUTH2_MECHANISM_H
#define XOAUTH2_MECHANISM_H

#include "options.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

/* What both mechanisms share from load to unload. */
struct mechanism_global {
    struct options_file options;
};

/* What sets the mechanisms apart. */
struct mechanism;
extern const struct mechanism MECHANISM_XOAUTH2;
extern const struct mechanism MECHANISM_OAUTHBEARER;

const char *mechanism_name(const struct mechanism *mechanism);

/* Starts a connection. `*conn_context` is for the two functions below. Wrong options are told at the first step,
 * where an error reaches the user. SASL_OK or SASL_NOMEM. */
int mechanism_new(const struct mechanism *mechanism, const struct mechanism_global *global,
                  sasl_client_params_t *params, void **conn_context);

/* As sasl_client_plug_t.mech_step. The first step ends with SASL_CONTINUE, since an error from the server may
 * follow; the second with SASL_OK, since it is the server that decides. */
int mechanism_step(void *conn_context, sasl_client_params_t *params, const char *serverin, unsigned serverinlen,
                   sasl_interact_t **prompt_need, const char **clientout, unsigned *clientoutlen,
                   sasl_out_params_t *oparams);

/* As sasl_client_plug_t.mech_dispose. */
void mechanism_dispose(void *conn_context, const sasl_utils_t *utils);

#endif
