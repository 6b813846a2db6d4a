/* What must not stand on a command line. */
#ifndef XOAUTH2_ARGUMENT_H
#define XOAUTH2_ARGUMENT_H

#include <stdbool.h>

/* Why, and what to do instead. */
extern const char ARGUMENT_SECRET_REFUSED[];

/* Whether an option is meant to have a client's secret as its value: its name has the word "secret", or is short for
 * --client-secret-file. getopt_long() would take the secret for that file's name, and a message show it. */
bool argument_is_secret(int argc, char *const argv[]);

#endif
