/* The authorization code grant with a browser (RFC 6749 section 4.1, RFC 7636, RFC 8252). */
#ifndef XOAUTH2_LOGIN_BROWSER_H
#define XOAUTH2_LOGIN_BROWSER_H

#include "login.h"

#include <stdbool.h>

/* The whole flow, up to the token: listens for the browser, starts it, and takes what comes first, the redirect or
 * its address pasted into the terminal. False with a report. */
bool login_browser(struct login *l, struct oauth_answer *answer, struct report *why);

#endif
