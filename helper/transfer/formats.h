/* The token files of other programs: sasl-xoauth2, mutt_oauth2.py, oama. */
#ifndef XOAUTH2_FORMATS_H
#define XOAUTH2_FORMATS_H

#include "transfer.h"

#include <stdbool.h>

/* What the command line gives, which goes before what a file says. NULL where not given. */
struct formats_given {
    bool system; /* for the machine's accounts */
    const char *account;
    const char *provider;
    const char *client_id;
    const char *client_secret_file;
    const char *config; /* sasl-xoauth2's own settings; a missing file counts only where it was given */
};

/* Reads one file, of which `text` is the content and `name` the name for reports. `*program` gets the program that it
 * belongs to. False with FAILURE_CONFIG; the words name file and member, and never hold a value. */
bool formats_read(const struct secret *text, const char *name, const struct formats_given *given, struct transfer *t,
                  const char **program, struct report *why);

#endif
