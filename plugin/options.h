/* The plugin's options: what the application answers to getopt, then the file xoauth2.conf.
 *
 * The file is read when the plugin is loaded and kept, because programs leave their root directory and their
 * user id behind later. What is wrong with it is kept too, and told at the first step. */
#ifndef XOAUTH2_OPTIONS_H
#define XOAUTH2_OPTIONS_H

#include "failure.h"

#include <stdbool.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#define OPTIONS_FILE "xoauth2.conf"
#define OPTIONS_TIMEOUT_DEFAULT 30 /* seconds */
#define OPTIONS_TIMEOUT_MAX 600    /* seconds */

/* What can be chosen. */
struct options {
    bool password;      /* the application's password is the token; nobody else is asked */
    char *agent_socket; /* NULL: the default places */
    char *helper;       /* NULL: the installed program */
    unsigned timeout;   /* seconds for all token sources together */
};

/* The file, as it was at load. */
struct options_file {
    bool found;             /* there is one, and this user may read it */
    struct report wrong;    /* FAILURE_NONE, or why it cannot be used */
    struct options options; /* what it says, or the defaults */
};

/* Reads the first xoauth2.conf in `path`, folders separated by colons. Logs nothing. */
void options_load(struct options_file *f, const char *path);

/* The folders in which libsasl2 looks for configuration. Lives as long as libsasl2. */
const char *options_path(const sasl_utils_t *utils);

/* Frees. */
void options_unload(struct options_file *f);

/* Whether the application answers one of the options. */
bool options_given(const sasl_utils_t *utils);

/* Gathers the options of a connection. If its password is the token the others do not matter, and are not asked
 * for. False with FAILURE_CONFIG in `*why`; `o` can be freed in any case. */
bool options_gather(struct options *o, const struct options_file *f, const sasl_utils_t *utils, struct report *why);

/* Frees the content. */
void options_free(struct options *o);

#endif
