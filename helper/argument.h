/* Mistakes on a command line. */
#ifndef XOAUTH2_ARGUMENT_H
#define XOAUTH2_ARGUMENT_H

#include <getopt.h>
#include <stdbool.h>

/* Why, and what to do instead. */
extern const char ARGUMENT_SECRET_REFUSED[];

/* Whether an option is meant to have a client's secret as its value: its name has the word "secret", or is short for
 * --client-secret-file. getopt_long() would take the secret for that file's name, and a message show it. */
bool argument_is_secret(int argc, char *const argv[]);

/* How to call an option that getopt_long() has just given, when it has no meaning: `word`, the last that it has done
 * with, or "-x" for an unknown short one ('?'), since more may follow in its own word, so that the last is another.
 * Static, until the next call. */
const char *argument_unknown(int given, const struct option known[], const char *word);

#endif
