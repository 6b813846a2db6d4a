#include "config.h"

#include "login_save.h"

#include "clock.h"
#include "keeper.h"
#include "login_account.h"
#include "store.h"
#include "token.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Keeps Ctrl-C and the like away from files that are being written, and lets them through again. */
static void hold_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, before);
}

static void release_signals(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}

/* Makes the temporary file of a state, as saving will do, and removes it again. */
static bool try_to_write(const struct login *l, struct report *why)
{
    struct report busy;
    struct state_writer writer = STATE_WRITER_NONE;
    int lock = store_lock(&l->paths, l->account.state_name, clock_monotonic(), &busy);
    if (lock < 0) /* a renewal is under way: so it can be written */
        return busy.code == FAILURE_BUSY || report_set(why, busy.code, "%s", busy.text);
    bool ok = state_prepare(&writer, &l->paths, l->account.state_name, why);
    state_abandon(&writer);
    store_unlock(&lock);
    return ok;
}

bool login_save_check(const struct login *l, struct report *why)
{
    struct state s;
    sigset_t before;
    const char *name = l->account.state_name;
    state_init(&s);
    enum readfile_result result = state_load(&s, &l->paths, name, why);
    state_free(&s);
    if (result != READFILE_OK && result != READFILE_MISSING)
        return false;
    hold_signals(&before);
    bool ok =
        (result == READFILE_OK ? try_to_write(l, why) : state_try(&l->paths, name, why)) && login_account_try(l, why);
    release_signals(&before);
    return ok;
}

/* The state of a new login. */
static bool new_state(struct login *l, const struct oauth_answer *answer, const char *signed_in_as, struct state *s,
                      struct report *why)
{
    if (!oauth_apply(s, answer, &l->client, l->asked_at, why))
        return false;
    if ((!s->scope && l->scope && !state_set(&s->scope, l->scope)) || !state_set(&s->signed_in_as, signed_in_as))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    return true;
}

/* Of the old state only the members that a newer version of this program wrote remain: its tokens may be those of
 * another client or person. Where commands keep it, a failure to read may mean that they keep nothing yet. */
static bool replace_state(const struct login *l, struct state *s, struct report *why)
{
    struct state old;
    state_init(&old);
    enum readfile_result result = keeper_load(&old, &l->account, &l->paths, why);
    s->unknown = old.unknown;
    old.unknown = NULL;
    state_free(&old);
    return (result == READFILE_OK || result == READFILE_MISSING || keeper_has_commands(&l->account)) &&
           keeper_save(s, &l->account, &l->paths, why);
}

/* Says where the state is if the commands did not take it. */
static void warn_of_waiting(const struct login *l, const struct report *kept)
{
    char state[PATH_MAX];
    if (!*kept->text)
        return;
    state_path(&l->paths, l->account.state_name, state);
    fprintf(stderr, "xoauth2: warning: %s. The tokens stay in %s until it works; then run 'xoauth2%s refresh %s'\n",
            kept->text, state, paths_option(&l->paths), l->name);
}

static bool save_account(struct login *l, struct report *why)
{
    struct report cause;
    char state[PATH_MAX];
    if (login_account_write(l, &cause))
        return true;
    state_path(&l->paths, l->account.state_name, state);
    return report_set(
        why, cause.code,
        "the login is kept in %s, but its account file could not be written: %s. Mend that and run the same "
        "'xoauth2 login' again",
        state, cause.text);
}

static void warn_of_end(const struct login *l, const struct oauth_answer *answer)
{
    char when[64] = "soon";
    time_t end = (time_t)(l->asked_at + answer->expires_in);
    struct tm tm;
    if (answer->refresh_token)
        return;
    if (localtime_r(&end, &tm))
        strftime(when, sizeof when, "on %Y-%m-%d at %H:%M", &tm);
    fprintf(
        stderr, "xoauth2: warning: the provider gave no refresh token, so this login ends %s. %s\n", when,
        l->scope && strstr(l->scope, "offline_access")
            ? "It gives none to this client, though offline_access was asked for: ask whoever registered the client "
              "to allow it the grant refresh_token"
            : "Where the provider knows the scope offline_access, add it with --scope");
}

static const char *next_step(const struct paths *p)
{
    if (p->system)
        return "name in 'allow:' of that file who may have the tokens, such as postfix, and start the agent";
    return "for mbsync put 'AuthMechs XOAUTH2' into the account in ~/.mbsyncrc; other programs";
}

static void say_what_next(const struct login *l)
{
    char account[PATH_MAX];
    char state[PATH_MAX];
    const struct paths *p = &l->paths;
    account_path(p, l->name, account);
    state_path(p, l->account.state_name, state);
    fprintf(stderr,
            "xoauth2: logged in. Settings: %s; tokens: %s\n"
            "Next: %s: see xoauth2(1). To look at the login: xoauth2 status %s\n",
            account, keeper_has_commands(&l->account) ? "where store_write keeps them" : state, next_step(p),
            l->client.login);
}

bool login_save_state(struct login *l, struct state *s, struct report *why)
{
    sigset_t before;
    struct report kept = {0};
    s->login_at = clock_wall();
    hold_signals(&before); /* both files or none: nobody interrupts between the two, or renews by one of them */
    int lock = store_lock(&l->paths, l->account.state_name, clock_monotonic() + TOKEN_WAIT_MAX, &kept);
    bool ok = lock >= 0 && replace_state(l, s, &kept);
    if (!ok)
        *why = kept;
    ok = ok && save_account(l, why);
    store_unlock(&lock);
    release_signals(&before);
    if (ok)
        warn_of_waiting(l, &kept);
    return ok;
}

bool login_save(struct login *l, const struct oauth_answer *answer, const char *signed_in_as, struct report *why)
{
    struct state s;
    state_init(&s);
    bool ok = new_state(l, answer, signed_in_as, &s, why) && login_save_state(l, &s, why);
    state_free(&s);
    if (ok) {
        warn_of_end(l, answer);
        say_what_next(l);
    }
    return ok;
}
