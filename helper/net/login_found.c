#include "config.h"

#include "login_found.h"

#include "accountfile.h"
#include "clock.h"
#include "glob.h"
#include "http.h"
#include "login_again.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What `xoauth2 test` connects to: the draft has TLS and the usual ports alone. */
static const struct {
    const char *scheme;
    unsigned port;
} SERVERS[PACC_PROTOCOL_COUNT] = {
    [PACC_IMAP] = {"imaps", 993}, [PACC_POP3] = {"pop3s", 995}, [PACC_SUBMISSION] = {"smtps", 465}};

static const char *domain_of(const struct login *l)
{
    const char *at = strrchr(l->name, '@');
    return at ? at + 1 : "";
}

/* --- what belongs together --- */

/* Whether `host` is `domain` or lies in it. */
static bool lies_in(const char *host, const char *domain)
{
    size_t len = strlen(host);
    size_t domain_len = strlen(domain);
    if (domain_len == 0 || len < domain_len || strcasecmp(host + len - domain_len, domain) != 0)
        return false;
    return len == domain_len || host[len - domain_len - 1] == '.';
}

bool login_found_related(const char *issuer_host, const char *host, const char *domain)
{
    const char *dot = strchr(issuer_host, '.');
    const char *parent = dot && strchr(dot + 1, '.') ? dot + 1 : issuer_host;
    return lies_in(host, parent) || (lies_in(host, domain) && lies_in(issuer_host, domain));
}

bool login_found_listed(const char *resources, const char *host)
{
    size_t len;
    const char *entry;
    if (!resources)
        return true;
    while ((entry = glob_next(&resources, &len))) {
        const char *scheme = memmem(entry, len, "://", 3);
        const char *name = scheme ? scheme + 3 : entry;
        size_t name_len = strcspn(name, ":/?# ,");
        if (name_len == strlen(host) && strncasecmp(name, host, name_len) == 0)
            return true;
    }
    return false;
}

bool login_found_check(const struct login *l, const struct oauth_client *c, struct report *why)
{
    const char *hosts = account_value(&l->account, SETTING_HOSTS);
    const char *host;
    size_t len;
    while (hosts && (host = glob_next(&hosts, &len))) {
        char name[DNS_HOST_MAX];
        if (memchr(host, '*', len) || len >= sizeof name)
            continue;
        memcpy(name, host, len);
        name[len] = '\0';
        if (login_found_listed(c->protected_resources, name))
            continue;
        if (l->client.open || *l->found.issuer)
            return report_set(
                why, FAILURE_CONFIG,
                "the metadata of %s lists the servers that its tokens are for, and %s is none of them: no token must "
                "go there. Tell who runs the mail of %s, or set hosts to the right servers with --set hosts=LIST",
                c->issuer, name, l->name);
        fprintf(stderr,
                "xoauth2: warning: the metadata of %s lists servers that its tokens are for, and %s is none of them: "
                "check hosts if that server refuses the token\n",
                c->issuer, name);
    }
    return true;
}

/* --- looking --- */

static bool take_option(struct secret *text, enum setting key, const char *value)
{
    return !value || accountfile_set(text, key, value);
}

/* The account as far as it is known, for its proxy and its certificates: it is not whole before its issuer is known.
 */
static bool open_account(const struct login *l, struct account *a, struct report *why)
{
    char path[PATH_MAX];
    struct secret *text = &a->file.text;
    account_path(&l->paths, l->name, path);
    bool ok = secret_adds(text, "") && (l->text.len == 0 || secret_add(text, l->text.data, l->text.len)) &&
              take_option(text, SETTING_CA_FILE, l->options.ca_file);
    for (size_t i = 0; ok && i < l->options.set_count; i++) {
        enum setting key = l->options.set[i].key;
        if (key == SETTING_PROXY || key == SETTING_CA_FILE || key == SETTING_CA_PATH)
            ok = take_option(text, key, *l->options.set[i].value ? l->options.set[i].value : NULL);
    }
    return ok ? keyfile_parse(&a->file, path, SETTING_NAMES, why)
              : report_set(why, FAILURE_CONFIG, "an option's value has a line break, or memory is short");
}

static enum pacc_result look(struct login *l, struct report *why)
{
    struct account a;
    enum pacc_result result = PACC_UNUSABLE;
    account_init(&a);
    if (open_account(l, &a, why)) {
        struct http *h = http_open(&a, why);
        if (h)
            result = pacc_find(h, domain_of(l), &l->found, why);
        http_close(&h);
    }
    account_free(&a);
    return result;
}

/* --- taking --- */

static bool is_set(const struct login_options *o, enum setting key)
{
    for (size_t i = 0; i < o->set_count; i++)
        if (o->set[i].key == key)
            return true;
    return false;
}

static void set_option(struct login_options *o, enum setting key, const char *value)
{
    if (is_set(o, key) || o->set_count == LOGIN_SET_MAX)
        return;
    o->set[o->set_count].key = key;
    o->set[o->set_count++].value = value;
}

/* Each of the lists has room for all of them. */
static void list_servers(struct login *l)
{
    size_t used = 0;
    l->found_hosts[0] = l->found_servers[0] = '\0';
    for (size_t i = 0; i < PACC_PROTOCOL_COUNT; i++) {
        const char *host = l->found.host[i];
        size_t len = strlen(l->found_hosts);
        if (!*host)
            continue;
        if (glob_rank(l->found_hosts, host) == 0)
            snprintf(l->found_hosts + len, sizeof l->found_hosts - len, "%s%s", len > 0 ? "," : "", host);
        used += (size_t)snprintf(l->found_servers + used, sizeof l->found_servers - used, "%s%s://%s:%u",
                                 used > 0 ? "," : "", SERVERS[i].scheme, host, SERVERS[i].port);
    }
}

/* As if the person had given them. */
static void take(struct login *l)
{
    list_servers(l);
    for (size_t i = 0; i < l->options.set_count; i++) /* what the person said goes before what was found */
        if (l->options.set[i].key == SETTING_HOSTS)
            snprintf(l->found_hosts, sizeof l->found_hosts, "%s", l->options.set[i].value);
    l->options.issuer = l->found.issuer;
    set_option(&l->options, SETTING_HOSTS, l->found_hosts);
    set_option(&l->options, SETTING_SERVERS, l->found_servers);
}

/* --- asking --- */

static bool all_related(const struct login *l)
{
    char *issuer_host = http_host(l->found.issuer);
    bool related = issuer_host != NULL;
    for (size_t i = 0; related && i < PACC_PROTOCOL_COUNT; i++)
        related = !*l->found.host[i] || login_found_related(issuer_host, l->found.host[i], domain_of(l));
    free(issuer_host);
    return related;
}

static void show(struct login *l, const char *address)
{
    terminal_say(&l->terminal,
                 "%s tells mail programs at %s:\n"
                 "  its OAuth server, where you would sign in:      %s\n"
                 "  its mail servers, to which a token would go:    %s\n",
                 domain_of(l), address, l->found.issuer, l->found_hosts);
    if (!all_related(l))
        terminal_say(&l->terminal, "Whether the mail servers belong to the OAuth server cannot be told by their "
                                   "names: go on only if you know it.\n");
}

/* Without a person, or without his consent. */
static bool refuse(struct login *l, const char *address, struct report *why)
{
    char command[LOGIN_AGAIN_MAX];
    login_again(l, "", command);
    if (!terminal_can_ask(&l->terminal))
        return report_set(
            why, FAILURE_CONFIG,
            "%s names at %s the OAuth server %s and the mail servers %s; nobody can be asked here whether to trust "
            "that: if you do, run '%s'",
            domain_of(l), address, l->found.issuer, l->found_hosts, command);
    return report_set(why, FAILURE_NOT_ALLOWED,
                      "nothing was done: give --provider NAME, or --issuer URL with the address of the OAuth server "
                      "that you trust");
}

enum pacc_result login_found_look(struct login *l, struct report *why)
{
    char address[PACC_ADDRESS_MAX];
    enum pacc_result result = *domain_of(l) ? look(l, why) : PACC_NONE;
    if (result != PACC_FOUND || !pacc_address(domain_of(l), address))
        return result;
    take(l);
    show(l, address);
    if (terminal_can_ask(&l->terminal) &&
        terminal_ask(&l->terminal, "Go on with these?", clock_monotonic() + LOGIN_QUESTION_MAX))
        return PACC_FOUND;
    refuse(l, address, why);
    return PACC_UNUSABLE;
}
