#include "config.h"

#include "look.h"

#include "plugin/options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The file of the n-th folder that has one. False where there are not so many. */
static bool find_file(const char *path, size_t n, char file[PATH_MAX])
{
    while (*path) {
        size_t len = strcspn(path, ":");
        int printed = snprintf(file, PATH_MAX, "%.*s/" OPTIONS_FILE, (int)len, path);
        if (len > 0 && printed < PATH_MAX && access(file, F_OK) == 0 && n-- == 0)
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

static void judge(struct record *r, const struct options_file *f, const char *file)
{
    if (f->wrong.code != FAILURE_NONE) {
        record_add(r, CHECK_OPTIONS_FILE, LEVEL_PROBLEM, NULL, "%s", f->wrong.text);
        return;
    }
    record_add(r, CHECK_OPTIONS_FILE, LEVEL_OK, NULL, "%s", file);
    if (f->options.password)
        record_add(r, CHECK_OPTIONS_SOURCE, LEVEL_WARNING, NULL,
                   "%s says that the password of a program is its token, so that no account is used: remove "
                   "'xoauth2_token_source: password' unless that is meant",
                   file);
}

void look_at_options(struct record *r)
{
    struct options_file f;
    char file[PATH_MAX];
    char other[PATH_MAX];
    const char *path = record_get(r, "conf_path");
    if (!path)
        return;
    options_load(&f, path);
    if (find_file(path, 0, file))
        judge(r, &f, file);
    else
        record_add(r, CHECK_OPTIONS_FILE, LEVEL_OK, NULL, "none, and none is needed (looked for in %s)", path);
    if (find_file(path, 1, other))
        record_add(r, CHECK_OPTIONS_SHADOWED, LEVEL_WARNING, NULL,
                   "%s is not read, since %s comes first: put everything into that one and run 'rm %s'", other, file,
                   other);
    record_set(r, "agent_socket", f.options.agent_socket);
    record_set(r, "helper", f.options.helper);
    record_set_number(r, "timeout", f.options.timeout);
    record_set_number(r, "password", f.options.password);
    options_unload(&f);
}
