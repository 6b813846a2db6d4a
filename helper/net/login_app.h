/* `xoauth2 login` for an account without a person: nothing is asked; a first token proves that the account works. */
#ifndef XOAUTH2_LOGIN_APP_H
#define XOAUTH2_LOGIN_APP_H

#include "login.h"

#include <stdbool.h>

/* Whether the account, as it will be, needs nobody who logs in. */
bool login_app_applies(const struct login *l);

/* Fetches a token and writes state and account file. False with a report; then nothing was written. */
bool login_app(struct login *l, struct report *why);

#endif
