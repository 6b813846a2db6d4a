/* `xoauth2 login`: a person signs in once, and the account and its refresh token are kept. */
#include "config.h"

#include "login.h"

#include "browser.h"
#include "device.h"
#include "login_account.h"
#include "login_again.h"
#include "login_app.h"
#include "login_browser.h"
#include "login_drop.h"
#include "login_found.h"
#include "login_register.h"
#include "login_save.h"
#include "login_who.h"
#include "reach.h"
#include "startup.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { EXIT_WRONG_USAGE = 2, EXIT_LOGIN_AGAIN = 77, EXIT_INTERRUPTED = 128 + SIGINT };

/* Ctrl-C: while it waits, a login has nothing on disk that would have to be cleaned up. */
static void interrupted(int number)
{
    (void)number;
    terminal_edit_again();
    ssize_t written = write(STDERR_FILENO, "\n", 1);
    (void)written;
    _exit(EXIT_INTERRUPTED);
}

static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = interrupted};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; at && (at = strstr(at, word)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

/* With a bare issuer: what gives a refresh token, tells who signed in, and is for mail (OAuth Profile for Open Public
 * Clients, section 3.9), where the server knows it. */
static bool default_scope(struct login *l, struct report *why)
{
    static const char *const WORDS[] = {"openid", "offline_access", "urn:ietf:params:oauth:scope:mail"};
    const char *supported = l->client.scopes_supported;
    char scope[80] = "";
    if (!supported && l->client.open)
        supported = "offline_access urn:ietf:params:oauth:scope:mail";
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (has_word(supported, WORDS[i]))
            snprintf(scope + strlen(scope), sizeof scope - strlen(scope), "%s%s", *scope ? " " : "", WORDS[i]);
    if (!*scope)
        return true;
    l->scope = strdup(scope);
    l->scope_chosen = l->scope;
    return l->scope || report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

static bool choose_scope(struct login *l, struct report *why)
{
    if (!account_expand(&l->account, SETTING_SCOPE, &l->scope, why))
        return false;
    return l->scope || account_value(&l->account, SETTING_PROVIDER) || default_scope(l, why);
}

static enum login_flow choose_flow(const struct login *l)
{
    const char *setting = account_value(&l->account, SETTING_FLOW);
    if (l->options.flow != LOGIN_FLOW_ANY)
        return l->options.flow;
    if (l->options.no_open)
        return LOGIN_FLOW_BROWSER;
    if (setting)
        return strcmp(setting, "device") == 0 ? LOGIN_FLOW_DEVICE : LOGIN_FLOW_BROWSER;
    if (browser_program() || !l->client.device_authorization_endpoint)
        return LOGIN_FLOW_BROWSER;
    return LOGIN_FLOW_DEVICE;
}

/* Signs in, by one of the flows. */
static bool sign_in(struct login *l, struct oauth_answer *answer, struct report *why)
{
    char command[LOGIN_AGAIN_MAX];
    bool device = choose_flow(l) == LOGIN_FLOW_DEVICE;
    login_again(l, device ? "--browser" : "--device", command);
    if (device && !l->client.device_authorization_endpoint)
        return report_set(
            why, FAILURE_CONFIG,
            "%s has no device login for mail: run '%s'; on a machine without a browser the "
            "address can be opened on another one",
            login_account_provider(l), command);
    if (!device && !l->client.authorization_endpoint)
        return report_set(why, FAILURE_CONFIG, "%s has no browser login: run '%s'",
                          login_account_provider(l), command);
    return device ? device_login(l, answer, why) : login_browser(l, answer, why);
}

/* A server that has forgotten our registration gets a new one, and the person another try. */
static bool sign_in_registered(struct login *l, struct oauth_answer *answer, struct report *why)
{
    if (sign_in(l, answer, why))
        return true;
    if (!login_register_again(l, why))
        return false;
    oauth_answer_free(answer);
    return sign_in(l, answer, why);
}

/* The account as it will be. */
static bool gather(struct login *l, struct report *why)
{
    return paths_for(&l->paths, l->options.system, why) && account_name(l->options.account, l->name, why) &&
           login_account_gather(l, why) && reach_files(&l->account, &l->paths, why);
}

/* Everything else that can be known before the person is asked for anything. */
static bool prepare(struct login *l, struct report *why)
{
    if (!oauth_client_open(&l->client, &l->account, &l->paths, why))
        return false;
    l->client.open = login_register_applies(l);
    if ((!l->client.open && !login_account_check_client(l, why)) || !oauth_discover(&l->client, why) ||
        !login_found_check(l, &l->client, why))
        return false;
    login_account_learn(l, &l->client);
    return choose_scope(l, why) && login_save_check(l, why) && (!l->client.open || login_register(l, why));
}

/* Much advice is to mend the account file, which a first login has not written yet. */
static void name_the_options(const struct login *l, struct report *why)
{
    const struct report before = *why;
    if (!l->account.file.unwritten || !strstr(before.text, "the account file"))
        return;
    report_set(
        why, before.code,
        "%s. There is no account file yet: what it says are options of 'xoauth2 login', such as --set KEY=VALUE",
        before.text);
}

static bool run(struct login *l, struct report *why)
{
    struct oauth_answer answer = {0};
    struct identity who = {0};
    if (!gather(l, why))
        return false;
    if (login_app_applies(l))
        return login_save_check(l, why) && login_app(l, why);
    bool signed_in = prepare(l, why) && sign_in_registered(l, &answer, why);
    bool ok = signed_in && login_who(l, &answer, &who, why) && login_save(l, &answer, identity_name(&who), why);
    if (signed_in && !ok)
        login_drop(l, &answer);
    identity_free(&who);
    oauth_answer_free(&answer);
    return ok;
}

static void init(struct login *l)
{
    secret_init(&l->text, KEYFILE_SIZE_MAX);
    account_init(&l->account);
    secret_init(&l->client.client_secret, 1);
    terminal_open(&l->terminal);
}

static void release(struct login *l)
{
    oauth_client_close(&l->client);
    account_free(&l->account);
    secret_free(&l->text);
    free(l->scope);
    terminal_close(&l->terminal);
    login_options_free(&l->options);
}

static int exit_status(enum failure code)
{
    switch (code) {
    case FAILURE_UNREACHABLE:
    case FAILURE_BUSY:
        return EX_TEMPFAIL;
    case FAILURE_LOGIN_NEEDED:
        return EXIT_LOGIN_AGAIN;
    default:
        return EXIT_FAILURE;
    }
}

int main(int argc, char **argv)
{
    struct login l = {0};
    struct report why = {.code = FAILURE_CONFIG};
    int status = EXIT_SUCCESS;
    if (!startup("xoauth2 login"))
        return EXIT_FAILURE;
    enum login_options_result given = login_options_read(&l.options, argc, argv);
    if (given == LOGIN_OPTIONS_GOOD) {
        catch_interrupt();
        init(&l);
        if (!run(&l, &why)) {
            terminal_say(&l.terminal, "%s", "");
            name_the_options(&l, &why);
            fprintf(stderr, "xoauth2: %s\n", why.text);
            status = exit_status(why.code);
        }
        release(&l);
    } else {
        status = given == LOGIN_OPTIONS_HELPED ? EXIT_SUCCESS : EXIT_WRONG_USAGE;
        login_options_free(&l.options);
    }
    if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
        status = EXIT_FAILURE;
    return status;
}
