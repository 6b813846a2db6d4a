/* Putting a login on disk: the state first, since the refresh token must not be lost, then the account file. */
#ifndef XOAUTH2_LOGIN_SAVE_H
#define XOAUTH2_LOGIN_SAVE_H

#include "login.h"
#include "store.h"

#include <stdbool.h>

/* Before the person is asked for anything: whether both can be written. Makes their folders where they are missing,
 * and no file that stays but the lock of a state that is there. False with a report. */
bool login_save_check(const struct login *l, struct report *why);

/* Writes both. `s` gets the time and what only newer versions know of the old state. False with a report that says
 * what is on disk. */
bool login_save_state(struct login *l, struct state *s, struct report *why);

/* The same with the answer to a login as the state, and says what was written. `signed_in_as` may be NULL. */
bool login_save(struct login *l, const struct oauth_answer *answer, const char *signed_in_as, struct report *why);

#endif
