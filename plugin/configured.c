#include "config.h"

#include "configured.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOLDER_NAME_MAX = 4096 };

static bool is_account_file(int folder, const char *name, int access)
{
    static const char SUFFIX[] = ".conf";
    size_t len = strlen(name);
    if (name[0] == '.' || len < sizeof SUFFIX || strcmp(name + len - (sizeof SUFFIX - 1), SUFFIX) != 0)
        return false;
    return faccessat(folder, name, access, AT_EACCESS) == 0;
}

static bool has_account_file(DIR *dir, int access)
{
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(dir)) != NULL)
        found = is_account_file(dirfd(dir), entry->d_name, access);
    return found;
}

bool configured_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return false;
    bool found = has_account_file(dir, R_OK);
    closedir(dir);
    return found;
}

bool configured_machine(void)
{
    DIR *dir = opendir(SYSCONFDIR "/xoauth2/accounts");
    if (!dir)
        return errno == EACCES;
    bool found = has_account_file(dir, F_OK);
    closedir(dir);
    return found;
}

/* $XDG_CONFIG_HOME/xoauth2/accounts, or the same under ~/.config. Without HOME there is none: the password
 * database is not asked inside somebody else's process. */
static bool user_accounts(void)
{
    const char *base = secure_getenv("XDG_CONFIG_HOME");
    const char *below = "";
    if (!base || base[0] != '/') {
        base = secure_getenv("HOME");
        below = "/.config";
    }
    char folder[FOLDER_NAME_MAX];
    if (!base || base[0] != '/')
        return false;
    int printed = snprintf(folder, sizeof folder, "%s%s/xoauth2/accounts", base, below);
    return printed > 0 && (size_t)printed < sizeof folder && configured_folder(folder);
}

bool configured_accounts(void)
{
    return user_accounts() || configured_folder(SYSCONFDIR "/xoauth2/accounts");
}
