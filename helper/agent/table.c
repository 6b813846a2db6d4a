#include "config.h"

#include "table.h"

#include "account.h"
#include "agent.h"
#include "choice.h"
#include "exchanges.h"
#include "glob.h"
#include "hash.h"
#include "log.h"
#include "lookup.h"
#include "provider.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    FIRST_SIZE = 64,
    EVENTS_SIZE = 4096, /* bytes of inotify events read at once */
    CHANGES = IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |
              IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
    /* Once for each change: what is not closed yet may be half a file. */
    PROVIDER_CHANGES = IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |
                       IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR,
    STATE_CHANGES = IN_DELETE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |
                    IN_MOVE_SELF | IN_ONLYDIR,
};

static const char STATE_SUFFIX[] = ".json";
static const char PROVIDER_SUFFIX[] = ".conf";

/* An address in users: without a '*'. */
struct alias {
    struct alias *next;   /* of the same hash */
    struct alias *sister; /* of the same account */
    struct entry *entry;
    char address[]; /* in lower case */
};

/* --- hashing --- */

static size_t hash(const char *text)
{
    uint64_t value = hash_add(HASH_START, text);
    return (size_t)(value ^ value >> 32);
}

static struct entry **place_of_name(struct table *t, const char *name)
{
    return &t->names[hash(name) & (t->size - 1)];
}

static struct alias **place_of_alias(struct table *t, const char *address)
{
    return &t->aliases[hash(address) & (t->size - 1)];
}

static void move_all(struct table *from, struct table *to)
{
    for (size_t i = 0; i < from->size; i++) {
        for (struct entry *e = from->names[i], *next; e; e = next) {
            struct entry **place = place_of_name(to, e->name);
            next = e->next;
            e->next = *place;
            *place = e;
        }
        for (struct alias *a = from->aliases[i], *next; a; a = next) {
            struct alias **place = place_of_alias(to, a->address);
            next = a->next;
            a->next = *place;
            *place = a;
        }
    }
}

static bool resize(struct table *t, size_t size)
{
    struct table larger = *t;
    larger.size = size;
    larger.names = calloc(size, sizeof *larger.names);
    larger.aliases = calloc(size, sizeof *larger.aliases);
    if (!larger.names || !larger.aliases) {
        free(larger.names);
        free(larger.aliases);
        return false;
    }
    move_all(t, &larger);
    free(t->names);
    free(t->aliases);
    t->names = larger.names;
    t->aliases = larger.aliases;
    t->size = size;
    return true;
}

/* --- the index of users: --- */

static void unlink_pattern(struct table *t, struct entry *e)
{
    struct entry **at = &t->patterns;
    while (*at && *at != e)
        at = &(*at)->next_pattern;
    if (*at)
        *at = e->next_pattern;
    e->next_pattern = NULL;
}

static void unlink_alias(struct table *t, struct alias *a)
{
    struct alias **at = place_of_alias(t, a->address);
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    free(a);
}

static void unindex(struct table *t, struct entry *e)
{
    unlink_pattern(t, e);
    while (e->aliases) {
        struct alias *a = e->aliases;
        e->aliases = a->sister;
        unlink_alias(t, a);
    }
    if (e->problem)
        t->broken--;
}

static void add_alias(struct table *t, struct entry *e, const char *address, size_t len)
{
    struct alias *a = malloc(sizeof *a + len + 1);
    if (!a) {
        log_warning("%s: not enough memory for users:", e->name);
        return;
    }
    for (size_t i = 0; i < len; i++)
        a->address[i] = address[i] >= 'A' && address[i] <= 'Z' ? (char)(address[i] - 'A' + 'a') : address[i];
    a->address[len] = '\0';
    a->entry = e;
    a->sister = e->aliases;
    e->aliases = a;
    struct alias **place = place_of_alias(t, a->address);
    a->next = *place;
    *place = a;
}

static void index_users(struct table *t, struct entry *e)
{
    const char *list = e->users;
    const char *address;
    size_t len;
    bool pattern = false;
    if (e->problem)
        t->broken++;
    while (list && (address = glob_next(&list, &len)) != NULL) {
        if (memchr(address, '*', len))
            pattern = true;
        else
            add_alias(t, e, address, len);
    }
    if (pattern) {
        e->next_pattern = t->patterns;
        t->patterns = e;
    }
}

/* --- accounts that come, change and go --- */

static struct entry *by_name(struct table *t, const char *name)
{
    struct entry *e = *place_of_name(t, name);
    while (e && strcmp(e->name, name) != 0)
        e = e->next;
    return e;
}

/* Its renewal, if one is under way, goes on to its end: the new refresh token must reach the disk. */
static void remove_entry(struct table *t, struct entry *e)
{
    struct entry **at = place_of_name(t, e->name);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    t->count--;
    unindex(t, e);
    e->gone = true;
    exchanges_leave(e);
}

/* A provider file is part of every account file that names it. */
static bool load_file(const struct table *t, struct entry *e)
{
    e->generation = t->generation;
    return entry_load_file(e);
}

static void add_entry(struct table *t, const char *name)
{
    struct entry *e = t->count < t->size || resize(t, t->size * 2) ? entry_new(t->agent, name) : NULL;
    if (!e) {
        log_warning("not enough memory for %s", name);
        return;
    }
    if (!load_file(t, e)) {
        entry_free(e);
        return;
    }
    struct entry **place = place_of_name(t, e->name);
    e->next = *place;
    *place = e;
    e->round = t->round;
    t->count++;
    index_users(t, e);
    entry_load_state(e);
}

static void reload_entry(struct table *t, struct entry *e)
{
    unindex(t, e);
    bool there = load_file(t, e);
    index_users(t, e);
    if (!there)
        remove_entry(t, e);
    else
        entry_load_state(e);
}

/* Takes what changed in one account's file. */
static void check_name(struct table *t, const char *name)
{
    struct entry *e = by_name(t, name);
    if (!e)
        add_entry(t, name);
    else if (!entry_file_is_current(e))
        reload_entry(t, e);
}

/* Takes what changed in its state; while we renew it, that comes at the end. */
static void refresh_state(struct entry *e)
{
    if (!e->problem && !e->renewing && !entry_state_is_current(e))
        entry_load_state(e);
}

static bool scan_one(void *arg, const char *name)
{
    struct table *t = arg;
    check_name(t, name);
    struct entry *e = by_name(t, name);
    if (e) {
        e->round = t->round;
        refresh_state(e);
    }
    return true;
}

static void remove_unseen(struct table *t)
{
    for (size_t i = 0; i < t->size; i++)
        for (struct entry *e = t->names[i], *next; e; e = next) {
            next = e->next;
            if (e->round != t->round)
                remove_entry(t, e);
        }
}

static void scan(struct table *t)
{
    struct report why;
    t->round++;
    if (account_each(&t->agent->paths, scan_one, t, &why))
        remove_unseen(t);
    else
        log_warning("%s", why.text);
}

/* --- provider files --- */

static size_t reload_older(struct table *t, struct entry *e)
{
    size_t count = 0;
    for (struct entry *next; e; e = next) {
        next = e->next;
        if (e->generation == t->generation)
            continue;
        reload_entry(t, e);
        count++;
    }
    return count;
}

/* A few at a time, since there may be thousands; what is asked for in between comes first, by search_current(). */
static void run_sweep(struct job *j)
{
    struct table *t = (struct table *)(void *)((char *)j - offsetof(struct table, sweep));
    for (size_t count = 0; t->swept < t->size && count < TABLE_SWEEP; t->swept++)
        count += reload_older(t, t->names[t->swept]);
    if (t->swept < t->size)
        job_queue(&t->agent->loop, j);
}

static void providers_changed(struct table *t)
{
    t->generation++;
    t->swept = 0;
    job_queue(&t->agent->loop, &t->sweep);
}

/* --- noticing --- */

static struct stamp folder_stamp(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct stamp){0};
    return (struct stamp){.there = true, .dev = st.st_dev, .ino = st.st_ino, .changed = st.st_mtim};
}

static bool same_folder(const struct stamp *a, const struct stamp *b)
{
    return a->there == b->there && a->dev == b->dev && a->ino == b->ino;
}

static bool same_time(const struct stamp *a, const struct stamp *b)
{
    return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Takes how the folders of the provider files look now, one of which may be missing. False where that is nothing
 * new. */
static bool stamp_providers(struct table *t)
{
    bool changed = false;
    for (size_t i = 0; i < TABLE_PROVIDERS && provider_folders[i]; i++) {
        struct stamp now = folder_stamp(provider_folders[i]);
        changed = changed || !same_folder(&now, &t->providers[i]) || !same_time(&now, &t->providers[i]);
        t->providers[i] = now;
    }
    return changed;
}

/* File systems on which nothing changes but through this kernel, which then tells of it; on a server's, another
 * machine may change files unheard. */
static bool is_local(const char *path)
{
    static const long LOCAL[] = {0xEF53 /* ext */,       0x58465342 /* XFS */,  0x9123683E /* btrfs */,
                                 0x01021994 /* tmpfs */, 0xF2F52010 /* F2FS */, 0x2FC12FC1 /* ZFS */};
    struct statfs fs;
    if (statfs(path, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof LOCAL / sizeof LOCAL[0]; i++)
        if ((long)fs.f_type == LOCAL[i])
            return true;
    return false;
}

static void unwatch(struct table *t)
{
    if (t->changes.fd < 0)
        return;
    loop_unwatch(&t->agent->loop, &t->changes);
    close(t->changes.fd);
    t->changes.fd = -1;
}

/* Those that cannot be watched are looked at from time to time. */
static void watch_providers(struct table *t)
{
    for (size_t i = 0; i < TABLE_PROVIDERS && provider_folders[i]; i++)
        t->providers_watch[i] = inotify_add_watch(t->changes.fd, provider_folders[i], PROVIDER_CHANGES);
}

static void watch_folders(struct table *t)
{
    const struct paths *p = &t->agent->paths;
    if (!is_local(p->accounts) || !is_local(p->state))
        return;
    t->changes.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (t->changes.fd < 0)
        return;
    t->accounts_watch = inotify_add_watch(t->changes.fd, p->accounts, CHANGES);
    t->state_watch = inotify_add_watch(t->changes.fd, p->state, STATE_CHANGES);
    watch_providers(t);
    if (t->accounts_watch < 0 || t->state_watch < 0 || !loop_watch(&t->agent->loop, &t->changes, EPOLLIN))
        unwatch(t);
}

/* Watches the folders before they are read, so that nothing falls in between. */
static void watch_and_scan(struct table *t)
{
    unwatch(t);
    t->accounts = folder_stamp(t->agent->paths.accounts);
    t->state = folder_stamp(t->agent->paths.state);
    watch_folders(t);
    if (stamp_providers(t))
        providers_changed(t);
    scan(t);
}

static bool has_suffix(const char *file, const char *suffix)
{
    size_t len = strlen(file);
    size_t end = strlen(suffix);
    return len > end && strcmp(file + len - end, suffix) == 0;
}

static void check_state(struct table *t, const char *file)
{
    char name[NAME_MAX + 1];
    size_t len = strlen(file);
    if (len > NAME_MAX || !has_suffix(file, STATE_SUFFIX))
        return;
    memcpy(name, file, len + 1);
    name[len - strlen(STATE_SUFFIX)] = '\0';
    struct entry *e = by_name(t, name);
    if (e)
        refresh_state(e);
}

/* Takes the folder's time with an event, so that it does not tell of the same change again. */
static void stamp_event(struct stamp *folder, const char *path)
{
    struct stamp now = folder_stamp(path);
    if (same_folder(&now, folder))
        *folder = now;
}

static void check_provider(struct table *t, const struct inotify_event *event)
{
    for (size_t i = 0; i < TABLE_PROVIDERS && provider_folders[i]; i++) {
        if (event->wd != t->providers_watch[i])
            continue;
        stamp_event(&t->providers[i], provider_folders[i]);
        if (has_suffix(event->name, PROVIDER_SUFFIX))
            providers_changed(t);
        return;
    }
}

/* Returns false where the watch has come to its end. */
static bool take_event(struct table *t, const struct inotify_event *event)
{
    char name[ACCOUNT_NAME_MAX + 1];
    if (event->mask & IN_Q_OVERFLOW)
        providers_changed(t);
    if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
        return false;
    if (event->len > 0 && event->wd == t->state_watch)
        check_state(t, event->name);
    if (event->len > 0 && event->wd == t->accounts_watch) {
        account_of_file(event->name, name);
        if (*name)
            check_name(t, name);
    }
    if (event->len > 0)
        check_provider(t, event);
    return true;
}

/* Takes every event that is there. False where the folders must be looked at anew. */
static bool take_events(struct table *t)
{
    _Alignas(struct inotify_event) char buffer[EVENTS_SIZE];
    ssize_t len;
    while ((len = read(t->changes.fd, buffer, sizeof buffer)) > 0)
        for (char *at = buffer; at < buffer + len;) {
            const struct inotify_event *event = (const void *)at;
            if (!take_event(t, event))
                return false;
            at += sizeof *event + event->len;
        }
    return len < 0 && (errno == EAGAIN || errno == EINTR);
}

/* A folder above may have been moved away, of which nothing else tells. */
static bool are_other_folders(struct table *t)
{
    struct stamp accounts = folder_stamp(t->agent->paths.accounts);
    struct stamp state = folder_stamp(t->agent->paths.state);
    return !same_folder(&accounts, &t->accounts) || !same_folder(&state, &t->state);
}

/* The same of the provider files' folders, and without a watch whether files have come and gone. */
static bool are_other_providers(struct table *t)
{
    if (!stamp_providers(t))
        return false;
    providers_changed(t);
    return true;
}

/* Without a watch the folder's own time tells of files that come and go. */
static bool is_folder_changed(const struct table *t)
{
    struct stamp now = folder_stamp(t->agent->paths.accounts);
    return !same_folder(&now, &t->accounts) || !same_time(&now, &t->accounts);
}

/* Brings the table to the files as they are now. */
static void notice(struct table *t)
{
    int64_t now = loop_now();
    bool changed = t->changes.fd >= 0 ? !take_events(t) : is_folder_changed(t);
    if (!changed && now - t->looked_at >= TABLE_FOLDERS_MS) {
        t->looked_at = now;
        changed = are_other_folders(t) || are_other_providers(t);
    }
    if (changed)
        watch_and_scan(t);
}

/* Whether the files of an account must be looked at themselves. What was wrong may have been mended elsewhere: in a
 * folder's mode. */
static bool is_file_stale(const struct table *t, const struct entry *e)
{
    return e->problem || (t->changes.fd < 0 && !entry_file_is_current(e));
}

static bool is_state_stale(const struct table *t, const struct entry *e)
{
    return e->state_problem || (t->changes.fd < 0 && !entry_state_is_current(e));
}

static void changes_ready(struct watch *w, uint32_t events)
{
    (void)events;
    notice((struct table *)(void *)((char *)w - offsetof(struct table, changes)));
}

/* --- finding --- */

struct search {
    struct choice choice;
    struct entry *best;
    struct entry *tied;
};

static void weigh(struct search *s, struct entry *e, size_t rank, const char *host)
{
    switch (choice_weigh(&s->choice, rank, account_hosts_allow(e->hosts, host))) {
    case CHOICE_BETTER:
        s->best = e;
        break;
    case CHOICE_EQUAL: /* the first by name stays, as in a sorted folder */
        s->tied = strcmp(e->name, s->best->name) < 0 ? s->best : e;
        s->best = s->tied == e ? s->best : e;
        break;
    case CHOICE_WORSE:
        break;
    }
}

static void search_aliases(struct table *t, struct search *s, const char *user, const char *host)
{
    char address[LINE_MAX];
    size_t len = strlen(user);
    if (len >= sizeof address)
        return;
    for (size_t i = 0; i <= len; i++)
        address[i] = user[i] >= 'A' && user[i] <= 'Z' ? (char)(user[i] - 'A' + 'a') : user[i];
    for (struct alias *a = *place_of_alias(t, address); a; a = a->next)
        if (strcmp(a->address, address) == 0 && a->entry != s->best)
            weigh(s, a->entry, GLOB_EXACT, host);
}

static struct entry *search_users(struct table *t, const char *user, const char *host, struct report *why)
{
    struct search s = {.best = NULL};
    search_aliases(t, &s, user, host);
    if (!s.best)
        for (struct entry *e = t->patterns; e; e = e->next_pattern)
            weigh(&s, e, glob_rank(e->users, user), host);
    if (!s.best || !s.choice.tie || !s.choice.host_allowed)
        return s.best;
    account_tie(&t->agent->paths, user, s.best->name, s.tied->name, why);
    return NULL;
}

static void no_account(struct table *t, const char *user, struct report *why)
{
    struct report passed_over = {0};
    for (size_t i = 0; t->broken > 0 && passed_over.code == FAILURE_NONE && i < t->size; i++)
        for (struct entry *e = t->names[i]; e; e = e->next)
            if (e->problem && e->problem->code != FAILURE_NO_ACCOUNT)
                report_set(&passed_over, e->problem->code, "%s", e->problem->text);
    lookup_none(user, t->agent->paths.system, &passed_over, why);
}

static struct entry *search(struct table *t, const char *user, const char *host, struct report *why)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct report ignored;
    struct entry *e = account_name(user, name, &ignored) ? by_name(t, name) : NULL;
    return e ? e : search_users(t, user, host, why);
}

/* The one found is as its provider file is now, whose hosts: may decide between two. */
static struct entry *search_current(struct table *t, const char *user, const char *host, struct report *why)
{
    struct entry *e = search(t, user, host, why);
    while (e && e->generation != t->generation) {
        reload_entry(t, e);
        e = search(t, user, host, why);
    }
    return e;
}

struct entry *table_find(struct table *t, const char *user, const char *host, struct report *why)
{
    *why = (struct report){0};
    notice(t);
    struct entry *e = search_current(t, user, host, why);
    if (e && is_file_stale(t, e)) {
        reload_entry(t, e);
        e = search_current(t, user, host, why);
    }
    if (!e && why->code == FAILURE_NONE) {
        if (are_other_folders(t))
            watch_and_scan(t);
        e = search_current(t, user, host, why);
    }
    if (!e) {
        if (why->code == FAILURE_NONE)
            no_account(t, user, why);
        return NULL;
    }
    if (e->problem) {
        report_set(why, e->problem->code, "%s", e->problem->text);
        return NULL;
    }
    if (!e->renewing && is_state_stale(t, e))
        entry_load_state(e);
    return e;
}

/* --- life --- */

bool table_open(struct table *t, struct agent *a, struct report *why)
{
    *t = (struct table){.agent = a, .changes = {.ready = changes_ready, .fd = -1}, .sweep = {.run = run_sweep}};
    if (!resize(t, FIRST_SIZE))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    watch_and_scan(t);
    return true;
}

void table_close(struct table *t)
{
    if (!t->agent)
        return;
    unwatch(t);
    job_cancel(&t->agent->loop, &t->sweep);
    table_each(t, exchanges_abandon);
    t->round++;
    remove_unseen(t);
    free(t->names);
    free(t->aliases);
    *t = (struct table){.changes = {.fd = -1}};
}

void table_each(struct table *t, void (*visit)(struct entry *e))
{
    for (size_t i = 0; i < t->size; i++)
        for (struct entry *e = t->names[i], *next; e; e = next) {
            next = e->next;
            visit(e);
        }
}

static void reload(struct entry *e)
{
    reload_entry(&e->agent->table, e);
}

void table_reload(struct table *t)
{
    table_each(t, reload);
    watch_and_scan(t);
}
