#include "config.h"

#include "options.h"

#include "argument.h"

#include <getopt.h>
#include <stdio.h>

static const char USAGE[] = "Usage: xoauth2 [--system] agent [--foreground] [--socket PATH]...\n"
                            "Keeps tokens ready and hands them out at a socket.\n"
                            "\n"
                            "  --system       serve the accounts in " SYSCONFDIR "/xoauth2 instead of the user's\n"
                            "  --socket PATH  be reached there instead of the default place; may be given\n"
                            "                 several times\n"
                            "  --foreground   stay in the foreground and log to standard error\n"
                            "  --help         show this\n"
                            "  --version      show the version\n"
                            "\n"
                            "Without --foreground the command returns as soon as the agent can be reached,\n"
                            "and the agent logs to syslog. 'kill' ends it; a second 'xoauth2 agent' names the\n"
                            "process. The manual is xoauth2(1).\n";

enum { EXIT_USAGE = 2 };

static int show(const char *text)
{
    fputs(text, stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int wrong(const char *what, const char *which)
{
    fprintf(stderr, "xoauth2: %s%s: see 'xoauth2 agent --help'\n", what, which);
    return EXIT_USAGE;
}

int options_parse(struct options *o, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"system", no_argument, NULL, 's'},       {"foreground", no_argument, NULL, 'f'},
        {"socket", required_argument, NULL, 'S'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0}};
    *o = (struct options){0};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":hV", OPTIONS, NULL)) != -1;) {
        if (option == 's')
            o->system = true;
        else if (option == 'f')
            o->foreground = true;
        else if (option == 'h')
            return show(USAGE);
        else if (option == 'V')
            return show("xoauth2 " PACKAGE_VERSION "\n");
        else if (option == ':')
            return wrong("a value is missing after ", argv[optind - 1]);
        else if (option != 'S')
            return wrong("unknown option ", argument_unknown(option, OPTIONS, argv[optind - 1]));
        else if (o->socket_count == LISTENERS_MAX)
            return wrong("too many of ", "--socket");
        else
            o->sockets[o->socket_count++] = optarg;
    }
    return optind == argc ? -1 : wrong("one argument too many: ", argv[optind]);
}
