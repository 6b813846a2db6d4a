#include "config.h"

#include "look.h"

#include "plugin/options.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLUGIN_TIMEOUT = 20000 /* milliseconds */, FILES_MAX = 512, LOG_MAX = 512, NAMES_MAX = 256 };

static const char OUR_FILE[] = "libsasl2-xoauth2.so";
static const char OUR_NAME[] = "sasl2-xoauth2";

/* What libsasl2 did while it loaded its plugins. */
struct loading {
    char *last; /* in memory that a crash leaves behind: the file being loaded */
    char *files[FILES_MAX];
    size_t count;
    char log[LOG_MAX];      /* the last words about our plugin */
    char rivals[NAMES_MAX]; /* the first other plugin with one of our mechanisms */
    bool works;
    const char *path; /* its folders */
    char *conf_path;
};

static struct loading *now_loading; /* libsasl2 gives no argument to a plugin's entry point */

/* --- what libsasl2 tells --- */

static int take_log(void *arg, int level, const char *message)
{
    struct loading *l = arg;
    (void)level;
    if (strstr(message, OUR_NAME))
        snprintf(l->log, sizeof l->log, "%s", message);
    return SASL_OK;
}

static int take_file(void *arg, const char *file, sasl_verify_type_t type)
{
    struct loading *l = arg;
    if (type == SASL_VRFY_PLUGIN) {
        snprintf(l->last, PATH_MAX, "%s", file);
        if (l->count < FILES_MAX && (l->files[l->count] = strdup(file)))
            l->count++;
    }
    return SASL_OK;
}

/* Called as a plugin, since only plugins are told where libsasl2 looks. */
static int take_paths(const sasl_utils_t *utils, int max_version, int *out_version, sasl_client_plug_t **plugs,
                      int *count)
{
    sasl_callback_ft callback = NULL;
    void *context = NULL;
    (void)max_version;
    (void)out_version;
    (void)plugs;
    (void)count;
    if (utils->getcallback(NULL, SASL_CB_GETPATH, &callback, &context) == SASL_OK && callback) {
        sasl_getpath_t *getpath = (sasl_getpath_t *)(void (*)(void))callback;
        if (getpath(context, &now_loading->path) != SASL_OK)
            now_loading->path = NULL;
    }
    now_loading->conf_path = strdup(options_path(utils));
    return SASL_NOMECH;
}

static void take_mechanism(client_sasl_mechanism_t *m, sasl_info_callback_stage_t stage, void *arg)
{
    struct loading *l = arg;
    if (stage != SASL_INFO_LIST_MECH || !m || !m->plug)
        return;
    bool ours = strcmp(m->plug->mech_name, "XOAUTH2") == 0 || strcmp(m->plug->mech_name, "OAUTHBEARER") == 0;
    if (ours && strcmp(m->plugname, OUR_NAME) == 0)
        l->works = true;
    else if (ours)
        snprintf(l->rivals, sizeof l->rivals, "%s", m->plugname);
}

static bool load_all(struct loading *l)
{
    const sasl_callback_t callbacks[] = {
        {SASL_CB_LOG, (sasl_callback_ft)(void (*)(void))take_log, l},
        {SASL_CB_VERIFYFILE, (sasl_callback_ft)(void (*)(void))take_file, l},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    now_loading = l;
    if (sasl_client_init(callbacks) != SASL_OK)
        return false;
    *l->last = '\0';
    sasl_client_add_plugin("doctor", take_paths);
    return sasl_client_plugin_info(NULL, take_mechanism, l) == SASL_OK;
}

/* --- what that means --- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether libsasl2 calls the plugin in this file so: the name without its first three letters, up to a dot. */
static bool is_plugin_name(const char *path, const char *name)
{
    const char *base = base_name(path);
    size_t len = strlen(name);
    return strlen(base) > 3 && strncmp(base + 3, name, len) == 0 && (base[3 + len] == '.' || !base[3 + len]);
}

static const char *file_of(const struct loading *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (is_plugin_name(l->files[i], name))
            return l->files[i];
    return NULL;
}

static void judge_missing(struct record *r, const struct loading *l)
{
    int first = (int)strcspn(l->path, ":");
    if (access(PLUGINDIR "/libsasl2-xoauth2.so", F_OK) == 0)
        record_add(r, CHECK_PLUGIN_FOUND, LEVEL_PROBLEM, NULL,
                   "libsasl2 looks for plugins in %s, and the plugin is in " PLUGINDIR ": run 'ln -s " PLUGINDIR
                   "/%s %.*s/', or set SASL_PATH=" PLUGINDIR ":%s for the programs",
                   l->path, OUR_FILE, first, l->path, l->path);
    else
        record_add(
            r, CHECK_PLUGIN_FOUND, LEVEL_PROBLEM, NULL,
            "%s is in none of the folders in which libsasl2 looks (%s): install libsasl2-modules-xoauth2, or run "
            "'make install'",
            OUR_FILE, l->path);
}

static void judge_loading(struct record *r, const struct loading *l)
{
    const char *file = file_of(l, OUR_NAME);
    size_t copies = 0;
    for (size_t i = 0; i < l->count; i++)
        copies += is_plugin_name(l->files[i], OUR_NAME);
    if (!file) {
        judge_missing(r, l);
        return;
    }
    record_add(r, CHECK_PLUGIN_FOUND, LEVEL_OK, NULL, "%s", file);
    if (l->works)
        record_add(r, CHECK_PLUGIN_LOADS, LEVEL_OK, NULL, "libsasl2 has XOAUTH2 and OAUTHBEARER from it");
    else
        record_add(r, CHECK_PLUGIN_LOADS, LEVEL_PROBLEM, NULL,
                   "libsasl2 cannot load %s (%.200s): install the package anew, and let everybody read the file: run "
                   "'chmod a+r %s'",
                   file, l->log, file);
    if (copies > 1)
        record_add(r, CHECK_PLUGIN_ALONE, LEVEL_WARNING, NULL,
                   "there are %zu copies of the plugin in %s, and programs use the first: remove the others", copies,
                   l->path);
}

static void judge_rivals(struct record *r, const struct loading *l)
{
    const char *file = *l->rivals ? file_of(l, l->rivals) : NULL;
    if (!*l->rivals)
        record_add(r, CHECK_PLUGIN_ALONE, LEVEL_OK, NULL, "no other plugin has these mechanisms");
    else
        record_add(
            r, CHECK_PLUGIN_ALONE, LEVEL_PROBLEM, NULL,
            "another plugin has one of these mechanisms, too, and chance decides which is used: remove its package, "
            "or run 'rm %s'",
            file ? file : l->rivals);
}

static bool others_may_write(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 &&
           ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022 && !(st.st_mode & S_ISVTX)));
}

static void check_one(struct record *r, const char *path)
{
    if (others_may_write(path))
        record_add(r, CHECK_PLUGIN_FILES, LEVEL_PROBLEM, NULL,
                   "somebody else can change %s, which programs load: run 'chown root %s && chmod go-w %s'", path,
                   path, path);
}

static void check_la(struct record *r, const char *folder, const char *name)
{
    size_t len = strlen(name);
    if (len > 3 && strcmp(name + len - 3, ".la") == 0 && strstr(name, "oauth"))
        record_add(r, CHECK_PLUGIN_LA, LEVEL_PROBLEM, NULL,
                   "%s/%s was left behind, and libsasl2 ignores the .so of this name because of it: run 'rm %s/%s'",
                   folder, name, folder, name);
}

/* Calls `each` for every folder of a list separated by colons. */
static void check_folders(struct record *r, const char *path)
{
    for (; *path; path += strcspn(path, ":"), path += *path == ':') {
        char folder[PATH_MAX];
        size_t len = strcspn(path, ":");
        if (len == 0 || len >= sizeof folder)
            continue;
        memcpy(folder, path, len);
        folder[len] = '\0';
        check_one(r, folder);
        DIR *dir = opendir(folder);
        for (struct dirent *entry; dir && (entry = readdir(dir));)
            check_la(r, folder, entry->d_name);
        if (dir)
            closedir(dir);
    }
}

static void look(struct record *r, void *arg)
{
    struct loading l = {.last = arg, .path = ""};
    if (load_all(&l) && l.path) {
        record_set(r, "plugin_path", l.path);
        record_set(r, "conf_path", l.conf_path);
        judge_loading(r, &l);
        judge_rivals(r, &l);
        check_folders(r, l.path);
        if (file_of(&l, OUR_NAME))
            check_one(r, file_of(&l, OUR_NAME));
    } else {
        record_add(r, CHECK_PLUGIN_LOADS, LEVEL_PROBLEM, NULL, "libsasl2 cannot be initialized: not enough memory?");
    }
    sasl_done();
    for (size_t i = 0; i < l.count; i++)
        free(l.files[i]);
    free(l.conf_path);
}

void look_at_plugin(struct record *r)
{
    char *last = mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (last == MAP_FAILED)
        return;
    if (!record_isolated(r, look, last, PLUGIN_TIMEOUT)) {
        last[PATH_MAX - 1] = '\0';
        if (*last)
            record_add(r, CHECK_PLUGIN_LOADS, LEVEL_PROBLEM, NULL,
                       "the plugin %s ends every program that loads it: install its package anew, or run 'rm %s'",
                       last, last);
        else
            record_add(r, CHECK_PLUGIN_LOADS, LEVEL_PROBLEM, NULL,
                       "libsasl2 could not be tried: run this again when the machine has more memory");
    }
    munmap(last, PATH_MAX);
}
