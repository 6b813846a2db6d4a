#include "config.h"

#include "asking.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SSH_HEAD = 5, SSH_IDENTITIES_ANSWER = 12 };

static const char NUMBER[] = "#####";

void asking_give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_request(struct asking *a, const char *path)
{
    FILE *file = fopen(path, "r");
    a->request = malloc(ASKING_MAX);
    if (!file || !a->request)
        asking_give_up(path);
    a->len = fread(a->request, 1, ASKING_MAX, file);
    fclose(file);
    const char *number = memmem(a->request, a->len, NUMBER, sizeof NUMBER - 1);
    a->number_at = number ? (size_t)(number - a->request) : SIZE_MAX;
}

void asking_load(struct asking *a, const char *socket_path, const char *request_path, const char *kind)
{
    *a = (struct asking){.address.sun_family = AF_UNIX, .kind = strcmp(kind, "ssh") == 0 ? ASKING_SSH : ASKING_TEXT};
    if (strlen(socket_path) >= sizeof a->address.sun_path)
        asking_give_up("the socket's path is too long");
    strcpy(a->address.sun_path, socket_path);
    read_request(a, request_path);
}

int asking_connect(const struct asking *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&a->address, sizeof a->address) != 0)
        asking_give_up(a->address.sun_path);
    return fd;
}

bool asking_send(struct asking *a, int fd, unsigned account)
{
    if (a->number_at != SIZE_MAX) {
        char number[16];
        snprintf(number, sizeof number, "%05u", account % 100000);
        memcpy(a->request + a->number_at, number, sizeof NUMBER - 1);
    }
    return send(fd, a->request, a->len, MSG_NOSIGNAL) == (ssize_t)a->len;
}

static bool is_whole(const struct asking *a, const struct reply *r)
{
    uint32_t size;
    if (a->kind == ASKING_TEXT)
        return r->len >= 2 && r->data[r->len - 1] == '\n' && r->data[r->len - 2] == '\n';
    if (r->len < SSH_HEAD)
        return false;
    memcpy(&size, r->data, sizeof size);
    return r->len >= sizeof size + ntohl(size);
}

int asking_read(const struct asking *a, struct reply *r)
{
    ssize_t got = recv(r->fd, r->data + r->len, ASKING_MAX - r->len, 0);
    if (got <= 0)
        return -1;
    r->len += (size_t)got;
    return is_whole(a, r) ? 1 : 0;
}

bool asking_is_good(const struct asking *a, const struct reply *r)
{
    if (a->kind == ASKING_SSH)
        return r->len > SSH_HEAD && r->data[SSH_HEAD - 1] == SSH_IDENTITIES_ANSWER;
    return r->len > 3 && memcmp(r->data, "ok\n", 3) == 0;
}

void asking_once(struct asking *a, struct reply *r, unsigned account)
{
    int state = 0;
    r->len = 0;
    if (!asking_send(a, r->fd, account))
        asking_give_up("send");
    while (state == 0)
        state = asking_read(a, r);
    if (state < 0 || !asking_is_good(a, r)) {
        fprintf(stderr, "bench: the reply of %s is not the one that was wanted: %.*s\n", a->address.sun_path,
                a->kind == ASKING_TEXT ? (int)r->len : 0, r->data);
        exit(1);
    }
}
