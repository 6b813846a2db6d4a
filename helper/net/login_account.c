#include "config.h"

#include "login_account.h"

#include "accountfile.h"
#include "clock.h"
#include "login_again.h"
#include "login_found.h"
#include "login_provider.h"

#include <stdio.h>
#include <string.h>

static const char FIRST_LINE[] = "# Written by 'xoauth2 login'; xoauth2.conf(5) tells what else can stand here.\n";

const char *login_account_provider(const struct login *l)
{
    const char *name = account_value(&l->account, SETTING_DESCRIPTION);
    if (!name)
        name = account_value(&l->account, SETTING_PROVIDER);
    if (!name)
        name = account_value(&l->account, SETTING_ISSUER);
    return name ? name : "the provider";
}

/* A copy of the text: parsing takes it apart. */
static bool copy_text(const struct login *l, struct secret *copy, struct report *why)
{
    secret_init(copy, KEYFILE_SIZE_MAX);
    if (secret_adds(copy, "") && (l->text.len == 0 || secret_add(copy, l->text.data, l->text.len)))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

/* The account file as it is. It need not be complete: the options may add what is missing. */
static bool parse_old(struct keyfile *old, const struct login *l, struct report *why)
{
    char path[PATH_MAX];
    keyfile_init(old);
    account_path(&l->paths, l->name, path);
    return copy_text(l, &old->text, why) && keyfile_parse(old, path, SETTING_NAMES, why);
}

/* The account as it will be. */
static bool parse_new(struct account *a, const struct login *l, struct report *why)
{
    struct secret copy;
    bool ok = copy_text(l, &copy, why) && account_parse_given(a, &l->paths, l->name, &copy, why);
    secret_free(&copy);
    return ok;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* Whether a file without a provider's name says where its tokens come from. */
static bool has_own_source(const struct keyfile *file)
{
    for (int i = SETTING_AUTHORIZATION_ENDPOINT; i <= SETTING_USERINFO_ENDPOINT; i++)
        if (file->value[i])
            return true;
    return file->value[SETTING_TOKEN_COMMAND] || file->value[SETTING_GRANT];
}

/* Whether the account is to move to another provider than its file has. An issuer beside a provider file is the one
 * that counts: see check_server(). A file with addresses or a command alone has a provider without a name. */
static bool moves(const struct keyfile *old, const struct login *l)
{
    const struct login_options *o = &l->options;
    const char *provider = old->value[SETTING_PROVIDER];
    const char *issuer = old->value[SETTING_ISSUER];
    if (!provider && !issuer)
        return has_own_source(old) && (o->provider || o->issuer || *l->guessed);
    if (o->issuer)
        return !same(o->issuer, issuer);
    return o->provider && !same(o->provider, provider);
}

/* The option that replaces a key, or NULL. */
static const char *option_for(enum setting key)
{
    switch (key) {
    case SETTING_CLIENT_ID:
        return "--client-id";
    case SETTING_CLIENT_SECRET:
    case SETTING_CLIENT_SECRET_FILE:
    case SETTING_CLIENT_SECRET_COMMAND:
        return "--client-secret-file";
    case SETTING_SCOPE:
        return "--scope";
    case SETTING_TENANT:
        return "--tenant";
    default:
        return NULL;
    }
}

static bool is_given(enum setting key, const struct login_options *o)
{
    for (size_t i = 0; i < o->set_count; i++)
        if (o->set[i].key == key)
            return true;
    switch (key) {
    case SETTING_CLIENT_ID:
        return o->client_id;
    case SETTING_CLIENT_SECRET:
    case SETTING_CLIENT_SECRET_FILE:
    case SETTING_CLIENT_SECRET_COMMAND:
        return o->client_secret_file;
    case SETTING_SCOPE:
        return o->scope;
    case SETTING_TENANT:
        return o->tenant;
    default:
        return false;
    }
}

/* Whether a key means the same at every provider. All others belong to the one that the account has. */
static bool is_free(const char *name)
{
    static const char *const FREE[] = {
        "provider",       "issuer",  "flow",    "users",      "allow",       "proxy", "refresh_margin",
        "notify_command", "ca_file", "ca_path", "store_read", "store_write", NULL};
    for (size_t i = 0; FREE[i]; i++)
        if (strcmp(FREE[i], name) == 0)
            return true;
    return false;
}

/* What belongs to the old provider must not be taken to the new one: its client secret would be sent there. */
static bool check_move(const struct keyfile *old, const struct login *l, struct report *why)
{
    if (!moves(old, l))
        return true;
    for (int i = 0; i < SETTING_COUNT; i++) {
        enum setting key = (enum setting)i;
        if (!old->value[key] || is_free(SETTING_NAMES[key]) || is_given(key, &l->options))
            continue;
        const char *option = option_for(key);
        return keyfile_complain(
            old, key, why,
            "'%s' belongs to the provider that the account has now: remove it with --set %s=%s%s, and so log in at "
            "the new one",
            SETTING_NAMES[key], SETTING_NAMES[key], option ? " or give " : "", option ? option : "");
    }
    return true;
}

static bool set(struct login *l, enum setting key, const char *value)
{
    return !value || accountfile_set(&l->text, key, value);
}

static bool drop(struct login *l, enum setting key, const struct keyfile *old)
{
    return !old->value[key] || accountfile_set(&l->text, key, NULL);
}

/* The values of --set, an empty one removing its key. */
static bool apply_set(struct login *l)
{
    const struct login_options *o = &l->options;
    bool ok = true;
    for (size_t i = 0; ok && i < o->set_count; i++)
        ok = accountfile_set(&l->text, o->set[i].key, *o->set[i].value ? o->set[i].value : NULL);
    return ok;
}

/* Puts what the command line gives into the text. Where one key stands for another, that one goes. */
static bool apply(struct login *l, const struct keyfile *old)
{
    const struct login_options *o = &l->options;
    const char *flow = o->flow == LOGIN_FLOW_BROWSER ? "browser" : o->flow == LOGIN_FLOW_DEVICE ? "device" : NULL;
    const char *authentication = l->wants_basic && !old->value[SETTING_CLIENT_AUTHENTICATION] ? "basic" : NULL;
    bool ok = l->text.len > 0 || secret_adds(&l->text, FIRST_LINE);
    if (o->provider && !o->issuer && !same(o->provider, old->value[SETTING_PROVIDER]))
        ok = ok && drop(l, SETTING_ISSUER, old);
    if (o->issuer && !o->provider && !same(o->issuer, old->value[SETTING_ISSUER]))
        ok = ok && drop(l, SETTING_PROVIDER, old);
    if (o->client_secret_file)
        ok = ok && drop(l, SETTING_CLIENT_SECRET, old) && drop(l, SETTING_CLIENT_SECRET_COMMAND, old);
    return ok && set(l, SETTING_PROVIDER, *l->guessed ? l->guessed : o->provider) &&
           set(l, SETTING_ISSUER, o->issuer) && set(l, SETTING_TENANT, o->tenant) &&
           set(l, SETTING_CLIENT_ID, o->client_id) && set(l, SETTING_CLIENT_SECRET_FILE, o->client_secret_file) &&
           set(l, SETTING_CLIENT_AUTHENTICATION, authentication) &&
           set(l, SETTING_SCOPE, l->scope_chosen ? l->scope : o->scope) && set(l, SETTING_FLOW, flow) &&
           set(l, SETTING_CA_FILE, o->ca_file) && apply_set(l);
}

static bool knows_where(const struct keyfile *old)
{
    return old->value[SETTING_PROVIDER] || old->value[SETTING_ISSUER] || old->value[SETTING_TOKEN_ENDPOINT] ||
           old->value[SETTING_TOKEN_COMMAND] || same(old->value[SETTING_GRANT], "managed_identity");
}

/* Whether --set tells it. */
static bool is_set_where(const struct login_options *o)
{
    for (size_t i = 0; i < o->set_count; i++)
        if (o->set[i].key == SETTING_TOKEN_ENDPOINT || o->set[i].key == SETTING_TOKEN_COMMAND ||
            (o->set[i].key == SETTING_GRANT && same(o->set[i].value, "managed_identity")))
            return true;
    return false;
}

/* Asks the person, where there is one. `*why` says then what is missing. */
static bool ask_provider(struct login *l, const struct report *why)
{
    struct login_options *o = &l->options;
    if (!terminal_can_ask(&l->terminal))
        return false;
    terminal_say(&l->terminal, "%s.\n", why->text);
    if (!terminal_ask_line(&l->terminal, "NAME or URL:", l->answered, sizeof l->answered,
                           clock_monotonic() + LOGIN_QUESTION_MAX) ||
        !*l->answered)
        return false;
    if (strstr(l->answered, "://"))
        o->issuer = l->answered;
    else
        o->provider = l->answered;
    return true;
}

/* Guesses the provider, where neither the options nor the file tell. */
static bool choose_provider(struct login *l, const struct keyfile *old, struct report *why)
{
    struct login_guess guess;
    if (*l->guessed || l->options.provider || l->options.issuer || knows_where(old) || is_set_where(&l->options))
        return true;
    bool known = login_provider_by_address(&l->paths, l->name, &guess);
    if (guess.broken.code != FAILURE_NONE)
        terminal_say(&l->terminal, "A provider file is passed over: %s.\n", guess.broken.text);
    if (!known) {
        enum pacc_result found = login_found_look(l, why);
        if (found != PACC_NONE)
            return found == PACC_FOUND;
        if (!login_provider_guess(&l->paths, l->name, &guess, why))
            return ask_provider(l, why);
    }
    memcpy(l->guessed, guess.name, sizeof l->guessed);
    if (!*guess.mail_server)
        terminal_say(&l->terminal, "%s is an address at %s: taking --provider %s.", l->name, guess.description,
                     guess.name);
    else
        terminal_say(&l->terminal, "The mail of %s goes to %s, which is %s: taking --provider %s.", l->name,
                     guess.mail_server, guess.description, guess.name);
    terminal_say(&l->terminal, " If that is wrong, stop with Ctrl-C and give --provider NAME or --issuer URL.\n");
    return true;
}

/* Reads the file and changes the text, not yet the file. */
static bool build(struct login *l, struct report *why)
{
    struct keyfile old;
    if (!accountfile_read(&l->paths, l->name, &l->text, why))
        return false;
    bool ok = parse_old(&old, l, why) && choose_provider(l, &old, why) && check_move(&old, l, why);
    if (ok && !apply(l, &old))
        ok = report_set(why, FAILURE_CONFIG,
                        "an option's value has a line break, or is too long for an account file");
    keyfile_free(&old);
    return ok;
}

/* An issuer cannot be put in the place of the one whose addresses a provider file has. */
static bool check_server(const struct login *l, struct report *why)
{
    const struct keyfile *provider = &l->account.provider;
    if (!l->options.provider || !l->options.issuer)
        return true;
    for (size_t i = SETTING_ISSUER; i <= SETTING_USERINFO_ENDPOINT; i++)
        if (provider->value[i])
            return keyfile_complain(
                provider, i, why,
                "the provider %s has a server of its own: leave --issuer out, or take --provider generic",
                l->options.provider);
    return true;
}

bool login_account_gather(struct login *l, struct report *why)
{
    if (!build(l, why))
        return false;
    const char *given = l->options.provider;
    return (!given || login_provider_exists(&l->paths, given, why)) && parse_new(&l->account, l, why) &&
           check_server(l, why);
}

void login_account_learn(struct login *l, const struct oauth_client *found)
{
    l->wants_basic = found->basic && found->client_secret.len > 0 &&
                     !account_value(&l->account, SETTING_CLIENT_AUTHENTICATION);
}

/* Whether the file on disk already says what the text says. */
static bool is_written(const struct login *l)
{
    struct secret present;
    struct report ignored;
    secret_init(&present, KEYFILE_SIZE_MAX);
    bool same_text = accountfile_read(&l->paths, l->name, &present, &ignored) && present.len == l->text.len &&
                     present.len > 0 && memcmp(present.data, l->text.data, present.len) == 0;
    secret_free(&present);
    return same_text;
}

bool login_account_try(const struct login *l, struct report *why)
{
    bool unchanged = is_written(l) && !l->wants_basic && !l->scope_chosen;
    return unchanged || accountfile_try(&l->paths, l->name, why);
}

bool login_account_write(struct login *l, struct report *why)
{
    struct account result;
    bool ok = build(l, why) && parse_new(&result, l, why);
    if (!ok)
        return false;
    account_free(&result);
    return is_written(l) || accountfile_write(&l->paths, l->name, &l->text, why);
}

static bool no_client_id(const struct login *l, struct report *why)
{
    const char *advice = account_value(&l->account, SETTING_ADVICE);
    const char *host = account_value(&l->account, SETTING_REDIRECT_HOST);
    char command[LOGIN_AGAIN_MAX];
    if (advice)
        return report_set(why, FAILURE_CONFIG, "no client id for %s at %s: %s", l->name, login_account_provider(l),
                          advice);
    login_again(l, "--client-id ID", command);
    return report_set(why, FAILURE_CONFIG,
                      "no client id for %s: register a native (public) client with the redirect address http://%s/ "
                      "at %s, or ask who runs it for one, then run '%s'",
                      l->name, host ? host : "127.0.0.1", login_account_provider(l), command);
}

bool login_account_check_client(const struct login *l, struct report *why)
{
    char command[LOGIN_AGAIN_MAX];
    if (!l->client.client_id)
        return no_client_id(l, why);
    if (!same(account_value(&l->account, SETTING_CLIENT_SECRET_NEEDED), "yes") || l->client.client_secret.len > 0 ||
        l->client.key || l->client.assertion_file)
        return true;
    login_again(l, "--client-secret-file FILE", command);
    return report_set(why, FAILURE_CONFIG,
                      "%s wants the client's secret too: put it into a file of its own (mode 0600) and run '%s'",
                      login_account_provider(l), command);
}
