#include "config.h"

#include "peer.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GROUPS_USUAL = 64, GROUPS_MAX = 65536 };

bool peer_read(int fd, struct peer *peer)
{
    struct ucred seen;
    socklen_t len = sizeof seen;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &seen, &len) != 0)
        return false;
    *peer = (struct peer){.uid = seen.uid, .gid = seen.gid, .pid = seen.pid};
    return true;
}

static bool has(const gid_t *groups, size_t count, gid_t group)
{
    for (size_t i = 0; i < count; i++)
        if (groups[i] == group)
            return true;
    return false;
}

static bool any_in(const gid_t *groups, size_t count, const gid_t *wanted, size_t wanted_count)
{
    for (size_t i = 0; i < wanted_count; i++)
        if (has(groups, count, wanted[i]))
            return true;
    return false;
}

bool peer_in_groups(int fd, const struct peer *peer, const gid_t *groups, size_t count)
{
    gid_t usual[GROUPS_USUAL];
    socklen_t len = sizeof usual;
    if (count == 0)
        return false;
    if (has(groups, count, peer->gid))
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, usual, &len) == 0)
        return any_in(usual, len / sizeof usual[0], groups, count);
    if (errno != ERANGE || len > GROUPS_MAX * sizeof usual[0])
        return false;
    gid_t *many = malloc(len);
    bool found = many && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &len) == 0 &&
                 any_in(many, len / sizeof many[0], groups, count);
    free(many);
    return found;
}

void peer_program(const struct peer *peer, char name[PEER_PROGRAM_MAX])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)peer->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, name, PEER_PROGRAM_MAX - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (len <= 1) {
        strcpy(name, "?");
        return;
    }
    name[name[len - 1] == '\n' ? len - 1 : len] = '\0';
    text_neutralize(name);
}
