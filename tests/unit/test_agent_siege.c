/* A user who only wants to be in the way of the others at the system's agent. Needs root, to be several users. */
#include "config.h"

#include "agent_rig.h"
#include "folder.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ENEMY = 54321,
    TROOPS = 10,    /* processes */
    EACH = 1000,    /* connections of a process */
    FEW_FDS = 256,  /* what the agent may have where its limit shall be reached soon: half of it is for clients */
    FEW_TROOPS = 2, /* processes that make more connections than that */
    FEW_EACH = 100,
};

static pid_t troops[TROOPS];
static int troop_count;

static void need_root(void)
{
    if (geteuid() != 0) {
        print_message("needs root, to become another user\n");
        skip();
    }
}

/* The system's agent; `files`: how many descriptors it and this program may have from now on, 0 for as many as it
 * wants. */
static void system_agent(rlim_t files)
{
    rig_paths.system = true;
    rig_account("me@example.org", 0, "");
    rig_state("me@example.org", 0, "kept", 3000);
    rig_account("slow@example.org", 1, "allow: 54321\n");
    rig_state("slow@example.org", 1, NULL, 0);
    rig_endpoint(1)->delay = 2000;
    rmdir(folder_path("run"));
    char top[256];
    strcpy(top, folder_path("x"));
    *strrchr(top, '/') = '\0';
    assert_int_equal(chmod(top, 0711), 0);
    if (files > 0 && setrlimit(RLIMIT_NOFILE, &(struct rlimit){files, files}) != 0) {
        print_message("the number of descriptors cannot be limited here, as under valgrind\n");
        skip();
    }
    rig_start();
}

/* In a process of the enemy, in which no test may fail. */
static int connect_or_die(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, rig_socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        _exit(1);
    return fd;
}

/* Makes connections, says so, and holds them. */
static void hold(int connections, void (*act)(int fd), int done)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setgid(ENEMY) != 0 || setuid(ENEMY) != 0)
        _exit(1);
    for (int i = 0; i < connections; i++) {
        int fd = connect_or_die();
        if (act)
            act(fd);
    }
    if (write(done, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

/* While the enemy takes his positions, and after that, root gets his token at each try. */
static void besiege(int processes, int connections, void (*act)(int fd))
{
    int done[2];
    char byte;
    siginfo_t fallen = {0};
    assert_int_equal(pipe2(done, O_CLOEXEC | O_NONBLOCK), 0);
    for (troop_count = 0; troop_count < processes; troop_count++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            hold(connections, act, done[1]);
        troops[troop_count] = pid;
    }
    for (int ready = 0; ready < processes; ready += read(done[0], &byte, 1) == 1) {
        assert_string_equal(rig_get("me@example.org"), "kept");
        assert_int_equal(waitid(P_ALL, 0, &fallen, WEXITED | WNOHANG | WNOWAIT), 0);
        assert_int_equal(fallen.si_pid, 0);
    }
    close(done[0]);
    close(done[1]);
    for (int i = 0; i < 100; i++)
        assert_string_equal(rig_get("me@example.org"), "kept");
}

static int withdraw(void **state)
{
    while (troop_count > 0) {
        kill(troops[--troop_count], SIGKILL);
        waitpid(troops[troop_count], NULL, 0);
    }
    return rig_teardown(state);
}

static void ten_thousand_connections_that_send_nothing(void **state)
{
    (void)state;
    need_root();
    system_agent(0);
    besiege(TROOPS, EACH, NULL);
}

/* The connection may have been closed already. */
static void say(int fd, const char *text)
{
    ssize_t sent = send(fd, text, strlen(text), MSG_NOSIGNAL);
    (void)sent;
}

static void begin_a_request(int fd)
{
    say(fd, "get\nuser=");
}

static void requests_that_are_never_finished(void **state)
{
    (void)state;
    need_root();
    system_agent(FEW_FDS);
    besiege(FEW_TROOPS, FEW_EACH, begin_a_request);
}

/* Until the agent cannot write any more. */
static void ask_and_never_read(int fd)
{
    static const char REQUEST[] = "get\nuser=me@example.org\n\n";
    for (int idle = 0; idle < 3;) {
        if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
            continue;
        rig_nap(1);
        idle++;
    }
}

static void replies_that_nobody_reads(void **state)
{
    (void)state;
    need_root();
    system_agent(FEW_FDS);
    besiege(FEW_TROOPS, FEW_EACH, ask_and_never_read);
}

static void ask_for_what_takes_long(int fd)
{
    say(fd, "get\nuser=slow@example.org\n\n");
}

static void requests_that_wait(void **state)
{
    (void)state;
    need_root();
    system_agent(FEW_FDS);
    besiege(FEW_TROOPS, FEW_EACH, ask_for_what_takes_long);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, withdraw)
    const struct CMUnitTest tests[] = {
        TEST(ten_thousand_connections_that_send_nothing),
        TEST(requests_that_are_never_finished),
        TEST(replies_that_nobody_reads),
        TEST(requests_that_wait),
    };
    return cmocka_run_group_tests_name("agent: siege", tests, folder_make, folder_remove);
}
