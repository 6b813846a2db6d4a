#include "config.h"

#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

const struct fault FAULTS[] = {
    {"malloc", ENOMEM},
    {"calloc", ENOMEM},
    {"strdup", ENOMEM},
    {"open", EMFILE},
    {"open", EACCES},
    {"openat", EMFILE},
    {"openat", EIO},
    {"fstat", EIO},
    {"read", EIO},
    {"read", EINTR},
    {"pwrite", ENOSPC},
    {"pwrite", EINTR},
    {"fsync", EIO},
    {"fallocate", ENOSPC},
    {"fallocate", EOPNOTSUPP},
    {"ftruncate", EIO},
    {"renameat", EIO},
    {"unlinkat", EIO},
    {"getrandom", EINTR},
    {"fdopendir", ENOMEM},
    {"flock", ENOLCK},
    {"flock", EINTR},
    {"fchown", EPERM},
    {"mkdir", ENOSPC},
    {"socket", EMFILE},
    {"socketpair", EMFILE},
    {"fcntl", EMFILE},
    {"getsockopt", ENOTSOCK},
    {"setsockopt", EINVAL},
    {"connect", EINTR},
    {"connect", EAGAIN},
    {"send", EAGAIN},
    {"send", EINTR},
    {"recv", EAGAIN},
    {"recv", ECONNRESET},
    {"poll", EINTR},
    {"posix_spawn_file_actions_init", 0},
    {"posix_spawnattr_init", 0},
    {"posix_spawn", 0},
    {"waitpid", EINTR},
    {"json_object_new_string", 0},
    {"json_object_new_int64", 0},
    {"json_object_new_object", 0},
    {"json_object_object_add", 0},
    {"json_object_deep_copy", 0},
    {"json_object_to_json_string_length", 0},
    {"json_tokener_new_ex", 0},
    {NULL, 0},
};

static const struct fault *planned;
static int first_call;
static int call_count;
static int calls;

void fault_plan(const struct fault *fault, int first, int count)
{
    planned = fault;
    first_call = first;
    call_count = count;
    calls = 0;
}

bool fault_end(void)
{
    planned = NULL;
    return calls >= first_call + call_count - 1;
}

int fault_each(void (*prepare)(void), void (*attempt)(void *arg, const struct fault *fault), void *arg)
{
    enum { CALLS_MAX = 1000 };
    int attempts = 0;
    for (const struct fault *f = FAULTS; f->function; f++)
        for (int call = 1; call < CALLS_MAX; call++) {
            if (prepare)
                prepare();
            fault_plan(f, call, 1);
            attempt(arg, f);
            attempts++;
            if (calls < call)
                break;
        }
    return attempts;
}

bool fault_fails(const char *function)
{
    if (!planned || strcmp(planned->function, function) != 0)
        return false;
    calls++;
    if (calls < first_call || calls >= first_call + call_count)
        return false;
    errno = planned->error;
    return true;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return fault_fails("malloc") ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return fault_fails("calloc") ? NULL : __real_calloc(count, size);
}

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text)
{
    return fault_fails("strdup") ? NULL : __real_strdup(text);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fault_fails("open") ? -1 : __real_open(path, flags, mode);
}

int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return fault_fails("openat") ? -1 : __real_openat(folder, path, flags, mode);
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st)
{
    return fault_fails("fstat") ? -1 : __real_fstat(fd, st);
}

ssize_t __real_read(int fd, void *to, size_t len);
ssize_t __wrap_read(int fd, void *to, size_t len);
ssize_t __wrap_read(int fd, void *to, size_t len)
{
    return fault_fails("read") ? -1 : __real_read(fd, to, len);
}

ssize_t __real_pwrite(int fd, const void *from, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *from, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *from, size_t len, off_t at)
{
    return fault_fails("pwrite") ? -1 : __real_pwrite(fd, from, len, at);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return fault_fails("fsync") ? -1 : __real_fsync(fd);
}

int __real_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
    return fault_fails("fallocate") ? -1 : __real_fallocate(fd, mode, at, len);
}

int __real_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_ftruncate(int fd, off_t len)
{
    return fault_fails("ftruncate") ? -1 : __real_ftruncate(fd, len);
}

int __real_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new);
int __wrap_renameat(int from, const char *old, int to, const char *new)
{
    return fault_fails("renameat") ? -1 : __real_renameat(from, old, to, new);
}

int __real_unlinkat(int folder, const char *path, int flags);
int __wrap_unlinkat(int folder, const char *path, int flags);
int __wrap_unlinkat(int folder, const char *path, int flags)
{
    return fault_fails("unlinkat") ? -1 : __real_unlinkat(folder, path, flags);
}

ssize_t __real_getrandom(void *to, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *to, size_t len, unsigned flags);
ssize_t __wrap_getrandom(void *to, size_t len, unsigned flags)
{
    return fault_fails("getrandom") ? -1 : __real_getrandom(to, len, flags);
}

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd)
{
    return fault_fails("fdopendir") ? NULL : __real_fdopendir(fd);
}

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);
int __wrap_flock(int fd, int how)
{
    return fault_fails("flock") ? -1 : __real_flock(fd, how);
}

int __real_fchown(int fd, uid_t owner, gid_t group);
int __wrap_fchown(int fd, uid_t owner, gid_t group);
int __wrap_fchown(int fd, uid_t owner, gid_t group)
{
    return fault_fails("fchown") ? -1 : __real_fchown(fd, owner, group);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    return fault_fails("mkdir") ? -1 : __real_mkdir(path, mode);
}

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol)
{
    return fault_fails("socket") ? -1 : __real_socket(domain, type, protocol);
}

int __real_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
    return fault_fails("socketpair") ? -1 : __real_socketpair(domain, type, protocol, ends);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    int arg = va_arg(args, int);
    va_end(args);
    return fault_fails("fcntl") ? -1 : __real_fcntl(fd, command, arg);
}

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return fault_fails("getsockopt") ? -1 : __real_getsockopt(fd, level, name, value, len);
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return fault_fails("setsockopt") ? -1 : __real_setsockopt(fd, level, name, value, len);
}

int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len)
{
    return fault_fails("connect") ? -1 : __real_connect(fd, address, len);
}

ssize_t __real_send(int fd, const void *from, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t len, int flags)
{
    return fault_fails("send") ? -1 : __real_send(fd, from, len, flags);
}

ssize_t __real_recv(int fd, void *to, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t len, int flags)
{
    return fault_fails("recv") ? -1 : __real_recv(fd, to, len, flags);
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    return fault_fails("poll") ? -1 : __real_poll(fds, count, timeout);
}

int __real_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int __wrap_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int __wrap_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    return fault_fails("posix_spawn_file_actions_init") ? ENOMEM : __real_posix_spawn_file_actions_init(actions);
}

int __real_posix_spawnattr_init(posix_spawnattr_t *attributes);
int __wrap_posix_spawnattr_init(posix_spawnattr_t *attributes);
int __wrap_posix_spawnattr_init(posix_spawnattr_t *attributes)
{
    return fault_fails("posix_spawnattr_init") ? ENOMEM : __real_posix_spawnattr_init(attributes);
}

int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    return fault_fails("posix_spawn") ? EAGAIN : __real_posix_spawn(pid, path, actions, attributes, argv, envp);
}

pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    return fault_fails("waitpid") ? -1 : __real_waitpid(pid, status, options);
}

/* The rest is not in FAULTS: a test plans it by itself. */
int __real_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number)
{
    return fault_fails("kill") ? -1 : __real_kill(pid, number);
}

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type)
{
    return fault_fails("getauxval") ? 1 : __real_getauxval(type);
}
