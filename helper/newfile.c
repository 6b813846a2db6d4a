#include "config.h"

#include "newfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUFFIX_LEN = 6, TRIES = 8 };

static bool failed(const char *path, struct report *why)
{
    int error = errno;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        return report_set(why, FAILURE_UNREACHABLE, "cannot write %s: %s: free some space", path, strerror(error));
    if (error == EROFS || error == EACCES || error == EPERM)
        return report_set(why, FAILURE_CONFIG, "cannot write %s: %s: make its folder writable", path,
                          strerror(error));
    return report_set(why, FAILURE_UNREACHABLE, "cannot write %s: %s", path, strerror(error));
}

/* ".FINAL." and six random letters. */
static bool name_temporary(struct newfile *f)
{
    unsigned char random[SUFFIX_LEN];
    char suffix[SUFFIX_LEN + 1] = "";
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    for (size_t i = 0; i < SUFFIX_LEN; i++)
        suffix[i] = (char)('a' + random[i] % 26);
    int len = snprintf(f->temporary, sizeof f->temporary, ".%s.%s", f->final, suffix);
    if (len > 0 && (size_t)len < sizeof f->temporary)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

bool newfile_open(struct newfile *f, int folder, const char *folder_path, const char *final, struct report *why)
{
    *f = (struct newfile){.fd = -1, .folder = folder};
    snprintf(f->final, sizeof f->final, "%s", final);
    int len = snprintf(f->path, sizeof f->path, "%s/%s", folder_path, final);
    errno = ENAMETOOLONG;
    if (len > 0 && (size_t)len < sizeof f->path)
        for (int i = 0; i < TRIES && f->fd < 0 && name_temporary(f); i++) {
            f->fd = openat(folder, f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
            if (f->fd < 0 && errno != EEXIST)
                break;
        }
    if (f->fd >= 0)
        return true;
    failed(f->path, why);
    newfile_abandon(f);
    return false;
}

static bool write_all(int fd, const char *data, size_t len)
{
    for (off_t at = 0; len > 0;) {
        ssize_t put = pwrite(fd, data + at, len, at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        len -= (size_t)put;
    }
    return true;
}

static bool write_zeros(int fd, size_t size)
{
    static const char ZEROS[4096];
    for (size_t at = 0; at < size;) {
        size_t part = size - at < sizeof ZEROS ? size - at : sizeof ZEROS;
        ssize_t put = pwrite(fd, ZEROS, part, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += (size_t)put;
    }
    return true;
}

/* A reservation that leaves the size alone asks for no limit, see setrlimit(2). */
static bool is_within_limit(size_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= size)
        return true;
    errno = EFBIG;
    return false;
}

bool newfile_reserve(struct newfile *f, size_t size, struct report *why)
{
    bool ok = is_within_limit(size) && fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0;
    if (!ok && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)) {
        ok = write_zeros(f->fd, size);
        f->filled = true;
    }
    if (ok)
        return true;
    failed(f->path, why);
    newfile_abandon(f);
    return false;
}

/* What was reserved is given back last: until the content is on disk a kill may lose a refresh token, and freeing
 * blocks takes longer than all the rest but fsync. */
bool newfile_commit(struct newfile *f, const char *data, size_t len, struct report *why)
{
    bool ok = write_all(f->fd, data, len) && (!f->filled || ftruncate(f->fd, (off_t)len) == 0) && fsync(f->fd) == 0 &&
              renameat(f->folder, f->temporary, f->folder, f->final) == 0;
    if (!ok) {
        failed(f->path, why);
    } else {
        f->temporary[0] = '\0';
        /* Some file systems cannot sync a folder; the rename holds all the same. */
        (void)fsync(f->folder);
        int given_back = ftruncate(f->fd, (off_t)len);
        (void)given_back;
    }
    newfile_abandon(f);
    return ok;
}

void newfile_abandon(struct newfile *f)
{
    if (f->fd >= 0) {
        if (f->temporary[0])
            unlinkat(f->folder, f->temporary, 0);
        close(f->fd);
    }
    if (f->folder >= 0)
        close(f->folder);
    f->fd = -1;
    f->folder = -1;
    f->temporary[0] = '\0';
}

static bool is_leftover(const char *name, const char *final)
{
    size_t len = strlen(final);
    if (name[0] != '.' || strncmp(name + 1, final, len) != 0 || name[1 + len] != '.')
        return false;
    const char *suffix = name + len + 2;
    return strlen(suffix) == SUFFIX_LEN && strspn(suffix, "abcdefghijklmnopqrstuvwxyz") == SUFFIX_LEN;
}

static DIR *open_entries(int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    if (!entries && copy >= 0)
        close(copy);
    return entries;
}

bool newfile_sweep(int folder, const char *final, int64_t before)
{
    int trouble = 0;
    DIR *entries = open_entries(folder);
    if (!entries)
        return false;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat st;
        if (is_leftover(entry->d_name, final) &&
            fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec < before &&
            unlinkat(folder, entry->d_name, 0) != 0 && errno != ENOENT)
            trouble = errno;
    }
    closedir(entries);
    errno = trouble;
    return trouble == 0;
}

bool newfile_leftover(int folder, const char *final, char name[NAME_MAX + 1])
{
    name[0] = '\0';
    DIR *entries = open_entries(folder);
    if (!entries)
        return false;
    for (struct dirent *entry; !name[0] && (entry = readdir(entries)) != NULL;)
        if (is_leftover(entry->d_name, final))
            strcpy(name, entry->d_name);
    closedir(entries);
    return true;
}

bool newfile_finish(int folder, const char *name, const char *final)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0 && renameat(folder, name, folder, final) == 0;
    int error = errno;
    if (ok)
        (void)fsync(folder);
    if (fd >= 0)
        close(fd);
    errno = error;
    return ok;
}
