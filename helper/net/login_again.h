/* The command to run after a login that has not come to its end. Such a login has written nothing, so the command has
 * to say again all that the first one said. */
#ifndef XOAUTH2_LOGIN_AGAIN_H
#define XOAUTH2_LOGIN_AGAIN_H

#include "login.h"

#define LOGIN_AGAIN_MAX 600 /* bytes, with the NUL: it has to fit into a report beside the words */

/* Writes "xoauth2 login", the options that were given, `more` and the account into `out`. `more` is an option that
 * takes the place of the one that was given ("--browser" that of "--device" too), or "". A command that is too long
 * is told instead of written: "the same command with MORE". Never holds a secret: the command line did not. */
void login_again(const struct login *l, const char *more, char out[LOGIN_AGAIN_MAX]);

#endif
