/* What the agent gives up once it has opened all that it needs: a fault in it, met by a hostile answer from the
 * network or from a socket, must not become more than a fault in it.
 *
 * With Landlock (Linux 5.13 and later) the agent, from then on, starts no program, writes, makes and removes files
 * nowhere but in the folder of the tokens (and removes its sockets), and cannot look into or change any process
 * outside; from Linux 6.7 and 6.12 on it also listens at no TCP port and signals no process outside. It still reads
 * what its user may read, since name service, certificates and the files that accounts name can be anywhere, and it
 * connects to other hosts. */
#ifndef XOAUTH2_CONFINE_H
#define XOAUTH2_CONFINE_H

#include "failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whatever this process starts from now on gains no rights from set-uid programs and the like. False with a report
 * where the kernel cannot do that. */
bool confine_privileges(struct report *why);

/* Confines the calling thread, and the threads and processes that it starts later: call it before there are others.
 * In `store` files may be written; from the folders of the `count` sockets files may be removed. False with a report
 * where the kernel has no Landlock, or not this much of it; nothing has changed then. Built with --disable-hardening
 * it always is: what sanitizers and coverage write at the end of a process must find its place. */
bool confine_files(const char *store, const char *const sockets[], size_t count, struct report *why);

/* The folder that a confined process may write in. */
struct confine_place {
    bool confined;
    dev_t dev;
    ino_t ino;
};

/* Remembers the folder, or forgets that it is confined. */
void confine_note(struct confine_place *place, bool confined, const char *store);

/* Whether another folder has taken its place: that one cannot be written in before the agent starts anew. */
bool confine_is_elsewhere(const struct confine_place *place, const char *store);

#endif
