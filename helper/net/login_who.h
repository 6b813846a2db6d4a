/* Whether the person who signed in is the one that the account is for. The wrong browser profile is the everyday
 * cause of a token that the mail server refuses. */
#ifndef XOAUTH2_LOGIN_WHO_H
#define XOAUTH2_LOGIN_WHO_H

#include "identity.h"
#include "login.h"

#include <stdbool.h>

/* Finds out who it is, says so, and asks where that is somebody else. False with FAILURE_NOT_ALLOWED where the login
 * must not be kept. `*who` is the caller's to free in any case. */
bool login_who(struct login *l, const struct oauth_answer *answer, struct identity *who, struct report *why);

#endif
