/* Provider files: SYSCONFDIR/xoauth2/providers/NAME.conf, which an administrator may write, before
 * PROVIDERDIR/NAME.conf, which come with the package. */
#ifndef XOAUTH2_PROVIDER_H
#define XOAUTH2_PROVIDER_H

#include "failure.h"
#include "keyfile.h"

#include <stdbool.h>
#include <sys/types.h>

/* Reads and checks NAME.conf, which must be root's or `owner`'s and writable by its owner alone. READFILE_MISSING,
 * without a report, where no folder has it. `k` is empty on any result but READFILE_OK. */
enum readfile_result provider_load(struct keyfile *k, const char *name, uid_t owner, struct report *why);

/* The folders, in the order in which they are searched; ends with NULL. */
extern const char *const *provider_folders;

#endif
