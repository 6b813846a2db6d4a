#include "config.h"

#include "browser.h"

#include "startup.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

const char *browser_program(void)
{
    if (is_set("BROWSER"))
        return getenv("BROWSER");
    return is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") ? "xdg-open" : NULL;
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error =
            posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return error;
}

bool browser_start(const char *program, const char *url, pid_t *pid, struct report *why)
{
    *pid = 0;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char *const argv[] = {(char *)program, (char *)url, NULL};
    int error = posix_spawn_file_actions_init(&files);
    if (error != 0)
        return report_set(why, FAILURE_UNREACHABLE, "cannot start %s: %s", program, strerror(error));
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = prepare(&files, &attributes);
        startup_loosen();
        if (error == 0)
            error = posix_spawnp(pid, program, &files, &attributes, argv, environ);
        startup_tighten();
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) {
        *pid = 0;
        return report_set(why, FAILURE_CONFIG, "cannot start the browser '%s': %s", program, strerror(error));
    }
    return true;
}

bool browser_failed(pid_t *pid, int *status)
{
    if (*pid <= 0)
        return false;
    pid_t ended = waitpid(*pid, status, WNOHANG);
    if (ended == 0)
        return false;
    *pid = 0;
    return ended > 0 && !(WIFEXITED(*status) && WEXITSTATUS(*status) == 0);
}
