/* One request and one reply of the helper protocol over a stream socket, and how an agent's socket is reached. */
#ifndef XOAUTH2_TRANSPORT_H
#define XOAUTH2_TRANSPORT_H

#include "failure.h"
#include "protocol.h"
#include "secret.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TRANSPORT_CONNECT_MS 1000 /* an agent accepts within this time */

#define TRANSPORT_FIRST_FREE 3 /* descriptors below are the standard ones */

/* Moves a descriptor out of the way of the standard ones, which may be free in a host: what another part of the host
 * then prints would go into our connection. The new one is closed on exec, the old one is closed. -1 and errno on
 * failure, also if `fd` is -1. */
int transport_lift(int fd);

/* Whether $XDG_RUNTIME_DIR may name this folder: it is this user's, and nobody else may write in it. Elsewhere the
 * folder of the socket could be made by anybody, who would then be the owner that transport_trusts() believes. */
bool transport_is_runtime_folder(const char *path);

/* Finds the socket of the user's own agent: $XDG_RUNTIME_DIR/xoauth2/agent.sock, or the same under /run/user/UID
 * where the variable names no such folder and that one is the user's alone. False if there is neither, and if the
 * path is too long. */
#define TRANSPORT_PATH_MAX 108 /* bytes of a socket's path, with its NUL */
bool transport_user_socket(char path[TRANSPORT_PATH_MAX]);

/* Milliseconds of the monotonic clock. */
int64_t transport_now(void);

enum transport_connection {
    TRANSPORT_CONNECTED,
    TRANSPORT_ABSENT,     /* nobody listens there; errno says why */
    TRANSPORT_DISTRUSTED, /* somebody listens who must not be believed; reported */
    TRANSPORT_FAILED,     /* reported */
};

/* Connects to an agent's socket, and makes sure before anything is sent that it is served by root, by this user,
 * or by the owner of a folder in which nobody else can put sockets. `*fd` is closed on exec; the caller closes
 * it. */
enum transport_connection transport_connect(const char *path, int64_t deadline, int *fd, struct report *why);

/* Whether `peer` may serve the socket `path`. */
bool transport_trusts(const char *path, uid_t peer);

enum transport_result {
    TRANSPORT_REPLY,
    TRANSPORT_CLOSED,  /* the connection ended without a whole reply */
    TRANSPORT_TIMEOUT, /* the deadline passed */
    TRANSPORT_GARBAGE, /* what came is no reply */
};

/* Sends `request` and reads one reply into `reply`, which needs the limit PROTOCOL_MESSAGE_MAX; `message` points
 * into it. */
enum transport_result transport_exchange(int fd, const struct secret *request, int64_t deadline, struct secret *reply,
                                         struct protocol_message *message);

#endif
