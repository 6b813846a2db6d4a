#include "config.h"

#include "entry.h"

#include "account.h"
#include "agent.h"
#include "clock.h"
#include "exchanges.h"
#include "keeper.h"
#include "log.h"
#include "notify.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { TIMER_FAR = 86400 /* seconds: a later time is looked at again then */ };

static uint16_t draw(void)
{
    uint16_t number = 0;
    return getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number ? number : UINT16_MAX / 2;
}

void note_set(struct note **note, const struct report *why)
{
    free(*note);
    *note = NULL;
    if (why->code == FAILURE_NONE)
        return;
    size_t len = strlen(why->text) + 1;
    *note = malloc(sizeof **note + len);
    if (!*note)
        return;
    (*note)->code = why->code;
    memcpy((*note)->text, why->text, len);
}

/* Remembers what is wrong with a file, and logs it where that is news. */
static void note_problem(struct note **note, struct note *before, const struct report *why)
{
    note_set(note, why);
    if (why->code != FAILURE_NONE && why->code != FAILURE_NO_ACCOUNT &&
        (!before || strcmp(before->text, why->text) != 0))
        log_warning("%s", why->text);
    free(before);
}

/* --- how files look --- */

static struct stamp stamp_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct stamp){0};
    return (struct stamp){
        .there = true, .dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_ctim};
}

static bool same(const struct stamp *a, const struct stamp *b)
{
    return a->there == b->there && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* FOLDER/NAME and the suffix. The lengths were checked when the paths were made. */
static void join(char path[PATH_MAX], const char *folder, const char *name, const char *suffix)
{
    char *at = stpcpy(path, folder);
    *at++ = '/';
    at = stpcpy(at, name);
    strcpy(at, suffix);
}

static struct stamp file_stamp(const struct entry *e)
{
    char path[PATH_MAX];
    join(path, e->agent->paths.accounts, e->name, ".conf");
    return stamp_of(path);
}

static struct stamp state_stamp(const struct entry *e)
{
    char path[PATH_MAX];
    join(path, e->agent->paths.state, e->name, ".json");
    return stamp_of(path);
}

bool entry_file_is_current(const struct entry *e)
{
    struct stamp now = file_stamp(e);
    return same(&now, &e->file);
}

bool entry_state_is_current(const struct entry *e)
{
    struct stamp now = state_stamp(e);
    return same(&now, &e->stored);
}

/* --- the account file --- */

static void clear_file(struct entry *e)
{
    free(e->problem);
    free(e->users);
    free(e->hosts);
    allow_free(&e->allow);
    origin_free(&e->origin);
    e->problem = NULL;
    e->users = NULL;
    e->hosts = NULL;
    e->notifies = false;
    e->unattended = false;
    e->relayed = false;
    e->refresh_lifetime = 0;
    e->standing.margin = 0;
}

static void warn_unknown(void *arg, const char *name)
{
    const struct entry *e = arg;
    log_warning("%s: allow: there is no %s '%s': it is left out until the agent reads the file again", e->name,
                *name == '@' ? "group" : "user", *name == '@' ? name + 1 : name);
}

static bool copy(char **to, const char *value)
{
    *to = value ? strdup(value) : NULL;
    return *to || !value;
}

bool entry_take_origin(struct entry *e, const struct account *a, struct report *why)
{
    struct origin now;
    bool ok = origin_take(&now, a, why);
    origin_free(ok ? &e->origin : &now);
    if (ok)
        e->origin = now;
    return ok;
}

static bool take_settings(struct entry *e, const struct account *a)
{
    struct report ignored;
    const char *lifetime = account_value(a, SETTING_REFRESH_TOKEN_LIFETIME);
    const char *allow = a->file.value[SETTING_ALLOW];
    if (allow && !e->agent->paths.system)
        log_warning("%s: allow: has no meaning for an account of a user's own, whose tokens are that user's alone",
                    e->name);
    e->standing.margin = account_refresh_margin(a);
    e->refresh_lifetime = lifetime ? strtoll(lifetime, NULL, 10) : 0;
    e->notifies = account_value(a, SETTING_NOTIFY_COMMAND) != NULL;
    e->unattended = account_grant(a) != GRANT_AUTHORIZATION_CODE;
    return entry_take_origin(e, a, &ignored) && copy(&e->users, a->file.value[SETTING_USERS]) &&
           copy(&e->hosts, account_value(a, SETTING_HOSTS)) &&
           allow_resolve(&e->allow, e->agent->paths.system ? allow : NULL, warn_unknown, e);
}

/* Where to get a token without a person may have to be asked first, which is waited for. */
static bool needs_discovery(const struct account *a)
{
    enum grant grant = account_grant(a);
    bool bearer = grant == GRANT_JWT_BEARER && !a->file.value[SETTING_SERVICE_ACCOUNT_FILE];
    return (grant == GRANT_CLIENT_CREDENTIALS || bearer) && !account_value(a, SETTING_TOKEN_ENDPOINT);
}

bool entry_needs_process(const struct account *a)
{
    return account_is_per_user(a) || keeper_has_commands(a) || account_grant(a) == GRANT_COMMAND ||
           a->file.value[SETTING_CLIENT_SECRET_COMMAND] || needs_discovery(a);
}

/* Another process does that. For a user's own agent it is the client's: "no account" makes it ask its next source,
 * the helper process, which has that user's environment. */
static void check_kind(struct entry *e, const struct account *a, struct report *why)
{
    bool special = entry_needs_process(a);
    e->relayed = special && e->agent->paths.system;
    if (special && !e->relayed)
        report_set(why, FAILURE_NO_ACCOUNT,
                   "the agent does not serve %s, which needs a process of its own for each token", a->name);
}

bool entry_load_file(struct entry *e)
{
    struct account a;
    struct report why = {0};
    struct note *before = e->problem;
    account_init(&a);
    e->problem = NULL;
    clear_file(e);
    e->file = file_stamp(e);
    enum readfile_result result = account_load(&a, &e->agent->paths, e->name, &why);
    if (result == READFILE_MISSING) {
        free(before);
        return false;
    }
    if (result == READFILE_OK && !take_settings(e, &a)) {
        clear_file(e);
        report_set(&why, FAILURE_UNREACHABLE, "not enough memory for %s", e->name);
        result = READFILE_REFUSED;
    }
    if (result == READFILE_OK)
        check_kind(e, &a, &why);
    note_problem(&e->problem, before, &why);
    account_free(&a);
    return true;
}

/* --- the state --- */

static void clear_reply(struct entry *e)
{
    if (e->reply)
        explicit_bzero(e->reply, e->reply_len);
    free(e->reply);
    e->reply = NULL;
    e->reply_len = e->token_at = e->token_len = 0;
}

static void clear_state(struct entry *e)
{
    int64_t margin = e->standing.margin;
    unsigned failures = e->standing.failures;
    clear_reply(e);
    free(e->refusal);
    free(e->state_problem);
    e->refusal = NULL;
    e->state_problem = NULL;
    e->refusal_until = 0;
    e->held_until = 0;
    e->standing = (struct standing){.margin = margin, .failures = failures};
}

/* Makes the reply that hands out the token. A token that was rejected and could not be removed from the disk is none.
 */
static void take_token(struct entry *e, const struct state *s)
{
    struct secret *reply = &e->agent->reply;
    struct report why;
    if (s->access_token && e->rejected && strcmp(s->access_token, e->rejected) == 0)
        return;
    secret_free_string(&e->rejected);
    if (!s->access_token)
        return;
    secret_reset(reply);
    e->reply = token_put(e->name, s->access_token, s->expires_at, reply, &why) ? malloc(reply->len) : NULL;
    if (e->reply) {
        memcpy(e->reply, reply->data, reply->len);
        e->reply_len = (unsigned)reply->len;
        e->token_len = (unsigned)strlen(s->access_token);
        const char *at = memmem(e->reply, e->reply_len, s->access_token, e->token_len);
        e->token_at = at ? (unsigned)(at - e->reply) : 0;
    }
    secret_reset(reply);
    e->standing.has_token = e->reply != NULL;
}

static void take_times(struct entry *e, const struct state *s)
{
    struct standing *t = &e->standing;
    t->has_refresh = s->refresh_token || s->unattended;
    t->obtained_at = s->obtained_at;
    t->expires_at = s->expires_at;
    t->refresh_obtained_at = s->refresh_obtained_at;
    t->refresh_ends_at = s->refresh_expires_at;
    if (t->refresh_ends_at == 0 && e->refresh_lifetime > 0 && s->refresh_obtained_at > 0)
        t->refresh_ends_at = s->refresh_obtained_at + e->refresh_lifetime;
    t->error = s->last_error.code;
    t->error_at = s->last_error.at;
    t->retry_at = s->last_error.retry_at;
    if (t->error == FAILURE_NONE)
        t->failures = 0;
    if (t->error != FAILURE_LOGIN_NEEDED && t->has_refresh)
        e->announced_login = false;
}

/* What the provider said of our settings counts until they are changed, and not for ever: it may be mended there. */
static bool is_refused(const struct entry *e, int64_t now)
{
    const struct standing *t = &e->standing;
    return t->error == FAILURE_CONFIG && t->error_at >= e->file.changed.tv_sec && t->error_at <= now &&
           now < t->error_at + SCHEDULE_PAUSE_CONFIG;
}

static void take_refusal(struct entry *e, const struct state *s)
{
    struct report why = {0};
    int64_t now = clock_wall();
    if (!token_may_ask(e->name, &e->agent->paths, s, false, &why)) {
        e->refusal_until = why.code == FAILURE_LOGIN_NEEDED ? INT64_MAX : e->standing.retry_at;
    } else if (is_refused(e, now)) {
        report_set(&why, FAILURE_CONFIG, "%s",
                   s->last_error.message ? s->last_error.message : "check the account file");
        e->refusal_until = e->standing.error_at + SCHEDULE_PAUSE_CONFIG;
    }
    note_set(&e->refusal, &why);
}

void entry_adopt(struct entry *e, const struct state *s)
{
    clear_state(e);
    e->stored = state_stamp(e);
    take_token(e, s);
    take_times(e, s);
    take_refusal(e, s);
    notify_if_needed(e);
    entry_schedule(e);
}

void entry_load_state(struct entry *e)
{
    struct state s;
    struct report why = {0};
    struct stamp seen = state_stamp(e);
    struct note *before = e->state_problem;
    if (e->relayed || e->problem) {
        clear_state(e);
        timer_clear(&e->agent->loop, &e->timer);
        e->stored = seen;
        return;
    }
    e->state_problem = NULL;
    enum readfile_result result = state_load(&s, &e->agent->paths, e->name, &why);
    if (result == READFILE_OK || result == READFILE_MISSING) {
        s.unattended = e->unattended;
        origin_forget(&e->origin, &s);
        entry_adopt(e, &s);
        state_free(&s);
        free(before);
    } else {
        clear_state(e);
        note_problem(&e->state_problem, before, &why);
        timer_clear(&e->agent->loop, &e->timer);
    }
    e->stored = seen; /* as it was before it was read, so that a later change is not missed */
}

bool entry_forget_token(struct entry *e, const char *token)
{
    size_t len = strlen(token);
    if (!e->reply || e->token_at == 0 || len != e->token_len || memcmp(e->reply + e->token_at, token, len) != 0)
        return false;
    clear_reply(e);
    e->standing.has_token = false;
    return true;
}

/* --- the timer --- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The next warning, where one is still to be given, but not while there is a refusal, after which it is looked at
 * again. A token that cannot be renewed ends the login with it. */
static int64_t warning_at(const struct entry *e)
{
    if (e->standing.has_token && !e->standing.has_refresh && !e->announced_login)
        return e->standing.expires_at;
    if (!e->notifies || e->refusal || e->announced_end == e->standing.refresh_ends_at)
        return SCHEDULE_NEVER;
    return schedule_warning(&e->standing);
}

static int64_t renewal_at(const struct entry *e, int64_t now)
{
    int64_t due = schedule_renewal(&e->standing, now, e->jitter);
    return due < e->held_until ? e->held_until : due;
}

void entry_schedule(struct entry *e)
{
    struct loop *l = &e->agent->loop;
    int64_t now = clock_wall();
    timer_clear(l, &e->timer);
    if (e->gone || e->problem || e->relayed || e->state_problem || e->renewing || e->agent->stopping)
        return;
    int64_t due = earlier(renewal_at(e, now), warning_at(e));
    if (due == SCHEDULE_NEVER)
        return;
    int64_t wait = due <= now ? 0 : earlier(due - now, TIMER_FAR);
    timer_set(l, &e->timer, loop_now() + wait * 1000);
}

/* What only a login or another file ends waits for no time. */
static bool waits_for_a_time(const struct entry *e)
{
    return (e->refusal && e->refusal_until != INT64_MAX) || (e->held_until > 0 && e->held_until != SCHEDULE_NEVER);
}

/* By the state, in which a failure from the future does not count. */
void entry_clock_was_set(struct entry *e)
{
    if (waits_for_a_time(e) && !e->problem && !e->renewing)
        entry_load_state(e);
    else
        entry_schedule(e);
}

static void timer_fired(struct timer *t)
{
    struct entry *e = (struct entry *)(void *)((char *)t - offsetof(struct entry, timer));
    int64_t now = clock_wall();
    notify_if_needed(e);
    if (renewal_at(e, now) <= now)
        exchanges_want(e, false);
    else
        entry_schedule(e);
}

/* --- life --- */

struct entry *entry_new(struct agent *a, const char *name)
{
    struct entry *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->agent = a;
    e->jitter = draw();
    e->name = strdup(name);
    if (e->name && timer_register(&a->loop, &e->timer, timer_fired))
        return e;
    free(e->name);
    free(e);
    return NULL;
}

void entry_free(struct entry *e)
{
    timer_release(&e->agent->loop, &e->timer);
    clear_file(e);
    clear_state(e);
    secret_free_string(&e->rejected);
    free(e->name);
    free(e);
}
