#include "config.h"

#include "look.h"

#include "account.h"
#include "failure.h"
#include "lookup.h"
#include "readfile.h"
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_MAX = 1024 * 1024, VALUE_SIZE = 256 };

static const char BLANKS[] = " \t\r\v\f";

/* One IMAPAccount section, or an IMAPStore that has it all in itself. Of a password only its line number is kept. */
struct section {
    bool is_open;
    unsigned line;
    char name[VALUE_SIZE];
    char host[VALUE_SIZE];
    char user[VALUE_SIZE];
    char mechanisms[VALUE_SIZE];
    unsigned password_line;
    unsigned plain_line; /* where TLS is switched off */
};

struct file {
    struct record *record;
    const struct look *look;
    const char *path;
    struct section section;
};

static bool wants_oauth(const struct section *s)
{
    return strcasestr(s->mechanisms, "XOAUTH2") || strcasestr(s->mechanisms, "OAUTHBEARER");
}

static void judge_mechanism(const struct file *f)
{
    const struct section *s = &f->section;
    if (wants_oauth(s))
        record_add(f->record, CHECK_MBSYNC_MECHANISM, LEVEL_OK, NULL, "%s:%u: %s", f->path, s->line, s->mechanisms);
    else if (*s->mechanisms && strcmp(s->mechanisms, "*") != 0)
        record_add(f->record, CHECK_MBSYNC_MECHANISM, LEVEL_PROBLEM, NULL,
                   "%s:%u: the account '%s' is kept from OAuth by its 'AuthMechs': make it 'AuthMechs XOAUTH2'",
                   f->path, s->line, s->name);
    else
        record_add(
            f->record, CHECK_MBSYNC_MECHANISM, LEVEL_WARNING, NULL,
            "%s:%u: the account '%s' has no 'AuthMechs', so that a server without OAuth gets another secret: add "
            "'AuthMechs XOAUTH2'",
            f->path, s->line, s->name);
}

static void judge_rest(const struct file *f, const struct account *a)
{
    const struct section *s = &f->section;
    if (s->password_line > 0)
        record_add(f->record, CHECK_MBSYNC_PASSWORD, LEVEL_WARNING, NULL,
                   "%s:%u: a password, which OAuth does not use: remove the line", f->path, s->password_line);
    if (s->plain_line > 0 && !settings_is_loopback(s->host))
        record_add(f->record, CHECK_MBSYNC_TLS, LEVEL_PROBLEM, NULL,
                   "%s:%u: the token would go over the network in plain text: make it 'SSLType IMAPS'", f->path,
                   s->plain_line);
    if (a && *s->host && !account_host_allowed(a, s->host))
        record_add(f->record, CHECK_MBSYNC_HOST, LEVEL_PROBLEM, a->name,
                   "%s:%u: the host %s is not among 'hosts:' of %s, so that it gets no token: correct either",
                   f->path, s->line, s->host, a->file.path);
}

/* What a section means for us; one without OAuth and without an account of ours is none of our business. */
static void end_section(struct file *f)
{
    struct section *s = &f->section;
    struct account a;
    struct paths p;
    struct report why;
    char name[ACCOUNT_NAME_MAX + 1];
    account_init(&a);
    bool known = s->is_open && *s->user && account_name(s->user, name, &why) &&
                 lookup(&a, &p, f->look->system ? LOOKUP_SYSTEM : LOOKUP_ALL, name,
                        *s->host ? s->host : NULL, &why);
    if (s->is_open && (known || wants_oauth(s))) {
        judge_mechanism(f);
        if (!known && *s->user)
            record_add(f->record, CHECK_MBSYNC_ACCOUNT, LEVEL_PROBLEM, NULL, "%s:%u: %s", f->path, s->line, why.text);
        judge_rest(f, known ? &a : NULL);
    }
    account_free(&a);
    *s = (struct section){.is_open = false};
}

/* Takes a word of a line, as mbsync does: quotes may stand anywhere in it, a backslash takes what follows as it
 * is, and '#' begins a comment only where a word could. Empty at the end. Returns the rest. */
static const char *take_word(const char *line, char word[VALUE_SIZE])
{
    bool quoted = false;
    size_t len = 0;
    line += strspn(line, BLANKS);
    if (*line == '#')
        line = "";
    for (; *line && (quoted || !strchr(BLANKS, *line)); line++) {
        if (*line == '"') {
            quoted = !quoted;
            continue;
        }
        if (*line == '\\' && line[1])
            line++;
        if (len < VALUE_SIZE - 1)
            word[len++] = *line;
    }
    word[len] = '\0';
    return line;
}

static void take_words(const char *line, char words[VALUE_SIZE])
{
    char word[VALUE_SIZE];
    words[0] = '\0';
    for (line = take_word(line, word); *word; line = take_word(line, word)) {
        size_t len = strlen(words);
        snprintf(words + len, VALUE_SIZE - len, "%s%s", len > 0 ? " " : "", word);
    }
}

static bool is(const char *key, const char *one, const char *other)
{
    return strcasecmp(key, one) == 0 || strcasecmp(key, other) == 0;
}

static bool says_plain(const char *key, const char *rest)
{
    char value[VALUE_SIZE];
    bool is_switch = strcasecmp(key, "RequireSSL") == 0;
    if (!is_switch && !is(key, "SSLType", "TLSType"))
        return false;
    take_word(rest, value);
    return strcasecmp(value, is_switch ? "no" : "None") == 0;
}

static void take_line(struct file *f, unsigned number, const char *line)
{
    struct section *s = &f->section;
    char key[VALUE_SIZE];
    const char *rest = take_word(line, key);
    if (!line[strspn(line, BLANKS)]) {
        end_section(f);
    } else if (is(key, "IMAPAccount", "IMAPStore")) {
        end_section(f);
        *s = (struct section){.is_open = true, .line = number};
        take_word(rest, s->name);
    } else if (strcasecmp(key, "Host") == 0) {
        take_word(rest, s->host);
    } else if (strcasecmp(key, "User") == 0) {
        take_word(rest, s->user);
    } else if (is(key, "AuthMechs", "AuthMech")) {
        take_words(rest, s->mechanisms);
    } else if (is(key, "Pass", "PassCmd")) {
        s->password_line = number;
    } else if (says_plain(key, rest)) {
        s->plain_line = number;
    }
}

static void read_lines(struct file *f, struct secret *text)
{
    char *rest = text->data;
    unsigned number = 0;
    for (const char *line; (line = strsep(&rest, "\n"));)
        take_line(f, ++number, line);
    end_section(f);
}

/* Where mbsync looks. False where there is no home folder. */
static bool config_path(char path[PATH_MAX], bool old)
{
    const char *home = getenv("HOME");
    const char *config = getenv("XDG_CONFIG_HOME");
    if (!home || *home != '/')
        return false;
    if (old)
        return snprintf(path, PATH_MAX, "%s/.mbsyncrc", home) < PATH_MAX;
    if (config && *config == '/')
        return snprintf(path, PATH_MAX, "%s/isyncrc", config) < PATH_MAX;
    return snprintf(path, PATH_MAX, "%s/.config/isyncrc", home) < PATH_MAX;
}

void look_at_mbsync(struct record *r, const struct look *look)
{
    const struct readfile_rules rules = {.any_owner = true, .follow_symlink = true, .limit = FILE_MAX};
    for (int old = 0; old < 2; old++) {
        char path[PATH_MAX];
        struct secret text;
        struct report why;
        struct file f = {.record = r, .look = look, .path = path};
        secret_init(&text, 0);
        if (config_path(path, old) && readfile(path, &rules, &text, &why) == READFILE_OK && text.len > 0)
            read_lines(&f, &text);
        secret_free(&text);
    }
}
