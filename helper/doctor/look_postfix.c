#include "config.h"

#include "look.h"

#include "become.h"
#include "clock.h"
#include "plugin/configured.h"
#include "plugin/source.h"
#include "postconf.h"
#include "relay_accounts.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JAIL_TIMEOUT = 60000 /* milliseconds */, AGENT_SECONDS = 20 };

/* One smtp(8) service. */
struct service {
    struct record *record;
    const struct postconf *postconf;
    const char *name;
    bool chroot;
};

static const char *value_of(const struct service *s, const char *name, char where[POSTCONF_WHERE_MAX])
{
    return postconf_value(s->postconf, s->name, name, where);
}

static bool is_yes(const char *value)
{
    return strcasecmp(value, "yes") == 0;
}

static bool has_oauth(const char *filter)
{
    return strcasestr(filter, "xoauth2") || strcasestr(filter, "oauthbearer");
}

static void judge_login(const struct service *s)
{
    char where[POSTCONF_WHERE_MAX];
    const char *type;
    if (!is_yes(value_of(s, "smtp_sasl_auth_enable", where)))
        record_add(s->record, CHECK_POSTFIX_LOGIN, LEVEL_PROBLEM, NULL,
                   "the service %s has OAuth's mechanisms but does not log in: run \"postconf %s = yes'\"", s->name,
                   where);
    type = value_of(s, "smtp_sasl_type", where);
    if (strcmp(type, "cyrus") != 0)
        record_add(s->record, CHECK_POSTFIX_LOGIN, LEVEL_PROBLEM, NULL,
                   "smtp_sasl_type is '%s', so that libsasl2 is not used: run \"postconf %s = cyrus'\"", type, where);
}

static void judge_mechanisms(const struct service *s, const char *filter)
{
    char where[POSTCONF_WHERE_MAX];
    value_of(s, "smtp_sasl_mechanism_filter", where);
    if (!*filter)
        record_add(
            s->record, CHECK_POSTFIX_MECHANISMS, LEVEL_WARNING, NULL,
            "smtp_sasl_mechanism_filter is not set, so that a server without OAuth is sent an empty password, and "
            "one that prefers another mechanism gets that: run \"postconf %s = xoauth2'\"",
            where);
    else
        record_add(s->record, CHECK_POSTFIX_MECHANISMS, LEVEL_OK, NULL, "%s: %s", s->name, filter);
}

static void judge_noplaintext(const struct service *s)
{
    static const char *const NAMES[] = {"smtp_sasl_tls_security_options", "smtp_sasl_tls_verified_security_options"};
    bool found = false;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char where[POSTCONF_WHERE_MAX];
        if (!strcasestr(value_of(s, NAMES[i], where), "noplaintext"))
            continue;
        found = true;
        record_add(
            s->record, CHECK_POSTFIX_NOPLAINTEXT, LEVEL_PROBLEM, NULL,
            "'noplaintext' keeps Postfix from every mechanism that sends a token: run \"postconf %s = noanonymous'\"",
            where);
    }
    if (!found)
        record_add(s->record, CHECK_POSTFIX_NOPLAINTEXT, LEVEL_OK, NULL, "%s", s->name);
}

static void judge_cache(const struct service *s)
{
    char where[POSTCONF_WHERE_MAX];
    if (*value_of(s, "smtp_sasl_auth_cache_name", where))
        record_add(
            s->record, CHECK_POSTFIX_AUTH_CACHE, LEVEL_PROBLEM, NULL,
            "smtp_sasl_auth_cache_name is set: a refusal is kept until the password changes, and there is none: run "
            "\"postconf %s ='\"",
            where);
    else
        record_add(s->record, CHECK_POSTFIX_AUTH_CACHE, LEVEL_OK, NULL, "off");
}

static void judge_tls(const struct service *s)
{
    static const char *const WEAK[] = {"", "none", "may", "dane"};
    char where[POSTCONF_WHERE_MAX];
    const char *level = value_of(s, "smtp_tls_security_level", where);
    for (size_t i = 0; i < sizeof WEAK / sizeof WEAK[0]; i++)
        if (strcmp(level, WEAK[i]) == 0) {
            bool policy = *value_of(s, "smtp_tls_policy_maps", NULL) != '\0';
            record_add(
                s->record, CHECK_POSTFIX_TLS, policy ? LEVEL_WARNING : LEVEL_PROBLEM, NULL,
                "smtp_tls_security_level is '%s', so that a token may go over the network in plain text%s: run "
                "\"postconf %s = secure'\"",
                level, policy ? " where smtp_tls_policy_maps does not say otherwise" : "", where);
            return;
        }
    record_add(s->record, CHECK_POSTFIX_TLS, LEVEL_OK, NULL, "%s", level);
}

/* --- who logs in where: a table, and the index that postmap(1) makes of it --- */

static void judge_table(void *arg, const struct relay_table *table)
{
    struct record *r = arg;
    const char *path = table->path, *suffix = table->suffix;
    char index[PATH_MAX];
    struct stat source, made;
    if (!path)
        return;
    snprintf(index, sizeof index, "%s%s", path, suffix);
    if (stat(path, &source) != 0 && errno == ENOENT)
        record_add(r, CHECK_POSTFIX_PASSWORDS, LEVEL_PROBLEM, NULL,
                   "%s of smtp_sasl_password_maps is missing: write '[HOST]:587 ADDRESS:' into it", path);
    else if (*suffix && stat(index, &made) != 0 && errno == ENOENT)
        record_add(r, CHECK_POSTFIX_PASSWORDS, LEVEL_PROBLEM, NULL, "%s is missing: run 'postmap %s'", index,
                   table->name);
    else if (*suffix && stat(index, &made) == 0 && stat(path, &source) == 0 && source.st_mtime > made.st_mtime)
        record_add(r, CHECK_POSTFIX_PASSWORDS, LEVEL_PROBLEM, NULL,
                   "%s was changed after %s was made: run 'postmap %s'", path, index, table->name);
    else
        record_add(r, CHECK_POSTFIX_PASSWORDS, LEVEL_OK, NULL, "%s", path);
    if (stat(path, &source) == 0 && (source.st_mode & 077))
        record_add(r, CHECK_POSTFIX_PASSWORDS, LEVEL_WARNING, NULL,
                   "others can read %s, which may have passwords, too: run 'chmod 0600 %s %s'", path, path, index);
}

static void judge_passwords(const struct service *s)
{
    char where[POSTCONF_WHERE_MAX];
    const char *value = value_of(s, "smtp_sasl_password_maps", where);
    if (!*value)
        record_add(s->record, CHECK_POSTFIX_PASSWORDS, LEVEL_PROBLEM, NULL,
                   "smtp_sasl_password_maps is not set, so that nothing tells who logs in: run \"postconf %s = "
                   "hash:%s/sasl_passwd'\"",
                   where, s->postconf->folder);
    relay_tables(value, judge_table, s->record);
}

/* --- the agent, as smtp(8) reaches it --- */

struct jail {
    const struct service *service;
    struct become become;
    struct relay_accounts accounts; /* found from outside: the jail has no account files */
};

static void complain_of_refusal(const struct jail *j, const struct relay_account *a, struct record *r)
{
    const char *name = j->become.name;
    if (a->allow_line > 0)
        record_add(r, CHECK_POSTFIX_ALLOWED, LEVEL_PROBLEM, a->login,
                   "the machine's agent gives %s no token: add %s to 'allow:' in line %u of %s", name, name,
                   a->allow_line, a->file);
    else
        record_add(r, CHECK_POSTFIX_ALLOWED, LEVEL_PROBLEM, a->login,
                   "the machine's agent gives %s no token: run \"echo 'allow: %s' >> %s\"", name, name, a->file);
}

/* FAILURE_NONE where there is a token. */
static enum failure ask_for_token(const char *login, unsigned seconds)
{
    const struct source_places places = {.system_socket = RUNDIR "/agent.sock"};
    const struct source_query query = {.account = login};
    struct secret token;
    struct report why;
    enum source from;
    secret_init(&token, SOURCE_TOKEN_MAX);
    bool ok = source_get(&places, &query, seconds, &token, &from, &why);
    secret_free(&token);
    return ok ? FAILURE_NONE : why.code;
}

/* Where the accounts may not be Postfix's, one that it may have is enough. */
static void ask_for_tokens(const struct jail *j, struct record *r)
{
    const struct relay_account *refused = NULL;
    bool any = false;
    int64_t deadline = clock_monotonic() + AGENT_SECONDS * 1000;
    for (size_t i = 0; i < j->accounts.count && clock_left(deadline) >= 1000; i++) {
        const struct relay_account *a = &j->accounts.all[i];
        enum failure code = ask_for_token(a->login, (unsigned)(clock_left(deadline) / 1000));
        if (code == FAILURE_NONE) {
            record_add(r, CHECK_POSTFIX_ALLOWED, LEVEL_OK, a->login, "%s gets the token", j->become.name);
            any = true;
        } else if (code == FAILURE_NOT_ALLOWED) {
            refused = a;
            if (j->accounts.certain)
                complain_of_refusal(j, a, r);
        }
    }
    if (refused && !j->accounts.certain && !any)
        complain_of_refusal(j, refused, r);
}

static void look_in_jail(struct record *r, void *arg)
{
    const struct jail *j = arg;
    struct report why;
    if (!become_enter(&j->become, j->become.root != NULL, &why)) {
        record_add(r, CHECK_POSTFIX_AGENT, LEVEL_WARNING, NULL, "%s", why.text);
        return;
    }
    if (look_at_needed_agent(r, CHECK_POSTFIX_AGENT, RUNDIR "/agent.sock", j->become.root != NULL))
        ask_for_tokens(j, r);
}

static void judge_agent(const struct service *s)
{
    const char *queue = value_of(s, "queue_directory", NULL);
    struct jail j = {.service = s, .become = {.other = true, .root = s->chroot ? queue : NULL}};
    const struct passwd *owner = getpwnam(value_of(s, "mail_owner", NULL));
    char socket[PATH_MAX];
    if (geteuid() != 0 || !owner) {
        snprintf(socket, sizeof socket, "%s" RUNDIR "/agent.sock", s->chroot ? queue : "");
        look_at_needed_agent(s->record, CHECK_POSTFIX_AGENT, socket, s->chroot);
        return;
    }
    j.become.uid = owner->pw_uid;
    j.become.gid = owner->pw_gid;
    snprintf(j.become.name, sizeof j.become.name, "%s", owner->pw_name);
    relay_accounts_find(&j.accounts, value_of(s, "smtp_sasl_password_maps", NULL), s->record);
    record_isolated(s->record, look_in_jail, &j, JAIL_TIMEOUT);
    relay_accounts_free(&j.accounts);
}

static void judge_service(const struct service *s)
{
    const char *filter = value_of(s, "smtp_sasl_mechanism_filter", NULL);
    bool logs_in = is_yes(value_of(s, "smtp_sasl_auth_enable", NULL));
    /* One that logs in by passwords alone, or where this machine has no account, is none of our business. */
    if (*filter ? !has_oauth(filter) : !logs_in || !configured_machine())
        return;
    judge_login(s);
    judge_mechanisms(s, filter);
    judge_noplaintext(s);
    judge_cache(s);
    judge_tls(s);
    judge_passwords(s);
    judge_agent(s);
}

void look_at_postfix(struct record *r)
{
    struct postconf p;
    struct report why;
    if (postconf_open(&p, &why)) {
        for (size_t i = 0; i < postconf_services(&p); i++) {
            const struct service s = {
                .record = r,
                .postconf = &p,
                .name = postconf_service(&p, i),
                .chroot = postconf_has_chroot(&p, i),
            };
            judge_service(&s);
        }
    } else if (why.code != FAILURE_NONE) {
        record_add(r, CHECK_POSTFIX_READ, LEVEL_WARNING, NULL, "%s: run 'postconf -c %s -n' to see why", why.text,
                   p.folder);
    }
    postconf_close(&p);
}
