/* The account that a login is for: its file as it is, changed by the command line. */
#ifndef XOAUTH2_LOGIN_ACCOUNT_H
#define XOAUTH2_LOGIN_ACCOUNT_H

#include "login.h"

#include <stdbool.h>

/* Fills l->text and l->account; writes nothing. Without a provider it is guessed from the address and said so. False
 * with FAILURE_CONFIG. */
bool login_account_gather(struct login *l, struct report *why);

/* Remembers what only the server's metadata told and every renewal has to know, so that it goes into the account
 * file: that it takes the client's secret in no other way than HTTP Basic. */
void login_account_learn(struct login *l, const struct oauth_client *found);

/* Writes the account file, if there is something to change. What its owner has changed in it while the login went on
 * is kept: the file is read and changed anew. False with a report; the file is as it was then. */
bool login_account_write(struct login *l, struct report *why);

/* Before the person is asked for anything: whether login_account_write() will work, as far as is known by then. Makes
 * the folder where it is missing. False with a report. */
bool login_account_try(const struct login *l, struct report *why);

/* Whether the client can be used at the provider: it has an id, and a secret where one is needed; the reports teach
 * how to get them. l->client must be open. */
bool login_account_check_client(const struct login *l, struct report *why);

/* What the provider is called, for people. Lives as long as the account. */
const char *login_account_provider(const struct login *l);

#endif
