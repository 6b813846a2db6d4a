/* `refresh [--system] [--force] [--lock-fd N] "ACCOUNT [USER]"`: one renewal, from the lock to the state on disk. The
 * last is one argument, the name of a state (see account.h). fetch.h tells how it is started. */
#include "config.h"

#include "account.h"
#include "clock.h"
#include "keeper.h"
#include "protocol.h"
#include "renew.h"
#include "startup.h"
#include "store.h"
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ROUNDS_MAX = 2, /* renewals in one run: a second one if somebody else's newer refresh token turns up */
    COMMIT_PATIENCE = 10000, /* milliseconds in which a disk, or memory, may get over its trouble */
};

struct request {
    bool system;
    bool force;
    int lock; /* -1: take it */
    const char *account;
};

static const char USAGE[] = "Usage: refresh [--system] [--force] [--lock-fd N] ACCOUNT\n"
                            "Renews the access token of ACCOUNT and answers in the form of xoauth2-protocol(7).\n"
                            "It is run by xoauth2; 'xoauth2 refresh ACCOUNT' is the command for people.\n"
                            "\n"
                            "  --system      the machine's account instead of the user's\n"
                            "  --force       also while the token that is there is fresh\n"
                            "  --lock-fd N   descriptor N holds the account's lock\n"
                            "  --help        show this\n"
                            "  --version     show the version\n";

static bool parse_descriptor(const char *text, int *fd)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end || number <= STDERR_FILENO || number > 65535)
        return false;
    *fd = (int)number;
    return true;
}

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct request *request)
{
    static const struct option OPTIONS[] = {
        {"system", no_argument, NULL, 's'},        {"force", no_argument, NULL, 'f'},
        {"lock-fd", required_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},       {NULL, 0, NULL, 0}};
    *request = (struct request){.lock = -1};
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 's') {
            request->system = true;
        } else if (option == 'f') {
            request->force = true;
        } else if (option == 'h' || option == 'v') {
            fputs(option == 'h' ? USAGE : "refresh " PACKAGE_VERSION "\n", stdout);
            return fflush(stdout) == 0 ? 0 : 1;
        } else if (option != 'l' || !parse_descriptor(optarg, &request->lock)) {
            fputs("refresh: see 'refresh --help'\n", stderr);
            return 2;
        }
    }
    if (optind != argc - 1) {
        fputs(USAGE, stderr);
        return 2;
    }
    request->account = argv[optind];
    return -1;
}

/* Whether an inherited descriptor is the account's lock file, and holds the lock: taking it again through the same
 * open file changes nothing. */
static bool check_lock(const struct paths *p, const char *name, int fd, struct report *why)
{
    char path[PATH_MAX];
    struct stat given, wanted;
    if (snprintf(path, sizeof path, "%s/%s.lock", p->state, name) < (int)sizeof path && fstat(fd, &given) == 0 &&
        S_ISREG(given.st_mode) && stat(path, &wanted) == 0 && given.st_dev == wanted.st_dev &&
        given.st_ino == wanted.st_ino && flock(fd, LOCK_EX | LOCK_NB) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
        return true;
    return report_set(why, FAILURE_CONFIG, "descriptor %d does not hold the lock of %s: run 'xoauth2%s refresh %s'",
                      fd, name, paths_option(p), name);
}

/* `given` is the name of a state: "ACCOUNT" or "ACCOUNT USER". */
static bool load_account(struct account *a, const struct paths *p, const char *given, struct report *why)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char first[ACCOUNT_NAME_MAX + 1];
    size_t len = strcspn(given, " ");
    if (len > ACCOUNT_NAME_MAX)
        return report_set(why, FAILURE_CONFIG, "the name of the account is too long");
    memcpy(first, given, len);
    first[len] = '\0';
    if (!account_name(first, name, why))
        return false;
    enum readfile_result result = account_load(a, p, name, why);
    if (result == READFILE_MISSING)
        return report_set(why, FAILURE_NO_ACCOUNT, "no account %s: run 'xoauth2%s login %s'", name,
                          paths_option(p), name);
    return result == READFILE_OK && account_set_user(a, given[len] ? given + len + 1 : name, why);
}

/* A missing state is an empty one, which renew_open() refuses with the remedy where there must be one. */
static bool load_state(struct state *s, const struct account *a, const struct paths *p, struct report *why)
{
    enum readfile_result result = keeper_load(s, a, p, why);
    return result == READFILE_OK || result == READFILE_MISSING;
}

/* Whether the store has another refresh token than the one that was sent: a process on another machine that shares
 * the folder may have renewed it, since its lock need not reach us. Then `s` becomes what is on disk. */
static bool reread(struct state *s, const struct account *a, const struct paths *p, const char *sent)
{
    struct state newer;
    struct report ignored;
    state_init(&newer);
    if (keeper_load(&newer, a, p, &ignored) == READFILE_OK && newer.refresh_token &&
        strcmp(newer.refresh_token, sent) != 0) {
        state_free(s);
        *s = newer;
        return true;
    }
    state_free(&newer);
    return false;
}

/* Puts a state on disk; if that fails and a new refresh token is nowhere else, again and again with a new file. */
static bool commit(struct state_writer *w, const struct renewal *r, const struct state *s, const struct paths *p,
                   struct report *why)
{
    const struct account *a = r->client.account;
    bool spent = r->sent && strcmp(s->refresh_token, r->sent) != 0;
    int64_t deadline = clock_monotonic() + (spent ? COMMIT_PATIENCE : 0);
    bool ok = keeper_commit(w, s, a, p, why);
    while (!ok && clock_nap(deadline))
        ok = keeper_save(s, a, p, why);
    return ok;
}

enum outcome {
    RENEWED,
    FAILED,
    OVERTAKEN, /* somebody else renewed: the state is what he wrote */
};

/* One renewal, from the reserved file to the committed one. What a failure taught is kept too, if it can be, but it
 * must not replace somebody else's newer refresh token. */
static enum outcome renew_and_commit(struct renewal *r, struct state *s, const struct paths *p, int64_t deadline,
                                     struct report *why)
{
    const struct account *a = r->client.account;
    struct state_writer w = STATE_WRITER_NONE;
    struct report ignored;
    enum outcome outcome = FAILED;
    if (!state_prepare(&w, p, a->state_name, why))
        goto done;
    if (renew_now(r, clock_left(deadline), why) == RENEW_OK)
        outcome = commit(&w, r, s, p, why) ? RENEWED : FAILED;
    else if (r->sent && strcmp(s->refresh_token, r->sent) == 0 && reread(s, a, p, r->sent))
        outcome = OVERTAKEN;
    else
        commit(&w, r, s, p, &ignored);
done:
    state_abandon(&w);
    return outcome;
}

/* Is a renewal still needed, is it possible, do it. */
static enum outcome run_round(const struct account *a, const struct paths *p, struct state *s, bool force,
                              int64_t deadline, struct report *why)
{
    struct renewal r;
    enum outcome outcome = FAILED;
    if (!force && state_is_fresh(s, clock_wall(), account_refresh_margin(a)))
        return RENEWED;
    if (renew_open(&r, a, p, s, why) && renew_discover(&r, why))
        outcome = renew_and_commit(&r, s, p, deadline, why);
    renew_close(&r);
    return outcome;
}

/* With the lock held. No signal ends this between the request that spends a refresh token and the file with its
 * successor. */
static bool renew_locked(const struct account *a, const struct paths *p, bool force, struct report *why)
{
    sigset_t shielded, before;
    struct state s;
    int64_t deadline = clock_monotonic() + HTTP_TOTAL_TIMEOUT;
    enum outcome outcome = OVERTAKEN;
    state_init(&s);
    sigemptyset(&shielded);
    sigaddset(&shielded, SIGHUP);
    sigaddset(&shielded, SIGINT);
    sigaddset(&shielded, SIGQUIT);
    sigaddset(&shielded, SIGTERM);
    sigprocmask(SIG_BLOCK, &shielded, &before);
    if (!load_state(&s, a, p, why))
        outcome = FAILED;
    for (int round = 0; outcome == OVERTAKEN && round < ROUNDS_MAX; round++)
        outcome = run_round(a, p, &s, force && round == 0, deadline, why);
    sigprocmask(SIG_SETMASK, &before, NULL);
    state_free(&s);
    return outcome == RENEWED;
}

static bool run(const struct request *request, struct report *why)
{
    struct account a;
    struct paths p;
    int lock = -1;
    bool ok = false;
    account_init(&a);
    if (!paths_for(&p, request->system, why) || !load_account(&a, &p, request->account, why))
        goto done;
    if (request->lock >= 0)
        lock = check_lock(&p, a.state_name, request->lock, why) ? request->lock : -1;
    else
        lock = store_lock(&p, a.state_name, clock_monotonic() + TOKEN_WAIT_MAX, why);
    ok = lock >= 0 && renew_locked(&a, &p, request->force, why);
done:
    account_free(&a);
    store_unlock(&lock);
    return ok;
}

/* Nobody may be listening any more; the state is on disk all the same. */
static void write_all(const struct secret *message)
{
    size_t done = 0;
    while (done < message->len) {
        ssize_t n = write(STDOUT_FILENO, message->data + done, message->len - done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return;
    }
}

static void answer(bool ok, const struct report *why)
{
    struct secret message;
    secret_init(&message, PROTOCOL_MESSAGE_MAX);
    bool whole = ok ? protocol_begin(&message, failure_name(FAILURE_NONE)) && protocol_end(&message)
                    : protocol_error(&message, why);
    if (whole)
        write_all(&message);
    secret_free(&message);
}

int main(int argc, char **argv)
{
    struct request request;
    struct report why = {.code = FAILURE_UNREACHABLE, .text = "the renewal failed: try again"};
    if (!startup("refresh"))
        return 1;
    int status = parse_arguments(argc, argv, &request);
    if (status >= 0)
        return status;
    bool ok = run(&request, &why);
    answer(ok, &why);
    return ok ? 0 : 1;
}
