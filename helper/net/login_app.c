#include "config.h"

#include "login_app.h"

#include "keeper.h"
#include "login_account.h"
#include "login_found.h"
#include "login_save.h"
#include "renew.h"

#include <stdio.h>

bool login_app_applies(const struct login *l)
{
    return account_grant(&l->account) != GRANT_AUTHORIZATION_CODE;
}

/* A token into a state of its own. The old state is not looked at: its endpoint may be another provider's. */
static bool fetch(struct login *l, struct state *s, struct report *why)
{
    struct renewal r;
    bool ok = renew_open(&r, &l->account, &l->paths, s, why) && renew_discover(&r, why) &&
              login_found_check(l, &r.client, why) && renew_now(&r, HTTP_TOTAL_TIMEOUT, why) == RENEW_OK;
    if (ok)
        login_account_learn(l, &r.client);
    renew_close(&r);
    return ok;
}

static void say_what_next(const struct login *l)
{
    const char *option = paths_option(&l->paths);
    char path[PATH_MAX];
    account_path(&l->paths, l->name, path);
    fprintf(
        stderr,
        "xoauth2: %s needs nobody who logs in: a token came, and every further one will be fetched when it is due. "
        "Settings: %s\n"
        "Next: xoauth2%s status %s; which other addresses use it is said by 'users:' in that file, see xoauth2.conf(5)\n",
        l->name, path, option, l->name);
}

bool login_app(struct login *l, struct report *why)
{
    struct state s;
    state_init(&s);
    bool ok = account_set_user(&l->account, l->name, why) && fetch(l, &s, why) && login_save_state(l, &s, why);
    state_free(&s);
    if (ok)
        say_what_next(l);
    return ok;
}
