#include "config.h"

#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FOLDERS_MAX = 16 };

/* A path that was handed out. */
struct path {
    struct path *next;
    char text[256];
};

static char root[64];
static struct path *paths;

int folder_make(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    if (!base || strlen(base) > 32)
        base = "/tmp"; /* a socket's path must stay short */
    snprintf(root, sizeof root, "%s/xoauth2-test-XXXXXX", base);
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

int folder_remove(void **state)
{
    (void)state;
    for (struct path *next; paths; paths = next) {
        next = paths->next;
        free(paths);
    }
    return nftw(root, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}

const char *folder_path(const char *name)
{
    struct path *path = malloc(sizeof *path);
    if (!path)
        abort();
    path->next = paths;
    paths = path;
    snprintf(path->text, sizeof path->text, "%s/%s", root, name);
    return path->text;
}

/* A test that cannot prepare its files must not go on and pass. */
static void must(int result, const char *what, const char *path)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    abort();
}

const char *folder_write(const char *name, const char *content, mode_t mode)
{
    const char *path = folder_path(name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd, "open", path);
    must(write(fd, content, strlen(content)) == (ssize_t)strlen(content) ? 0 : -1, "write", path);
    must(fchmod(fd, mode), "chmod", path);
    close(fd);
    return path;
}

const char *folder_sub(const char *name, mode_t mode)
{
    const char *path = folder_path(name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        must(-1, "mkdir", path);
    must(chmod(path, mode), "chmod", path);
    return path;
}

void folder_home(void)
{
    setenv("HOME", folder_path("home"), 1);
    setenv("XDG_CONFIG_HOME", folder_path("config"), 1);
    setenv("XDG_RUNTIME_DIR", folder_path("run"), 1);
}
