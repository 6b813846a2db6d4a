/* `xoauth2 doctor [--as USER] [--chroot DIR] [--report] [--json] [ACCOUNT]`: looks at everything between a mail
 * program and a token, and says of each thing whether it is right and how it is mended. */
#include "config.h"

#include "become.h"
#include "bug_report.h"
#include "look.h"
#include "output.h"
#include "record.h"
#include "startup.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_PROBLEMS = 1,
    EXIT_WRONG_USAGE = 2,
    OUTSIDE_TIMEOUT = 3600000 /* milliseconds: each look has its own limit */
};

struct request {
    bool json;
    bool report;
    const char *user; /* NULL: ourselves */
    const char *root; /* NULL: none */
    struct become become;
    struct look look;
    char name[BECOME_NAME_MAX]; /* look.user */
};

static const char USAGE[] =
    "Usage: xoauth2 doctor [--system] [--as USER] [--chroot DIR] [--report] [--json] [ACCOUNT]\n"
    "Finds out why a program gets no token: looks at the plugin, options, agents,\n"
    "accounts, tokens, the network and the settings of Postfix and mbsync, and says\n"
    "how each problem is mended. Changes no setting.\n"
    "\n"
    "  --as USER     look with the rights and in the environment of USER, such as\n"
    "                postfix\n"
    "  --chroot DIR  look for agents and helper inside DIR, such as\n"
    "                /var/spool/postfix\n"
    "  --report      for a bug report: versions, settings and errors, without names\n"
    "                and secrets\n"
    "  --json        print JSON\n"
    "  --system      the machine's accounts instead of your own\n"
    "  --help        show this\n"
    "  --version     show the version\n"
    "\n"
    "Exit status: 0 no problem, 1 a problem, 2 wrong usage.\n";

static int wrong_usage(void)
{
    fputs("See 'xoauth2 doctor --help'.\n", stderr);
    return EXIT_WRONG_USAGE;
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct request *request)
{
    static const struct option OPTIONS[] = {
        {"as", required_argument, NULL, 'a'}, {"chroot", required_argument, NULL, 'c'},
        {"report", no_argument, NULL, 'r'},   {"json", no_argument, NULL, 'j'},
        {"system", no_argument, NULL, 's'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},  {NULL, 0, NULL, 0},
    };
    static char name[] = "xoauth2 doctor"; /* getopt_long() begins its complaints with it */
    *request = (struct request){.json = false};
    if (argc > 0)
        argv[0] = name;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 'a')
            request->user = optarg;
        else if (option == 'c')
            request->root = optarg;
        else if (option == 'r')
            request->report = true;
        else if (option == 'j')
            request->json = true;
        else if (option == 's')
            request->look.system = true;
        else if (option == '?')
            return wrong_usage();
        else
            return fputs(option == 'h' ? USAGE : "xoauth2 " PACKAGE_VERSION "\n", stdout) >= 0 && fflush(stdout) == 0
                       ? 0
                       : EXIT_PROBLEMS;
    }
    if (argc - optind > 1) {
        fprintf(stderr, "xoauth2 doctor: one argument too many\n");
        return wrong_usage();
    }
    request->look.account = argv[optind];
    return -1;
}

/* Everything that is looked at with the root directory that programs start in. libsasl2 and the options file belong
 * to it, since programs that lock themselves up load both before. */
static void look_outside(struct record *r, void *arg)
{
    const struct request *request = arg;
    struct report why;
    if (request->become.other || request->root) {
        if (!become_enter(&request->become, false, &why)) {
            record_set(r, "failed", why.text);
            return;
        }
    }
    look_at_plugin(r);
    look_at_options(r);
    look_at_accounts(r, &request->look);
    look_at_mbsync(r, &request->look);
    look_at_postfix(r);
    if (request->report)
        bug_report(r, &request->look);
}

/* False with a report where the looks could not be taken at all. */
static bool look_everywhere(struct record *r, struct request *request, struct report *why)
{
    if (!request->root)
        look_outside(r, request);
    else if (!record_isolated(r, look_outside, request, OUTSIDE_TIMEOUT))
        return report_set(why, FAILURE_UNREACHABLE,
                          "a process of its own has failed: run this again when the machine has "
                          "more memory");
    if (record_get(r, "failed"))
        return report_set(why, FAILURE_CONFIG, "%s", record_get(r, "failed"));
    if (request->root && !become_enter(&request->become, true, why))
        return false;
    look_at_sources(r, &request->look);
    return true;
}

/* Whom and where to look for. */
static bool prepare(struct request *request, struct report *why)
{
    struct stat st;
    if (request->root && (stat(request->root, &st) != 0 || !S_ISDIR(st.st_mode)))
        return report_set(why, FAILURE_CONFIG, "%s is no folder: give that of the chroot, such as /var/spool/postfix",
                          request->root);
    if ((request->user || request->root) && !become_prepare(&request->become, request->user, request->root, why))
        return false;
    const struct passwd *me = *request->become.name ? NULL : getpwuid(geteuid());
    snprintf(request->name, sizeof request->name, "%s", me ? me->pw_name : request->become.name);
    if (!*request->name)
        snprintf(request->name, sizeof request->name, "user id %lu", (unsigned long)geteuid());
    request->look.user = request->name;
    request->look.jail = request->root != NULL;
    tzset(); /* its file is not in every root */
    return true;
}

int main(int argc, char **argv)
{
    struct request request;
    struct record r = {.root = NULL};
    struct report why = {.code = FAILURE_UNREACHABLE, .text = "not enough memory"};
    if (!startup("xoauth2 doctor"))
        return EXIT_PROBLEMS;
    int status = parse_arguments(argc, argv, &request);
    if (status >= 0)
        return status;
    status = EXIT_PROBLEMS;
    if (!prepare(&request, &why) || !record_open(&r) || !look_everywhere(&r, &request, &why))
        fprintf(stderr, "xoauth2: %s\n", why.text);
    else if (!output_write(&r, request.json))
        fputs("xoauth2: cannot write to standard output\n", stderr);
    else
        status = record_count(&r, LEVEL_PROBLEM) > 0 ? EXIT_PROBLEMS : 0;
    record_close(&r);
    return status;
}
