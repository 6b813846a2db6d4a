/* A login as a mail program makes it: libcurl opens the connection, libsasl2 and the plugin that it finds log in. */
#ifndef XOAUTH2_TEST_SASL_H
#define XOAUTH2_TEST_SASL_H

#include "failure.h"
#include "test_attempt.h"
#include "test_talk.h"

#include <curl/curl.h>
#include <stdbool.h>

/* Loads libsasl2's plugins. Once, and test_sasl_end() after it, whatever the result. */
bool test_sasl_init(struct report *why);
void test_sasl_end(void);

/* Connects, logs in and sends the command that follows. `e` has all settings but those of the login. True: `*code` is
 * what libcurl would say of it, with CURLE_LOGIN_DENIED for a login that the server refuses. False where the login
 * did not get as far as that because of libsasl2 or the plugin, and the attempt has its result and its report. */
bool test_sasl_login(CURL *e, struct talk *t, const char *user, struct attempt *a, CURLcode *code);

#endif
