#include "config.h"

#include "listeners.h"

#include "agent.h"
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCK_TRIES = 40, LOCK_NAP = 50 /* milliseconds */ };

/* --- accepting --- */

static void socket_ready(struct watch *w, uint32_t events)
{
    struct listener *one = (struct listener *)(void *)w;
    struct listeners *l = &one->agent->listeners;
    (void)events;
    if (clients_accept(&one->agent->clients, w->fd))
        return;
    for (size_t i = 0; i < l->count; i++)
        loop_unwatch(&l->agent->loop, &l->all[i].watch);
    timer_set(&l->agent->loop, &l->pause, loop_now() + LISTENERS_PAUSE_MS);
}

bool listeners_start(struct listeners *l)
{
    bool ok = true;
    for (size_t i = 0; i < l->count; i++)
        ok = loop_watch(&l->agent->loop, &l->all[i].watch, EPOLLIN) && ok;
    return ok;
}

static void pause_over(struct timer *t)
{
    struct listeners *l = (struct listeners *)(void *)((char *)t - offsetof(struct listeners, pause));
    if (!listeners_start(l))
        timer_set(&l->agent->loop, t, loop_now() + LISTENERS_PAUSE_MS);
}

bool listeners_open(struct listeners *l, struct agent *a, struct report *why)
{
    *l = (struct listeners){.agent = a};
    return timer_register(&a->loop, &l->pause, pause_over) ||
           report_set(why, FAILURE_UNREACHABLE, "not enough memory");
}

static bool take(struct listeners *l, int fd, const char *path, struct report *why)
{
    struct listener *one = &l->all[l->count];
    if (l->count == LISTENERS_MAX)
        return report_set(why, FAILURE_CONFIG, "more than %d sockets", LISTENERS_MAX);
    *one = (struct listener){.watch = {.ready = socket_ready, .fd = fd}, .agent = l->agent};
    if (path) {
        struct stat st;
        one->path = strdup(path);
        if (!one->path || stat(path, &st) != 0) {
            free(one->path);
            return report_set(why, FAILURE_UNREACHABLE, "cannot use the socket %s: %s", path, strerror(errno));
        }
        one->dev = st.st_dev;
        one->ino = st.st_ino;
    }
    l->count++;
    return true;
}

bool listeners_inherit(struct listeners *l, int fd, struct report *why)
{
    int type = 0, domain = 0, listening = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening)
        return report_set(why, FAILURE_CONFIG,
                          "descriptor %d, which the service manager gave, is no listening Unix stream socket: mend "
                          "ListenStream= in its socket unit",
                          fd);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return report_set(why, FAILURE_UNREACHABLE, "cannot use descriptor %d: %s", fd, strerror(errno));
    return take(l, fd, NULL, why);
}

/* --- folders --- */

static mode_t folder_mode(const struct listeners *l)
{
    return l->agent->paths.system ? 0755 : 0700;
}

/* Makes one folder with the mode, whatever the umask. */
static bool make_folder(const char *path, mode_t mode, struct report *why)
{
    if (mkdir(path, mode) != 0)
        return errno == EEXIST ||
               report_set(why, FAILURE_CONFIG, "cannot make the folder %s: %s", path, strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && fchmod(fd, mode) == 0;
    if (!ok)
        report_set(why, FAILURE_CONFIG, "cannot set the mode of the folder %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool make_folders(const struct listeners *l, char *path, struct report *why)
{
    struct stat st;
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        bool ok = stat(path, &st) == 0 || make_folder(path, folder_mode(l), why);
        if (slash)
            *slash = '/';
        if (!ok || !slash)
            return ok;
    }
}

/* Whoever else could write there could put a socket of his own in the place of ours. */
static bool check_folder(int fd, const char *path, struct report *why)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return report_set(why, FAILURE_UNREACHABLE, "cannot examine the folder %s: %s", path, strerror(errno));
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return report_set(why, FAILURE_CONFIG, "the folder %s belongs to user id %lu: choose another with --socket",
                          path, (unsigned long)st.st_uid);
    if (st.st_mode & 022)
        return report_set(why, FAILURE_CONFIG,
                          "others may write to the folder %s, and so put a socket of theirs in the place of this one: "
                          "choose another folder with --socket",
                          path);
    return true;
}

/* Opens the folder of a socket and locks it against another agent that looks at the same socket. */
static int open_folder(const struct listeners *l, const char *socket_path, struct report *why)
{
    char folder[LISTENERS_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", socket_path);
    char *slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    if (!make_folders(l, folder, why))
        return -1;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        report_set(why, FAILURE_CONFIG, "cannot open the folder %s: %s", folder, strerror(errno));
        return -1;
    }
    if (!check_folder(fd, folder, why)) {
        close(fd);
        return -1;
    }
    /* Anybody may hold this lock; it settles a race between two agents, and is worth no longer wait than that. */
    for (int i = 0; i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) != 0; i++)
        poll(NULL, 0, LOCK_NAP);
    return fd;
}

/* --- sockets --- */

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* Whether somebody serves the socket. One whose queue is full is served too. */
static bool is_served(const struct sockaddr_un *address)
{
    struct timeval limit = {.tv_usec = LISTENERS_CONNECT_MS * 1000};
    int fd = new_socket();
    if (fd < 0)
        return true;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    bool served = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                  (errno != ECONNREFUSED && errno != ENOENT);
    close(fd);
    return served;
}

static bool check_place(const char *path, const struct sockaddr_un *address, struct report *why)
{
    struct stat st;
    if (lstat(path, &st) != 0 && errno == ENOENT)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return report_set(why, FAILURE_CONFIG,
                          "%s is there and no socket: remove it, or choose another with --socket", path);
    if (is_served(address))
        return report_set(why, FAILURE_CONFIG,
                          "%s is served already: end the other agent, or choose another socket with "
                          "--socket",
                          path);
    return true;
}

static bool fill_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return false;
    strcpy(address->sun_path, path);
    return true;
}

/* Binds beside the place and renames, so that at no moment there is a socket without an agent behind it. */
static int bind_at(const char *path, mode_t mode, struct report *why)
{
    char temporary[LISTENERS_PATH_MAX + 8];
    struct sockaddr_un address;
    int folder = (int)(strrchr(path, '/') - path);
    snprintf(temporary, sizeof temporary, "%.*s/.new", folder, path);
    if (!fill_address(&address, temporary)) {
        report_set(why, FAILURE_CONFIG, "%s is too long for a socket: choose another with --socket", path);
        return -1;
    }
    int fd = new_socket();
    unlink(temporary);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && chmod(temporary, mode) == 0 &&
        listen(fd, LISTENERS_QUEUE) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && rename(temporary, path) == 0)
        return fd;
    report_set(why, FAILURE_CONFIG, "cannot make the socket %s: %s", path, strerror(errno));
    unlink(temporary);
    if (fd >= 0)
        close(fd);
    return -1;
}

bool listeners_add(struct listeners *l, const char *path, struct report *why)
{
    struct sockaddr_un address;
    if (*path != '/' || path[strlen(path) - 1] == '/')
        return report_set(why, FAILURE_CONFIG, "%s is no absolute path of a socket", path);
    if (!fill_address(&address, path))
        return report_set(why, FAILURE_CONFIG, "%s is too long for a socket: choose another with --socket", path);
    int folder = open_folder(l, path, why);
    if (folder < 0)
        return false;
    int fd = check_place(path, &address, why) ? bind_at(path, l->agent->paths.system ? 0666 : 0600, why) : -1;
    bool ok = fd >= 0 && take(l, fd, path, why);
    if (fd >= 0 && !ok)
        close(fd);
    close(folder);
    return ok;
}

bool listeners_default(bool system, char path[LISTENERS_PATH_MAX], struct report *why)
{
    _Static_assert(LISTENERS_PATH_MAX == TRANSPORT_PATH_MAX, "both are the kernel's limit");
    if (!system)
        return transport_user_socket(path) ||
               report_set(why, FAILURE_CONFIG,
                          "there is no folder for the socket: set XDG_RUNTIME_DIR to a folder of mode 0700 that "
                          "belongs to this user, or use --socket");
    snprintf(path, LISTENERS_PATH_MAX, "%s", RUNDIR "/agent.sock");
    return true;
}

void listeners_close(struct listeners *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct listener *one = &l->all[i];
        struct stat st;
        loop_unwatch(&l->agent->loop, &one->watch);
        if (one->path && lstat(one->path, &st) == 0 && st.st_dev == one->dev && st.st_ino == one->ino)
            unlink(one->path);
        close(one->watch.fd);
        free(one->path);
    }
    l->count = 0;
    if (l->agent)
        timer_release(&l->agent->loop, &l->pause);
}
