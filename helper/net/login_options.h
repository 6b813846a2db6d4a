/* The command line of `xoauth2 login`. */
#ifndef XOAUTH2_LOGIN_OPTIONS_H
#define XOAUTH2_LOGIN_OPTIONS_H

#include "settings.h"

#include <stdbool.h>
#include <stddef.h>

#define LOGIN_SET_MAX 32 /* times that --set may be given */

enum login_flow { LOGIN_FLOW_ANY, LOGIN_FLOW_BROWSER, LOGIN_FLOW_DEVICE };

/* Strings are those of the command line, NULL where not given; the two files are absolute and owned. */
struct login_options {
    bool system;
    bool no_open;
    bool allow_other_user;
    enum login_flow flow;
    const char *provider;
    const char *issuer;
    const char *tenant;
    const char *client_id;
    const char *scope;
    const char *account;
    char *client_secret_file;
    char *ca_file;
    struct {
        enum setting key;
        const char *value; /* empty: the key is removed */
    } set[LOGIN_SET_MAX];
    size_t set_count;
};

enum login_options_result {
    LOGIN_OPTIONS_GOOD,
    LOGIN_OPTIONS_HELPED, /* --help or --version was given and answered on standard output */
    LOGIN_OPTIONS_WRONG,  /* the reason is on standard error */
};

enum login_options_result login_options_read(struct login_options *o, int argc, char **argv);
void login_options_free(struct login_options *o);

#endif
