#include "config.h"

#include "transfer.h"

#include "accountfile.h"
#include "clock.h"
#include "keeper.h"
#include "origin.h"
#include "reach.h"
#include "token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

void transfer_init(struct transfer *t)
{
    *t = (struct transfer){0};
    secret_init(&t->text, KEYFILE_SIZE_MAX);
    state_init(&t->state);
}

void transfer_free(struct transfer *t)
{
    secret_free(&t->text);
    state_free(&t->state);
}

bool transfer_read_input(const char *what, struct secret *text, struct report *why)
{
    enum { CHUNK = 65536 };
    secret_init(text, TRANSFER_INPUT_MAX);
    if (isatty(STDIN_FILENO))
        fprintf(stderr, "xoauth2: reading %s from standard input: paste it, and end with Ctrl-D\n", what);
    for (;;) {
        char *room = secret_room(text, CHUNK);
        if (!room)
            return report_set(why, FAILURE_CONFIG, "standard input is larger than %d bytes: that cannot be right",
                              TRANSFER_INPUT_MAX);
        ssize_t got = read(STDIN_FILENO, room, CHUNK);
        if (got < 0 && errno != EINTR)
            return report_set(why, FAILURE_UNREACHABLE, "cannot read standard input");
        if (got == 0)
            return true;
        if (got > 0)
            secret_grow(text, (size_t)got);
    }
}

/* The account as it will be; its text is copied, since parsing takes it apart. */
static bool parse(const struct transfer *t, const struct paths *p, struct account *a, struct report *why)
{
    struct secret copy;
    secret_init(&copy, KEYFILE_SIZE_MAX);
    bool ok = secret_adds(&copy, "") && (t->text.len == 0 || secret_add(&copy, t->text.data, t->text.len));
    ok = ok ? account_parse(a, p, t->name, &copy, why) : report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    secret_free(&copy);
    return ok;
}

/* Whether the state can be read again once it is written: other programs keep what they get as it is. */
static bool is_readable(const struct transfer *t, const struct paths *p, struct report *why)
{
    struct secret text;
    struct state again;
    struct report ignored;
    secret_init(&text, STATE_SIZE_MAX);
    bool ok = state_print(&t->state, &text) &&
              state_parse(&again, p, t->name, t->name, &text, &ignored) == READFILE_OK;
    if (ok)
        state_free(&again);
    secret_free(&text);
    return ok || report_set(why, FAILURE_CONFIG, "the tokens of %s are too long or have control characters: run "
                            "'xoauth2%s login %s' instead", t->name, paths_option(p), t->name);
}

/* Whether a folder, or the one in which it is to be made, takes new files. */
static bool is_writable(const char *folder)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", folder);
    while (faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0) {
        char *slash = strrchr(path, '/');
        if (errno != ENOENT || !slash || slash == path)
            return false;
        *slash = '\0';
    }
    return true;
}

/* The state is written first, over one that may be newer: not where the account file is bound to fail. */
static bool check_folder(const struct paths *p, struct report *why)
{
    if (is_writable(p->accounts))
        return true;
    return report_set(why, FAILURE_CONFIG, "cannot write to the folder %s: %s: %s", p->accounts, strerror(errno),
                      p->system && geteuid() != 0 ? "run this as root" : "make it writable");
}

bool transfer_is_there(const struct transfer *t, const struct paths *p)
{
    char account[PATH_MAX];
    char state[PATH_MAX];
    account_path(p, t->name, account);
    state_path(p, t->name, state);
    return access(account, F_OK) == 0 || access(state, F_OK) == 0;
}

bool transfer_check(const struct transfer *t, const struct paths *p, bool force, struct report *why)
{
    struct account a;
    if (!force && transfer_is_there(t, p))
        return report_set(why, FAILURE_CONFIG, "%s is there already: --force replaces it", t->name);
    if (!parse(t, p, &a, why))
        return false;
    account_free(&a);
    return check_folder(p, why) && (!t->has_state || is_readable(t, p, why));
}

/* The files that an account names were not brought along, or are root's. */
static void warn_of_files(const struct account *a, const struct paths *p)
{
    struct report why;
    if (!reach_files(a, p, &why))
        fprintf(stderr, "xoauth2: warning: %s: %s\n", a->name, why.text);
}

/* What comes from another keeper does not say whose it is. */
static bool stamp(struct transfer *t, const struct account *a, struct report *why)
{
    struct origin origin;
    bool ok = origin_take(&origin, a, why) && (!t->has_state || origin_stamp(&origin, &t->state) ||
                                               report_set(why, FAILURE_UNREACHABLE, "not enough memory"));
    origin_free(&origin);
    return ok;
}

bool transfer_save(struct transfer *t, const struct paths *p, struct report *why)
{
    struct account a;
    if (!parse(t, p, &a, why))
        return false;
    if (!stamp(t, &a, why)) {
        account_free(&a);
        return false;
    }
    int lock = store_lock(p, a.state_name, clock_monotonic() + TOKEN_WAIT_MAX, why);
    bool ok = lock >= 0 && (!t->has_state || keeper_save(&t->state, &a, p, why)) &&
              accountfile_write(p, t->name, &t->text, why);
    store_unlock(&lock);
    if (ok)
        warn_of_files(&a, p);
    account_free(&a);
    return ok;
}

int transfer_status(const struct report *why)
{
    return why->code == FAILURE_UNREACHABLE || why->code == FAILURE_BUSY ? EX_TEMPFAIL : EXIT_FAILURE;
}

int transfer_fail(const struct report *why)
{
    fprintf(stderr, "xoauth2: %s\n", why->text);
    return transfer_status(why);
}
