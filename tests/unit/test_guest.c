/* The module file as a guest in hosts that live dangerously: each in a process of its own, which it may spoil. */
#define _GNU_SOURCE 1
#include "config.h"

#include "app.h"
#include "fake_agent.h"
#include "folder.h"
#include "test.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOMEBODY = 54321, FDS_OF_SELECT = 1024, MANY_FDS = 3000, THREADS = 8, LOGINS = 20, ROUNDS = 30 };

static const char TOKEN[] = "ok\nversion=1\ntoken=tok\nexpires_at=4102444800\n\n";
static const char ENDED[] = "error\nversion=1\ncode=login-needed\n\n";
static const char REFUSED[] = "{\"status\":\"401\"}";

static char plugins[256];       /* the folder with a link to the module */
static char configuration[256]; /* and one without an options file */
static char helper_path[4096];
static char agent_path[256];
static const char *const WITH_HELPER[] = {"xoauth2_helper", helper_path, "xoauth2_timeout", "20", NULL};
static const char *const WITH_USUAL_AGENT[] = {"xoauth2_timeout", "20", NULL};
static const char *const WITH_AGENT[] = {"xoauth2_agent_socket", agent_path, "xoauth2_timeout", "20", NULL};
static struct app me = {.authname = "me@x.org", .host = "mail.x.org"};

/* --- what must be as it was --- */

static int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static bool no_child(void)
{
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}

struct manners {
    int descriptors;
    bool blocked[NSIG];
    struct {
        void (*handler)(int number);
        int flags;
    } signals[NSIG];
    mode_t umask;
    char folder[4096];
};

static void look(struct manners *m)
{
    struct sigaction action;
    sigset_t mask;
    memset(m, 0, sizeof *m);
    m->descriptors = count_descriptors();
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int number = 1; number < NSIG; number++) {
        if (sigaction(number, NULL, &action) != 0)
            continue;
        m->blocked[number] = sigismember(&mask, number) == 1;
        m->signals[number].handler = action.sa_handler;
        m->signals[number].flags = action.sa_flags;
    }
    m->umask = umask(0);
    umask(m->umask);
    if (!getcwd(m->folder, sizeof m->folder))
        m->folder[0] = '\0';
}

static bool as_before(const struct manners *before)
{
    static struct manners now;
    look(&now);
    return memcmp(&now, before, sizeof now) == 0;
}

/* --- logins --- */

static bool starts(struct app_session *s)
{
    static const char SENT[] = "user=me@x.org\001auth=Bearer tok\001\001";
    return app_start(s, &me, "XOAUTH2") == SASL_CONTINUE && s->out_len == sizeof SENT - 1 &&
           memcmp(s->out, SENT, s->out_len) == 0;
}

/* A login that works, up to its end; with `refused` the server has something against the token. */
static bool logs_in(bool refused)
{
    struct app_session s;
    bool right = starts(&s) && app_step(&s, refused ? REFUSED : NULL, refused ? strlen(REFUSED) : 0) == SASL_OK;
    app_dispose(&s);
    return right;
}

static bool fails(int code)
{
    struct app_session s;
    int result = app_start(&s, &me, "XOAUTH2");
    app_dispose(&s);
    return result == code;
}

static bool fails_as_helper(const char *answer, int code)
{
    setenv("FAKE_HELPER", answer, 1);
    bool right = fails(code);
    setenv("FAKE_HELPER", TOKEN, 1);
    return right;
}

/* The test passes if `body`, in a process of its own, says so and ends by itself. */
static void in_a_host(bool (*body)(void), const char *const *options)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static const int CMOCKAS[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};
        for (size_t i = 0; i < sizeof CMOCKAS / sizeof CMOCKAS[0]; i++)
            signal(CMOCKAS[i], SIG_DFL);
        setenv("FAKE_HELPER", TOKEN, 1);
        app_begin(plugins, configuration, options);
        _exit(body() ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* --- signals --- */

static volatile sig_atomic_t children;

static void count_child(int number)
{
    (void)number;
    children++;
}

/* Also with a helper that is gone when it is written to, which must raise no SIGPIPE. */
static bool own_signals(void)
{
    static struct manners before;
    struct sigaction action = {.sa_handler = count_child};
    sigset_t some;
    sigaction(SIGCHLD, &action, NULL);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, NULL);
    umask(027);
    look(&before);
    bool right = logs_in(false) && logs_in(true);
    for (int i = 0; i < LOGINS; i++)
        right = right && fails_as_helper("die", SASL_UNAVAIL);
    return right && children > 0 && as_before(&before) && no_child();
}

static void host_with_its_own_signal_handlers(void **state)
{
    (void)state;
    in_a_host(own_signals, WITH_HELPER);
}

/* --- descriptors --- */

static bool without_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    bool right = logs_in(true) && logs_in(false);
    for (int fd = 0; fd < 3; fd++)
        right = right && fcntl(fd, F_GETFD) < 0;
    return right && no_child();
}

static void host_without_standard_descriptors(void **state)
{
    (void)state;
    in_a_host(without_standard_descriptors, WITH_HELPER);
    pid_t agent = fake_agent_start(agent_path, TOKEN, NULL);
    in_a_host(without_standard_descriptors, WITH_AGENT);
    fake_agent_stop(agent);
}

/* The lowest free descriptor is far beyond what select() can take. */
static bool take_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd < MANY_FDS)
        fd = dup(fd);
    return fd > FDS_OF_SELECT;
}

static bool many_descriptors(void)
{
    static struct manners before;
    if (!take_descriptors())
        return false;
    look(&before);
    return logs_in(true) && fails_as_helper("examine", SASL_CONFIGERR) &&
           strstr(app_log(), "descriptor 0, signal 0, stderr 1") && as_before(&before);
}

static bool many_descriptors_and_an_agent(void)
{
    return take_descriptors() && logs_in(true);
}

static void host_with_thousands_of_descriptors(void **state)
{
    struct rlimit limit;
    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max <= MANY_FDS) {
        print_message("needs a limit of more than %d descriptors\n", MANY_FDS);
        skip();
    }
    in_a_host(many_descriptors, WITH_HELPER);
    pid_t agent = fake_agent_start(agent_path, TOKEN, NULL);
    in_a_host(many_descriptors_and_an_agent, WITH_AGENT);
    fake_agent_stop(agent);
}

/* --- jails --- */

/* As a mail server does: loads as root, and goes on in a folder with nothing in it, as somebody else. */
static bool jail(void)
{
    return chroot(folder_path("jail")) == 0 && chdir("/") == 0 && setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0;
}

static bool jailed_with_an_agent(void)
{
    strcpy(agent_path, "/agent.sock");
    return jail() && logs_in(false) && logs_in(true);
}

static bool jailed_alone(void)
{
    return jail() && fails(SASL_UNAVAIL) && strstr(app_log(), "no agent at ");
}

static void host_in_a_jail(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root, for chroot\n");
        skip();
    }
    char top[256];
    strcpy(top, folder_path("x"));
    *strrchr(top, '/') = '\0';
    assert_int_equal(chmod(top, 0711), 0);
    folder_sub("jail", 0755);
    in_a_host(jailed_alone, WITH_AGENT);
    const char *path = folder_path("jail/agent.sock");
    pid_t agent = fake_agent_start(path, TOKEN, NULL);
    assert_int_equal(chmod(path, 0666), 0);
    in_a_host(jailed_with_an_agent, WITH_AGENT);
    fake_agent_stop(agent);
}

/* What a login needs from the kernel once the plugin is loaded, where an agent gives the tokens. */
static const int NEEDED[] = {
    /* the connection to the agent, and who serves it */
    SYS_socket, SYS_connect, SYS_setsockopt, SYS_getsockopt, SYS_sendto, SYS_recvfrom, SYS_close, SYS_fcntl,
#ifdef SYS_poll
    SYS_poll,
#endif
    SYS_ppoll, SYS_clock_gettime,
    /* whether that is ourselves, or somebody else who owns the folder; and whose $XDG_RUNTIME_DIR is */
    SYS_geteuid,
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
    /* memory, and the locks of the C library */
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex, SYS_getrandom,
    /* the host itself, at its end */
    SYS_exit_group,
};
enum { NEEDED_COUNT = sizeof NEEDED / sizeof NEEDED[0] };

static void filter(void)
{
    struct sock_filter program[2 * NEEDED_COUNT + 2];
    unsigned short count = 0;
    program[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < NEEDED_COUNT; i++) {
        program[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)NEEDED[i], 0, 1);
        program[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    program[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog all = {.len = count, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) != 0)
        _exit(2);
}

/* libsasl2 looks for the name of the machine at each new connection, so the filter comes after that. */
static bool filtered(void)
{
    me.connected = filter;
    return logs_in(false);
}

static bool filtered_with_a_refused_token(void)
{
    me.connected = filter;
    return logs_in(true);
}

static bool filtered_without_a_token(void)
{
    me.connected = filter;
    return fails(SASL_EXPIRED);
}

static bool filtered_and_more(void)
{
    filter();
    return umask(0) != 0;
}

/* Sanitizers and valgrind make calls of their own. */
static bool is_watched(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return (preloaded && strstr(preloaded, "vgpreload")) || dlsym(RTLD_DEFAULT, "__asan_init");
}

static void host_with_a_filter_for_system_calls(void **state)
{
    int status;
    (void)state;
    if (is_watched()) {
        print_message("the checker of memory makes system calls of its own\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(filtered_and_more() ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS); /* the filter does kill */
    pid_t agent = fake_agent_start(agent_path, TOKEN, NULL);
    in_a_host(filtered, WITH_AGENT);
    in_a_host(filtered_with_a_refused_token, WITH_AGENT);
    fake_agent_stop(agent);
    agent = fake_agent_start(agent_path, ENDED, NULL);
    in_a_host(filtered_without_a_token, WITH_AGENT);
    fake_agent_stop(agent);
    folder_sub("run", 0700);
    folder_sub("run/xoauth2", 0700);
    agent = fake_agent_start(folder_path("run/xoauth2/agent.sock"), TOKEN, NULL);
    in_a_host(filtered, WITH_USUAL_AGENT);
    fake_agent_stop(agent);
}

/* --- threads and processes --- */

static void *log_in_often(void *argument)
{
    bool *right = argument;
    for (int i = 0; i < LOGINS; i++)
        *right = logs_in(i % 2) && *right;
    return NULL;
}

/* Each runs helpers of its own, and none has the descriptors of another's. */
static bool threads(void)
{
    pthread_t all[THREADS];
    bool right[THREADS];
    static struct manners before;
    look(&before);
    for (int i = 0; i < THREADS; i++) {
        right[i] = true;
        if (pthread_create(&all[i], NULL, log_in_often, &right[i]) != 0)
            return false;
    }
    bool every = true;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(all[i], NULL);
        every = every && right[i];
    }
    return every && as_before(&before) && no_child();
}

static void host_with_threads(void **state)
{
    (void)state;
    in_a_host(threads, WITH_HELPER);
}

/* Both sides finish the login that one had begun, and begin another. */
static bool forks_in_the_middle(void)
{
    struct app_session s;
    int status = 0;
    bool right = starts(&s);
    pid_t pid = fork();
    right = right && app_step(&s, REFUSED, strlen(REFUSED)) == SASL_OK;
    app_dispose(&s);
    right = right && logs_in(false);
    if (pid == 0)
        _exit(right && no_child() ? 0 : 1);
    return right && waitpid(pid, &status, 0) == pid && status == 0 && no_child();
}

static void host_that_forks_in_the_middle(void **state)
{
    (void)state;
    in_a_host(forks_in_the_middle, WITH_HELPER);
    pid_t agent = fake_agent_start(agent_path, TOKEN, NULL);
    in_a_host(forks_in_the_middle, WITH_AGENT);
    fake_agent_stop(agent);
}

/* --- loading and unloading --- */

static bool is_loaded(void)
{
    char line[4096];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        found = found || strstr(line, "/libsasl2-xoauth2.so");
    if (maps)
        fclose(maps);
    return found;
}

/* One life of libsasl2, with logins that end in every way. */
static bool one_life(bool first)
{
    if (!first)
        app_begin(plugins, configuration, WITH_HELPER);
    bool right = is_loaded() && logs_in(false) && logs_in(true) && fails_as_helper(ENDED, SASL_EXPIRED) &&
                 fails_as_helper("die", SASL_UNAVAIL) && fails_as_helper("garbage\n\n", SASL_UNAVAIL);
    app_end();
    return right && !is_loaded();
}

/* The first lives may leave something with libraries that keep it for the next. */
static bool lives(void)
{
    static struct manners before;
    size_t heap = 0;
    bool right = true;
    for (int i = 0; i < ROUNDS; i++) {
        right = one_life(i == 0) && right;
        if (i == ROUNDS / 2) {
            look(&before);
            heap = mallinfo2().uordblks;
        }
    }
    return right && as_before(&before) && mallinfo2().uordblks == heap && no_child();
}

static void module_is_unloaded_and_loaded_again(void **state)
{
    (void)state;
    in_a_host(lives, WITH_HELPER);
}

static int prepare(void **state)
{
    char module[4096];
    if (folder_make(state) != 0)
        return -1;
    assert_non_null(realpath("tests/unit/fake_helper", helper_path));
    assert_non_null(realpath(".libs/libsasl2-xoauth2.so", module));
    strcpy(plugins, folder_sub("plugins", 0755));
    strcpy(configuration, folder_sub("conf", 0755));
    strcpy(agent_path, folder_path("agent.sock"));
    assert_int_equal(symlink(module, folder_path("plugins/libsasl2-xoauth2.so")), 0);
    folder_home();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_with_its_own_signal_handlers),
        cmocka_unit_test(host_without_standard_descriptors),
        cmocka_unit_test(host_with_thousands_of_descriptors),
        cmocka_unit_test(host_in_a_jail),
        cmocka_unit_test(host_with_a_filter_for_system_calls),
        cmocka_unit_test(host_with_threads),
        cmocka_unit_test(host_that_forks_in_the_middle),
        cmocka_unit_test(module_is_unloaded_and_loaded_again),
    };
    return cmocka_run_group_tests(tests, prepare, folder_remove);
}
