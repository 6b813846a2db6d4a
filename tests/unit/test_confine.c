/* What a running agent can no longer do, tried from inside of it: a signal handler that the agent has from this
 * program tries everything when the signal comes, whatever code the agent is in. And an agent on a kernel that
 * confines nobody. */
#include "config.h"

#include "confine.h"

#include "agent_rig.h"
#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ME "me@example.org"
#define DEAD "dead@example.org"

enum { LANDLOCK_NETWORK = 4, LANDLOCK_SIGNALS = 6 };

/* Filled before the agent starts; the handler uses nothing else. */
static struct {
    char outside[512];     /* a file that is there */
    char outside_new[512]; /* and one that is not */
    char inside[512];
    char link[512];
    pid_t victim;
    int results;
} tried;

/* --- what is tried; each returns whether it could be done --- */

static bool opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool write_in_the_store(void)
{
    bool ok = opens(tried.inside, O_WRONLY | O_CREAT);
    return unlink(tried.inside) == 0 && ok;
}

static bool read_elsewhere(void)
{
    return opens(tried.outside, O_RDONLY);
}

static bool use_dev_null(void)
{
    return opens("/dev/null", O_RDWR);
}

static bool write_elsewhere(void)
{
    return opens(tried.outside, O_WRONLY);
}

static bool create_elsewhere(void)
{
    return opens(tried.outside_new, O_WRONLY | O_CREAT);
}

static bool make_a_folder(void)
{
    return mkdir(tried.outside_new, 0700) == 0;
}

static bool make_a_link(void)
{
    return symlink("/etc/passwd", tried.link) == 0;
}

static bool remove_elsewhere(void)
{
    return unlink(tried.outside) == 0;
}

static bool move_out_of_the_store(void)
{
    bool ok = opens(tried.inside, O_WRONLY | O_CREAT) && rename(tried.inside, tried.outside_new) == 0;
    unlink(tried.inside);
    return ok;
}

static bool start_a_program(void)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = {(char *)"true", NULL};
        execv("/bin/true", argv);
        _exit(1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool look_into_a_process(void)
{
    char path[64];
    if (ptrace(PTRACE_ATTACH, tried.victim, NULL, NULL) == 0)
        return true;
    snprintf(path, sizeof path, "/proc/%ld/mem", (long)tried.victim);
    return opens(path, O_RDONLY);
}

static bool gain_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static bool listen_to_the_network(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool signal_a_process(void)
{
    return kill(tried.victim, 0) == 0;
}

static const struct {
    const char *name;
    bool (*try)(void);
    bool possible;
    long since; /* version of Landlock */
} ATTEMPTS[] = {
    {"write in the store", write_in_the_store, true, 1},
    {"read elsewhere", read_elsewhere, true, 1},
    {"use /dev/null", use_dev_null, true, 1},
    {"write elsewhere", write_elsewhere, false, 1},
    {"create elsewhere", create_elsewhere, false, 1},
    {"make a folder", make_a_folder, false, 1},
    {"make a link", make_a_link, false, 1},
    {"remove elsewhere", remove_elsewhere, false, 1},
    {"move out of the store", move_out_of_the_store, false, 1},
    {"start a program", start_a_program, false, 1},
    {"look into a process", look_into_a_process, false, 1},
    {"gain privileges", gain_privileges, false, 1},
    {"listen to the network", listen_to_the_network, false, LANDLOCK_NETWORK},
    {"signal a process", signal_a_process, false, LANDLOCK_SIGNALS},
};

enum { ATTEMPT_COUNT = sizeof ATTEMPTS / sizeof ATTEMPTS[0] };

static void try_all(int number)
{
    bool done[ATTEMPT_COUNT];
    int error = errno;
    (void)number;
    for (size_t i = 0; i < ATTEMPT_COUNT; i++)
        done[i] = ATTEMPTS[i].try();
    ssize_t put = write(tried.results, done, sizeof done);
    (void)put;
    errno = error;
}

static void expect_confined(const bool done[ATTEMPT_COUNT], long version)
{
    for (size_t i = 0; i < ATTEMPT_COUNT; i++)
        if (version >= ATTEMPTS[i].since && done[i] != ATTEMPTS[i].possible)
            fail_msg("%s: %s", ATTEMPTS[i].name, done[i] ? "possible" : "impossible");
}

/* --- */

/* A process to be looked into. */
static pid_t start_victim(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    return pid;
}

static void end_victim(void)
{
    kill(tried.victim, SIGKILL);
    waitpid(tried.victim, NULL, 0);
}

static void prepare(int ends[2])
{
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    tried.results = ends[1];
    snprintf(tried.outside, sizeof tried.outside, "%s", folder_write("outside", "precious", 0600));
    snprintf(tried.outside_new, sizeof tried.outside_new, "%s", folder_path("outside-new"));
    snprintf(tried.link, sizeof tried.link, "%s", folder_path("outside-link"));
    snprintf(tried.inside, sizeof tried.inside, "%s", folder_path("state/inside"));
    tried.victim = start_victim();
    signal(SIGUSR1, try_all);
}

/* 0 where the kernel has none. */
static long landlock_version(void)
{
#ifdef SYS_landlock_create_ruleset
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1U /* LANDLOCK_CREATE_RULESET_VERSION */);
    return version > 0 ? version : 0;
#else
    return 0;
#endif
}

static void read_results(int fd, bool done[ATTEMPT_COUNT])
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, RIG_PATIENCE), 1);
    assert_int_equal(read(fd, done, ATTEMPT_COUNT * sizeof *done), ATTEMPT_COUNT * sizeof *done);
}

static void agent_can_do_more_than_it_needs(void **state)
{
    int ends[2];
    bool done[ATTEMPT_COUNT];
    (void)state;
    if (landlock_version() == 0) {
        print_message("this kernel has no Landlock\n");
        skip();
    }
    prepare(ends);
    rig_account(ME, 0, "");
    rig_state(ME, 0, NULL, 0);
    rig_start();
    if (strstr(rig_log(), "built without Landlock")) {
        end_victim();
        print_message("built without Landlock\n");
        skip();
    }
    assert_null(strstr(rig_log(), "not confined"));
    assert_int_equal(kill(rig_pid, SIGUSR1), 0);
    read_results(ends[0], done);
    end_victim();
    close(ends[0]);
    close(ends[1]);
    expect_confined(done, landlock_version());
    assert_string_equal(store_folder_read(tried.outside), "precious");
    assert_string_equal(rig_get(ME), "at-0-1"); /* it still works, and keeps what it got */
    assert_non_null(strstr(store_folder_read(folder_path("state/" ME ".json")), "at-0-1"));
}

/* It cannot write in there; another one, started by whoever sees this one's end, can. */
static void folder_that_was_replaced_is_never_written_in(void **state)
{
    (void)state;
    if (landlock_version() == 0)
        skip();
    rig_account(ME, 0, "");
    rig_state(ME, 0, "old", 3600);
    rig_start();
    if (strstr(rig_log(), "not confined"))
        skip();
    assert_int_equal(rename(rig_paths.state, folder_path("aside")), 0);
    folder_sub("state", 0700);
    rig_state(ME, 0, NULL, 0);
    rig_get(ME);
    assert_int_equal(rig_await_end(), 1);
    assert_non_null(strstr(rig_log(), "is another one than when the agent started, which ends now: start it anew"));
}

/* The process that starts others: it must not outlive a killed agent. */
static void starter_outlives_the_agent(void **state)
{
    (void)state;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    rig_start();
    assert_int_equal(rig_end(SIGKILL), 128 + SIGKILL);
    RIG_AWAIT(waitpid(-1, NULL, WNOHANG) > 0);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    unlink(rig_socket);
}

/* From here on this process's children meet a kernel that has never heard of either. */
static void forget_how_to_confine(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_landlock_create_ruleset
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_NO_NEW_PRIVS, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* An account whose login has ended, which a command tells: with its right to gain privileges, as proc(5) has it. */
static const char *dead_account(void)
{
    char line[512];
    const char *note = folder_path("announced");
    const char *script = folder_write("announce", "#!/bin/sh\ngrep NoNewPrivs /proc/self/status > \"$1\"\n", 0700);
    unlink(note);
    snprintf(line, sizeof line, "notify_command: %s %s\n", script, note);
    rig_account(DEAD, 1, line);
    rig_state(DEAD, 1, "old", -10);
    rig_endpoint(1)->mode = ENDPOINT_REFUSES;
    return note;
}

static const char *announced_in(const char *note)
{
    assert_non_null(strstr(rig_get(DEAD), "login-needed: "));
    RIG_AWAIT(access(note, F_OK) == 0 && strchr(store_folder_read(note), '\n'));
    return store_folder_read(note);
}

/* The agent's confinement neither keeps a command from its work nor has a way out through one. */
static void command_is_confined_or_gains_privileges(void **state)
{
    (void)state;
    const char *note = dead_account();
    rig_start();
    assert_string_equal(announced_in(note), "NoNewPrivs:\t1\n");
}

/* The last one: the filter stays. */
static void kernel_that_confines_nobody_is_fatal(void **state)
{
    (void)state;
    const char *note = dead_account();
    forget_how_to_confine();
    rig_account(ME, 0, "");
    rig_state(ME, 0, NULL, 0);
    rig_start();
    const char *at = strstr(rig_log(), "not confined to ");
    assert_non_null(at);
    assert_null(strstr(at + 1, "not confined to "));
    assert_string_equal(rig_get(ME), "at-0-1");
    announced_in(note);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(agent_can_do_more_than_it_needs, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(folder_that_was_replaced_is_never_written_in, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(starter_outlives_the_agent, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(command_is_confined_or_gains_privileges, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(kernel_that_confines_nobody_is_fatal, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
