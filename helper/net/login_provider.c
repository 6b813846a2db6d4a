#include "config.h"

#include "login_provider.h"

#include "glob.h"
#include "keyfile.h"
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
    const char *domain; /* NULL: nothing can match */
    size_t rank;
    char *name;
    char *description;
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

/* Looks at one provider. A broken file is passed over: nobody has asked for it yet. */
static void consider(struct guess *g, const char *name)
{
    struct keyfile file;
    struct report ignored;
    if (!add_name(g, name) || provider_load(&file, name, g->paths->owner, &ignored) != READFILE_OK)
        return;
    const char *domains = file.value[SETTING_DOMAINS];
    const char *description = file.value[SETTING_DESCRIPTION];
    size_t rank = g->domain && domains ? glob_rank(domains, g->domain) : 0;
    if (rank > g->rank) {
        g->rank = rank;
        snprintf(g->name, PROVIDER_NAME_MAX + 1, "%s", name);
        snprintf(g->description, PROVIDER_DESCRIPTION_MAX + 1, "%s", description ? description : name);
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

bool login_provider_guess(const struct paths *p, const char *address, char name[PROVIDER_NAME_MAX + 1],
                          char description[PROVIDER_DESCRIPTION_MAX + 1], struct report *why)
{
    const char *at = strrchr(address, '@');
    struct guess g = {.paths = p, .domain = at ? at + 1 : NULL, .name = name, .description = description};
    name[0] = '\0';
    description[0] = '\0';
    for (const char *const *folder = provider_folders; *folder; folder++)
        consider_folder(&g, *folder);
    if (g.rank > 0)
        return true;
    return report_set(
        why, FAILURE_CONFIG,
        "which provider is %s at? The address does not tell: add --provider NAME (%s), or --issuer URL with the "
        "address of its OAuth server",
        address, *g.names ? g.names : "none is installed");
}
