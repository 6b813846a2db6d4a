/* What becomes of a sign-in whose tokens are not kept. */
#ifndef XOAUTH2_LOGIN_DROP_H
#define XOAUTH2_LOGIN_DROP_H

#include "login.h"

/* Revokes the new login at the provider where that can end no other one, and else says who can end it. Does nothing
 * where the account has a state: from before, or because it was written all the same. What fails here is no error. */
void login_drop(struct login *l, const struct oauth_answer *answer);

#endif
