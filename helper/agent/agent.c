/* `agent [--system] [--foreground] [--socket PATH]...`: serves the tokens of one store. */
#include "config.h"

#include "manager.h"
#include "options.h"
#include "paths.h"
#include "process.h"
#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Goes on in a child, in a session of its own. In the parent: waits until the child can be reached, or has failed and
 * said why, and returns the exit status. In the child: -1, with the descriptor to write to when it is ready. */
static int go_to_background(int *ready)
{
    int ends[2];
    char byte;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        setsid();
        *ready = ends[1];
        return chdir("/") == 0 ? -1 : 1;
    }
    close(ends[1]);
    ssize_t got;
    do
        got = pid > 0 ? read(ends[0], &byte, 1) : -1;
    while (got < 0 && pid > 0 && errno == EINTR);
    close(ends[0]);
    return got == 1 ? 0 : 1;
}

static int run(const struct options *o, int inherited, int ready)
{
    struct paths paths;
    struct report why;
    if (paths_for(&paths, o->system, &why))
        return process_run(&paths, o, inherited, ready);
    fprintf(stderr, "xoauth2: %s\n", why.text);
    return 1;
}

int main(int argc, char **argv)
{
    struct options options;
    int ready = -1;
    int inherited = manager_sockets();
    if (!startup("xoauth2 agent"))
        return 1;
    int status = options_parse(&options, argc, argv);
    if (status < 0 && inherited < 0) {
        fputs("xoauth2: the sockets that the service manager handed over make no sense: mend its socket unit\n",
              stderr);
        status = 1;
    }
    mallopt(M_ARENA_MAX, 1); /* one thread needs no more, and idle ones are not given back */
    if (status < 0 && !options.foreground)
        status = go_to_background(&ready);
    return status < 0 ? run(&options, inherited, ready) : status;
}
