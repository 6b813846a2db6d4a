/* Asking a server at a Unix socket: one request, one reply, of one of two kinds. Every failure that makes a
 * measurement worthless ends the process. */
#ifndef XOAUTH2_BENCH_ASKING_H
#define XOAUTH2_BENCH_ASKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#define ASKING_MAX 65536 /* bytes in a request or a reply */

/* What a reply looks like. */
enum asking_kind {
    ASKING_TEXT, /* xoauth2-protocol(7): to an empty line; a good one begins with "ok" */
    ASKING_SSH,  /* the protocol of ssh-agent: a length in four bytes; a good one lists the keys */
};

struct asking {
    struct sockaddr_un address;
    enum asking_kind kind;
    char *request; /* the bytes of a file; "#####" in it is replaced by the number of the account that is asked for */
    size_t len;
    size_t number_at; /* of "#####"; SIZE_MAX without one */
};

/* One reply on its way. */
struct reply {
    int fd;
    size_t len;
    char *data; /* ASKING_MAX bytes */
};

void asking_load(struct asking *a, const char *socket_path, const char *request_path, const char *kind);

/* Connects, waiting while the server's queue is full. */
int asking_connect(const struct asking *a);

/* Sends the request for an account. False where the server has gone away. */
bool asking_send(struct asking *a, int fd, unsigned account);

/* Reads what is there, or waits for it. Returns 1 when the reply is whole, 0 while it is not, -1 when the
 * connection has ended. */
int asking_read(const struct asking *a, struct reply *r);

/* Whether a whole reply is what was asked for. */
bool asking_is_good(const struct asking *a, const struct reply *r);

/* One request over the connection, waiting for its reply; anything but a good one ends the process. */
void asking_once(struct asking *a, struct reply *r, unsigned account);

_Noreturn void asking_give_up(const char *what);

#endif
