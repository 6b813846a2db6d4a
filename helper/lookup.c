#include "config.h"

#include "lookup.h"

#include "store.h"

#include <errno.h>
#include <unistd.h>

bool lookup_none(const char *user, bool system, const struct report *passed_over, struct report *why)
{
    const char *option = system ? " --system" : "";
    if (passed_over->code != FAILURE_NONE)
        return report_set(why, FAILURE_NO_ACCOUNT, "no account for %s: run 'xoauth2%s login %s' (passed over: %s)",
                          user, option, user, passed_over->text);
    return report_set(why, FAILURE_NO_ACCOUNT, "no account for %s: run 'xoauth2%s login %s'", user, option, user);
}

/* Whether the account's tokens may be read: of the system's accounts a user may see the file, but not the state. */
static bool may_use(const struct account *a, const struct paths *p)
{
    char path[PATH_MAX];
    state_path(p, a->state_name, path);
    return eaccess(path, R_OK) == 0 || errno != EACCES;
}

static enum readfile_result find_in_system(struct account *a, struct paths *p, const char *user, const char *host,
                                           struct report *passed_over, struct report *why)
{
    paths_system(p);
    return account_find(a, p, user, host, passed_over, why);
}

static bool find(struct account *a, struct paths *p, enum lookup_stores stores, const char *user, const char *host,
                 struct report *why)
{
    enum readfile_result result = READFILE_MISSING;
    struct report passed_over = {.code = FAILURE_NONE};
    struct report ignored = {.code = FAILURE_NONE};
    account_init(a);
    if (stores == LOOKUP_SYSTEM) {
        result = find_in_system(a, p, user, host, &passed_over, why);
        return result == READFILE_OK || (result == READFILE_MISSING && lookup_none(user, true, &passed_over, why));
    }
    /* Who has no home folder has no store of his own. */
    if (paths_user(p, &ignored))
        result = account_find(a, p, user, host, &passed_over, why);
    if (result != READFILE_MISSING)
        return result == READFILE_OK;
    result = find_in_system(a, p, user, host, &ignored, why);
    if (result == READFILE_OK && may_use(a, p))
        return true;
    account_free(a);
    return result == READFILE_REFUSED ? false : lookup_none(user, false, &passed_over, why);
}

bool lookup(struct account *a, struct paths *p, enum lookup_stores stores, const char *user, const char *host,
            struct report *why)
{
    if (!find(a, p, stores, user, host, why))
        return false;
    if (account_set_user(a, user, why))
        return true;
    account_free(a);
    return false;
}
