/* What the machine's agent gets at: it runs as the owner of the store, not as root, who logs in. */
#ifndef XOAUTH2_REACH_H
#define XOAUTH2_REACH_H

#include "account.h"
#include "failure.h"
#include "paths.h"

#include <stdbool.h>

/* Whether the owner of the system's store can read the files that the account names: keys, secrets, certificates,
 * and the folder of the latter. Tried in a process that becomes the owner, so for root alone; what is in a home
 * folder is hidden from the agent's unit. True, too, where there is nothing to try, for a file that is missing,
 * and where trying fails. Else false with FAILURE_CONFIG, which names the file and the mend. */
bool reach_files(const struct account *a, const struct paths *p, struct report *why);

#endif
