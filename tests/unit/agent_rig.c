#include "config.h"

#include "agent_rig.h"

#include "clock.h"
#include "folder.h"
#include "process.h"
#include "protocol.h"
#include "store_folder.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    END_MS = 60000, /* the agent itself takes up to 35 s */
    REST_MS = 500,
    REST_CPU_MS = 50,
    FIRST_HANDED_OVER = 3,
};

struct token_endpoint rig_server;
struct paths rig_paths;
const char *rig_socket;
pid_t rig_pid;

int rig_setup(void **state)
{
    static char path[256];
    if (store_folder_setup(state) != 0)
        return -1;
    rig_paths = paths;
    snprintf(path, sizeof path, "%s", folder_path("run/agent.sock"));
    rig_socket = path;
    rig_pid = 0;
    token_endpoint_start(&rig_server);
    return 0;
}

int rig_teardown(void **state)
{
    (void)state;
    int status = rig_pid > 0 ? rig_end(SIGTERM) : 0; /* not killed: checkers of memory have their say at the end */
    if (status != 0)
        print_message("the agent ended with %d:\n%s", status, rig_log());
    unlink(rig_socket);
    token_endpoint_stop(&rig_server);
    return status;
}

void rig_account(const char *name, int endpoint, const char *more)
{
    char text[2048];
    snprintf(text, sizeof text, "token_endpoint: http://127.0.0.1:%d/%d\nclient_id: c\n%s", rig_server.port, endpoint,
             more);
    store_folder_account(name, text);
}

void rig_state(const char *name, int endpoint, const char *token, int64_t seconds)
{
    char text[2048];
    char access[512] = "";
    int64_t now = clock_wall();
    if (token)
        snprintf(access, sizeof access, "\"access_token\": \"%s\", \"obtained_at\": %lld, \"expires_at\": %lld, ",
                 token, (long long)(now + seconds - 3600), (long long)(now + seconds));
    snprintf(text, sizeof text,
             "{%s\"refresh_token\": \"rt-%d-%d\", \"client_id\": \"c\", \"login_at\": 1, "
             "\"token_endpoint\": \"http://127.0.0.1:%d/%d\"}\n",
             access, endpoint, rig_server.endpoints[endpoint].generation, rig_server.port, endpoint);
    store_folder_state(name, text);
}

void rig_expired(const char *name, int endpoint)
{
    rig_account(name, endpoint, "");
    rig_state(name, endpoint, "old", -10);
}

struct endpoint *rig_endpoint(int endpoint)
{
    return &rig_server.endpoints[endpoint];
}

void rig_nap(int milliseconds)
{
    poll(NULL, 0, milliseconds);
}

void rig_look_again(int waited, int limit, const char *condition)
{
    if (waited >= limit)
        fail_msg("waited in vain for: %s\n%s", condition, rig_log());
    rig_nap(RIG_LOOK);
}

/* --- the agent --- */

/* Runs one, at the socket of that path or at the one that was handed over. */
static int agent(const char *socket_path, int handed_over, const char *log)
{
    struct options o = {.system = rig_paths.system, .foreground = true, .sockets = {socket_path}};
    if (handed_over < 0)
        o.socket_count = 1;
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    dup2(fd, STDERR_FILENO);
    close(fd);
    if (handed_over >= 0)
        dup2(handed_over, FIRST_HANDED_OVER);
    return process_run(&rig_paths, &o, handed_over < 0 ? 0 : 1, -1);
}

static void start(int handed_over)
{
    unlink(folder_path("agent.log"));
    rig_pid = fork();
    assert_true(rig_pid >= 0);
    if (rig_pid == 0) {
        int status = agent(rig_socket, handed_over, folder_path("agent.log"));
        exit(status);
    }
    RIG_AWAIT(strstr(rig_log(), "serving "));
}

void rig_start(void)
{
    start(-1);
}

void rig_start_with(int socket)
{
    start(socket);
}

static int status_of(pid_t pid)
{
    int status;
    pid_t ended = 0;
    RIG_AWAIT_WITHIN(END_MS, (ended = waitpid(pid, &status, WNOHANG)) != 0);
    assert_int_equal(ended, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int rig_await_end(void)
{
    pid_t pid = rig_pid;
    rig_pid = 0;
    return status_of(pid);
}

int rig_end(int signal)
{
    assert_int_equal(kill(rig_pid, signal), 0);
    return rig_await_end();
}

static const char *read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, size - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static int start_badly(const char *socket_path, int handed_over, char *text, size_t size)
{
    const char *log = folder_path("bad.log");
    pid_t pid = fork();
    if (pid == 0)
        exit(agent(socket_path, handed_over, log));
    int status = status_of(pid);
    read_text(log, text, size);
    return status;
}

int rig_start_badly(const char *socket_path, char *text, size_t size)
{
    return start_badly(socket_path, -1, text, size);
}

int rig_start_badly_with(int socket, char *text, size_t size)
{
    return start_badly(NULL, socket, text, size);
}

int64_t rig_cpu(void)
{
    clockid_t clock;
    struct timespec used;
    assert_int_equal(clock_getcpuclockid(rig_pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* On a slow machine it may still be at what was begun before. */
void rig_await_rest(void)
{
    int64_t before;
    int waited = 0;
    do {
        assert_true(waited < RIG_PATIENCE);
        before = rig_cpu();
        rig_nap(REST_MS);
        waited += REST_MS;
    } while (rig_cpu() - before >= REST_CPU_MS);
}

const char *rig_log(void)
{
    static char text[65536];
    return read_text(folder_path("agent.log"), text, sizeof text);
}

/* --- asking it --- */

int rig_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, rig_socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void rig_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

const char *rig_read(int fd)
{
    static char reply[PROTOCOL_MESSAGE_MAX + 1];
    size_t len = 0;
    reply[0] = '\0';
    while (len < 2 || strcmp(reply + len - 2, "\n\n") != 0) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, RIG_PATIENCE), 1);
        ssize_t got = recv(fd, reply + len, 1, 0); /* byte by byte: another reply may follow */
        if (got <= 0)
            return "";
        len++;
        reply[len] = '\0';
    }
    return reply;
}

const char *rig_ask(const char *request)
{
    int fd = rig_connect();
    rig_send(fd, request);
    const char *reply = rig_read(fd);
    close(fd);
    return reply;
}

static const char *field(const char *reply, const char *name, char *value, size_t size)
{
    char key[64];
    snprintf(key, sizeof key, "\n%s=", name);
    const char *at = strstr(reply, key);
    snprintf(value, size, "%.*s", at ? (int)strcspn(at + strlen(key), "\n") : 0, at ? at + strlen(key) : "");
    return value;
}

const char *rig_get(const char *user)
{
    static char result[2048];
    char request[512];
    char code[64];
    char message[1500];
    snprintf(request, sizeof request, "get\nuser=%s\n\n", user);
    const char *reply = rig_ask(request);
    if (strncmp(reply, "ok\n", 3) == 0)
        return field(reply, "token", result, sizeof result);
    snprintf(result, sizeof result, "%s: %s", field(reply, "code", code, sizeof code),
             field(reply, "message", message, sizeof message));
    return result;
}

void rig_await(const char *user, const char *token)
{
    for (int waited = 0; strcmp(rig_get(user), token) != 0; waited += RIG_LOOK) {
        if (waited >= RIG_PATIENCE)
            fail_msg("waited in vain for %s; the last answer: %s", token, rig_get(user));
        rig_nap(RIG_LOOK);
    }
}

const char *rig_status(const char *user, const char *name)
{
    static char value[1024];
    char request[512];
    snprintf(request, sizeof request, "status\nuser=%s\n\n", user);
    return field(rig_ask(request), name, value, sizeof value);
}
