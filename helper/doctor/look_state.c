#include "config.h"

#include "look.h"

#include "clock.h"
#include "command.h"
#include "keeper.h"
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ENDS_SOON = 7 * 86400, /* seconds */
    CLOCK_SPARE = 60,      /* seconds by which two clocks of one machine may differ */
};

/* A state under the eye. */
struct stand {
    struct record *record;
    const struct account *account;
    const struct paths *paths;
    const struct state *state;
    int64_t now;
};

/* What the account is called by; a mailbox that has a token of its own, by its address. */
static const char *name_of(const struct account *a)
{
    return *a->subject ? a->subject : a->name;
}

/* Whether it is an account itself of which each mailbox has a token. */
static bool has_mailboxes(const struct account *a)
{
    return account_is_per_user(a) && strcmp(a->state_name, a->name) == 0;
}

/* Returns false where nobody is logged in, so that nothing more is to be said. */
static bool judge_login(const struct stand *s)
{
    const struct state_error *e = &s->state->last_error;
    const char *name = name_of(s->account);
    const char *option = paths_option(s->paths);
    char when[COMMAND_TIME_MAX];
    struct report why;
    command_time(e->at, s->now, when);
    if (!origin_check(s->account, s->state, s->paths, &why)) {
        record_add(s->record, CHECK_LOGIN, LEVEL_PROBLEM, name, "%s", why.text);
        return false;
    }
    if (e->code == FAILURE_NONE && !s->state->refresh_token && !s->state->unattended &&
        !state_is_valid(s->state, s->now)) {
        record_add(s->record, CHECK_LOGIN, LEVEL_PROBLEM, name, "%s is not logged in: run 'xoauth2%s login %s'", name,
                   option, name);
        return false;
    }
    if (e->code == FAILURE_NONE)
        record_add(s->record, CHECK_LOGIN, LEVEL_OK, name, "%s",
                   s->state->unattended ? "none is needed" : "no error since the last renewal");
    else
        record_add(s->record, CHECK_LOGIN,
                   e->code == FAILURE_UNREACHABLE || e->code == FAILURE_BUSY ? LEVEL_WARNING : LEVEL_PROBLEM, name,
                   "%s (%s)", e->message ? e->message : failure_name(e->code), when);
    return true;
}

static void judge_refresh_token(const struct stand *s)
{
    const char *name = name_of(s->account);
    const char *option = paths_option(s->paths);
    int64_t end = keeper_refresh_end(s->account, s->state);
    char issued[COMMAND_TIME_MAX];
    char ends[COMMAND_TIME_MAX];
    if (!s->state->refresh_token)
        return;
    command_time(s->state->refresh_obtained_at, s->now, issued);
    command_time(end, s->now, ends);
    if (end > 0 && end <= s->now)
        record_add(s->record, CHECK_REFRESH_TOKEN, LEVEL_PROBLEM, name, "it has ended %s: run 'xoauth2%s login %s'",
                   ends, option, name);
    else if (end > 0 && end - s->now < ENDS_SOON)
        record_add(s->record, CHECK_REFRESH_TOKEN, LEVEL_WARNING, name,
                   "it ends %s: run 'xoauth2%s refresh %s', and if that gives no new one 'xoauth2%s login %s'", ends,
                   option, name, option, name);
    else
        record_add(s->record, CHECK_REFRESH_TOKEN, LEVEL_OK, name, "issued %s, %s%s",
                   s->state->refresh_obtained_at > 0 ? issued : "at a time that is not known", end > 0 ? "ends " : "",
                   end > 0 ? ends : "no known end");
}

static void judge_access_token(const struct stand *s)
{
    const char *name = name_of(s->account);
    const char *option = paths_option(s->paths);
    char when[COMMAND_TIME_MAX];
    command_time(s->state->expires_at, s->now, when);
    if (s->state->obtained_at > s->now + CLOCK_SPARE)
        record_add(
            s->record, CHECK_ACCESS_TOKEN, LEVEL_WARNING, name,
            "it comes from the future, so that the clock was set back: check the clock, then run 'xoauth2%s refresh "
            "%s'",
            option, name);
    else if (!s->state->access_token)
        record_add(s->record, CHECK_ACCESS_TOKEN, LEVEL_OK, name,
                   "none is kept; the next program that asks has one fetched");
    else if (state_is_valid(s->state, s->now))
        record_add(s->record, CHECK_ACCESS_TOKEN, LEVEL_OK, name, "expires %s", when);
    else
        record_add(s->record, CHECK_ACCESS_TOKEN, LEVEL_OK, name,
                   "expired %s; the next program that asks has it renewed", when);
}

static void judge(const struct stand *s)
{
    const char *name = name_of(s->account);
    char path[PATH_MAX];
    state_path(s->paths, s->account->state_name, path);
    if (keeper_is_waiting(s->account, s->paths))
        record_add(s->record, CHECK_STATE, LEVEL_PROBLEM, name,
                   "'store_write' in %s has not taken the tokens, which are in %s meanwhile: run that command by "
                   "hand to see "
                   "why, then 'xoauth2%s refresh %s'",
                   s->account->file.path, path, paths_option(s->paths), name);
    else
        record_add(s->record, CHECK_STATE, LEVEL_OK, name, "%s",
                   keeper_has_commands(s->account) ? "kept by 'store_read' and 'store_write'" : path);
    if (!judge_login(s) || has_mailboxes(s->account))
        return;
    judge_refresh_token(s);
    judge_access_token(s);
}

/* What a renewal does before it spends a refresh token. Whoever holds the lock is just doing so himself, and a folder
 * that is missing is made by the first login. */
static void look_for_room(struct record *r, const struct account *a, const struct paths *p)
{
    struct state_writer w = STATE_WRITER_NONE;
    struct report why;
    if (geteuid() != p->owner || access(p->state, F_OK) != 0)
        return;
    int lock = store_lock(p, a->state_name, clock_monotonic(), &why);
    if (lock < 0 && why.code == FAILURE_BUSY)
        return;
    if (lock >= 0 && state_prepare(&w, p, a->state_name, &why))
        record_add(r, CHECK_STORE_ROOM, LEVEL_OK, name_of(a), "%s takes the next tokens", p->state);
    else
        record_add(r, CHECK_STORE_ROOM, LEVEL_PROBLEM, name_of(a), "%s", why.text);
    state_abandon(&w);
    store_unlock(&lock);
}

struct mailboxes {
    struct record *record;
    const struct account *account;
    const struct paths *paths;
};

/* Of the mailboxes only what fails is told: there may be thousands. */
static void look_at_mailbox(void *arg, const char *name)
{
    const struct mailboxes *m = arg;
    struct account a = *m->account; /* whose settings stay that one's */
    struct state state;
    struct report why;
    state_init(&state);
    if (!account_set_user(&a, name + strlen(a.name) + 1, &why))
        return;
    enum readfile_result result = keeper_load(&state, &a, m->paths, &why);
    struct stand s = {.record = m->record, .account = &a, .paths = m->paths, .state = &state, .now = clock_wall()};
    if (result == READFILE_REFUSED)
        record_add(m->record, CHECK_STATE, LEVEL_PROBLEM, a.subject, "%s", why.text);
    else if (result == READFILE_OK && state.last_error.code != FAILURE_NONE)
        judge_login(&s);
    state_free(&state);
}

void look_at_state(struct record *r, const struct account *a, const struct paths *p)
{
    struct mailboxes m = {r, a, p};
    struct state state;
    struct report why;
    enum readfile_result result = keeper_load(&state, a, p, &why);
    if (result == READFILE_OK || result == READFILE_MISSING) {
        struct stand s = {.record = r, .account = a, .paths = p, .state = &state, .now = clock_wall()};
        judge(&s);
        if (has_mailboxes(a))
            state_each_user(p, a->name, look_at_mailbox, &m);
        look_for_room(r, a, p);
        look_at_provider(r, a, &state);
    } else if (result == READFILE_REFUSED || !p->system) {
        record_add(r, CHECK_STATE, LEVEL_PROBLEM, name_of(a), "%s", why.text);
    }
    state_free(&state);
}
