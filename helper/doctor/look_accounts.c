#include "config.h"

#include "look.h"

#include "agent/allow.h"
#include "glob.h"
#include "grant.h"
#include "keeper.h"
#include "lookup.h"
#include "oauth.h"
#include "plugin/configured.h"
#include "reach.h"
#include "readfile.h"
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is needed while all accounts of a store are looked at. */
struct visit {
    struct record *record;
    const struct look *look;
    const struct paths *paths;
    size_t count;
};

/* Every server that `xoauth2 test` would use gets the token only if hosts: has it. */
static void look_at_servers(struct record *r, const struct account *a)
{
    const char *list = account_value(a, SETTING_SERVERS);
    struct server s;
    while (list && server_next(&s, &list))
        if (!account_host_allowed(a, s.host))
            record_add(r, CHECK_ACCOUNT_SERVERS, LEVEL_PROBLEM, a->name,
                       "%s of 'servers:' is not among 'hosts:', so that it gets no token: correct either in %s",
                       s.host, a->file.path);
}

struct strangers {
    struct record *record;
    const struct account *account;
};

static void note_stranger(void *arg, const char *name)
{
    const struct strangers *s = arg;
    record_add(s->record, CHECK_ACCOUNT_ALLOW, LEVEL_PROBLEM, s->account->name,
               "'allow:' names %s, whom this machine does not have: correct it in %s", name, s->account->file.path);
}

static void look_at_allow(struct record *r, const struct account *a)
{
    struct allow allowed;
    struct strangers s = {r, a};
    const char *list = a->file.value[SETTING_ALLOW];
    if (list && allow_resolve(&allowed, list, note_stranger, &s))
        allow_free(&allowed);
}

/* An address that other accounts may claim, too. */
struct claim {
    struct record *record;
    const struct account *account;
    const struct paths *paths;
    const char *user;
};

/* Whether a host or pattern of one list is allowed by the other. */
static bool allows_one(const char *hosts, const char *list)
{
    const char *entry;
    char host[256];
    size_t len;
    while ((entry = glob_next(&list, &len))) {
        snprintf(host, sizeof host, "%.*s", (int)len, entry);
        if (account_hosts_allow(hosts, host))
            return true;
    }
    return false;
}

/* Where no server is allowed by both, the server decides. */
static bool may_serve_the_same(const struct account *a, const struct account *b)
{
    const char *one = account_value(a, SETTING_HOSTS);
    const char *other = account_value(b, SETTING_HOSTS);
    return !one || !other || allows_one(one, other) || allows_one(other, one);
}

static bool look_at_rival(void *arg, const char *name)
{
    const struct claim *c = arg;
    struct account rival;
    struct report why;
    if (strcmp(name, c->account->name) == 0)
        return true;
    bool tied = account_load(&rival, c->paths, name, &why) == READFILE_OK && rival.file.value[SETTING_USERS] &&
                glob_rank(rival.file.value[SETTING_USERS], c->user) == GLOB_EXACT &&
                may_serve_the_same(c->account, &rival);
    account_free(&rival);
    if (!tied)
        return true;
    account_tie(c->paths, c->user, c->account->name, name, &why);
    record_add(c->record, CHECK_ACCOUNT_USERS, LEVEL_PROBLEM, c->account->name, "%s", why.text);
    return false;
}

/* The account of that very name goes before all others. */
static void look_at_user(struct claim *c)
{
    struct account namesake;
    struct report why;
    char name[ACCOUNT_NAME_MAX + 1];
    enum readfile_result result = READFILE_MISSING;
    account_init(&namesake);
    if (account_name(c->user, name, &why))
        result = account_load(&namesake, c->paths, name, &why);
    account_free(&namesake);
    if (result == READFILE_MISSING)
        account_each(c->paths, look_at_rival, c, &why);
    else if (result == READFILE_REFUSED)
        record_add(c->record, CHECK_ACCOUNT_USERS, LEVEL_PROBLEM, c->account->name, "%s", why.text);
}

/* Patterns are left alone: the longer one wins. */
static void look_at_users(struct record *r, const struct account *a, const struct paths *p)
{
    const char *list = a->file.value[SETTING_USERS];
    const char *entry;
    size_t len;
    while (list && (entry = glob_next(&list, &len))) {
        char user[ACCOUNT_NAME_MAX + 1];
        struct claim c = {r, a, p, user};
        if (len > ACCOUNT_NAME_MAX || memchr(entry, '*', len))
            continue;
        memcpy(user, entry, len);
        user[len] = '\0';
        look_at_user(&c);
    }
}

/* Secret, key, certificate, assertion: read, checked, wiped. */
static void look_at_client(struct record *r, const struct account *a, const struct paths *p)
{
    struct oauth_client c;
    struct grant_source g = {.kind = GRANT_AUTHORIZATION_CODE};
    struct report why;
    if (account_grant(a) == GRANT_COMMAND)
        return;
    bool ok = oauth_client_open(&c, a, p, &why);
    if (ok && account_grant(a) != GRANT_AUTHORIZATION_CODE) {
        ok = grant_open(&g, &c, p, &why);
        grant_close(&g);
    }
    oauth_client_close(&c);
    if (ok)
        record_add(r, CHECK_ACCOUNT_CLIENT, LEVEL_OK, a->name, "the client's credentials can be read");
    else
        record_add(r, CHECK_ACCOUNT_CLIENT, LEVEL_PROBLEM, a->name, "%s", why.text);
}

/* The machine's agent runs as the owner of the store: what root alone can read is of no use to it. */
static void look_at_owner(struct record *r, const struct account *a, const struct paths *p)
{
    char path[PATH_MAX];
    char command[READFILE_COMMAND_MAX];
    struct report why;
    struct stat st, store;
    if (!p->system || stat(p->state, &store) != 0 || store.st_uid == 0)
        return;
    if (!reach_files(a, p, &why))
        record_add(r, CHECK_STORE_OWNER, LEVEL_PROBLEM, a->name, "%s", why.text);
    state_path(p, a->state_name, path);
    if (stat(path, &st) == 0 && st.st_uid != store.st_uid)
        record_add(r, CHECK_STORE_OWNER, LEVEL_PROBLEM, a->name,
                   "%s is not of user id %lu, who owns the store: run 'chown %lu %s'", path,
                   (unsigned long)store.st_uid, (unsigned long)store.st_uid, path);
    if (stat(a->file.path, &st) != 0 || st.st_uid == store.st_uid ||
        (st.st_gid == store.st_gid && (st.st_mode & S_IRGRP)))
        return;
    readfile_group_command(a->file.path, &st, store.st_gid, command);
    record_add(r, CHECK_STORE_OWNER, LEVEL_PROBLEM, a->name,
               "group id %lu, that of the store, cannot read %s: run '%s'", (unsigned long)store.st_gid,
               a->file.path, command);
}

/* With the tokens of `user` alone where each mailbox has its own. False where the file is none of ours to read. */
static bool look_at_account(struct record *r, const struct paths *p, const char *name, const char *user)
{
    struct account a;
    struct report why;
    enum readfile_result result = account_load(&a, p, name, &why);
    if (result == READFILE_OK) {
        record_add(r, CHECK_ACCOUNT_FILE, LEVEL_OK, name, "%s", a.file.path);
        look_at_owner(r, &a, p);
        look_at_servers(r, &a);
        look_at_allow(r, &a);
        look_at_users(r, &a, p);
        look_at_client(r, &a, p);
        if (user)
            account_set_user(&a, user, &why); /* the one that the account was found for */
        look_at_state(r, &a, p);
    } else if (result == READFILE_REFUSED || (result == READFILE_UNREADABLE && !p->system)) {
        record_add(r, CHECK_ACCOUNT_FILE, LEVEL_PROBLEM, name, "%s", why.text);
    }
    account_free(&a);
    return result != READFILE_UNREADABLE && result != READFILE_MISSING;
}

static bool visit_account(void *arg, const char *name)
{
    struct visit *v = arg;
    bool ours = look_at_account(v->record, v->paths, name, NULL);
    v->count += ours;
    if (ours)
        record_account(v->record, name);
    return true;
}

/* Files that look like accounts and are none, such as those with capital letters. */
static void look_for_ignored(struct record *r, const struct paths *p)
{
    DIR *folder = opendir(p->accounts);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char name[ACCOUNT_NAME_MAX + 1];
        account_of_file(entry->d_name, name);
        if (*name || entry->d_name[0] == '.')
            continue;
        record_add(
            r, CHECK_ACCOUNT_IGNORED, LEVEL_WARNING, NULL,
            "%s/%s is no account: its name must be the address in small letters, and end with '.conf': rename or "
            "remove it",
            p->accounts, entry->d_name);
    }
    if (folder)
        closedir(folder);
}

static size_t look_at_store(struct record *r, const struct look *look, const struct paths *p)
{
    struct visit v = {.record = r, .look = look, .paths = p};
    struct report why;
    look_for_ignored(r, p);
    if (!account_each(p, visit_account, &v, &why) && (!p->system || look->system))
        record_add(r, CHECK_ACCOUNT_FOUND, LEVEL_PROBLEM, NULL, "%s", why.text);
    return v.count;
}

static void look_at_all(struct record *r, const struct look *look)
{
    struct paths user, system;
    struct report why;
    size_t count = 0;
    if (!look->system && paths_user(&user, &why))
        count += look_at_store(r, look, &user);
    paths_system(&system);
    count += look_at_store(r, look, &system);
    if (count > 0)
        record_add(r, CHECK_ACCOUNT_FOUND, LEVEL_OK, NULL, "%zu found", count);
    else if (configured_machine())
        record_add(
            r, CHECK_ACCOUNT_FOUND, LEVEL_WARNING, NULL,
            "%s has accounts on this machine alone, which %s may not read: run this with one of them as ACCOUNT",
            look->user, look->user);
    else
        record_add(r, CHECK_ACCOUNT_FOUND, LEVEL_PROBLEM, NULL, "there is no account: run 'xoauth2%s login ADDRESS'",
                   look->system ? " --system" : "");
}

static void look_at_one(struct record *r, const struct look *look)
{
    struct account a;
    struct paths p;
    struct report why;
    char name[ACCOUNT_NAME_MAX + 1];
    if (!account_name(look->account, name, &why)) {
        record_add(r, CHECK_ACCOUNT_FOUND, LEVEL_PROBLEM, NULL, "%s", why.text);
        return;
    }
    record_account(r, name);
    if (lookup(&a, &p, look->system ? LOOKUP_SYSTEM : LOOKUP_ALL, name, NULL, &why)) {
        record_add(r, CHECK_ACCOUNT_FOUND, LEVEL_OK, name, "%s", a.file.path);
        look_at_account(r, &p, a.name, name);
        account_free(&a);
    } else if (why.code == FAILURE_NO_ACCOUNT && configured_machine() && geteuid() != 0) {
        record_add(r, CHECK_ACCOUNT_FOUND, LEVEL_OK, name, "not one of %s; the machine's agent is asked for it",
                   look->user);
    } else {
        record_add(r, why.code == FAILURE_NO_ACCOUNT ? CHECK_ACCOUNT_FOUND : CHECK_ACCOUNT_FILE, LEVEL_PROBLEM, name,
                   "%s", why.text);
    }
}

void look_at_accounts(struct record *r, const struct look *look)
{
    if (look->account)
        look_at_one(r, look);
    else
        look_at_all(r, look);
}
