/* Whether somebody has set up OAuth for this user at all. */
#ifndef XOAUTH2_CONFIGURED_H
#define XOAUTH2_CONFIGURED_H

#include <stdbool.h>

/* Whether one of the account folders, the user's and the system's, holds an account file that this process may
 * read. */
bool configured_accounts(void);

/* The same for one folder. */
bool configured_folder(const char *folder);

#endif
