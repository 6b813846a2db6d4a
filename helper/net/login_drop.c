#include "config.h"

#include "login_drop.h"

#include "keeper.h"
#include "revoke.h"
#include "store.h"

#include <stdio.h>
#include <string.h>

/* What commands keep is not asked for: they may want a password from the person. */
static bool may_be_kept(const struct login *l)
{
    struct state s;
    struct report ignored;
    if (keeper_has_commands(&l->account))
        return true;
    enum readfile_result result = state_load(&s, &l->paths, l->account.state_name, &ignored);
    state_free(&s);
    return result != READFILE_MISSING;
}

/* A search for another login with the same client. */
struct search {
    const struct login *login;
    bool found;
};

/* What cannot be read may be one. */
static bool look_at(void *arg, const char *name)
{
    struct search *search = arg;
    const struct login *l = search->login;
    struct account a;
    struct state s;
    struct report ignored;
    state_init(&s);
    enum readfile_result result = account_load(&a, &l->paths, name, &ignored);
    if (result == READFILE_OK && !keeper_has_commands(&a))
        result = state_load(&s, &l->paths, name, &ignored);
    else
        result = READFILE_REFUSED;
    bool other = result == READFILE_MISSING ||
                 (result == READFILE_OK && s.client_id && strcmp(s.client_id, l->client.client_id) != 0);
    search->found = !other;
    state_free(&s);
    account_free(&a);
    return other;
}

/* Google and Keycloak end every login that a person has with a client when one of them is revoked, on other machines
 * too. Only a client that this program has registered is known to be used nowhere else. */
static bool is_alone(const struct login *l)
{
    struct search search = {.login = l};
    struct report ignored;
    return l->registered && account_each(&l->paths, look_at, &search, &ignored) && !search.found;
}

void login_drop(struct login *l, const struct oauth_answer *answer)
{
    struct report ignored;
    if (!answer->refresh_token || may_be_kept(l))
        return;
    if (l->client.revocation_endpoint && is_alone(l) &&
        revoke_token(&l->client, l->client.revocation_endpoint, answer->refresh_token, "refresh_token",
                     REVOKE_COURTESY_TIMEOUT, &ignored))
        return;
    fputs("xoauth2: the tokens of this sign-in are thrown away, but the provider still counts it as a login. To end "
          "it, remove the application's access in the settings of the account that signed in; that ends its other "
          "logins with the application, too\n",
          stderr);
}
