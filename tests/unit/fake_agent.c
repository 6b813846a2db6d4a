#include "config.h"

#include "fake_agent.h"

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536 };

static int make_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof address->sun_path);
    strcpy(address->sun_path, path);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s >= 0);
    return s;
}

static int listen_at(const char *path, int queue)
{
    struct sockaddr_un address;
    unlink(path);
    int s = make_socket(path, &address);
    assert_int_equal(bind(s, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s, queue), 0);
    return s;
}

static void serve_one(int fd, const char *answer, const char *record)
{
    static char request[REQUEST_MAX + 1];
    size_t len = 0;
    request[0] = '\0';
    while (len < REQUEST_MAX && !strstr(request, "\n\n")) {
        ssize_t got = read(fd, request + len, REQUEST_MAX - len);
        if (got <= 0)
            return;
        len += (size_t)got;
        request[len] = '\0';
    }
    FILE *file = record ? fopen(record, "a") : NULL;
    if (file) {
        fputs(request, file);
        fclose(file);
    }
    if (!answer)
        while (read(fd, request, 1) > 0)
            continue;
    else if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
        return;
}

pid_t fake_agent_start(const char *socket_path, const char *answer, const char *record)
{
    int listener = listen_at(socket_path, 16);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        close(listener);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        serve_one(fd, answer, record);
        close(fd);
    }
}

int fake_agent_wedged(const char *socket_path, int *full)
{
    struct sockaddr_un address;
    int listener = listen_at(socket_path, 0);
    *full = make_socket(socket_path, &address);
    assert_int_equal(connect(*full, (struct sockaddr *)&address, sizeof address), 0);
    return listener;
}

void fake_agent_stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
