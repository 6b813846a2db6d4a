#include "config.h"

#include "account.h"

#include "choice.h"
#include "glob.h"
#include "provider.h"
#include "runner.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLIENT_SECRET_FILE_MAX = 16384, ACCOUNTS_MAX = 100000 };

static const char SUFFIX[] = ".conf";
static const char TENANT[] = "{tenant}";
static const char TENANT_DEFAULT[] = "common";

void account_init(struct account *a)
{
    a->name[0] = '\0';
    a->subject[0] = '\0';
    a->state_name[0] = '\0';
    keyfile_init(&a->file);
    keyfile_init(&a->provider);
}

void account_free(struct account *a)
{
    if (!a)
        return;
    keyfile_free(&a->file);
    keyfile_free(&a->provider);
    a->name[0] = '\0';
}

void account_path(const struct paths *p, const char *name, char path[PATH_MAX])
{
    /* It fits: paths_user() bounds the folder. */
    if (snprintf(path, PATH_MAX, "%s/%s%s", p->accounts, name, SUFFIX) >= PATH_MAX)
        path[0] = '\0';
}

bool account_none(const struct paths *p, const char *verb, const char *name, struct report *why)
{
    struct paths system;
    char path[PATH_MAX];
    paths_system(&system);
    account_path(&system, name, path);
    if (!p->system && access(path, F_OK) == 0)
        return report_set(why, FAILURE_NO_ACCOUNT,
                          "no account %s of your own, but the system has one: run 'xoauth2 --system %s %s'", name,
                          verb, name);
    return report_set(why, FAILURE_NO_ACCOUNT, "no account %s: 'xoauth2%s list' shows those there are", name,
                      paths_option(p));
}

mode_t account_forbidden_mode(const struct paths *p)
{
    return p->system ? 037 : 077;
}

/* The system's account files are root's and readable to the store's group. */
static struct readfile_rules account_rules(const struct paths *p, size_t limit)
{
    return (struct readfile_rules){.forbidden_mode = account_forbidden_mode(p),
                                   .owner = p->owner,
                                   .for_group = p->system,
                                   .group = p->group,
                                   .limit = limit};
}

/* Whoever else may write to the folder can give one account's file the name of another, and so have the other's
 * refresh token sent where he likes. */
static bool trust_folder(const struct paths *p, struct report *why)
{
    struct stat st;
    if (stat(p->accounts, &st) != 0)
        return true; /* which is told with the file */
    if (st.st_uid != 0 && p->owner == 0 && !p->system)
        return report_set(why, FAILURE_CONFIG,
                          "the folder %s belongs to user id %lu: run this as that user, not as root", p->accounts,
                          (unsigned long)st.st_uid);
    if (st.st_uid != 0 && st.st_uid != p->owner)
        return report_set(why, FAILURE_CONFIG,
                          "the folder %s belongs to user id %lu: run 'chown %lu %s' if you trust it", p->accounts,
                          (unsigned long)st.st_uid, (unsigned long)p->owner, p->accounts);
    if (st.st_mode & 022)
        return report_set(why, FAILURE_CONFIG, "others may write to the folder %s: run 'chmod go-w %s'", p->accounts,
                          p->accounts);
    return true;
}

enum readfile_result account_read(const struct paths *p, const char *name, struct secret *text, struct report *why)
{
    char path[PATH_MAX];
    const struct readfile_rules rules = account_rules(p, KEYFILE_SIZE_MAX);
    account_path(p, name, path);
    return trust_folder(p, why) ? readfile(path, &rules, text, why) : READFILE_REFUSED;
}

static bool load_provider(struct account *a, const struct paths *p, struct report *why)
{
    const char *name = a->file.value[SETTING_PROVIDER];
    if (!name)
        return true;
    enum readfile_result result = provider_load(&a->provider, name, p->owner, why);
    if (result == READFILE_MISSING)
        return keyfile_complain(&a->file, SETTING_PROVIDER, why,
                                "there is no provider file %s.conf in %s or %s: mend the name or add the file", name,
                                provider_folders[0], provider_folders[1]);
    return result == READFILE_OK;
}

static bool complete(struct account *a, const struct paths *p, const char *name, struct report *why)
{
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(a->state_name, sizeof a->state_name, "%s", name);
    a->store_owner = p->system ? p->owner : 0;
    return settings_check_account(&a->file, why) && load_provider(a, p, why);
}

enum readfile_result account_load(struct account *a, const struct paths *p, const char *name, struct report *why)
{
    char path[PATH_MAX];
    const struct readfile_rules rules = account_rules(p, KEYFILE_SIZE_MAX);
    account_init(a);
    account_path(p, name, path);
    enum readfile_result result = READFILE_REFUSED;
    if (trust_folder(p, why))
        result = keyfile_load(&a->file, path, &rules, SETTING_NAMES, why);
    if (result == READFILE_OK && !complete(a, p, name, why))
        result = READFILE_REFUSED;
    if (result != READFILE_OK)
        account_free(a);
    return result;
}

/* `given`: by a command line, which is what the user knows while there is no such file. */
static bool parse(struct account *a, const struct paths *p, const char *name, bool given, struct secret *text,
                  struct report *why)
{
    char path[PATH_MAX];
    struct stat st;
    account_init(a);
    account_path(p, name, path);
    if (lstat(path, &st) == 0)
        a->file.owner = st.st_uid;
    else
        a->file.unwritten = given && errno == ENOENT;
    a->file.text = *text;
    secret_init(text, text->limit);
    bool ok = keyfile_parse(&a->file, path, SETTING_NAMES, why) && complete(a, p, name, why);
    if (!ok)
        account_free(a);
    return ok;
}

bool account_parse(struct account *a, const struct paths *p, const char *name, struct secret *text,
                   struct report *why)
{
    return parse(a, p, name, false, text, why);
}

bool account_parse_given(struct account *a, const struct paths *p, const char *name, struct secret *text,
                         struct report *why)
{
    return parse(a, p, name, true, text, why);
}

const char *account_value(const struct account *a, enum setting key)
{
    return a->file.value[key] ? a->file.value[key] : a->provider.value[key];
}

enum grant account_grant(const struct account *a)
{
    static const struct {
        const char *name;
        enum grant grant;
    } NAMES[] = {{"client_credentials", GRANT_CLIENT_CREDENTIALS},
                 {"jwt_bearer", GRANT_JWT_BEARER},
                 {"managed_identity", GRANT_MANAGED_IDENTITY}};
    const char *value = a->file.value[SETTING_GRANT];
    if (a->file.value[SETTING_TOKEN_COMMAND])
        return GRANT_COMMAND;
    for (size_t i = 0; value && i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (strcmp(NAMES[i].name, value) == 0)
            return NAMES[i].grant;
    return GRANT_AUTHORIZATION_CODE;
}

const char *account_grant_name(const struct account *a)
{
    const char *value = a->file.value[SETTING_GRANT];
    if (account_grant(a) == GRANT_COMMAND)
        return "token_command";
    return value ? value : "authorization_code";
}

bool account_is_per_user(const struct account *a)
{
    return account_grant(a) == GRANT_JWT_BEARER && !a->file.value[SETTING_SUBJECT];
}

bool account_set_user(struct account *a, const char *user, struct report *why)
{
    char subject[ACCOUNT_NAME_MAX + 1];
    if (!account_is_per_user(a))
        return true;
    if (!account_name(user, subject, why))
        return false;
    memcpy(a->subject, subject, sizeof a->subject);
    memcpy(a->state_name, a->name, sizeof a->state_name);
    if (strcmp(subject, a->name) == 0)
        return true;
    size_t len = strlen(a->name);
    if (len + 1 + strlen(subject) > ACCOUNT_NAME_MAX)
        return report_set(why, FAILURE_CONFIG,
                          "the name of the account %s and the address %s are too long together: give that "
                          "address an account of its own",
                          a->name, subject);
    a->state_name[len] = ' ';
    strcpy(a->state_name + len + 1, subject);
    return true;
}

bool account_run(const struct account *a, enum setting key, const struct secret *input, struct secret *output,
                 int64_t timeout, struct report *why)
{
    char place[PATH_MAX + 32];
    char what[sizeof place + 64];
    bool as_owner = geteuid() == 0 && a->store_owner != 0;
    keyfile_place(&a->file, key, place, sizeof place);
    int len = snprintf(what, sizeof what, "%s'%s'", place, SETTING_NAMES[key]);
    if (as_owner && len > 0 && (size_t)len < sizeof what)
        snprintf(what + len, sizeof what - (size_t)len, " (as user id %lu)", (unsigned long)a->store_owner);
    return runner_run(a->file.value[key], what, as_owner ? a->store_owner : RUNNER_AS_WE_ARE, input, output, timeout,
                      why);
}

bool account_expand(const struct account *a, enum setting key, char **expanded, struct report *why)
{
    const char *value = account_value(a, key);
    const char *tenant = account_value(a, SETTING_TENANT);
    *expanded = NULL;
    if (!value)
        return true;
    if (!tenant)
        tenant = TENANT_DEFAULT;
    size_t tenants = 0;
    for (const char *at = value; (at = strstr(at, TENANT)) != NULL; at += strlen(TENANT))
        tenants++;
    *expanded = malloc(strlen(value) + tenants * strlen(tenant) + 1);
    if (!*expanded)
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    char *to = *expanded;
    for (const char *at; (at = strstr(value, TENANT)) != NULL; value = at + strlen(TENANT)) {
        to = mempcpy(to, value, (size_t)(at - value));
        to = stpcpy(to, tenant);
    }
    strcpy(to, value);
    return true;
}

int64_t account_refresh_margin(const struct account *a)
{
    const char *value = account_value(a, SETTING_REFRESH_MARGIN);
    return value ? strtoll(value, NULL, 10) : REFRESH_MARGIN_DEFAULT;
}

/* Cuts the text after its first line. */
static void keep_first_line(struct secret *text)
{
    size_t len = text->len > 0 ? strcspn(text->data, "\r\n") : 0;
    if (len < text->len) {
        explicit_bzero(text->data + len, text->len - len);
        text->len = len;
    }
}

static bool read_secret_file(const struct account *a, const struct paths *p, const char *path, struct secret *out,
                             struct report *why)
{
    const struct readfile_rules rules = account_rules(p, CLIENT_SECRET_FILE_MAX);
    struct report cause;
    enum readfile_result result = readfile(path, &rules, out, &cause);
    if (result == READFILE_MISSING)
        report_set(&cause, FAILURE_CONFIG, "the file %s is missing", path);
    if (result != READFILE_OK) {
        keyfile_complain(&a->file, SETTING_CLIENT_SECRET_FILE, why, "'client_secret_file': %s", cause.text);
        why->code = cause.code;
        return false;
    }
    size_t whole = out->len;
    bool has_nul = whole > 0 && memchr(out->data, '\0', whole);
    keep_first_line(out);
    if (out->len > 0 && !has_nul)
        return true;
    secret_free(out);
    return keyfile_complain(&a->file, SETTING_CLIENT_SECRET_FILE, why,
                            "'client_secret_file': the first line of %s is not a client secret", path);
}

static bool run_for_secret(const struct account *a, struct secret *out, struct report *why)
{
    if (!account_run(a, SETTING_CLIENT_SECRET_COMMAND, NULL, out, RUNNER_TIMEOUT, why))
        return false;
    bool has_nul = out->len > 0 && memchr(out->data, '\0', out->len);
    keep_first_line(out);
    if (out->len > 0 && !has_nul)
        return true;
    secret_free(out);
    return keyfile_complain(&a->file, SETTING_CLIENT_SECRET_COMMAND, why,
                            "'client_secret_command': the first line of what it writes is not a client secret");
}

bool account_client_secret(const struct account *a, const struct paths *p, struct secret *out, struct report *why)
{
    secret_free(out);
    secret_init(out, KEYFILE_SIZE_MAX);
    const char *path = account_value(a, SETTING_CLIENT_SECRET_FILE);
    if (path)
        return read_secret_file(a, p, path, out, why);
    if (account_value(a, SETTING_CLIENT_SECRET_COMMAND))
        return run_for_secret(a, out, why);
    const char *value = account_value(a, SETTING_CLIENT_SECRET);
    if (value && !secret_adds(out, value))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    return true;
}

/* An IPv6 address has brackets in a URL, and in other places none. */
static const char *without_brackets(const char *text, size_t *len)
{
    if (*len < 3 || text[0] != '[' || text[*len - 1] != ']' || !memchr(text, ':', *len))
        return text;
    *len -= 2;
    return text + 1;
}

/* What a host is called in other places: without brackets, and without the final dot that a name may have
 * (RFC 1034, section 3.1). Empty where it is too long for a host. */
static void plain_host(const char *host, char plain[256])
{
    size_t len = strlen(host);
    host = without_brackets(host, &len);
    if (len > 0 && host[len - 1] == '.')
        len--;
    snprintf(plain, 256, "%.*s", len < 256 ? (int)len : 0, host);
}

bool account_hosts_allow(const char *hosts, const char *host)
{
    char plain[256];
    const char *entry;
    size_t len;
    if (!hosts || !host || !*host)
        return true;
    if (glob_rank(hosts, host) > 0)
        return true;
    plain_host(host, plain);
    while (*plain && (entry = glob_next(&hosts, &len))) {
        entry = without_brackets(entry, &len);
        if (glob_match(entry, len, plain))
            return true;
    }
    return false;
}

bool account_host_allowed(const struct account *a, const char *host)
{
    return account_hosts_allow(account_value(a, SETTING_HOSTS), host);
}

/* What a search has found so far. */
struct search {
    const struct paths *paths;
    const char *user;
    const char *host;
    struct report *passed_over;
    struct account best; /* valid where choice.rank > 0 */
    struct choice choice;
    char tied[ACCOUNT_NAME_MAX + 1];
};

/* Takes the candidate over, or notes it as a tie, or frees it. */
static void weigh(struct search *s, struct account *candidate)
{
    const char *users = candidate->file.value[SETTING_USERS];
    size_t rank = users ? glob_rank(users, s->user) : 0;
    switch (choice_weigh(&s->choice, rank, account_host_allowed(candidate, s->host))) {
    case CHOICE_BETTER:
        account_free(&s->best);
        s->best = *candidate;
        return;
    case CHOICE_EQUAL:
        memcpy(s->tied, candidate->name, sizeof s->tied);
        break;
    case CHOICE_WORSE:
        break;
    }
    account_free(candidate);
}

static bool consider(void *arg, const char *name)
{
    struct search *s = arg;
    struct account candidate;
    struct report why;
    enum readfile_result result = account_load(&candidate, s->paths, name, &why);
    if (result == READFILE_OK)
        weigh(s, &candidate);
    else if (result != READFILE_MISSING)
        *s->passed_over = why;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void account_of_file(const char *file, char name[ACCOUNT_NAME_MAX + 1])
{
    struct report ignored;
    size_t len = strlen(file);
    size_t suffix = strlen(SUFFIX);
    char base[NAME_MAX + 1];
    name[0] = '\0';
    if (len <= suffix || len > NAME_MAX || strcmp(file + len - suffix, SUFFIX) != 0)
        return;
    memcpy(base, file, len - suffix);
    base[len - suffix] = '\0';
    if (!account_name(base, name, &ignored) || strcmp(base, name) != 0)
        name[0] = '\0';
}

struct names {
    char **items;
    size_t count;
};

static void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
}

static bool names_add(struct names *n, const char *name)
{
    if (n->count % 64 == 0) {
        char **grown = realloc(n->items, (n->count + 64) * sizeof *grown);
        if (!grown)
            return false;
        n->items = grown;
    }
    n->items[n->count] = strdup(name);
    return n->items[n->count] && ++n->count <= ACCOUNTS_MAX;
}

static enum readfile_result list_names(const struct paths *p, struct names *names, struct report *why)
{
    DIR *folder = opendir(p->accounts);
    if (!folder && (errno == ENOENT || errno == ENOTDIR))
        return READFILE_MISSING;
    if (!folder) {
        bool denied = errno == EACCES || errno == EPERM;
        report_set(why, FAILURE_CONFIG, "cannot read the folder %s: %s", p->accounts, strerror(errno));
        return denied ? READFILE_UNREADABLE : READFILE_REFUSED;
    }
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(folder)) != NULL;) {
        char name[ACCOUNT_NAME_MAX + 1];
        account_of_file(entry->d_name, name);
        ok = !*name || names_add(names, name);
    }
    closedir(folder);
    if (!ok) {
        report_set(why, FAILURE_CONFIG, "%s: too many accounts, or not enough memory", p->accounts);
        return READFILE_REFUSED;
    }
    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, by_name);
    return READFILE_OK;
}

static enum readfile_result each(const struct paths *p, bool (*visit)(void *arg, const char *name), void *arg,
                                 struct report *why)
{
    struct names names = {0};
    enum readfile_result result = list_names(p, &names, why);
    if (result == READFILE_OK)
        for (size_t i = 0; i < names.count && visit(arg, names.items[i]); i++)
            ;
    names_free(&names);
    return result;
}

bool account_each(const struct paths *p, bool (*visit)(void *arg, const char *name), void *arg, struct report *why)
{
    enum readfile_result result = each(p, visit, arg, why);
    return result == READFILE_OK || result == READFILE_MISSING;
}

bool account_tie(const struct paths *p, const char *user, const char *one, const char *other, struct report *why)
{
    char first[PATH_MAX];
    char second[PATH_MAX];
    account_path(p, one, first);
    account_path(p, other, second);
    return report_set(why, FAILURE_CONFIG, "%s matches the 'users:' of %s and of %s equally: change one of them",
                      user, first, second);
}

static enum readfile_result search_users(struct search *s, struct report *why)
{
    enum readfile_result result = each(s->paths, consider, s, why);
    if (result != READFILE_OK)
        return result;
    if (s->choice.rank == 0)
        return READFILE_MISSING;
    /* Where neither may be used for this host, the first says so. */
    if (!s->choice.tie || !s->choice.host_allowed)
        return READFILE_OK;
    account_tie(s->paths, s->user, s->best.name, s->tied, why);
    return READFILE_REFUSED;
}

enum readfile_result account_find(struct account *a, const struct paths *p, const char *user, const char *host,
                                  struct report *passed_over, struct report *why)
{
    char name[ACCOUNT_NAME_MAX + 1];
    account_init(a);
    passed_over->code = FAILURE_NONE;
    if (account_name(user, name, why)) {
        enum readfile_result result = account_load(a, p, name, why);
        if (result != READFILE_MISSING)
            return result;
    }
    struct search s = {.paths = p, .user = user, .host = host, .passed_over = passed_over};
    account_init(&s.best);
    enum readfile_result result = search_users(&s, why);
    if (result == READFILE_OK)
        *a = s.best;
    else
        account_free(&s.best);
    return result;
}
