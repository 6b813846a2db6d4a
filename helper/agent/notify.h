/* Telling a person that something is to be done: the account's notify_command, run once when the login has ended (not
 * again before a login has succeeded) and once when the refresh token nears its end. That holds across restarts:
 * in the folder of the tokens the files NAME.told and NAME.warned have the time at which it was run last for the
 * one and for the other.
 *
 * The command is run as runner.h says, with two more arguments: a heading and a sentence, neither with a secret. It
 * is not waited for. */
#ifndef XOAUTH2_NOTIFY_H
#define XOAUTH2_NOTIFY_H

#include "entry.h"

/* Runs the command if it is time to. */
void notify_if_needed(struct entry *e);

/* In the starter: runs the notify_command of an account, where it has one that may be run. */
bool notify_run(const struct paths *p, const char *account, const char *heading, const char *text,
                struct report *why);

#endif
