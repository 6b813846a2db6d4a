#include "config.h"

#include "store.h"

#include "caller.h"
#include "clock.h"
#include "jsonmemory.h"
#include "secret.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JSON_DEPTH_MAX = 16, NAP_MAX = 50 /* milliseconds between two tries for a lock */ };

#define TIME_MAX INT64_C(253402300799) /* the end of the year 9999: sums of two times cannot overflow */

/* The members of the file; those of last_error apart. */
struct member {
    const char *name;
    size_t offset;
    bool is_time;
};

#define TEXT(field) {#field, offsetof(struct state, field), false}
#define TIME(field) {#field, offsetof(struct state, field), true}
static const struct member MEMBERS[] = {
    TEXT(access_token),   TIME(obtained_at),         TIME(expires_at),        TEXT(refresh_token),
    TIME(refresh_obtained_at), TIME(refresh_expires_at), TIME(login_at),      TEXT(signed_in_as),
    TEXT(scope),          TEXT(issuer),              TEXT(client_id),         TEXT(token_endpoint),
    TEXT(revocation_endpoint), TEXT(userinfo_endpoint), TEXT(source),             TEXT(client_authentication),
    {NULL, 0, false},
};
#undef TEXT
#undef TIME

#define TEXT(field) {#field, offsetof(struct state_error, field), false}
#define TIME(field) {#field, offsetof(struct state_error, field), true}
static const struct member ERROR_MEMBERS[] = {
    TEXT(error), TEXT(message), TIME(at), TIME(retry_at), {NULL, 0, false},
};
#undef TEXT
#undef TIME

/* What is wrong with a file that may be good all the same. */
static const char NO_MEMORY[] = "does not fit into memory";

static const char LAST_ERROR[] = "last_error";
static const char CODE[] = "code";

static char **text_of(void *record, const struct member *m)
{
    return (char **)(void *)((char *)record + m->offset);
}

static int64_t *time_of(void *record, const struct member *m)
{
    return (int64_t *)(void *)((char *)record + m->offset);
}

static void wipe_text(struct json_object *value)
{
    /* json-c gives its own buffer, which is ours to overwrite while we hold the object. */
    explicit_bzero((char *)json_object_get_string(value), (size_t)json_object_get_string_len(value));
}

/* Wipes every string below, then gives the object back. */
static void json_wipe(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string))
        wipe_text(value);
    if (json_object_is_type(value, json_type_array))
        for (size_t i = 0; i < json_object_array_length(value); i++)
            json_wipe(json_object_get(json_object_array_get_idx(value, i)));
    if (json_object_is_type(value, json_type_object))
        for (struct lh_entry *e = json_object_get_object(value)->head; e; e = e->next)
            json_wipe(json_object_get((struct json_object *)e->v));
    json_object_put(value);
}

void state_init(struct state *s)
{
    *s = (struct state){0};
}

static void free_texts(void *record, const struct member *members)
{
    for (const struct member *m = members; m->name; m++)
        if (!m->is_time)
            secret_free_string(text_of(record, m));
}

void state_free(struct state *s)
{
    if (!s)
        return;
    free_texts(s, MEMBERS);
    free_texts(&s->last_error, ERROR_MEMBERS);
    json_wipe(s->unknown);
    state_init(s);
}

bool state_set(char **field, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy)
        return false;
    secret_free_string(field);
    *field = copy;
    return true;
}

void state_path(const struct paths *p, const char *name, char path[PATH_MAX])
{
    if (snprintf(path, PATH_MAX, "%s/%s.json", p->state, name) >= PATH_MAX)
        path[0] = '\0';
}

/* Takes one member of a JSON object into the record. Returns what is wrong, or NULL. */
static const char *take_text(char **field, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return "is not a string";
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    if (len > STATE_TOKEN_MAX)
        return "is too long";
    if (text_has_control(text, len))
        return "has control characters";
    return state_set(field, text) ? NULL : NO_MEMORY;
}

static const char *take_time(int64_t *field, struct json_object *value)
{
    if (!json_object_is_type(value, json_type_int))
        return "is not a whole number";
    int64_t seconds = json_object_get_int64(value);
    if (seconds < 0 || seconds > TIME_MAX)
        return "is not a time";
    *field = seconds;
    return NULL;
}

/* Moves the known members out of the JSON object into the record. */
static const char *take_members(void *record, const struct member *members, struct json_object *from,
                                const char **name)
{
    for (const struct member *m = members; m->name; m++) {
        struct json_object *value;
        *name = m->name;
        if (!json_object_object_get_ex(from, m->name, &value))
            continue;
        const char *wrong = NULL;
        if (value)
            wrong = m->is_time ? take_time(time_of(record, m), value) : take_text(text_of(record, m), value);
        if (wrong)
            return wrong;
        if (json_object_is_type(value, json_type_string))
            wipe_text(value);
        json_object_object_del(from, m->name);
    }
    return NULL;
}

static const char *take_error(struct state_error *error, struct json_object *root, const char **name)
{
    struct json_object *from;
    struct json_object *code;
    *name = LAST_ERROR;
    if (!json_object_object_get_ex(root, LAST_ERROR, &from) || !from)
        return NULL;
    if (!json_object_is_type(from, json_type_object) || !json_object_object_get_ex(from, CODE, &code) ||
        !json_object_is_type(code, json_type_string))
        return "is not an object with a 'code'";
    error->code = failure_from_name(json_object_get_string(code));
    const char *wrong = take_members(error, ERROR_MEMBERS, from, name);
    json_object_object_del(root, LAST_ERROR);
    return wrong;
}

/* Parses the whole text, which must be one JSON object and nothing else. Else `*wrong` says what it is not. */
static struct json_object *parse(const struct secret *text, const char **wrong)
{
    *wrong = "it is not a whole JSON object";
    size_t len = text->len;
    while (len > 0 && strchr(" \t\r\n", text->data[len - 1]) && text->data[len - 1])
        len--;
    struct json_tokener *tokener = len > 0 && jsonmemory_check(len) ? json_tokener_new_ex(JSON_DEPTH_MAX) : NULL;
    if (!tokener) {
        *wrong = len > 0 ? NO_MEMORY : *wrong;
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(tokener, text->data, (int)len);
    bool ok = json_tokener_get_error(tokener) == json_tokener_success &&
              json_tokener_get_parse_end(tokener) == len && json_object_is_type(root, json_type_object);
    json_tokener_free(tokener);
    if (ok)
        return root;
    json_wipe(root);
    return NULL;
}

static bool damaged(const struct paths *p, const char *name, const char *path, const char *member, const char *wrong,
                    struct report *why)
{
    if (wrong == NO_MEMORY)
        return report_set(why, FAILURE_UNREACHABLE, "%s %s: try again later", path, wrong);
    const char *user = strchr(name, ' '); /* a mailbox that has a token of its own: nobody logs in for it */
    char what[128];
    if (member)
        snprintf(what, sizeof what, "'%s' %s", member, wrong);
    else
        snprintf(what, sizeof what, "%s", wrong);
    return report_set(why, FAILURE_CONFIG, "%s is damaged (%s): move it away and run 'xoauth2%s %s %s'", path,
                      what, paths_option(p), user ? "token" : "login", user ? user + 1 : name);
}

static bool check_folder(const struct paths *p, const struct stat *st, struct report *why)
{
    if (st->st_uid != p->owner)
        return report_set(why, FAILURE_CONFIG, "%s belongs to user id %lu: run 'chown %lu %s' if you trust it",
                          p->state, (unsigned long)st->st_uid, (unsigned long)p->owner, p->state);
    if (st->st_mode & 077)
        return report_set(why, FAILURE_CONFIG, "%s may be accessed by others (mode %04o): run 'chmod 0700 %s'",
                          p->state, (unsigned)(st->st_mode & 07777), p->state);
    return true;
}

static bool is_blank(const struct secret *text)
{
    return text->len == 0 || text->data[strspn(text->data, " \t\r\n")] == '\0';
}

enum readfile_result state_parse(struct state *s, const struct paths *p, const char *name, const char *where,
                                 struct secret *text, struct report *why)
{
    state_init(s);
    const char *wrong;
    bool blank = is_blank(text);
    struct json_object *root = parse(text, &wrong);
    secret_free(text);
    if (!root && blank)
        return READFILE_MISSING;
    if (!root) {
        damaged(p, name, where, NULL, wrong, why);
        return READFILE_REFUSED;
    }
    const char *member;
    wrong = take_members(s, MEMBERS, root, &member);
    if (!wrong)
        wrong = take_error(&s->last_error, root, &member);
    s->unknown = root;
    if (!wrong)
        return READFILE_OK;
    state_free(s);
    damaged(p, name, where, member, wrong, why);
    return READFILE_REFUSED;
}

enum readfile_result state_load(struct state *s, const struct paths *p, const char *name, struct report *why)
{
    char path[PATH_MAX];
    const struct readfile_rules rules = {.forbidden_mode = 077, .owner = p->owner, .limit = STATE_SIZE_MAX};
    struct stat st;
    struct secret text;
    state_init(s);
    secret_init(&text, 0);
    if (stat(p->state, &st) == 0 && !check_folder(p, &st, why))
        return READFILE_REFUSED;
    state_path(p, name, path);
    enum readfile_result result = readfile(path, &rules, &text, why);
    if (result != READFILE_OK)
        return result;
    result = state_parse(s, p, name, path, &text, why);
    if (result == READFILE_MISSING) { /* a file is never empty */
        damaged(p, name, path, NULL, "it is not a whole JSON object", why);
        result = READFILE_REFUSED;
    }
    return result;
}

bool state_is_fresh(const struct state *s, int64_t now, int64_t margin)
{
    if (!state_is_valid(s, now) || s->obtained_at > now)
        return false;
    int64_t half = (s->expires_at - s->obtained_at) / 2;
    return s->expires_at - now > (margin < half ? margin : half);
}

bool state_is_valid(const struct state *s, int64_t now)
{
    return s->access_token && *s->access_token && s->expires_at - now > STATE_LAST_SECONDS;
}

/* Opens the state folder and checks it. -1 with a report; with `*missing` and no report where there is none. */
static int open_folder(const struct paths *p, bool *missing, struct report *why)
{
    struct stat st;
    *missing = false;
    int fd = open(p->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *missing = true;
        return -1;
    }
    if (fd < 0) {
        report_set(why, FAILURE_CONFIG, "cannot open the folder %s: %s: run this as its owner", p->state,
                   strerror(errno));
        return -1;
    }
    bool ok = fstat(fd, &st) == 0 ? check_folder(p, &st, why)
                                  : report_set(why, FAILURE_UNREACHABLE, "cannot examine the folder %s: %s", p->state,
                                               strerror(errno));
    if (ok)
        return fd;
    close(fd);
    return -1;
}

static int open_or_make_folder(const struct paths *p, struct report *why)
{
    bool missing;
    int fd = open_folder(p, &missing, why);
    if (fd < 0 && missing && paths_make(p, p->state, why)) {
        fd = open_folder(p, &missing, why);
        if (fd < 0 && missing)
            report_set(why, FAILURE_CONFIG, "the folder %s is removed as soon as it is made", p->state);
    }
    return fd;
}

/* Root leaves nothing in the system's store that its owner could not use. A file with a second name is not given
 * away: the owner may have linked one of root's here. */
static bool give_to_owner(const struct paths *p, int fd)
{
    struct stat st;
    if (!p->system || geteuid() != 0 || p->owner == 0)
        return true;
    if (fstat(fd, &st) != 0)
        return false;
    errno = EMLINK;
    return st.st_uid == p->owner || (st.st_nlink == 1 && fchown(fd, p->owner, (gid_t)-1) == 0);
}

static int open_lock(const struct paths *p, const char *name, struct report *why)
{
    char file[NAME_MAX + 1];
    struct stat st;
    snprintf(file, sizeof file, "%s.lock", name);
    int folder = open_or_make_folder(p, why);
    if (folder < 0)
        return -1;
    int fd = openat(folder, file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (!ok)
        report_set(why, errno == ENOSPC || errno == EDQUOT ? FAILURE_UNREACHABLE : FAILURE_CONFIG,
                   "cannot open %s/%s: %s", p->state, file, strerror(errno));
    else if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != p->owner))
        ok = report_set(why, FAILURE_CONFIG, "%s/%s is not a file of user id %lu: remove it", p->state, file,
                        (unsigned long)p->owner);
    else if (!give_to_owner(p, fd))
        ok = report_set(why, FAILURE_CONFIG, "cannot give %s/%s to user id %lu: %s", p->state, file,
                        (unsigned long)p->owner, strerror(errno));
    if (!ok && fd >= 0)
        close(fd);
    close(folder);
    return ok ? fd : -1;
}

/* For those to whom a missing one is trouble, too. */
static int need_folder(const struct paths *p, struct report *why)
{
    bool missing;
    int fd = open_folder(p, &missing, why);
    if (fd < 0 && missing)
        report_set(why, FAILURE_CONFIG, "the folder %s is missing: run the command again", p->state);
    return fd;
}

/* Whether a leftover is a whole state of the store's owner. FAILURE_UNREACHABLE: that cannot be told. */
static bool is_whole(const struct paths *p, const char *name, const char *leftover, struct report *why)
{
    char path[PATH_MAX];
    enum readfile_result result = READFILE_MISSING;
    const struct readfile_rules rules = {.forbidden_mode = 077, .owner = p->owner, .limit = STATE_SIZE_MAX};
    struct secret text;
    struct state s;
    secret_init(&text, 0);
    report_set(why, FAILURE_CONFIG, "it is gone");
    if (snprintf(path, sizeof path, "%s/%s", p->state, leftover) < (int)sizeof path)
        result = readfile(path, &rules, &text, why);
    if (result == READFILE_UNREADABLE)
        why->code = FAILURE_UNREACHABLE;
    if (result != READFILE_OK)
        return false;
    bool whole = state_parse(&s, p, name, path, &text, why) == READFILE_OK;
    state_free(&s);
    return whole;
}

/* Takes it if it is whole, and removes it if it is not. False where neither can be done, or it cannot be told. */
static bool end_leftover(const struct paths *p, const char *name, int folder, const char *file, const char *leftover,
                         struct report *why)
{
    if (is_whole(p, name, leftover, why))
        return newfile_finish(folder, leftover, file);
    return why->code != FAILURE_UNREACHABLE && (unlinkat(folder, leftover, 0) == 0 || errno == ENOENT);
}

/* A process that was killed between writing a state and renaming the file may have spent the refresh token that is in
 * NAME.json: then the only one that works is in its temporary file. That one is never older, since every writer
 * removes all such files before it begins; but a power cut can bring back others that are not whole. False where this
 * has to be tried again. */
static bool finish_commit(const struct paths *p, const char *name, struct report *why)
{
    char file[NAME_MAX + 1];
    char leftover[NAME_MAX + 1];
    snprintf(file, sizeof file, "%s.json", name);
    int folder = need_folder(p, why);
    if (folder < 0)
        return false;
    bool ok = newfile_leftover(folder, file, leftover);
    while (ok && *leftover)
        ok = end_leftover(p, name, folder, file, leftover, why) && newfile_leftover(folder, file, leftover);
    if (!ok)
        report_set(why, FAILURE_UNREACHABLE, "cannot finish what was begun in %s: %s: try again", p->state,
                   strerror(errno));
    close(folder);
    return ok;
}

/* Whether the locked file is still the one that others find by its name. */
static bool is_linked(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static int take_lock(const struct paths *p, const char *name, int64_t deadline, struct report *why)
{
    int nap = 1;
    int fd = open_lock(p, name, why);
    while (fd >= 0) {
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (locked && is_linked(fd))
            return fd;
        if (!locked && errno != EWOULDBLOCK && errno != EINTR) {
            report_set(why, FAILURE_CONFIG, "cannot lock %s/%s.lock: %s", p->state, name, strerror(errno));
            break;
        }
        int left = clock_left(deadline);
        if (left == 0 || caller_wait(nap < left ? nap : left)) {
            report_set(why, FAILURE_BUSY, "another process has been working on %s for too long: try again", name);
            break;
        }
        nap = nap * 2 < NAP_MAX ? nap * 2 : NAP_MAX;
        if (locked) { /* a file that somebody removed: the next one to come would lock another */
            close(fd);
            fd = open_lock(p, name, why);
        }
    }
    store_unlock(&fd);
    return -1;
}

int store_lock(const struct paths *p, const char *name, int64_t deadline, struct report *why)
{
    int fd = take_lock(p, name, deadline, why);
    if (fd >= 0 && !finish_commit(p, name, why))
        store_unlock(&fd);
    return fd;
}

void store_unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The temporary file, in a folder whose descriptor is taken over. */
static bool make_temporary(struct state_writer *w, const struct paths *p, const char *file, int folder,
                           struct report *why)
{
    if (!newfile_open(&w->file, folder, p->state, file, why) || !newfile_reserve(&w->file, STATE_SIZE_MAX, why))
        return false;
    if (give_to_owner(p, w->file.fd))
        return true;
    report_set(why, FAILURE_CONFIG, "cannot give %s to user id %lu: %s", w->file.path, (unsigned long)p->owner,
               strerror(errno));
    state_abandon(w);
    return false;
}

bool state_try(const struct paths *p, const char *name, struct report *why)
{
    char file[NAME_MAX + 1];
    struct state_writer w = STATE_WRITER_NONE;
    snprintf(file, sizeof file, "%s.json", name);
    int folder = open_or_make_folder(p, why);
    bool ok = folder >= 0 && make_temporary(&w, p, file, folder, why);
    state_abandon(&w);
    return ok;
}

bool state_prepare(struct state_writer *w, const struct paths *p, const char *name, struct report *why)
{
    char file[NAME_MAX + 1];
    *w = (struct state_writer)STATE_WRITER_NONE;
    snprintf(file, sizeof file, "%s.json", name);
    int folder = need_folder(p, why);
    if (folder < 0)
        return false;
    if (!newfile_sweep(folder, file, INT64_MAX)) {
        report_set(why, FAILURE_UNREACHABLE, "cannot remove an old file from %s: %s", p->state, strerror(errno));
        close(folder);
        return false;
    }
    return make_temporary(w, p, file, folder, why);
}

static bool put_members(struct json_object *to, void *record, const struct member *members)
{
    for (const struct member *m = members; m->name; m++) {
        struct json_object *value = NULL;
        if (m->is_time && *time_of(record, m) != 0)
            value = json_object_new_int64(*time_of(record, m));
        else if (!m->is_time && *text_of(record, m))
            value = json_object_new_string(*text_of(record, m));
        else
            continue;
        if (!value || json_object_object_add(to, m->name, value) != 0) {
            json_wipe(value);
            return false;
        }
    }
    return true;
}

static bool put_error(struct json_object *to, const struct state_error *error)
{
    if (error->code == FAILURE_NONE)
        return true;
    struct state_error copy = *error;
    struct json_object *below = json_object_new_object();
    struct json_object *code = json_object_new_string(failure_name(error->code));
    if (!below || !code || json_object_object_add(below, CODE, code) != 0) {
        json_object_put(code);
        json_object_put(below);
        return false;
    }
    if (put_members(below, &copy, ERROR_MEMBERS) && json_object_object_add(to, LAST_ERROR, below) == 0)
        return true;
    json_object_put(below);
    return false;
}

static size_t length_of(const char *text)
{
    return text ? strlen(text) : 0;
}

static bool print_with(const struct state *s, bool with_unknown, struct secret *out)
{
    struct state copy = *s; /* the members are only read */
    struct json_object *root = NULL;
    const char *text = NULL;
    size_t len = 0;
    secret_reset(out);
    if (!with_unknown || !s->unknown)
        root = json_object_new_object();
    else if (json_object_deep_copy(s->unknown, &root, NULL) != 0)
        root = NULL;
    if (root && put_members(root, &copy, MEMBERS) && put_error(root, &s->last_error))
        text = jsonmemory_print(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE,
                                length_of(s->access_token) + length_of(s->refresh_token), &len);
    bool ok = text && secret_add(out, text, len) && secret_adds(out, "\n");
    if (text)
        explicit_bzero((char *)text, len);
    json_wipe(root);
    return ok;
}

bool state_print(const struct state *s, struct secret *out)
{
    return print_with(s, true, out) || print_with(s, false, out);
}

bool state_commit(struct state_writer *w, const struct state *s, struct report *why)
{
    struct secret text;
    secret_init(&text, STATE_SIZE_MAX);
    bool ok = state_print(s, &text);
    if (ok)
        ok = newfile_commit(&w->file, text.data, text.len, why);
    else
        report_set(why, FAILURE_UNREACHABLE, "cannot write %s: not enough memory", w->file.path);
    state_abandon(w);
    secret_free(&text);
    return ok;
}

void state_abandon(struct state_writer *w)
{
    newfile_abandon(&w->file);
}

bool state_save(const struct state *s, const struct paths *p, const char *name, struct report *why)
{
    struct state_writer w;
    return state_prepare(&w, p, name, why) && state_commit(&w, s, why);
}

/* What the agent has told of a login that is no more. */
static void remove_told(int folder, const char *name)
{
    static const char *const SUFFIXES[] = {"told", "warned"};
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        char file[NAME_MAX + 1];
        snprintf(file, sizeof file, "%s.%s", name, SUFFIXES[i]);
        (void)unlinkat(folder, file, 0);
    }
}

bool state_remove(const struct paths *p, const char *name, struct report *why)
{
    char file[NAME_MAX + 1];
    bool missing;
    snprintf(file, sizeof file, "%s.json", name);
    int folder = open_folder(p, &missing, why);
    if (folder < 0)
        return missing;
    remove_told(folder, name);
    bool ok = newfile_sweep(folder, file, INT64_MAX) && (unlinkat(folder, file, 0) == 0 || errno == ENOENT);
    if (!ok)
        report_set(why, FAILURE_CONFIG, "cannot remove %s/%s: %s", p->state, file, strerror(errno));
    (void)fsync(folder);
    close(folder);
    return ok;
}

/* The name of a state file without its end, or "" for another file. */
static void name_of_file(const char *file, char name[NAME_MAX + 1])
{
    static const char SUFFIX[] = ".json";
    size_t len = strlen(file);
    size_t suffix = strlen(SUFFIX);
    name[0] = '\0';
    if (file[0] == '.' || len <= suffix || len > NAME_MAX || strcmp(file + len - suffix, SUFFIX) != 0)
        return;
    memcpy(name, file, len - suffix);
    name[len - suffix] = '\0';
}

void state_each_user(const struct paths *p, const char *account, void (*each)(void *arg, const char *name), void *arg)
{
    struct dirent **entries = NULL;
    size_t len = strlen(account);
    int count = scandir(p->state, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char name[NAME_MAX + 1];
        name_of_file(entries[i]->d_name, name);
        if (strncmp(name, account, len) == 0 && name[len] == ' ')
            each(arg, name);
        free(entries[i]);
    }
    free(entries);
}
