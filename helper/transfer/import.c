/* `xoauth2 import`: accounts from the token files of other programs, which stay as they are. */
#include "config.h"

#include "argument.h"
#include "formats.h"
#include "readfile.h"
#include "startup.h"
#include "transfer.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 262144, EXIT_WRONG_USAGE = 2 };

struct request {
    bool system;
    bool force;
    struct formats_given given;
    char *client_secret_file; /* absolute */
};

static const char USAGE[] =
    "Usage: xoauth2 import [OPTION]... [FILE]...\n"
    "Makes accounts from token files of sasl-xoauth2, mutt_oauth2.py and oama. The\n"
    "files stay as they are. Without a FILE, and with '-', standard input is read:\n"
    "'gpg --decrypt FILE | xoauth2 import'.\n"
    "\n"
    "  --account ADDRESS          whose it is, where the file does not tell\n"
    "  --provider NAME            instead of the provider that the file tells\n"
    "  --client-id ID             the client that it was made with, where the file\n"
    "                             does not tell (oama)\n"
    "  --client-secret-file FILE  that client's secret, in the first line; mode 0600\n"
    "  --config FILE              sasl-xoauth2's settings instead of\n"
    "                             /etc/sasl-xoauth2.conf\n"
    "  --force                    replace accounts that are there already\n"
    "  --system                   make accounts of the machine instead of your own\n"
    "  --help, --version\n";

static bool take_path(struct request *r, const char *given)
{
    char folder[PATH_MAX];
    free(r->client_secret_file);
    r->client_secret_file = NULL;
    if (*given == '/')
        r->client_secret_file = strdup(given);
    else if (getcwd(folder, sizeof folder) && asprintf(&r->client_secret_file, "%s/%s", folder, given) < 0)
        r->client_secret_file = NULL;
    r->given.client_secret_file = r->client_secret_file;
    return r->client_secret_file != NULL;
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct request *r)
{
    static const struct option OPTIONS[] = {
        {"account", required_argument, NULL, 'a'}, {"provider", required_argument, NULL, 'p'},
        {"client-id", required_argument, NULL, 'i'}, {"client-secret-file", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'c'}, {"force", no_argument, NULL, 'f'},
        {"system", no_argument, NULL, 'S'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    static char name[] = "xoauth2 import";
    argv[0] = name;
    if (argument_is_secret(argc, argv))
        return fprintf(stderr, "%s: %s. See '%s --help'.\n", name, ARGUMENT_SECRET_REFUSED, name), EXIT_WRONG_USAGE;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 'a')
            r->given.account = optarg;
        else if (option == 'p')
            r->given.provider = optarg;
        else if (option == 'i')
            r->given.client_id = optarg;
        else if (option == 'c')
            r->given.config = optarg;
        else if (option == 'f')
            r->force = true;
        else if (option == 'S')
            r->system = r->given.system = true;
        else if (option == 'h' || option == 'v')
            return fputs(option == 'h' ? USAGE : "xoauth2 " PACKAGE_VERSION "\n", stdout) >= 0 && fflush(stdout) == 0
                       ? 0
                       : 1;
        else if (option != 's' || !take_path(r, optarg))
            return fputs("See 'xoauth2 import --help'.\n", stderr), EXIT_WRONG_USAGE;
    }
    if (r->given.account && argc - optind > 1)
        return fputs("xoauth2 import: --account goes with one file alone\n", stderr), EXIT_WRONG_USAGE;
    return -1;
}

static bool read_file(const char *path, struct secret *text, struct report *why)
{
    const struct readfile_rules rules = {.any_owner = true, .follow_symlink = true, .limit = FILE_SIZE_MAX};
    if (strcmp(path, "-") == 0)
        return transfer_read_input("the token file of another program", text, why);
    enum readfile_result result = readfile(path, &rules, text, why);
    if (result == READFILE_MISSING)
        return report_set(why, FAILURE_CONFIG, "there is no file %s", path);
    return result == READFILE_OK;
}

static void say(const struct transfer *t, const char *program, const struct paths *p)
{
    char account[PATH_MAX];
    const struct state *s = &t->state;
    account_path(p, t->name, account);
    printf("%s: from %s: %s%s%s. Settings: %s\n", t->name, program,
           s->refresh_token ? "the refresh token" : "no refresh token", s->access_token ? ", an access token" : "",
           s->client_id ? ", the client" : "", account);
}

/* The account's file, which a report names, is not there yet: the one that it comes from is what the user knows. */
static bool check(const struct transfer *t, const struct request *r, const struct paths *p, const char *name,
                  struct report *why)
{
    struct report found;
    if (transfer_check(t, p, r->force, &found))
        return true;
    return report_set(why, found.code, "%s: %s", name, found.text);
}

static bool import(const struct request *r, const struct paths *p, const char *path, struct report *why)
{
    struct secret text;
    struct transfer t;
    const char *program = "";
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    secret_init(&text, 0);
    transfer_init(&t);
    bool ok = read_file(path, &text, why) && formats_read(&text, name, &r->given, &t, &program, why) &&
              check(&t, r, p, name, why) && transfer_save(&t, p, why);
    if (ok)
        say(&t, program, p);
    transfer_free(&t);
    secret_free(&text);
    return ok;
}

static int run(const struct request *r, char *const files[])
{
    struct paths p;
    struct report why;
    static char input[] = "-";
    char *const only[] = {input, NULL};
    int status = EXIT_SUCCESS;
    if (!paths_for(&p, r->system, &why))
        return transfer_fail(&why);
    for (char *const *file = *files ? files : only; *file; file++)
        if (!import(r, &p, *file, &why))
            status = transfer_fail(&why);
    if (status == EXIT_SUCCESS)
        puts(
            "Let the other program use them no more: where refresh tokens are rotated, the second use of one ends the login.");
    return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct request r = {0};
    if (!startup("xoauth2 import"))
        return EXIT_FAILURE;
    int status = parse_arguments(argc, argv, &r);
    if (status < 0)
        status = run(&r, argv + optind);
    free(r.client_secret_file);
    return status;
}
