#include "config.h"

#include "argument.h"
#include "command.h"
#include "startup.h"
#include "text.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum wants_account { ACCOUNT_NONE, ACCOUNT_OPTIONAL, ACCOUNT_NEEDED };

/* A verb is a function here, or a program in LIBEXECDIR that reads its own options. */
struct verb {
    const char *name;
    int (*function)(const struct command *c);
    const char *program;
    enum wants_account account;
    bool json;
    const char *help;
    const char *usage;
};

static const struct verb VERBS[] = {
    {"login", NULL, LIBEXECDIR "/login", ACCOUNT_NEEDED, false, "log in and keep the tokens", "[OPTION...] ACCOUNT"},
    {"token", verb_token, NULL, ACCOUNT_NEEDED, false, "print an access token, renewed where that is due", "ACCOUNT"},
    {"refresh", verb_refresh, NULL, ACCOUNT_NEEDED, false, "get a new access token now", "ACCOUNT"},
    {"status", verb_status, NULL, ACCOUNT_OPTIONAL, true, "show how accounts stand, without any secret",
     "[--json] [ACCOUNT]"},
    {"list", verb_list, NULL, ACCOUNT_NONE, true, "print the names of the accounts", "[--json]"},
    {"test", NULL, LIBEXECDIR "/test", ACCOUNT_NEEDED, false, "log in at the mail servers and explain what fails",
     "[--json] [--through-sasl] ACCOUNT [URL]"},
    {"doctor", NULL, LIBEXECDIR "/doctor", ACCOUNT_OPTIONAL, false, "find out why a program gets no token",
     "[--as USER] [--chroot DIR] [--report] [--json] [ACCOUNT]"},
    {"logout", NULL, LIBEXECDIR "/logout", ACCOUNT_NEEDED, false, "revoke and remove the tokens", "ACCOUNT"},
    {"agent", NULL, LIBEXECDIR "/agent", ACCOUNT_NONE, false, "keep tokens ready and hand them out at a socket",
     "[--foreground] [--socket PATH]..."},
    {"import", NULL, LIBEXECDIR "/import", ACCOUNT_NONE, false, "take accounts over from other programs",
     "[OPTION...] [FILE]..."},
    {"dump", NULL, LIBEXECDIR "/dump", ACCOUNT_NONE, false, "write accounts with their tokens into a pipe",
     "[ACCOUNT]..."},
    {"restore", NULL, LIBEXECDIR "/restore", ACCOUNT_NONE, false, "read them on another machine", "[--force]"},
    {"helper", verb_helper, NULL, ACCOUNT_NONE, false, "answer requests of xoauth2-protocol(7) on standard input",
     ""},
};

enum { VERB_COUNT = sizeof VERBS / sizeof VERBS[0] };

static const char *const ALIASES[][2] = {{"authorize", "login"}, {"access", "token"}, {"revoke", "logout"}};

enum { ALIAS_COUNT = sizeof ALIASES / sizeof ALIASES[0] };

enum { OPTION_SYSTEM = 256, OPTION_JSON };

static const struct option OPTIONS[] = {
    {"system", no_argument, NULL, OPTION_SYSTEM},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ALIAS_COUNT; i++)
        if (strcmp(ALIASES[i][0], name) == 0)
            name = ALIASES[i][1];
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(VERBS[i].name, name) == 0)
            return &VERBS[i];
    return NULL;
}

static int show_version(void)
{
    puts("xoauth2 " PACKAGE_VERSION);
    return EXIT_OK;
}

static int show_help(void)
{
    puts("Usage: xoauth2 [--system] VERB [OPTION...] [ACCOUNT]\n"
         "OAuth 2.0 tokens for programs that log in with SASL.\n");
    for (size_t i = 0; i < VERB_COUNT; i++)
        printf("  %-8s %s\n", VERBS[i].name, VERBS[i].help);
    puts("\n  --system   work on the accounts in " SYSCONFDIR "/xoauth2 instead of the user's\n"
         "  --help     show this, or after a verb how it is used\n"
         "  --version  show the version\n\n"
         "The manual is xoauth2(1).");
    return EXIT_OK;
}

static int show_verb_help(const struct verb *v)
{
    printf("Usage: xoauth2 [--system] %s %s\n%c%s.\n\n", v->name, v->usage, v->help[0] - 'a' + 'A', v->help + 1);
    puts("  --system   work on the accounts in " SYSCONFDIR "/xoauth2 instead of the user's");
    if (v->json)
        puts("  --json     print JSON");
    puts("  --help     show this\n  --version  show the version");
    return EXIT_OK;
}

static int usage_error(const struct verb *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int usage_error(const struct verb *v, const char *format, ...)
{
    struct report why;
    va_list args;
    va_start(args, format);
    report_setv(&why, FAILURE_CONFIG, format, args);
    va_end(args);
    fprintf(stderr, "xoauth2: %s: see 'xoauth2 %s%s--help'\n", why.text, v ? v->name : "", v ? " " : "");
    return EXIT_USAGE;
}

static int unknown_verb(const char *name)
{
    const char *known[VERB_COUNT + ALIAS_COUNT + 2] = {"help"};
    size_t count = 1;
    struct report why;
    for (size_t i = 0; i < VERB_COUNT; i++)
        known[count++] = VERBS[i].name;
    for (size_t i = 0; i < ALIAS_COUNT; i++)
        known[count++] = ALIASES[i][0];
    const char *meant = text_nearest(name, known);
    if (!meant)
        return usage_error(NULL, "there is no verb '%s'", name);
    report_set(&why, FAILURE_CONFIG, "there is no verb '%s': did you mean '%s'?", name, meant);
    fprintf(stderr, "xoauth2: %s\n", why.text);
    return EXIT_USAGE;
}

/* Hands over to the program of a verb. Returns only on failure. */
static int run_program(const struct verb *v, bool system, int argc, char *argv[])
{
    enum { ARGUMENTS_MAX = 256 };
    char name[32];
    char *arguments[ARGUMENTS_MAX + 3];
    char option[] = "--system";
    int count = 0;
    if (argc > ARGUMENTS_MAX)
        return usage_error(v, "more than %d arguments", ARGUMENTS_MAX);
    snprintf(name, sizeof name, "xoauth2 %s", v->name);
    arguments[count++] = name;
    if (system)
        arguments[count++] = option;
    for (int i = 1; i < argc; i++)
        arguments[count++] = argv[i];
    arguments[count] = NULL;
    startup_loosen();
    signal(SIGPIPE, SIG_DFL);
    execv(v->program, arguments);
    startup_tighten();
    fprintf(stderr, errno == ENOENT ? "xoauth2: %s is missing: install the whole package\n"
                                    : "xoauth2: %s cannot be run: install the whole package anew\n", v->program);
    return EXIT_FAILED;
}

/* Reads the options and the account of a verb of ours, and runs it. */
static int run_function(const struct verb *v, bool system, int argc, char *argv[])
{
    struct command c = {.system = system};
    int option;
    optind = 0; /* GNU: start anew, with another argv */
    while ((option = getopt_long(argc, argv, ":hV", OPTIONS, NULL)) != -1) {
        if (option == OPTION_SYSTEM)
            c.system = true;
        else if (option == OPTION_JSON && v->json)
            c.json = true;
        else if (option == 'h')
            return show_verb_help(v);
        else if (option == 'V')
            return show_version();
        else
            return usage_error(v, "unknown option '%s'", argument_unknown(option, OPTIONS, argv[optind - 1]));
    }
    if (optind == argc && v->account == ACCOUNT_NEEDED)
        return usage_error(v, "no account given");
    if (optind < argc && v->account != ACCOUNT_NONE)
        c.account = argv[optind++];
    if (optind < argc)
        return usage_error(v, "one argument too many: '%s'", argv[optind]);
    return v->function(&c);
}

static int run_verb(const struct verb *v, bool system, int argc, char *argv[])
{
    return v->program ? run_program(v, system, argc, argv) : run_function(v, system, argc, argv);
}

static int help_on(const char *name)
{
    if (!name || strcmp(name, "help") == 0)
        return show_help();
    const struct verb *v = find_verb(name);
    if (!v)
        return unknown_verb(name);
    char option[] = "--help";
    char *argv[] = {(char *)v->name, option, NULL};
    return run_verb(v, false, 2, argv);
}

static int dispatch(int argc, char *argv[])
{
    bool system = false;
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:hV", OPTIONS, NULL)) != -1) {
        if (option == OPTION_SYSTEM)
            system = true;
        else if (option == 'h')
            return show_help();
        else if (option == 'V')
            return show_version();
        else
            return usage_error(NULL, "unknown option '%s'", argument_unknown(option, OPTIONS, argv[optind - 1]));
    }
    if (optind == argc)
        return usage_error(NULL, "no verb given");
    const char *name = argv[optind];
    if (strcmp(name, "help") == 0)
        return help_on(argv[optind + 1]);
    const struct verb *v = find_verb(name);
    return v ? run_verb(v, system, argc - optind, argv + optind) : unknown_verb(name);
}

int main(int argc, char *argv[])
{
    if (!startup("xoauth2"))
        return EXIT_FAILED;
    int status = dispatch(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("xoauth2: cannot write to standard output\n", stderr);
    return EXIT_FAILED;
}
