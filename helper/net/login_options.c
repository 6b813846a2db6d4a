#include "config.h"

#include "login_options.h"

#include "argument.h"
#include "settings.h"
#include "text.h"

#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_code {
    OPTION_SYSTEM = 256,
    OPTION_PROVIDER,
    OPTION_ISSUER,
    OPTION_TENANT,
    OPTION_CLIENT_ID,
    OPTION_CLIENT_SECRET_FILE,
    OPTION_SCOPE,
    OPTION_SET,
    OPTION_BROWSER,
    OPTION_DEVICE,
    OPTION_NO_OPEN,
    OPTION_CA_FILE,
    OPTION_ALLOW_OTHER_USER,
    OPTION_VERSION,
    OPTION_HELP,
};

static const struct option OPTIONS[] = {
    {"system", no_argument, NULL, OPTION_SYSTEM},
    {"provider", required_argument, NULL, OPTION_PROVIDER},
    {"issuer", required_argument, NULL, OPTION_ISSUER},
    {"tenant", required_argument, NULL, OPTION_TENANT},
    {"client-id", required_argument, NULL, OPTION_CLIENT_ID},
    {"client-secret-file", required_argument, NULL, OPTION_CLIENT_SECRET_FILE},
    {"scope", required_argument, NULL, OPTION_SCOPE},
    {"set", required_argument, NULL, OPTION_SET},
    {"browser", no_argument, NULL, OPTION_BROWSER},
    {"device", no_argument, NULL, OPTION_DEVICE},
    {"no-open", no_argument, NULL, OPTION_NO_OPEN},
    {"ca-file", required_argument, NULL, OPTION_CA_FILE},
    {"allow-other-user", no_argument, NULL, OPTION_ALLOW_OTHER_USER},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

enum { OPTION_COUNT = sizeof OPTIONS / sizeof OPTIONS[0] };

static const char HELP[] =
    "Usage: xoauth2 login [OPTION]... ACCOUNT\n"
    "Sign in once; from then on 'xoauth2' keeps the account's token fresh. ACCOUNT\n"
    "is the mail address.\n"
    "\n"
    "Whose account it is (needed once; kept in the account file):\n"
    "  --provider NAME            google, microsoft, or another provider file; known\n"
    "                             by itself for addresses like me@gmail.com and\n"
    "                             me@outlook.com\n"
    "  --issuer URL               any other OAuth server, found by its metadata; with\n"
    "                             --provider for a provider file that names no\n"
    "                             server, such as generic\n"
    "  --tenant TENANT            for microsoft: organizations, consumers, or the\n"
    "                             directory's domain or id\n"
    "  --client-id ID             the client that you registered with the provider;\n"
    "                             not needed where the server lets programs register\n"
    "                             themselves\n"
    "  --client-secret-file FILE  the client's secret, in the first line; mode 0600\n"
    "  --scope SCOPE              instead of the provider's usual one\n"
    "  --set KEY=VALUE            any other key of the account file, see\n"
    "                             xoauth2.conf(5); KEY= removes it\n"
    "  --ca-file FILE             certificates to trust instead of the system's (PEM)\n"
    "\n"
    "How to sign in:\n"
    "  --browser                  in the browser of $BROWSER, else by xdg-open; on\n"
    "                             another machine, paste the address of the last\n"
    "                             page here. $BROWSER is one program; it gets the\n"
    "                             address as its only argument\n"
    "  --device                   on any device, with a short code\n"
    "                             Default: browser where there is one, else device\n"
    "                             where the provider has it\n"
    "  --no-open                  start no browser, only show the address for one\n"
    "  --allow-other-user         accept a login of somebody else than ACCOUNT,\n"
    "                             without asking\n"
    "\n"
    "  --system                   work on the machine's accounts, not your own\n"
    "  --help, --version\n"
    "\n"
    "Examples:\n"
    "  xoauth2 login --client-id ID --client-secret-file ~/secret me@gmail.com\n"
    "  xoauth2 login --provider microsoft --client-id ID me@example.com\n"
    "  xoauth2 login --issuer https://login.example.org --device me@example.org\n"
    "  xoauth2 login me@example.org\n"
    "      sign in again, with what the account file says; for a new account, with\n"
    "      what its domain publishes\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage, 75 try again later, 77 the login\n"
    "was refused or has expired. No file is written before a token has arrived.\n"
    "See xoauth2(1) and xoauth2.conf(5).\n";

static enum login_options_result wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

static enum login_options_result wrong(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_neutralize(text);
    size_t len = strlen(text);
    const char *end = len > 0 && text[len - 1] == '?' ? "" : ".";
    fprintf(stderr, "xoauth2 login: %s%s See 'xoauth2 login --help'.\n", text, end);
    return LOGIN_OPTIONS_WRONG;
}

static enum login_options_result unknown_option(const char *given)
{
    char name[64];
    const char *names[OPTION_COUNT];
    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = OPTIONS[i].name;
    if (strncmp(given, "--", 2) != 0)
        return wrong("unknown option '%s'", given);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    const char *meant = text_nearest(name, names);
    return meant ? wrong("unknown option '--%s': did you mean '--%s'?", name, meant)
                 : wrong("unknown option '--%s'", name);
}

/* The absolute path of a file that will be read later, from another working directory. The caller frees; NULL: no
 * memory. */
static char *absolute(const char *given)
{
    char folder[PATH_MAX];
    char *path = NULL;
    if (*given == '/')
        return strdup(given);
    return getcwd(folder, sizeof folder) && asprintf(&path, "%s/%s", folder, given) >= 0 ? path : NULL;
}

static enum login_options_result set_flow(struct login_options *o, enum login_flow flow)
{
    if (o->flow != LOGIN_FLOW_ANY && o->flow != flow)
        return wrong("--browser and --device exclude each other");
    o->flow = flow;
    return LOGIN_OPTIONS_GOOD;
}

/* The place of an option's text, or NULL for one without. */
static const char **text_of(struct login_options *o, int code)
{
    switch (code) {
    case OPTION_PROVIDER:
        return &o->provider;
    case OPTION_ISSUER:
        return &o->issuer;
    case OPTION_TENANT:
        return &o->tenant;
    case OPTION_CLIENT_ID:
        return &o->client_id;
    case OPTION_SCOPE:
        return &o->scope;
    default:
        return NULL;
    }
}

static enum login_options_result take_flag(struct login_options *o, int code)
{
    switch (code) {
    case OPTION_SYSTEM:
        o->system = true;
        return LOGIN_OPTIONS_GOOD;
    case OPTION_NO_OPEN:
        o->no_open = true;
        return LOGIN_OPTIONS_GOOD;
    case OPTION_ALLOW_OTHER_USER:
        o->allow_other_user = true;
        return LOGIN_OPTIONS_GOOD;
    case OPTION_BROWSER:
        return set_flow(o, LOGIN_FLOW_BROWSER);
    case OPTION_DEVICE:
        return set_flow(o, LOGIN_FLOW_DEVICE);
    case OPTION_VERSION:
        printf("xoauth2 %s\n", PACKAGE_VERSION);
        return LOGIN_OPTIONS_HELPED;
    default:
        fputs(HELP, stdout);
        return LOGIN_OPTIONS_HELPED;
    }
}

/* --set KEY=VALUE. */
static enum login_options_result take_set(struct login_options *o, const char *given)
{
    char name[64];
    size_t len = strcspn(given, "=");
    size_t key = 0;
    if (!given[len] || len == 0 || len >= sizeof name)
        return wrong("--set wants KEY=VALUE");
    memcpy(name, given, len);
    name[len] = '\0';
    while (key < SETTING_COUNT && strcmp(SETTING_NAMES[key], name) != 0)
        key++;
    const char *meant = key == SETTING_COUNT ? text_nearest(name, SETTING_NAMES) : NULL;
    if (meant)
        return wrong("--set: unknown key '%s': did you mean '%s'?", name, meant);
    if (key == SETTING_COUNT)
        return wrong("--set: unknown key '%s'", name);
    if (key == SETTING_CLIENT_SECRET && given[len + 1])
        return wrong("--set: %s", ARGUMENT_SECRET_REFUSED);
    if ((key == SETTING_PROVIDER || key == SETTING_ISSUER) && given[len + 1])
        return wrong("--set: give the %s with '--%s %s'", name, name, given + len + 1);
    if (o->set_count == LOGIN_SET_MAX)
        return wrong("--set is given more than %d times", LOGIN_SET_MAX);
    o->set[o->set_count].key = (enum setting)key;
    o->set[o->set_count++].value = given + len + 1;
    return LOGIN_OPTIONS_GOOD;
}

static enum login_options_result take_path(struct login_options *o, int code, const char *given)
{
    char **to = code == OPTION_CA_FILE ? &o->ca_file : &o->client_secret_file;
    char *path = absolute(given);
    free(*to);
    *to = path;
    return path ? LOGIN_OPTIONS_GOOD : wrong("cannot tell the absolute path of '%s': give it yourself", given);
}

static enum login_options_result take(struct login_options *o, int code)
{
    const char **text = text_of(o, code);
    if (!optarg)
        return take_flag(o, code);
    if (!*optarg)
        return wrong("an option has an empty value");
    if (code == OPTION_SET)
        return take_set(o, optarg);
    if (!text)
        return take_path(o, code, optarg);
    *text = optarg;
    return LOGIN_OPTIONS_GOOD;
}

static enum login_options_result check(struct login_options *o, int argc, char **argv)
{
    if (optind >= argc)
        return wrong("which account? Give its mail address");
    if (optind + 1 < argc)
        return wrong("more than one account: '%s' and '%s'", argv[optind], argv[optind + 1]);
    if (o->issuer && !settings_url_allowed(o->issuer))
        return wrong("'%s' cannot be an issuer: give an address with https:// (http:// for a loopback address alone)",
                     o->issuer);
    o->account = argv[optind];
    return LOGIN_OPTIONS_GOOD;
}

enum login_options_result login_options_read(struct login_options *o, int argc, char **argv)
{
    *o = (struct login_options){0};
    if (argument_is_secret(argc, argv))
        return wrong("%s", ARGUMENT_SECRET_REFUSED);
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    for (;;) {
        int code = getopt_long(argc, argv, ":", OPTIONS, NULL);
        enum login_options_result result = LOGIN_OPTIONS_GOOD;
        if (code == -1)
            return check(o, argc, argv);
        if (code == ':')
            result = wrong("'%s' needs a value", argv[optind - 1]);
        else if (code == '?' && optopt >= OPTION_SYSTEM)
            result = wrong("'%s' takes no value", argv[optind - 1]);
        else if (code == '?')
            result = unknown_option(argument_unknown(code, OPTIONS, argv[optind - 1]));
        else
            result = take(o, code);
        if (result != LOGIN_OPTIONS_GOOD)
            return result;
    }
}

void login_options_free(struct login_options *o)
{
    free(o->client_secret_file);
    free(o->ca_file);
    *o = (struct login_options){0};
}
