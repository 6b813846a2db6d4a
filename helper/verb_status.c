#include "config.h"

#include "command.h"

#include "clock.h"
#include "inquiry.h"
#include "keeper.h"
#include "origin.h"
#include "screen.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that is shown of one account, or of a user's mailbox that has a token of its own there. */
struct view {
    const char *name;
    const char *user; /* whose mailbox; NULL: the account itself */
    const struct paths *paths;
    struct account account;
    struct state state;
    struct report problem; /* FAILURE_NONE: all is well */
    bool is_loaded;        /* whether account and state could be read */
    int status;            /* the worst exit status, that of each user counted in */
    int64_t now;
    int64_t refresh_ends_at; /* 0 unknown */
    char account_file[PATH_MAX];
    char state_file[PATH_MAX];
};

/* How it stands with an account whose files are right. */
static void judge(struct view *v)
{
    const struct state *s = &v->state;
    const struct state_error *e = &s->last_error;
    const char *option = paths_option(v->paths);
    if (!origin_check(&v->account, s, v->paths, &v->problem))
        return;
    if (e->code != FAILURE_NONE)
        report_set(&v->problem, e->code, "%s", e->message ? e->message : failure_name(e->code));
    else if (keeper_is_waiting(&v->account, v->paths))
        report_set(
            &v->problem, FAILURE_CONFIG,
            "'store_write' in %s has not taken the tokens, which are in %s meanwhile: run that command by hand to "
            "see why, then 'xoauth2%s refresh %s'",
            v->account_file, v->state_file, option, v->user ? v->user : v->name);
    else if (!s->refresh_token && !s->unattended && !state_is_valid(s, v->now))
        report_set(&v->problem, FAILURE_LOGIN_NEEDED, "%s is not logged in: run 'xoauth2%s login %s'", v->name,
                   option, v->name);
}

/* Of the account that is loaded, or of the user's mailbox. */
static enum readfile_result load_state(struct view *v)
{
    state_path(v->paths, v->account.state_name, v->state_file);
    enum readfile_result result = keeper_load(&v->state, &v->account, v->paths, &v->problem);
    v->is_loaded = result == READFILE_OK || result == READFILE_MISSING;
    if (v->is_loaded) {
        judge(v);
        v->refresh_ends_at = keeper_refresh_end(&v->account, &v->state);
    }
    return result;
}

/* Returns false where the account is none of ours to show. */
static bool view_open(struct view *v, const struct paths *p, const char *name, const char *user,
                      bool only_readable)
{
    *v = (struct view){.name = name, .user = user, .paths = p, .now = clock_wall()};
    account_path(p, name, v->account_file);
    state_path(p, name, v->state_file);
    state_init(&v->state);
    enum readfile_result result = account_load(&v->account, p, name, &v->problem);
    if (result == READFILE_MISSING) /* just removed */
        return false;
    if (result == READFILE_OK && (!user || account_set_user(&v->account, user, &v->problem)))
        result = load_state(v);
    v->status = command_status(v->problem.code);
    return result != READFILE_UNREADABLE || !only_readable;
}

static void view_close(struct view *v)
{
    account_free(&v->account);
    state_free(&v->state);
}

static const char *provider_of(const struct view *v)
{
    const char *description = account_value(&v->account, SETTING_DESCRIPTION);
    const char *issuer = account_value(&v->account, SETTING_ISSUER);
    if (description)
        return description;
    if (issuer)
        return issuer;
    const char *name = account_value(&v->account, SETTING_PROVIDER);
    if (account_grant(&v->account) == GRANT_COMMAND)
        return "token_command";
    if (account_grant(&v->account) == GRANT_MANAGED_IDENTITY && !name)
        return "managed identity";
    return name ? name : account_value(&v->account, SETTING_TOKEN_ENDPOINT);
}

/* A value that came from elsewhere must not drive the terminal. */
static void print_value(const char *label, const char *value)
{
    struct report line;
    report_set(&line, FAILURE_NONE, "%s", value);
    printf("  %-14s %s\n", label, line.text);
}

static void print_access_token(const struct view *v)
{
    char when[COMMAND_TIME_MAX];
    command_time(v->state.expires_at, v->now, when);
    if (!v->state.access_token)
        puts("  access token   none");
    else if (v->state.expires_at == 0)
        puts("  access token   (hidden)");
    else
        printf("  access token   (hidden), expire%s %s\n", v->state.expires_at > v->now ? "s" : "d", when);
}

static void print_refresh_token(const struct view *v)
{
    char when[COMMAND_TIME_MAX];
    if (!v->state.refresh_token) {
        puts(v->state.unattended ? "  refresh token  not needed" : "  refresh token  none");
        return;
    }
    fputs("  refresh token  (hidden)", stdout);
    if (v->state.refresh_obtained_at > 0) {
        command_time(v->state.refresh_obtained_at, v->now, when);
        printf(", issued %s", when);
    }
    command_time(v->refresh_ends_at, v->now, when);
    if (v->refresh_ends_at > 0)
        printf(", ends %s", when);
    puts(v->refresh_ends_at > 0 ? "" : ", no known end");
}

static void print_error(const struct view *v)
{
    char when[COMMAND_TIME_MAX];
    if (v->problem.code == FAILURE_NONE)
        return;
    fputs("  problem        ", stdout);
    screen_print(SCREEN_RED, v->problem.text);
    puts("");
    if (v->state.last_error.code == FAILURE_NONE || v->state.last_error.at == 0)
        return;
    command_time(v->state.last_error.at, v->now, when);
    printf("  since          %s\n", when);
}

static void print_user(void *arg, const struct view *v)
{
    (void)arg;
    char when[COMMAND_TIME_MAX];
    char text[COMMAND_TIME_MAX + NAME_MAX + 32];
    const struct state *s = &v->state;
    command_time(s->expires_at, v->now, when);
    snprintf(text, sizeof text, "%s, %s%s", v->user, s->access_token ? "access token until " : "no access token",
             s->access_token ? when : "");
    print_value("user", text);
    print_error(v);
}

/* What only the agent of the account's store knows, if there is one. */
static void print_agent(const struct view *v)
{
    char when[COMMAND_TIME_MAX];
    struct inquiry_status s;
    if (!inquiry_status(v->paths->system, v->name, &s))
        return;
    command_time(s.next_refresh, v->now, when);
    printf("  agent          %s%s; %lld tokens handed out, %lld programs wait\n",
           s.renewing ? "renews now" : s.next_refresh > 0 ? "renews " : "renews nothing",
           !s.renewing && s.next_refresh > 0 ? when : "", (long long)s.served, (long long)s.waiting);
}

/* 77 before 1 before 75: what needs a person comes first. */
static int worse(int a, int b)
{
    static const int ORDER[] = {EXIT_LOGIN_NEEDED, EXIT_FAILED, EXIT_TEMPORARY};
    for (size_t i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++)
        if (a == ORDER[i] || b == ORDER[i])
            return ORDER[i];
    return EXIT_OK;
}

struct listing {
    struct view *account;
    void (*show)(void *arg, const struct view *user);
    void *arg;
};

static void visit_user(void *arg, const char *name)
{
    const struct listing *l = arg;
    struct view v = *l->account; /* whose account it goes on to own */
    v.user = name + strlen(v.name) + 1;
    v.problem.code = FAILURE_NONE;
    state_init(&v.state);
    if (account_set_user(&v.account, v.user, &v.problem) && load_state(&v) != READFILE_MISSING) {
        l->show(l->arg, &v);
        l->account->status = worse(l->account->status, command_status(v.problem.code));
    }
    state_free(&v.state);
}

/* Shows each user who has a token of his own, and counts him in. */
static void each_user(struct view *v, void (*show)(void *arg, const struct view *user), void *arg)
{
    struct listing l = {v, show, arg};
    if (v->is_loaded && !v->user && account_is_per_user(&v->account))
        state_each_user(v->paths, v->name, visit_user, &l);
}

static void print_view(struct view *v)
{
    printf("%s%s\n", v->name, v->paths->system ? " (system)" : "");
    if (v->user)
        print_value("user", v->user);
    if (v->is_loaded) {
        print_value("provider", provider_of(v));
        if (v->state.unattended)
            print_value("grant", account_grant_name(&v->account));
        if (v->state.signed_in_as)
            print_value("signed in as", v->state.signed_in_as);
        print_access_token(v);
        print_refresh_token(v);
    }
    print_error(v);
    each_user(v, print_user, NULL);
    print_agent(v);
    printf("  account file   %s\n", v->account_file);
    printf("  state file     %s\n", v->state_file);
}

static void add_text(struct json_object *to, const char *key, const char *value)
{
    json_object_object_add(to, key, value ? json_object_new_string(value) : NULL);
}

static void add_time(struct json_object *to, const char *key, int64_t value)
{
    json_object_object_add(to, key, value > 0 ? json_object_new_int64(value) : NULL);
}

static struct json_object *tokens_as_json(const struct view *v, bool refresh)
{
    const struct state *s = &v->state;
    struct json_object *token = json_object_new_object();
    bool present = refresh ? s->refresh_token != NULL : s->access_token != NULL;
    json_object_object_add(token, "present", json_object_new_boolean(present));
    add_time(token, "obtained_at", refresh ? s->refresh_obtained_at : s->obtained_at);
    add_time(token, "expires_at", refresh ? v->refresh_ends_at : s->expires_at);
    return token;
}

static struct json_object *error_as_json(const struct view *v)
{
    const struct state_error *e = &v->state.last_error;
    struct json_object *error = json_object_new_object();
    add_text(error, "code", failure_name(v->problem.code));
    add_text(error, "error", e->error);
    add_text(error, "message", v->problem.text);
    add_time(error, "at", e->at);
    add_time(error, "retry_at", e->retry_at);
    return error;
}

static struct json_object *agent_as_json(const struct view *v)
{
    struct inquiry_status s;
    if (!inquiry_status(v->paths->system, v->name, &s))
        return NULL;
    struct json_object *agent = json_object_new_object();
    json_object_object_add(agent, "renewing", json_object_new_boolean(s.renewing));
    add_time(agent, "next_refresh", s.next_refresh);
    json_object_object_add(agent, "served", json_object_new_int64(s.served));
    json_object_object_add(agent, "waiting", json_object_new_int64(s.waiting));
    return agent;
}

/* What an account and a user of it have in common. */
static void add_standing(struct json_object *to, const struct view *v)
{
    add_text(to, "user", v->user);
    add_text(to, "state", failure_name(v->problem.code));
    json_object_object_add(to, "access_token", tokens_as_json(v, false));
    json_object_object_add(to, "last_error", v->problem.code == FAILURE_NONE ? NULL : error_as_json(v));
    add_text(to, "state_file", v->state_file);
}

static void add_user(void *arg, const struct view *v)
{
    struct json_object *user = json_object_new_object();
    add_standing(user, v);
    json_object_array_add(arg, user);
}

/* Members are only ever added; what is not known is null. */
static struct json_object *view_as_json(struct view *v)
{
    struct json_object *item = json_object_new_object();
    struct json_object *users = account_is_per_user(&v->account) && !v->user ? json_object_new_array() : NULL;
    each_user(v, add_user, users);
    add_text(item, "account", v->name);
    add_standing(item, v);
    add_text(item, "store", v->paths->system ? "system" : "user");
    add_text(item, "provider", account_value(&v->account, SETTING_PROVIDER));
    add_text(item, "grant", v->is_loaded ? account_grant_name(&v->account) : NULL);
    add_text(item, "issuer", v->state.issuer ? v->state.issuer : account_value(&v->account, SETTING_ISSUER));
    add_text(item, "signed_in_as", v->state.signed_in_as);
    add_text(item, "scope", v->state.scope);
    add_time(item, "login_at", v->state.login_at);
    json_object_object_add(item, "refresh_token", tokens_as_json(v, true));
    json_object_object_add(item, "users", users);
    json_object_object_add(item, "agent", agent_as_json(v));
    add_text(item, "account_file", v->account_file);
    return item;
}

/* What is shown so far. */
struct output {
    bool only_readable;
    const char *user;         /* whose mailbox was asked for; NULL: the account */
    struct json_object *json; /* an array; NULL for text */
    size_t count;
    int status; /* the worst so far */
};

static void show(void *arg, const struct paths *p, const char *name)
{
    struct output *out = arg;
    struct view v;
    if (view_open(&v, p, name, out->user, out->only_readable && p->system)) {
        if (out->json) {
            json_object_array_add(out->json, view_as_json(&v));
        } else {
            if (out->count > 0)
                puts("");
            print_view(&v);
        }
        out->count++;
        out->status = worse(out->status, v.status);
    }
    view_close(&v);
}

/* The one that was named, by its name or by an address that its file lists. */
static bool show_one(const struct command *c, struct output *out, struct report *why)
{
    struct account a;
    struct paths p;
    char name[ACCOUNT_NAME_MAX + 1];
    if (!account_name(c->account, name, why))
        return false;
    if (command_account(c, &a, &p, why)) {
        out->user = strcmp(a.state_name, a.name) != 0 ? a.subject : NULL;
        show(out, &p, a.name);
        out->user = NULL; /* it lies in the account */
        account_free(&a);
        return true;
    }
    inquiry_explain(c->system, "status", name, why);
    return false;
}

int verb_status(const struct command *c)
{
    struct report why;
    struct output out = {.only_readable = !c->system, .json = c->json ? json_object_new_array() : NULL};
    bool ok = c->account ? show_one(c, &out, &why) : command_each(c, show, &out, &why);
    if (ok && c->json)
        puts(json_object_to_json_string_ext(out.json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    if (ok && !c->json && out.count == 0)
        fprintf(stderr, "xoauth2: there is no account: run 'xoauth2%s login ADDRESS'\n",
                c->system ? " --system" : "");
    json_object_put(out.json);
    return ok ? out.status : command_fail(&why);
}
