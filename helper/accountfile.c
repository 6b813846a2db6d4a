#include "config.h"

#include "accountfile.h"

#include "account.h"
#include "clock.h"
#include "newfile.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEFTOVER_AGE = 3600 }; /* seconds: a temporary file older than this belongs to nobody */

bool accountfile_read(const struct paths *p, const char *name, struct secret *text, struct report *why)
{
    enum readfile_result result = account_read(p, name, text, why);
    return result == READFILE_OK || result == READFILE_MISSING;
}

static size_t skip_blanks(const char *line, size_t at, size_t len)
{
    while (at < len && (line[at] == ' ' || line[at] == '\t'))
        at++;
    return at;
}

/* Whether a line of `len` bytes gives this key. */
static bool gives(const char *line, size_t len, const char *key)
{
    size_t key_len = strlen(key);
    size_t at = skip_blanks(line, 0, len);
    if (len - at < key_len || memcmp(line + at, key, key_len) != 0)
        return false;
    at = skip_blanks(line, at + key_len, len);
    return at < len && line[at] == ':';
}

static bool add_line(struct secret *out, const char *key, const char *value)
{
    return secret_adds(out, key) && secret_adds(out, ": ") && secret_adds(out, value) && secret_adds(out, "\n");
}

/* Copies the text, with the key's line changed or left out. */
static bool rewrite(const struct secret *text, const char *key, const char *value, struct secret *out)
{
    bool done = !value;
    const char *start = text->len > 0 ? text->data : "";
    const char *end = start + text->len;
    for (const char *line = start; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t len = newline ? (size_t)(newline - line) : (size_t)(end - line);
        bool ok = true;
        if (!gives(line, len, key))
            ok = secret_add(out, line, len) && secret_adds(out, "\n");
        else if (!done)
            ok = done = add_line(out, key, value);
        if (!ok)
            return false;
        line += len + (newline ? 1 : 0);
    }
    return done || add_line(out, key, value);
}

bool accountfile_set(struct secret *text, enum setting key, const char *value)
{
    struct secret changed;
    if (value && (!*value || text_has_control(value, strlen(value))))
        return false;
    secret_init(&changed, KEYFILE_SIZE_MAX);
    if (!rewrite(text, SETTING_NAMES[key], value, &changed)) {
        secret_free(&changed);
        return false;
    }
    secret_free(text);
    *text = changed;
    return true;
}

/* The system's account files are root's and readable to the group of the store. */
static bool give_to_group(const struct paths *p, int fd)
{
    struct stat st;
    if (!p->system || geteuid() != 0)
        return true;
    gid_t group = stat(p->state, &st) == 0 ? st.st_gid : 0;
    return fchown(fd, 0, group) == 0 && fchmod(fd, 0640) == 0;
}

/* Makes the temporary file, and the folder where it is missing. */
static bool make_temporary(struct newfile *f, const struct paths *p, const char *name, struct report *why)
{
    char file[NAME_MAX + 1];
    if (!paths_make(p, p->accounts, why))
        return false;
    int folder = open(p->accounts, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return report_set(why, FAILURE_CONFIG, "cannot open the folder %s: %s", p->accounts, strerror(errno));
    snprintf(file, sizeof file, "%s.conf", name);
    newfile_sweep(folder, file, clock_wall() - LEFTOVER_AGE);
    if (!newfile_open(f, folder, p->accounts, file, why))
        return false;
    if (give_to_group(p, f->fd))
        return true;
    report_set(why, FAILURE_CONFIG, "cannot set the owner of %s: %s", f->path, strerror(errno));
    newfile_abandon(f);
    return false;
}

bool accountfile_try(const struct paths *p, const char *name, struct report *why)
{
    struct newfile f = NEWFILE_NONE;
    bool ok = make_temporary(&f, p, name, why) && newfile_reserve(&f, KEYFILE_SIZE_MAX, why);
    newfile_abandon(&f);
    return ok;
}

bool accountfile_write(const struct paths *p, const char *name, const struct secret *text, struct report *why)
{
    struct newfile f = NEWFILE_NONE;
    return make_temporary(&f, p, name, why) && newfile_commit(&f, text->data, text->len, why);
}
