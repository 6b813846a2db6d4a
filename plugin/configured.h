/* Whether somebody has set up OAuth for this user at all. */
#ifndef XOAUTH2_CONFIGURED_H
#define XOAUTH2_CONFIGURED_H

#include <stdbool.h>

/* Whether one of the account folders, the user's and the system's, holds an account file that this process may
 * read. */
bool configured_accounts(void);

/* Whether there are accounts of the machine, which this process need not be able to read: where it may not even
 * look, there may be. */
bool configured_machine(void);

/* The first for one folder. */
bool configured_folder(const char *folder);

#endif
