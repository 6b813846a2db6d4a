#include "config.h"

#include "store_folder.h"

#include "folder.h"
#include "provider.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

struct paths paths;

static char providers[PATH_MAX];
static const char *folders[] = {providers, providers, NULL};

static void clear(const char *folder)
{
    DIR *entries = opendir(folder);
    if (!entries)
        return;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            assert_int_equal(unlinkat(dirfd(entries), entry->d_name, 0), 0);
    closedir(entries);
}

static void make(char path[PATH_MAX], const char *name)
{
    struct stat st;
    snprintf(path, PATH_MAX, "%s", folder_path(name));
    if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        assert_int_equal(unlink(path), 0);
    folder_sub(name, 0700);
    assert_int_equal(chown(path, geteuid(), getegid()), 0);
    clear(path);
}

int store_folder_setup(void **state)
{
    (void)state;
    paths.system = false;
    paths.owner = geteuid();
    paths.group = getegid();
    make(paths.accounts, "accounts");
    make(paths.state, "state");
    make(providers, "providers");
    provider_folders = folders;
    return 0;
}

static const char *write_in(const char *folder, const char *name, const char *suffix, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    return folder_write(path, text, mode);
}

const char *store_folder_account(const char *name, const char *text)
{
    return write_in("accounts", name, ".conf", text, 0600);
}

const char *store_folder_state(const char *name, const char *text)
{
    return write_in("state", name, ".json", text, 0600);
}

const char *store_folder_provider(const char *name, const char *text)
{
    return write_in("providers", name, ".conf", text, 0644);
}

void store_folder_disown(const char *path)
{
    if (geteuid() == 0)
        assert_int_equal(chown(path, NOBODY, (gid_t)-1), 0);
    else
        paths.owner = geteuid() + 1;
}

void store_folder_sink(void)
{
    if (getuid() != 0)
        return;
    assert_int_equal(chmod(folder_path(""), 0711), 0);
    assert_int_equal(chown(paths.state, NOBODY, (gid_t)-1), 0);
    assert_int_equal(chown(paths.accounts, NOBODY, (gid_t)-1), 0);
    paths.owner = NOBODY;
    assert_int_equal(seteuid(NOBODY), 0);
}

void store_folder_rise(void)
{
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

const char *store_folder_read(const char *path)
{
    static char content[300000];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, content, sizeof content - 1);
    close(fd);
    assert_true(got >= 0);
    content[got] = '\0';
    return content;
}

int store_folder_count(void)
{
    int count = 0;
    DIR *entries = opendir(paths.state);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(entries);
    return count;
}
