#include "config.h"

#include "runner.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 128, READ_SIZE = 4096, DISCARDED_MAX = 16 * RUNNER_OUTPUT_MAX };

enum { LOOK_AGAIN = 20 /* milliseconds between two looks at a process that has no descriptor */ };

/* --- the words --- */

/* The words of a line, in a copy of it. */
struct words {
    char text[RUNNER_LINE_MAX + 1];
    char *word[RUNNER_WORDS_MAX + 1];
    size_t count;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Copies one word from `*from` to `*to`. Returns what is wrong, or NULL. */
static const char *take_word(const char **from, char **to)
{
    char quote = '\0';
    for (; **from && (quote || !is_blank(**from)); (*from)++) {
        char c = **from;
        bool escapes = quote == '\0' || (quote == '"' && ((*from)[1] == '"' || (*from)[1] == '\\'));
        if (c == quote && quote) {
            quote = '\0';
        } else if (!quote && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '\\' && escapes) {
            if (!*++*from)
                return "ends with a backslash: put another character behind it";
            *(*to)++ = **from;
        } else {
            *(*to)++ = c;
        }
    }
    *(*to)++ = '\0';
    return quote ? "has a quote that is not closed" : NULL;
}

static const char *split(const char *line, struct words *w)
{
    char *to = w->text;
    const char *wrong = NULL;
    w->count = 0;
    if (strlen(line) > RUNNER_LINE_MAX - 1)
        return "is too long";
    while (!wrong) {
        while (is_blank(*line))
            line++;
        if (!*line)
            break;
        if (w->count == RUNNER_WORDS_MAX)
            return "has too many words";
        w->word[w->count++] = to;
        wrong = take_word(&line, &to);
    }
    w->word[w->count] = NULL;
    return wrong;
}

static const char *check(const struct words *w)
{
    if (w->count == 0 || !*w->word[0])
        return "names no program";
    if (strchr(w->word[0], '/') && *w->word[0] != '/')
        return "must begin with the absolute path of a program, or with a name without '/' that is in " RUNNER_PATH;
    return NULL;
}

const char *runner_check(const char *line)
{
    struct words w;
    const char *wrong = split(line, &w);
    return wrong ? wrong : check(&w);
}

/* --- the program and its environment --- */

static bool find_program(const char *name, char path[PATH_MAX])
{
    if (*name == '/')
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    for (const char *folder = RUNNER_PATH; *folder;) {
        size_t len = strcspn(folder, ":");
        if (snprintf(path, PATH_MAX, "%.*s/%s", (int)len, folder, name) < PATH_MAX && access(path, X_OK) == 0)
            return true;
        folder += len + (folder[len] == ':');
    }
    return false;
}

/* The language, and who and where the user is and how to reach his agents and keyrings. Everything else a command can
 * be given with env(1). A name that ends with '*' stands for all that begin so. */
static const char *const LANGUAGE[] = {"LANG", "LANGUAGE", "LC_*", "TZ", NULL};
static const char *const OURS[] = {
    "HOME",
    "USER",
    "LOGNAME",
    "XDG_*",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "GNUPGHOME",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "SSH_AUTH_SOCK",
    "PASSWORD_STORE_*",
    "GNOME_KEYRING_CONTROL",
    "OIDC_*",
    "AZURE_*",
    "CLOUDSDK_*",
    NULL,
};

static bool is_in(const char *const names[], const char *variable)
{
    size_t len = strcspn(variable, "=");
    for (; *names; names++) {
        size_t known = strlen(*names);
        bool prefix = (*names)[known - 1] == '*';
        if (prefix ? len >= known - 1 && memcmp(variable, *names, known - 1) == 0
                   : len == known && memcmp(variable, *names, len) == 0)
            return true;
    }
    return false;
}

/* What a command sees. Strings of our own environment are not copied. */
struct environment {
    char *variable[ENVIRONMENT_MAX + 1];
    char home[PATH_MAX + sizeof "HOME="];
};

/* Of another user nothing is known but his home. */
static void make_environment(struct environment *e, uid_t other)
{
    static char path[] = "PATH=" RUNNER_PATH;
    size_t count = 0;
    bool has_home = false;
    e->variable[count++] = path;
    for (char **v = environ; v && *v && count < ENVIRONMENT_MAX - 1; v++) {
        if (!is_in(LANGUAGE, *v) && (other != RUNNER_AS_WE_ARE || !is_in(OURS, *v)))
            continue;
        e->variable[count++] = *v;
        has_home = has_home || strncmp(*v, "HOME=", 5) == 0;
    }
    const struct passwd *user = has_home ? NULL : getpwuid(other != RUNNER_AS_WE_ARE ? other : geteuid());
    if (user && user->pw_dir && snprintf(e->home, sizeof e->home, "HOME=%s", user->pw_dir) < (int)sizeof e->home)
        e->variable[count++] = e->home;
    e->variable[count] = NULL;
}

/* --- another user --- */

/* setpriv(1) in front of a command. */
struct change {
    char program[PATH_MAX];
    char uid[32];
    char gid[32];
    char groups[32];
    char end[4];
    char *word[RUNNER_WORDS_MAX + 6];
};

static bool make_change(struct change *c, uid_t user, char path[PATH_MAX], const struct words *w)
{
    const struct passwd *known = getpwuid(user);
    size_t count = 0;
    if (!find_program("setpriv", c->program))
        return false;
    snprintf(c->uid, sizeof c->uid, "--reuid=%lu", (unsigned long)user);
    snprintf(c->gid, sizeof c->gid, "--regid=%lu", (unsigned long)(known ? known->pw_gid : user));
    snprintf(c->groups, sizeof c->groups, "%s", known ? "--init-groups" : "--clear-groups");
    snprintf(c->end, sizeof c->end, "--");
    c->word[count++] = c->program;
    c->word[count++] = c->uid;
    c->word[count++] = c->gid;
    c->word[count++] = c->groups;
    c->word[count++] = c->end;
    c->word[count++] = path;
    memcpy(c->word + count, w->word + 1, w->count * sizeof *w->word); /* with the NULL at the end */
    return true;
}

/* --- starting it --- */

/* The input as a file in memory: unlike a pipe it needs nobody who writes. Returns -1 with errno. */
static int make_input(const struct secret *input)
{
    if (!input)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("xoauth2", MFD_CLOEXEC);
    size_t done = 0;
    while (fd >= 0 && done < input->len) {
        ssize_t n = write(fd, input->data + done, input->len - done);
        if (n < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        (void)lseek(fd, 0, SEEK_SET);
    return fd;
}

static int set_actions(posix_spawn_file_actions_t *actions, int input, int output)
{
    int error = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    if (!error)
        error = posix_spawn_file_actions_addchdir_np(actions, "/");
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int error =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (!error)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (!error)
        error = posix_spawnattr_setsigmask(attributes, &none);
    return error;
}

/* Returns 0 or an errno. `user` is for the environment. */
static int spawn(const char *path, char *const words[], uid_t user, int input, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    struct environment e;
    make_environment(&e, user);
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = set_actions(&actions, input, output);
        if (!error)
            error = set_attributes(&attributes);
        if (!error)
            error = posix_spawn(pid, path, &actions, &attributes, words, e.variable);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static int spawn_as(uid_t user, char path[PATH_MAX], struct words *w, int input, int output, pid_t *pid)
{
    struct change c;
    if (user == RUNNER_AS_WE_ARE)
        return spawn(path, w->word, user, input, output, pid);
    return make_change(&c, user, path, w) ? spawn(c.program, c.word, user, input, output, pid) : ENOENT;
}

/* --- waiting for its end --- */

enum outcome { OUTCOME_ENDED, OUTCOME_LATE, OUTCOME_TOO_MUCH, OUTCOME_TROUBLE };

/* Reads what is there, without waiting. Returns bytes, 0 at the end, -1 where nothing is there, -2 where it is too
 * much. */
static ssize_t read_some(int fd, struct secret *output, size_t *seen)
{
    char discarded[READ_SIZE];
    char *room = output ? secret_room(output, READ_SIZE) : discarded;
    if (!room)
        return -2;
    ssize_t got = read(fd, room, READ_SIZE);
    if (got > 0 && output)
        secret_grow(output, (size_t)got);
    *seen += got > 0 ? (size_t)got : 0;
    if (*seen > (output ? RUNNER_OUTPUT_MAX : DISCARDED_MAX))
        return -2;
    return got;
}

/* Whether the process has ended; its status stays there for waitpid(). */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Until the process has ended: something that it left running may keep the pipe open for ever. `process` is its
 * descriptor, or -1 where the kernel has none to give: then we look from time to time. */
static enum outcome collect(pid_t pid, int process, int fd, struct secret *output, int64_t deadline)
{
    size_t seen = 0;
    bool open = true;
    for (;;) {
        struct pollfd fds[2] = {{.fd = process, .events = POLLIN}, {.fd = open ? fd : -1, .events = POLLIN}};
        int left = clock_left(deadline);
        int ready = poll(fds, 2, process >= 0 || left < LOOK_AGAIN ? left : LOOK_AGAIN);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            return OUTCOME_TROUBLE;
        if (left == 0)
            return OUTCOME_LATE;
        bool ended = process >= 0 ? fds[0].revents != 0 : has_ended(pid);
        ssize_t got = open ? read_some(fd, output, &seen) : 0;
        if (got == -2)
            return OUTCOME_TOO_MUCH;
        open = open && got != 0;
        if (ended && got <= 0)
            return OUTCOME_ENDED;
    }
}

/* Whoever started us may have told the system to forget about children; then nobody could know their status. */
static void keep_statuses(void)
{
    struct sigaction now;
    if (sigaction(SIGCHLD, NULL, &now) == 0 && (now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT)))
        signal(SIGCHLD, SIG_DFL);
}

static bool judge_status(const char *what, int status, struct report *why)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!WIFEXITED(status))
        return report_set(why, FAILURE_UNREACHABLE, "%s: the command was killed by signal %d: try again", what,
                          WTERMSIG(status));
    bool temporary = WEXITSTATUS(status) == EX_TEMPFAIL;
    return report_set(why, temporary ? FAILURE_UNREACHABLE : FAILURE_CONFIG,
                      "%s: the command failed with status %d: run it by hand to see why", what, WEXITSTATUS(status));
}

static bool judge(const char *what, enum outcome outcome, int status, int64_t timeout, struct report *why)
{
    switch (outcome) {
    case OUTCOME_ENDED:
        return judge_status(what, status, why);
    case OUTCOME_LATE:
        return report_set(
            why, FAILURE_UNREACHABLE,
            "%s: the command did not end within %lld s and was killed: run it by hand to see what it waits for", what,
            (long long)(timeout + 999) / 1000);
    case OUTCOME_TOO_MUCH:
        return report_set(why, FAILURE_CONFIG, "%s: the command writes too much: that cannot be right", what);
    case OUTCOME_TROUBLE:
        break;
    }
    return report_set(why, FAILURE_UNREACHABLE, "%s: cannot wait for the command: %s", what, strerror(errno));
}

static bool watch(pid_t pid, int fd, const char *what, struct secret *output, int64_t timeout, struct report *why)
{
    int status = 0;
    int process = pidfd_open(pid, 0);
    enum outcome outcome = collect(pid, process, fd, output, clock_monotonic() + timeout);
    if (outcome != OUTCOME_ENDED)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool ok = judge(what, outcome, status, timeout, why);
    if (process >= 0)
        close(process);
    return ok;
}

static bool start_failed(const char *what, int error, struct report *why)
{
    bool missing = error == ENOENT || error == ENOTDIR || error == EACCES || error == ENOEXEC;
    return report_set(why, missing ? FAILURE_CONFIG : FAILURE_UNREACHABLE, "%s: the command cannot be run: %s", what,
                      strerror(error));
}

/* Splits the line and finds its program. */
static bool prepare(const char *line, const char *what, struct words *w, char path[PATH_MAX], struct report *why)
{
    const char *wrong = split(line, w);
    if (!wrong)
        wrong = check(w);
    if (wrong)
        return report_set(why, FAILURE_CONFIG, "%s %s", what, wrong);
    if (!find_program(w->word[0], path))
        return report_set(why, FAILURE_CONFIG,
                          "%s: the program '%s' is not in " RUNNER_PATH ": give its absolute path", what, w->word[0]);
    /* Where posix_spawn() is emulated, it does not tell. */
    return access(path, X_OK) == 0 || start_failed(what, errno, why);
}

bool runner_start(const char *line, const char *what, const char *const more[], struct report *why)
{
    struct words w;
    char path[PATH_MAX];
    pid_t pid;
    if (!prepare(line, what, &w, path, why))
        return false;
    for (; *more && w.count < RUNNER_WORDS_MAX; more++)
        w.word[w.count++] = (char *)*more; /* posix_spawn() does not change it */
    w.word[w.count] = NULL;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int error = null < 0 ? errno : spawn(path, w.word, RUNNER_AS_WE_ARE, null, null, &pid);
    if (null >= 0)
        close(null);
    return error ? start_failed(what, error, why) : true;
}

bool runner_run(const char *line, const char *what, uid_t user, const struct secret *input, struct secret *output,
                int64_t timeout, struct report *why)
{
    struct words w;
    char path[PATH_MAX];
    int ends[2];
    pid_t pid = 0;
    if (output) {
        secret_free(output);
        secret_init(output, RUNNER_OUTPUT_MAX + READ_SIZE);
    }
    if (!prepare(line, what, &w, path, why))
        return false;
    keep_statuses();
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return report_set(why, FAILURE_UNREACHABLE, "%s: cannot make a pipe: %s", what, strerror(errno));
    (void)fcntl(ends[1], F_SETFL, 0); /* the command's end waits as usual */
    int in = make_input(input);
    int error = in < 0 ? errno : spawn_as(user, path, &w, in, ends[1], &pid);
    if (in >= 0)
        close(in);
    close(ends[1]);
    bool ok = error ? start_failed(what, error, why) : watch(pid, ends[0], what, output, timeout, why);
    close(ends[0]);
    if (!ok && output)
        secret_free(output);
    return ok;
}
