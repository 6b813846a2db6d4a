#include "config.h"

#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 4096 };

int64_t transport_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int transport_lift(int fd)
{
    if (fd < 0 || fd >= TRANSPORT_FIRST_FREE)
        return fd;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, TRANSPORT_FIRST_FREE);
    int error = errno;
    close(fd);
    errno = error;
    return lifted;
}

static bool is_folder_of(const char *path, uid_t owner, mode_t forbidden)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == owner && !(st.st_mode & forbidden);
}

bool transport_is_runtime_folder(const char *path)
{
    return is_folder_of(path, geteuid(), 022);
}

bool transport_user_socket(char path[TRANSPORT_PATH_MAX])
{
    const char *base = secure_getenv("XDG_RUNTIME_DIR");
    char own[32];
    if (!base || base[0] != '/' || !transport_is_runtime_folder(base)) {
        snprintf(own, sizeof own, "/run/user/%lu", (unsigned long)geteuid());
        if (!is_folder_of(own, geteuid(), 077))
            return false;
        base = own; /* untested: needs /run/user/UID, which not every machine has */
    }
    int printed = snprintf(path, TRANSPORT_PATH_MAX, "%s/xoauth2/agent.sock", base);
    return printed > 0 && printed < TRANSPORT_PATH_MAX;
}

bool transport_trusts(const char *path, uid_t peer)
{
    if (peer == 0 || peer == geteuid())
        return true;
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (len == 0 || len >= sizeof folder)
        return false;
    memcpy(folder, path, len);
    folder[len] = '\0';
    return is_folder_of(folder, peer, 022);
}

static enum transport_connection check_peer(int fd, const char *path, struct report *why)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        report_set(why, FAILURE_UNREACHABLE, "cannot tell who serves %s: %s", path, strerror(errno));
        return TRANSPORT_FAILED;
    }
    if (transport_trusts(path, peer.uid))
        return TRANSPORT_CONNECTED;
    report_set(why, FAILURE_NOT_ALLOWED,
               "the socket %s is served by user id %lu, who is not trusted: remove it, or give its folder to that "
               "user alone if it is your agent",
               path, (unsigned long)peer.uid);
    return TRANSPORT_DISTRUSTED;
}

/* A connection to a Unix socket waits for nothing but room in the listener's queue; the send time-out bounds
 * that wait. */
static int connect_within(int fd, const struct sockaddr_un *address, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - transport_now();
        if (left <= 0)
            return ETIMEDOUT;
        struct timeval wait = {.tv_sec = (time_t)(left / 1000), .tv_usec = (suseconds_t)(left % 1000 * 1000)};
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
            return errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return 0;
        if (errno != EINTR)
            return errno == EAGAIN ? ETIMEDOUT : errno;
    }
}

static bool nobody_listens(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ECONNREFUSED;
}

enum transport_connection transport_connect(const char *path, int64_t deadline, int *fd, struct report *why)
{
    *fd = -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return TRANSPORT_ABSENT;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int64_t soon = transport_now() + TRANSPORT_CONNECT_MS;
    int s = transport_lift(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int error = s < 0 ? errno : connect_within(s, &address, soon < deadline ? soon : deadline);
    enum transport_connection result = TRANSPORT_FAILED;
    if (error == 0)
        result = check_peer(s, path, why);
    else if (nobody_listens(error))
        result = TRANSPORT_ABSENT;
    else
        report_set(why, FAILURE_UNREACHABLE, "cannot reach the agent at %s (%s): check that it runs", path,
                   strerror(error));
    if (result == TRANSPORT_CONNECTED)
        *fd = s;
    else if (s >= 0)
        close(s);
    errno = error;
    return result;
}

/* Waits until the socket is ready. False when the deadline has passed. */
static bool wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - transport_now();
        if (left <= 0)
            return false;
        struct pollfd ready = {.fd = fd, .events = events};
        int count = poll(&ready, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (count > 0 || (count < 0 && errno != EINTR))
            return true;
    }
}

/* A peer that answers before it has read everything may close early: then the reply is what counts, so that a
 * failure to send is left for the reader to find. */
static bool send_all(int fd, const char *data, size_t len, int64_t deadline)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            data += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!wait_for(fd, POLLOUT, deadline))
                return false;
        } else if (errno != EINTR) {
            return true;
        }
    }
    return true;
}

enum transport_result transport_exchange(int fd, const struct secret *request, int64_t deadline, struct secret *reply,
                                         struct protocol_message *message)
{
    if (!send_all(fd, request->data, request->len, deadline))
        return TRANSPORT_TIMEOUT;
    secret_reset(reply);
    for (;;) {
        size_t left = reply->limit - reply->len;
        size_t chunk = left < CHUNK ? left : CHUNK;
        char *room = chunk > 0 ? secret_room(reply, chunk) : NULL;
        if (!room)
            return TRANSPORT_GARBAGE;
        if (!wait_for(fd, POLLIN, deadline))
            return TRANSPORT_TIMEOUT;
        ssize_t got = recv(fd, room, chunk, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0)
            return TRANSPORT_CLOSED;
        secret_grow(reply, (size_t)got);
        size_t used;
        enum protocol_result result = protocol_parse(reply->data, reply->len, &used, message);
        if (result != PROTOCOL_MORE)
            return result == PROTOCOL_COMPLETE ? TRANSPORT_REPLY : TRANSPORT_GARBAGE;
    }
}
