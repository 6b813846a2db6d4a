/* The agent's sockets and connections: who gets one, and how many. */
#include "config.h"

#include "agent_rig.h"
#include "clients.h"
#include "folder.h"
#include "listeners.h"
#include "manager.h"
#include "protocol.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void one_account(void)
{
    rig_account("me@example.org", 0, "");
    rig_state("me@example.org", 0, "kept", 3000);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void folder_and_socket_are_the_users_alone(void **state)
{
    (void)state;
    one_account();
    rmdir(folder_path("run"));
    rig_start();
    assert_int_equal(mode_of(folder_path("run")), 0700);
    assert_int_equal(mode_of(rig_socket), 0600);
    assert_int_equal(rig_end(SIGTERM), 0);
    assert_int_equal(access(rig_socket, F_OK), -1);
}

static void the_systems_socket_is_for_all(void **state)
{
    (void)state;
    one_account();
    rmdir(folder_path("run"));
    rig_paths.system = true;
    rig_start();
    assert_int_equal(mode_of(folder_path("run")), 0755);
    assert_int_equal(mode_of(rig_socket), 0666);
}

static void stale_socket_is_taken_over(void **state)
{
    (void)state;
    one_account();
    rig_start();
    assert_int_equal(rig_end(SIGKILL), 128 + SIGKILL);
    assert_int_equal(access(rig_socket, F_OK), 0);
    rig_start();
    assert_string_equal(rig_get("me@example.org"), "kept");
}

static int foreign_server(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void live_socket_is_not_taken_over(void **state)
{
    char text[1024];
    (void)state;
    one_account();
    folder_sub("run", 0700);
    int server = foreign_server(rig_socket);
    assert_int_equal(rig_start_badly(rig_socket, text, sizeof text), 1);
    assert_non_null(strstr(text, "is served already: end the other agent"));
    assert_int_equal(access(rig_socket, F_OK), 0);
    close(server);
}

static void a_file_is_no_socket(void **state)
{
    char text[1024];
    (void)state;
    one_account();
    folder_sub("run", 0700);
    folder_write("run/agent.sock", "precious", 0600);
    assert_int_equal(rig_start_badly(rig_socket, text, sizeof text), 1);
    assert_non_null(strstr(text, "is there and no socket: remove it"));
    assert_int_equal(access(rig_socket, F_OK), 0);
}

static void folder_that_others_may_write_to(void **state)
{
    char text[1024];
    (void)state;
    one_account();
    folder_sub("open", 0777);
    assert_int_equal(chmod(folder_path("open"), 0777), 0);
    assert_int_equal(rig_start_badly(folder_path("open/agent.sock"), text, sizeof text), 1);
    assert_non_null(strstr(text, "choose another folder with --socket"));
}

static void second_agent_on_one_store(void **state)
{
    char text[1024];
    char named[128];
    (void)state;
    one_account();
    rig_start();
    snprintf(named, sizeof named, "(process %ld): run 'kill %ld' first", (long)rig_pid, (long)rig_pid);
    assert_int_equal(rig_start_badly(folder_path("run/other.sock"), text, sizeof text), 1);
    assert_non_null(strstr(text, "another agent serves the store"));
    assert_non_null(strstr(text, named));
    assert_string_equal(rig_get("me@example.org"), "kept");
}

/* What stands in its lock is for the person alone. */
static void second_agent_with_a_strange_lock(void **state)
{
    static const char *const STRANGE[] = {"", "agent\n", "-1\n", "0\n", "1\n", "99999999999999999999999999\n"};
    char path[PATH_MAX + 16];
    char text[1024];
    (void)state;
    one_account();
    rig_start();
    snprintf(path, sizeof path, "%s/.agent.lock", rig_paths.state);
    for (size_t i = 0; i < sizeof STRANGE / sizeof STRANGE[0]; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(STRANGE[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(rig_start_badly(folder_path("run/other.sock"), text, sizeof text), 1);
        assert_non_null(strstr(text, "find its process with 'ps -C agent', and end it with 'kill' first"));
    }
    assert_string_equal(rig_get("me@example.org"), "kept");
}

/* One that was killed has left its name. */
static void lock_of_a_killed_agent(void **state)
{
    char path[PATH_MAX + 16];
    char text[32] = "";
    struct stat st;
    (void)state;
    one_account();
    rig_start();
    snprintf(path, sizeof path, "%s/.agent.lock", rig_paths.state);
    assert_int_equal(rig_end(SIGKILL), 128 + SIGKILL);
    rig_start();
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_int_equal(strtol(text, NULL, 10), rig_pid);
    assert_int_equal(rig_end(SIGTERM), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void socket_of_a_successor_stays(void **state)
{
    (void)state;
    one_account();
    rig_start();
    int server = foreign_server(rig_socket);
    assert_int_equal(rig_end(SIGTERM), 0);
    assert_int_equal(access(rig_socket, F_OK), 0);
    close(server);
}

static void path_too_long(void **state)
{
    char text[1024];
    char path[256] = "/";
    (void)state;
    memset(path + 1, 'a', 120);
    assert_int_equal(rig_start_badly(path, text, sizeof text), 1);
    assert_non_null(strstr(text, "is too long for a socket"));
}

static void relative_path(void **state)
{
    char text[1024];
    (void)state;
    assert_int_equal(rig_start_badly("agent.sock", text, sizeof text), 1);
    assert_non_null(strstr(text, "is no absolute path"));
}

/* --- service managers --- */

static int manager_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = 20};
    strcpy(address.sun_path, path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return fd;
}

static void assert_told(int fd, const char *wanted)
{
    char text[256];
    ssize_t len = recv(fd, text, sizeof text - 1, 0);
    assert_true(len > 0);
    text[len] = '\0';
    assert_string_equal(text, wanted);
}

static void manager_is_told_of_start_and_end(void **state)
{
    (void)state;
    one_account();
    const char *path = folder_path("notify");
    int fd = manager_socket(path);
    setenv("NOTIFY_SOCKET", path, 1);
    rig_start();
    assert_told(fd, "READY=1");
    assert_int_equal(rig_end(SIGTERM), 0);
    assert_told(fd, "STOPPING=1");
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

/* What manager_sockets() says to these variables, in a process whose number they name, or another one. */
static int sockets_of(const char *count, bool ours)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        char number[32];
        snprintf(number, sizeof number, "%ld", (long)(ours ? getpid() : getppid()));
        setenv("LISTEN_PID", number, 1);
        setenv("LISTEN_FDS", count, 1);
        int found = manager_sockets();
        _exit(getenv("LISTEN_FDS") || getenv("LISTEN_PID") ? 99 : found < 0 ? 98 : found);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void sockets_meant_for_another_process(void **state)
{
    (void)state;
    int fd = dup2(STDERR_FILENO, 3);
    assert_int_equal(fd, 3);
    assert_int_equal(sockets_of("1", true), 1);
    assert_int_equal(sockets_of("1", false), 0);
    assert_int_equal(sockets_of("1000000", true), 98);
    assert_int_equal(sockets_of("x", true), 98);
    close(fd);
}

static void socket_that_was_handed_over_stays(void **state)
{
    (void)state;
    one_account();
    folder_sub("run", 0700);
    int fd = foreign_server(rig_socket);
    rig_start_with(fd);
    assert_string_equal(rig_get("me@example.org"), "kept");
    assert_int_equal(rig_end(SIGTERM), 0);
    assert_int_equal(access(rig_socket, F_OK), 0); /* the manager's, who starts us anew when somebody connects */
    close(fd);
}

static void descriptor_that_is_no_socket(void **state)
{
    char text[1024];
    (void)state;
    one_account();
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(rig_start_badly_with(fd, text, sizeof text), 1);
    close(fd);
    assert_non_null(strstr(text, "is no listening Unix stream socket"));
}

/* --- connections --- */

static void split_bytes(void **state)
{
    static const char REQUEST[] = "get\nuser=me@example.org\n\n";
    char one[2] = "";
    (void)state;
    one_account();
    rig_start();
    int fd = rig_connect();
    for (const char *p = REQUEST; *p; p++) {
        one[0] = *p;
        rig_send(fd, one);
        rig_nap(1);
    }
    assert_non_null(strstr(rig_read(fd), "token=kept\n"));
    close(fd);
}

static void two_requests_in_one_write(void **state)
{
    (void)state;
    one_account();
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\nget\nuser=nobody@example.org\n\nget\nuser=me");
    assert_non_null(strstr(rig_read(fd), "token=kept\n"));
    assert_non_null(strstr(rig_read(fd), "code=no-account\n"));
    rig_send(fd, "@example.org\n\n");
    assert_non_null(strstr(rig_read(fd), "token=kept\n"));
    close(fd);
}

/* What came during a wait is worked off after it, and the rest of a request that has begun may take no longer than
 * any other's. So many clients that more arrives from some before their turn. */
static void half_a_request_behind_a_wait(void **state)
{
    enum { CLIENTS = 3 * LOOP_TIMERS_ROUND };
    int fds[CLIENTS];
    (void)state;
    rig_account("me@example.org", 0, "");
    rig_state("me@example.org", 0, "old", -10);
    rig_endpoint(0)->held = 1;
    rig_start();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = rig_connect();
        rig_send(fds[i], "get\nuser=me@example.org\n\nget\nuser=me");
    }
    token_endpoint_await(rig_endpoint(0));
    rig_nap(200);
    int64_t sent = loop_now();
    for (int i = 0; i < CLIENTS; i++)
        rig_send(fds[i], "@example.org\n\nget\nuser=me");
    rig_endpoint(0)->held = 0;
    for (int i = 0; i < 2 * CLIENTS; i++)
        assert_non_null(strstr(rig_read(fds[i / 2]), "token=at-0-1\n"));
    int64_t start = loop_now();
    for (int i = 0; i < CLIENTS; i++) {
        assert_string_equal(rig_read(fds[i]), "");
        assert_true(loop_now() - sent >= CLIENTS_REQUEST_MS);
        assert_true(loop_now() - start <= CLIENTS_REQUEST_MS + 5000);
        close(fds[i]);
    }
}

static void garbage(void **state)
{
    (void)state;
    one_account();
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "GET / HTTP/1.1\nHost: x\n\n");
    assert_non_null(strstr(rig_read(fd), "code=config\n"));
    assert_string_equal(rig_read(fd), "");
    close(fd);
    assert_string_equal(rig_get("me@example.org"), "kept");
}

static void oversized_request(void **state)
{
    char chunk[4097];
    (void)state;
    one_account();
    rig_start();
    memset(chunk, 'a', 4096);
    chunk[4096] = '\0';
    int fd = rig_connect();
    rig_send(fd, "get\nuser=");
    for (int i = 0; i < PROTOCOL_MESSAGE_MAX / 4096; i++)
        if (send(fd, chunk, 4096, MSG_NOSIGNAL) < 0)
            break;
    assert_non_null(strstr(rig_read(fd), "the request is too long"));
    close(fd);
    assert_string_equal(rig_get("me@example.org"), "kept");
}

static void unknown_verb(void **state)
{
    (void)state;
    one_account();
    rig_start();
    assert_non_null(strstr(rig_ask("dance\nuser=me@example.org\n\n"), "does not know the request 'dance'"));
}

/* Replies pile up for a client that sends and never reads; it must cost the others nothing. */
static void client_that_never_reads(void **state)
{
    (void)state;
    one_account();
    rig_start();
    int fd = rig_connect();
    for (int i = 0; i < 20000; i++)
        if (send(fd, "get\nuser=me@example.org\n\n", 25, MSG_NOSIGNAL | MSG_DONTWAIT) != 25)
            break;
    assert_string_equal(rig_get("me@example.org"), "kept");
    close(fd);
    assert_string_equal(rig_get("me@example.org"), "kept");
}

static void client_that_hangs_up_while_it_waits(void **state)
{
    (void)state;
    rig_account("me@example.org", 0, "");
    rig_state("me@example.org", 0, NULL, 0);
    rig_endpoint(0)->held = 1;
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    token_endpoint_await(rig_endpoint(0));
    close(fd);
    rig_endpoint(0)->held = 0;
    rig_await("me@example.org", "at-0-1");
    assert_int_equal(rig_endpoint(0)->requests, 1);
}

/* A client may shut its side down once it has asked. */
static void half_closed_client(void **state)
{
    (void)state;
    one_account();
    rig_start();
    int fd = rig_connect();
    rig_send(fd, "get\nuser=me@example.org\n\n");
    shutdown(fd, SHUT_WR);
    assert_non_null(strstr(rig_read(fd), "token=kept\n"));
    assert_string_equal(rig_read(fd), "");
    close(fd);
}

static void idle_connections_beyond_the_limit(void **state)
{
    enum { MANY = CLIENTS_MAX + 200 };
    static int fds[MANY];
    struct rlimit limit;
    (void)state;
    one_account();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    /* With few descriptors its limit is lower, and this program has fewer too. */
    int many = limit.rlim_cur > MANY + 64 ? MANY : (int)limit.rlim_cur - 64;
    rig_start();
    for (int i = 0; i < many; i++)
        fds[i] = rig_connect();
    assert_string_equal(rig_get("me@example.org"), "kept");
    char number[32];
    const char *reply = rig_ask("status\n\n");
    assert_int_equal(sscanf(strstr(reply, "clients="), "clients=%31[0-9]", number), 1);
    assert_true(atoi(number) <= CLIENTS_MAX);
    for (int i = 0; i < many; i++)
        close(fds[i]);
    assert_string_equal(rig_get("me@example.org"), "kept");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(folder_and_socket_are_the_users_alone),
        TEST(the_systems_socket_is_for_all),
        TEST(stale_socket_is_taken_over),
        TEST(live_socket_is_not_taken_over),
        TEST(a_file_is_no_socket),
        TEST(folder_that_others_may_write_to),
        TEST(second_agent_on_one_store),
        TEST(second_agent_with_a_strange_lock),
        TEST(lock_of_a_killed_agent),
        TEST(socket_of_a_successor_stays),
        TEST(path_too_long),
        TEST(relative_path),
        TEST(manager_is_told_of_start_and_end),
        TEST(sockets_meant_for_another_process),
        TEST(socket_that_was_handed_over_stays),
        TEST(descriptor_that_is_no_socket),
        TEST(split_bytes),
        TEST(two_requests_in_one_write),
        TEST(half_a_request_behind_a_wait),
        TEST(garbage),
        TEST(oversized_request),
        TEST(unknown_verb),
        TEST(client_that_never_reads),
        TEST(client_that_hangs_up_while_it_waits),
        TEST(half_closed_client),
        TEST(idle_connections_beyond_the_limit),
    };
    return cmocka_run_group_tests_name("agent: sockets and connections", tests, folder_make, folder_remove);
}
