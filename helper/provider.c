#include "config.h"

#include "provider.h"

#include "settings.h"

#include <limits.h>
#include <stdio.h>

static const char *const FOLDERS[] = {SYSCONFDIR "/xoauth2/providers", PROVIDERDIR, NULL};

const char *const *provider_folders = FOLDERS;

enum readfile_result provider_load(struct keyfile *k, const char *name, uid_t owner, struct report *why)
{
    const struct readfile_rules rules = {
        .forbidden_mode = 022, .owner = owner, .follow_symlink = true, .limit = KEYFILE_SIZE_MAX};
    keyfile_init(k);
    enum readfile_result result = READFILE_MISSING;
    for (const char *const *folder = provider_folders; *folder && result == READFILE_MISSING; folder++) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof path, "%s/%s.conf", *folder, name);
        if (len > 0 && (size_t)len < sizeof path)
            result = keyfile_load(k, path, &rules, SETTING_NAMES, why);
    }
    if (result == READFILE_OK && !settings_check_provider(k, why)) {
        keyfile_free(k);
        result = READFILE_REFUSED;
    }
    return result;
}
