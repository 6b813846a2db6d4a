#include "config.h"

#include "allow.h"

#include "clock.h"
#include "glob.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_LENGTH_MAX = 256,
    LOOKUP_BUFFER = 65536, /* bytes of one entry of the user or group database; doubled for many members */
    LOOKUP_BUFFER_MAX = 1 << 20,
    KNOWN_MAX = 8,
    KNOWN_SECONDS = 2, /* thousands of accounts that name the same few users are loaded within this */
};

enum lookup { LOOKUP_FOUND, LOOKUP_NONE };

/* What was looked up last. */
struct known {
    char name[NAME_LENGTH_MAX]; /* with its '@' */
    unsigned id;
    enum lookup result;
    int64_t at; /* milliseconds; 0: unused */
};

static struct known known[KNOWN_MAX];
static size_t next_known;

static bool parse_id(const char *text, unsigned *id)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    /* The largest is "no id" to the kernel. */
    if (errno != 0 || *end || number >= (uid_t)-1)
        return false;
    *id = (unsigned)number;
    return true;
}

/* Returns an errno; ERANGE where the entry is larger than the buffer. */
static int read_entry(const char *name, char *buffer, size_t size, unsigned *id, enum lookup *result)
{
    struct passwd user, *found_user = NULL;
    struct group group, *found_group = NULL;
    int error = *name == '@' ? getgrnam_r(name + 1, &group, buffer, size, &found_group)
                             : getpwnam_r(name, &user, buffer, size, &found_user);
    if (found_user)
        *id = user.pw_uid;
    if (found_group)
        *id = group.gr_gid;
    *result = found_user || found_group ? LOOKUP_FOUND : LOOKUP_NONE;
    return error;
}

static enum lookup ask_database(const char *name, unsigned *id)
{
    enum lookup result = LOOKUP_NONE;
    int error = ERANGE;
    for (size_t size = LOOKUP_BUFFER; error == ERANGE && size <= LOOKUP_BUFFER_MAX; size *= 2) {
        char *buffer = malloc(size);
        error = buffer ? read_entry(name, buffer, size, id, &result) : ENOMEM;
        free(buffer);
    }
    return result;
}

static enum lookup look_up(const char *name, unsigned *id)
{
    int64_t now = clock_monotonic();
    for (size_t i = 0; i < KNOWN_MAX; i++)
        if (known[i].at > 0 && now - known[i].at < KNOWN_SECONDS * 1000 && strcmp(known[i].name, name) == 0) {
            *id = known[i].id;
            return known[i].result;
        }
    struct known *k = &known[next_known++ % KNOWN_MAX];
    *id = 0;
    k->result = ask_database(name, id);
    k->id = *id;
    k->at = now;
    strcpy(k->name, name);
    return k->result;
}

static bool resolve(const char *name, unsigned *id)
{
    return parse_id(name + (*name == '@'), id) || look_up(name, id) == LOOKUP_FOUND;
}

static size_t count_entries(const char *list)
{
    size_t count = 0;
    size_t len;
    while (list && glob_next(&list, &len))
        count++;
    return count;
}

static void take(struct allow *out, const char *name, unsigned id)
{
    if (*name == '@')
        out->groups[out->group_count++] = id;
    else
        out->users[out->user_count++] = id;
}

bool allow_resolve(struct allow *out, const char *list, void (*unknown)(void *arg, const char *name), void *arg)
{
    *out = (struct allow){0};
    size_t count = count_entries(list);
    if (count == 0)
        return true;
    out->users = calloc(count, sizeof *out->users);
    out->groups = calloc(count, sizeof *out->groups);
    if (!out->users || !out->groups) {
        allow_free(out);
        return false;
    }
    const char *entry;
    size_t len;
    while ((entry = glob_next(&list, &len)) != NULL) {
        char name[NAME_LENGTH_MAX];
        unsigned id;
        size_t kept = len < sizeof name ? len : sizeof name - 1;
        memcpy(name, entry, kept);
        name[kept] = '\0';
        if (kept == len && resolve(name, &id))
            take(out, name, id);
        else
            unknown(arg, name);
    }
    return true;
}

void allow_free(struct allow *a)
{
    free(a->users);
    free(a->groups);
    *a = (struct allow){0};
}

bool allow_permits(const struct allow *a, int fd, const struct peer *peer)
{
    for (unsigned i = 0; i < a->user_count; i++)
        if (a->users[i] == peer->uid)
            return true;
    return peer_in_groups(fd, peer, a->groups, a->group_count);
}
