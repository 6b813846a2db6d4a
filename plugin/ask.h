/* What the application is asked for: through its callbacks, or through prompts (SASL_INTERACT). */
#ifndef XOAUTH2_ASK_H
#define XOAUTH2_ASK_H

#include "secret.h"

#include <stdbool.h>
#include <stddef.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

/* Answers, and the list of prompts for those that are missing. The list is handed to the application and must
 * live until the next step or the end of the connection. */
struct ask {
    const char *authid; /* the application's; lives until the step returns */
    size_t authid_len;
    const char *authzid; /* the same; NULL where the application has none */
    size_t authzid_len;
    const char *password; /* the same; only if it was asked for */
    size_t password_len;
    sasl_interact_t prompts[4];
};

/* Asks for the names, and for the password if `want_password`. The prompts that the application answered, if
 * any, are in `*prompt_need`, which is set to NULL.
 * SASL_OK: all is there. SASL_INTERACT: `*prompt_need` lists what is missing. Anything else: the callback named in
 * `*what` ("user name" or "password") failed, or prompts are needed that the program cannot show. */
int ask_application(struct ask *ask, const sasl_utils_t *utils, bool want_password, sasl_interact_t **prompt_need,
                    const char **what);

#endif
