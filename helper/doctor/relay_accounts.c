#include "config.h"

#include "relay_accounts.h"

#include "account.h"
#include "readfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAPS_MAX = 512, TABLE_SIZE_MAX = 1 << 20 };

static struct relay_table describe(const char *given)
{
    static const char *const KINDS[][2] = {
        {"hash:", ".db"}, {"btree:", ".db"}, {"lmdb:", ".lmdb"}, {"texthash:", ""}};
    struct relay_table t = {.name = strncmp(given, "proxy:", 6) == 0 ? given + 6 : given};
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        size_t len = strlen(KINDS[i][0]);
        if (strncmp(t.name, KINDS[i][0], len) == 0) {
            t.path = t.name + len;
            t.suffix = KINDS[i][1];
        }
    }
    return t;
}

bool relay_tables(const char *maps, void (*each)(void *arg, const struct relay_table *table), void *arg)
{
    char tables[MAPS_MAX];
    if (snprintf(tables, sizeof tables, "%s", maps) >= (int)sizeof tables)
        return false;
    char *rest = tables;
    for (char *given; (given = strsep(&rest, ", \t"));) {
        const struct relay_table t = describe(given);
        if (*given)
            each(arg, &t);
    }
    return true;
}

/* What Postfix logs in with, and the account that this machine has for it. */
struct search {
    struct relay_accounts *out;
    const struct record *record;
    struct paths paths;
};

static bool is_known(const struct relay_accounts *accounts, const char *login)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (strcmp(accounts->all[i].login, login) == 0)
            return true;
    return false;
}

static bool is_looked_at(const struct record *r, const char *name)
{
    for (size_t i = 0; i < record_accounts(r); i++)
        if (strcmp(record_account_at(r, i), name) == 0)
            return true;
    return false;
}

static void add(struct relay_accounts *out, const char *login, const struct account *a)
{
    struct relay_account *all = reallocarray(out->all, out->count + 1, sizeof *all);
    if (!all)
        return;
    out->all = all;
    struct relay_account *new = &all[out->count++];
    *new = (struct relay_account){.allow_line = a->file.line[SETTING_ALLOW]};
    snprintf(new->login, sizeof new->login, "%s", login);
    snprintf(new->file, sizeof new->file, "%s", a->file.path);
}

static void add_login(struct search *s, const char *given)
{
    struct account a;
    struct report passed_over, why;
    char login[ACCOUNT_NAME_MAX + 1];
    if (!account_name(given, login, &why) || is_known(s->out, login))
        return;
    if (account_find(&a, &s->paths, login, NULL, &passed_over, &why) == READFILE_OK &&
        (is_looked_at(s->record, login) || is_looked_at(s->record, a.name)))
        add(s->out, login, &a);
    account_free(&a);
}

/* "HOST LOGIN:PASSWORD"; the password is not looked at. */
static void take_line(struct search *s, char *line)
{
    if (*line == '#')
        return;
    char *value = line + strcspn(line, " \t");
    value += strspn(value, " \t");
    value[strcspn(value, ": \t")] = '\0';
    if (*value)
        add_login(s, value);
}

/* What is in a table that cannot be read is not certain. */
static void take_table(void *arg, const struct relay_table *table)
{
    const struct readfile_rules rules = {.any_owner = true, .follow_symlink = true, .limit = TABLE_SIZE_MAX};
    struct search *s = arg;
    struct secret text;
    struct report why;
    secret_init(&text, TABLE_SIZE_MAX);
    bool ok = table->path && readfile(table->path, &rules, &text, &why) == READFILE_OK;
    char *rest = ok && text.len > 0 ? text.data : NULL;
    for (char *line; (line = strsep(&rest, "\n"));)
        take_line(s, line);
    secret_free(&text);
    s->out->certain = s->out->certain && ok;
}

void relay_accounts_find(struct relay_accounts *out, const char *maps, const struct record *r)
{
    struct search s = {.out = out, .record = r};
    *out = (struct relay_accounts){.certain = true};
    paths_system(&s.paths);
    if (!relay_tables(maps, take_table, &s))
        out->certain = false;
    for (size_t i = 0; !out->certain && i < record_accounts(r); i++)
        add_login(&s, record_account_at(r, i));
}

void relay_accounts_free(struct relay_accounts *accounts)
{
    free(accounts->all);
    *accounts = (struct relay_accounts){.all = NULL};
}
