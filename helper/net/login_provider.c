#include "config.h"

#include "login_provider.h"

#include "glob.h"
#include "keyfile.h"
#include "mx.h"
#include "provider.h"
#include "settings.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 512 /* bytes of the list in a report */ };

/* The best match so far. */
struct guess {
    const struct paths *paths;
    enum setting by;     /* SETTING_DOMAINS or SETTING_MX */
    const char *domain;  /* what is to match; NULL: nothing can */
    size_t rank;
    struct login_guess *best;
    char names[NAMES_MAX];
};

/* Adds a name to the list, once: an administrator's file may stand for one of the package. */
static bool add_name(struct guess *g, const char *name)
{
    size_t used = strlen(g->names);
    const char *list = g->names;
    const char *entry;
    size_t len;
    while ((entry = glob_next(&list, &len)))
        if (strlen(name) == len && memcmp(entry, name, len) == 0)
            return false;
    snprintf(g->names + used, sizeof g->names - used, "%s%s", used > 0 ? ", " : "", name);
    return true;
}

/* Looks at one provider. A broken file is passed over, since nobody has asked for it yet, but not silently: it may be
 * the one that would have matched. */
static void consider(struct guess *g, const char *name)
{
    struct keyfile file;
    struct report why = {0};
    if (!add_name(g, name))
        return;
    if (provider_load(&file, name, g->paths->owner, &why) != READFILE_OK) {
        if (g->best->broken.code == FAILURE_NONE)
            g->best->broken = why;
        return;
    }
    const char *patterns = file.value[g->by];
    const char *description = file.value[SETTING_DESCRIPTION];
    size_t rank = g->domain && patterns ? glob_rank(patterns, g->domain) : 0;
    if (rank > g->rank) {
        g->rank = rank;
        snprintf(g->best->name, sizeof g->best->name, "%s", name);
        snprintf(g->best->description, sizeof g->best->description, "%s", description ? description : name);
    }
    keyfile_free(&file);
}

static int is_provider_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && len <= PROVIDER_NAME_MAX + 5 &&
           strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static void consider_folder(struct guess *g, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_provider_file, alphasort);
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        consider(g, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* Looks at all provider files; returns whether one matches. */
static bool consider_all(struct guess *g, enum setting by, const char *domain)
{
    g->by = by;
    g->domain = domain;
    g->rank = 0;
    g->names[0] = '\0';
    for (const char *const *folder = provider_folders; *folder; folder++)
        consider_folder(g, *folder);
    return g->rank > 0;
}

/* By the mail servers, the first that is anybody's. */
static bool consider_servers(struct guess *g, const struct mx *mx)
{
    for (size_t i = 0; i < mx->count; i++) {
        if (!consider_all(g, SETTING_MX, mx->host[i]))
            continue;
        snprintf(g->best->mail_server, sizeof g->best->mail_server, "%s", mx->host[i]);
        return true;
    }
    return false;
}

bool login_provider_exists(const struct paths *p, const char *name, struct report *why)
{
    struct login_guess none = {0};
    struct guess g = {.paths = p, .best = &none};
    struct keyfile file;
    enum readfile_result result = provider_load(&file, name, p->owner, why);
    keyfile_free(&file);
    if (result != READFILE_MISSING)
        return result == READFILE_OK;
    consider_all(&g, SETTING_DOMAINS, NULL);
    return report_set(why, FAILURE_CONFIG,
                      "there is no provider file %s.conf: give --provider with one of %s, or add the file", name,
                      *g.names ? g.names : "those in a folder for providers, of which none is installed");
}

bool login_provider_by_address(const struct paths *p, const char *address, struct login_guess *guess)
{
    const char *at = strrchr(address, '@');
    struct guess g = {.paths = p, .best = guess};
    *guess = (struct login_guess){0};
    return consider_all(&g, SETTING_DOMAINS, at ? at + 1 : NULL);
}

bool login_provider_guess(const struct paths *p, const char *address, struct login_guess *guess, struct report *why)
{
    const char *at = strrchr(address, '@');
    struct guess g = {.paths = p, .best = guess};
    struct mx mx = {0};
    *guess = (struct login_guess){0};
    if (consider_all(&g, SETTING_DOMAINS, at ? at + 1 : NULL))
        return true;
    bool asked = at && mx_lookup(at + 1, &mx);
    if (asked && consider_servers(&g, &mx))
        return true;
    return report_set(
        why, FAILURE_CONFIG,
        "which provider is %s at? Neither the address nor its mail server (%s) tells: add --provider NAME (%s), or "
        "--issuer URL with the address of its OAuth server",
        address,
        asked       ? mx.host[0]
        : mx.silent ? "DNS gives no answer"
                    : "none found in DNS",
        *g.names ? g.names : "none is installed");
}
