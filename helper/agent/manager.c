#include "config.h"

#include "manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_SOCKET = 3 };

void manager_tell(const char *lines)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = secure_getenv("NOTIFY_SOCKET");
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof address.sun_path || (*path != '/' && *path != '@'))
        return;
    memcpy(address.sun_path, path, len);
    if (*path == '@') /* a name that is in no folder */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    (void)sendto(fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address, size);
    close(fd);
}

/* A decimal number of a variable, -1 where it is none. */
static long number_of(const char *name)
{
    const char *text = secure_getenv(name);
    char *end;
    if (!text || !*text)
        return -1;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno == 0 && !*end && number >= 0 ? number : -1;
}

int manager_sockets(void)
{
    bool ours = number_of("LISTEN_PID") == (long)getpid();
    long count = ours ? number_of("LISTEN_FDS") : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (count < 0 || count > MANAGER_SOCKETS_MAX)
        return -1;
    for (int i = 0; i < (int)count; i++)
        if (fcntl(FIRST_SOCKET + i, F_SETFD, FD_CLOEXEC) != 0)
            return -1;
    return (int)count;
}
