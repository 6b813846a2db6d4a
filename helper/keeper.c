#include "config.h"

#include "keeper.h"

#include "caller.h"
#include "origin.h"
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A reader without the lock may meet a command of a writer at work: then it looks again. */
enum { TRIES_MAX = 4, PAUSE = 250 /* milliseconds between two */ };

bool keeper_has_commands(const struct account *a)
{
    return a->file.value[SETTING_STORE_READ] != NULL;
}

bool keeper_is_waiting(const struct account *a, const struct paths *p)
{
    char path[PATH_MAX];
    state_path(p, a->state_name, path);
    return keeper_has_commands(a) && access(path, F_OK) == 0;
}

static bool read_text(const struct account *a, struct secret *text, struct report *why)
{
    return account_run(a, SETTING_STORE_READ, NULL, text, KEEPER_TIMEOUT, why);
}

static enum readfile_result read_state(struct state *s, const struct account *a, const struct paths *p,
                                       struct report *why)
{
    struct secret text;
    char where[PATH_MAX + 64];
    enum readfile_result result = READFILE_REFUSED;
    secret_init(&text, 0);
    state_init(s);
    snprintf(where, sizeof where, "%s:%u: what 'store_read' gives", a->file.path, a->file.line[SETTING_STORE_READ]);
    bool ok = read_text(a, &text, why);
    if (ok && text.len == 0)
        keyfile_complain(&a->file, SETTING_STORE_READ, why, "'store_read': the command wrote nothing");
    else if (ok)
        result = state_parse(s, p, a->name, where, &text, why);
    secret_free(&text);
    return result;
}

/* A command that did not even answer tells nothing about what is kept. */
static enum readfile_result nothing_kept(const struct account *a, const struct paths *p, struct report *why)
{
    struct report cause = *why;
    if (account_grant(a) != GRANT_AUTHORIZATION_CODE && cause.code == FAILURE_CONFIG)
        return READFILE_MISSING;
    report_set(why, cause.code, "%s; if there was no login yet, run 'xoauth2%s login %s'", cause.text,
               paths_option(p), a->name);
    return READFILE_REFUSED;
}

static enum readfile_result load(struct state *s, const struct account *a, const struct paths *p, struct report *why)
{
    enum readfile_result result = READFILE_REFUSED;
    for (int tries = 0; tries < TRIES_MAX && result == READFILE_REFUSED; tries++) {
        if (tries > 0 && caller_wait(PAUSE))
            break;
        result = state_load(s, p, a->state_name, why);
        if (result != READFILE_MISSING)
            return result;
        result = read_state(s, a, p, why);
        if (result == READFILE_REFUSED && why->code != FAILURE_CONFIG)
            return result; /* a time-out is long enough */
    }
    return result == READFILE_REFUSED ? nothing_kept(a, p, why) : result;
}

static enum readfile_result forget_foreign(struct state *s, const struct account *a, struct report *why)
{
    struct origin origin;
    bool ok = origin_take(&origin, a, why);
    if (ok)
        origin_forget(&origin, s);
    else
        state_free(s);
    origin_free(&origin);
    return ok ? READFILE_OK : READFILE_REFUSED;
}

enum readfile_result keeper_load(struct state *s, const struct account *a, const struct paths *p, struct report *why)
{
    enum readfile_result result =
        keeper_has_commands(a) ? load(s, a, p, why) : state_load(s, p, a->state_name, why);
    s->unattended = account_grant(a) != GRANT_AUTHORIZATION_CODE;
    return result == READFILE_OK ? forget_foreign(s, a, why) : result;
}

/* Without the white space at its end, which some keepers add or remove. */
static size_t bare_length(const struct secret *text)
{
    static const char BLANKS[] = " \t\r\n";
    size_t len = text->len;
    while (len > 0 && memchr(BLANKS, text->data[len - 1], sizeof BLANKS - 1))
        len--;
    return len;
}

static bool is_same(const struct account *a, const struct secret *text, const struct secret *back,
                    struct report *why)
{
    size_t given = bare_length(text);
    size_t kept = bare_length(back);
    bool begins = kept <= given && (kept == 0 || memcmp(text->data, back->data, kept) == 0);
    if (begins && kept == given)
        return true;
    if (begins && kept > 0)
        return keyfile_complain(&a->file, SETTING_STORE_WRITE, why,
                                "'store_write' keeps only %zu of %zu bytes: use another store", kept, given);
    return keyfile_complain(
        &a->file, SETTING_STORE_READ, why,
        "'store_read' does not give back what 'store_write' was given: they must reach the same place");
}

/* Hands a text to the commands and sees that they have it. */
static bool push(const struct account *a, const struct secret *text, struct report *why)
{
    struct secret back;
    secret_init(&back, 0);
    bool ok = account_run(a, SETTING_STORE_WRITE, text, NULL, KEEPER_TIMEOUT, why) && read_text(a, &back, why) &&
              is_same(a, text, &back, why);
    secret_free(&back);
    return ok;
}

/* The commands of a system's account run as the store's owner, who may put something else in the file's place
 * while root waits for them: a second name of a file of root's, or a FIFO. */
static bool is_ours_alone(const struct paths *p, int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
           (st.st_uid == p->owner || st.st_uid == geteuid());
}

/* Overwrites what was in the file before its name goes. Whether that reaches the same blocks is the file system's
 * affair. */
static void blot_out(const struct paths *p, const char *path, size_t len)
{
    static const char zeros[4096];
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return;
    while (len > 0 && is_ours_alone(p, fd)) {
        ssize_t n = write(fd, zeros, len < sizeof zeros ? len : sizeof zeros);
        if (n <= 0)
            break;
        len -= (size_t)n;
    }
    (void)fdatasync(fd);
    close(fd);
}

/* The file is renamed before it is overwritten, so that no reader meets zeros. The name is one that newfile.h knows
 * for what a killed process left: the next to lock the account takes it back if it is whole still, and sweeps it if
 * not. */
static bool remove_file(const struct account *a, const struct paths *p, size_t len, struct report *why)
{
    char path[PATH_MAX];
    char aside[PATH_MAX + ACCOUNT_NAME_MAX + 16];
    state_path(p, a->state_name, path);
    snprintf(aside, sizeof aside, "%s/.%s.json.xxxxxx", p->state, a->state_name);
    if (rename(path, aside) == 0) {
        blot_out(p, aside, len);
        (void)unlink(aside);
    }
    return state_remove(p, a->state_name, why);
}

/* From the file to the commands. Where they fail the file stays. */
static bool hand_over(const struct state *s, const struct account *a, const struct paths *p, struct report *why)
{
    struct secret text;
    secret_init(&text, STATE_SIZE_MAX);
    bool ok = (state_print(s, &text) || report_set(why, FAILURE_UNREACHABLE, "not enough memory")) &&
              push(a, &text, why) && remove_file(a, p, text.len, why);
    secret_free(&text);
    return ok;
}

bool keeper_commit(struct state_writer *w, const struct state *s, const struct account *a, const struct paths *p,
                   struct report *why)
{
    if (!state_commit(w, s, why))
        return false;
    why->text[0] = '\0';
    if (keeper_has_commands(a))
        hand_over(s, a, p, why);
    why->code = FAILURE_NONE;
    return true;
}

bool keeper_save(const struct state *s, const struct account *a, const struct paths *p, struct report *why)
{
    struct state_writer w;
    return state_prepare(&w, p, a->state_name, why) && keeper_commit(&w, s, a, p, why);
}

bool keeper_remove(const struct account *a, const struct paths *p, struct report *why)
{
    struct secret text;
    bool ok = true;
    secret_init(&text, STATE_SIZE_MAX);
    if (keeper_has_commands(a))
        ok = (secret_adds(&text, "{}\n") || report_set(why, FAILURE_UNREACHABLE, "not enough memory")) &&
             push(a, &text, why);
    secret_free(&text);
    return ok && state_remove(p, a->state_name, why);
}

int64_t keeper_refresh_end(const struct account *a, const struct state *s)
{
    const char *lifetime = account_value(a, SETTING_REFRESH_TOKEN_LIFETIME);
    if (!s->refresh_token || s->refresh_expires_at > 0)
        return s->refresh_expires_at;
    if (!lifetime || s->refresh_obtained_at == 0)
        return 0;
    return s->refresh_obtained_at + strtoll(lifetime, NULL, 10);
}
