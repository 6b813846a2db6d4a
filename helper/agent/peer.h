/* Who is at the other end of a connection. */
#ifndef XOAUTH2_PEER_H
#define XOAUTH2_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* As the kernel recorded it when the connection was made. */
struct peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
};

bool peer_read(int fd, struct peer *peer);

/* Whether the peer is in one of the groups, by its main group or the others that it had when it connected. */
bool peer_in_groups(int fd, const struct peer *peer, const gid_t *groups, size_t count);

/* The name of the peer's program, for a log; "?" where it is gone. It is the peer's own choice: it proves nothing. */
#define PEER_PROGRAM_MAX 32
void peer_program(const struct peer *peer, char name[PEER_PROGRAM_MAX]);

#endif
