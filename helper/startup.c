#include "config.h"

#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t given_umask;
static struct rlimit given_core;

static bool open_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd > STDERR_FILENO && close(fd) == 0;
}

void startup_loosen(void)
{
    umask(given_umask);
    setrlimit(RLIMIT_CORE, &given_core);
}

void startup_tighten(void)
{
    umask(077);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = given_core.rlim_max};
    setrlimit(RLIMIT_CORE, &none);
}

bool startup(const char *program)
{
    if (!open_standard_descriptors()) {
        int error = errno; /* where standard error is closed nobody can be told */
        if (fcntl(STDERR_FILENO, F_GETFD) >= 0)
            fprintf(stderr, "%s: cannot open /dev/null: %s: try again\n", program, strerror(error));
        return false;
    }
    if (getauxval(AT_SECURE)) {
        fprintf(stderr, "%s: not meant to run set-uid or with file capabilities: remove them from the program\n",
                program);
        return false;
    }
    given_umask = umask(077);
    if (getrlimit(RLIMIT_CORE, &given_core) != 0)
        given_core = (struct rlimit){0};
    startup_tighten();
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
    return true;
}
