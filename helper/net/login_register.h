/* A login without a client id: this program registers itself (register.h), once for each issuer. */
#ifndef XOAUTH2_LOGIN_REGISTER_H
#define XOAUTH2_LOGIN_REGISTER_H

#include "login.h"

#include <stdbool.h>

#define REGISTER_PROBE_TIMEOUT 10000 /* milliseconds for the question whether a server still knows the client */

/* Whether the account is one for which that may be done: it has an issuer, and no client and no endpoints of its own.
 */
bool login_register_applies(const struct login *l);

/* Gives l->client its id: the one that is kept, where the server still knows it, else a new one, which is on disk
 * before it is used. After oauth_discover() and the choice of the scope. False with a report. */
bool login_register(struct login *l, struct report *why);

/* To be told the `error` of every refusal during a login; NULL is allowed. */
void login_register_heard(struct login *l, const char *error);

/* After a refused login: whether it is worth trying once more, since the server did not know the client and has been
 * given a new registration. False leaves `*why` alone where that was not the reason. */
bool login_register_again(struct login *l, struct report *why);

#endif
