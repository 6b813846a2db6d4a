#include "config.h"

#include "options.h"

#include "keyfile.h"
#include "text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum option { TOKEN_SOURCE, AGENT_SOCKET, HELPER, TIMEOUT, OPTION_COUNT };

static const char *const NAMES[] = {
    [TOKEN_SOURCE] = "xoauth2_token_source",
    [AGENT_SOCKET] = "xoauth2_agent_socket",
    [HELPER] = "xoauth2_helper",
    [TIMEOUT] = "xoauth2_timeout",
    NULL,
};

enum {
    FILE_NAME_MAX = 4096,
    HELPER_PATH_MAX = 4095,
    SOCKET_PATH_MAX = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1,
};

static const char PLUGIN_NAME[] = "XOAUTH2"; /* under which getopt is asked */
static const char PATH_WITHOUT_CALLBACK[] = "/etc/sasl2:/etc/sasl";

const char *options_path(const sasl_utils_t *utils)
{
    sasl_callback_ft callback = NULL;
    void *context = NULL;
    char *path = NULL;
    if (utils->getcallback(utils->conn, SASL_CB_GETCONFPATH, &callback, &context) != SASL_OK || !callback)
        return PATH_WITHOUT_CALLBACK;
    /* What the callback gives is the library's: its own default is a static string, whatever sasl.h says. */
    sasl_getconfpath_t *getconfpath = (sasl_getconfpath_t *)(void (*)(void))callback;
    return getconfpath(context, &path) == SASL_OK && path ? path : PATH_WITHOUT_CALLBACK;
}

static const char *ask_program(const sasl_utils_t *utils, enum option option)
{
    const char *value = NULL;
    if (!utils->getopt || utils->getopt(utils->getopt_context, PLUGIN_NAME, NAMES[option], &value, NULL) != SASL_OK)
        return NULL;
    return value && *value ? value : NULL;
}

bool options_given(const sasl_utils_t *utils)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (ask_program(utils, (enum option)i))
            return true;
    return false;
}

static const char *take_path(char **to, const char *value, size_t max)
{
    if (value[0] != '/')
        return "must be an absolute path";
    if (strlen(value) > max)
        return "is too long";
    if (text_has_control(value, strlen(value)))
        return "has control characters";
    free(*to);
    *to = strdup(value);
    return *to ? NULL : "does not fit into memory";
}

static const char *take_timeout(unsigned *to, const char *value)
{
    char *end = NULL;
    unsigned long number = value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, 10) : 0;
    if (number == 0 || number > OPTIONS_TIMEOUT_MAX || *end)
        return "must be a number of seconds from 1 to 600";
    *to = (unsigned)number;
    return NULL;
}

static const char *take_token_source(bool *to, const char *value)
{
    *to = strcmp(value, "password") == 0;
    return *to || strcmp(value, "auto") == 0 ? NULL : "must be 'auto' or 'password'";
}

/* Takes one value; returns what is wrong with it, or NULL. */
static const char *take(struct options *o, enum option option, const char *value)
{
    switch (option) {
    case TOKEN_SOURCE:
        return take_token_source(&o->password, value);
    case AGENT_SOCKET:
        return take_path(&o->agent_socket, value, SOCKET_PATH_MAX);
    case HELPER:
        return take_path(&o->helper, value, HELPER_PATH_MAX);
    case TIMEOUT:
    case OPTION_COUNT:
        break;
    }
    return take_timeout(&o->timeout, value);
}

static void take_file(struct options_file *f, const struct keyfile *file)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *fault = file->value[i] ? take(&f->options, (enum option)i, file->value[i]) : NULL;
        if (fault) {
            keyfile_complain(file, i, &f->wrong, "%s %s", NAMES[i], fault);
            return;
        }
    }
}

/* In a folder that he cannot search nobody can tell whether there is a file. */
static bool can_search(const char *folder)
{
    return faccessat(AT_FDCWD, folder, X_OK, AT_EACCESS) == 0;
}

/* Reads the options file of this folder, unless there is none that this user can see. */
static bool load_file(struct options_file *f, const char *folder)
{
    char name[FILE_NAME_MAX + sizeof OPTIONS_FILE];
    snprintf(name, sizeof name, "%s/" OPTIONS_FILE, folder);
    const struct readfile_rules rules = {
        .forbidden_mode = 022,
        .owner = geteuid(),
        .follow_symlink = true,
        .limit = KEYFILE_SIZE_MAX,
    };
    struct keyfile file;
    enum readfile_result result = keyfile_load(&file, name, &rules, NAMES, &f->wrong);
    if (result == READFILE_UNREADABLE && !can_search(folder)) {
        f->wrong.code = FAILURE_NONE;
        result = READFILE_MISSING;
    }
    if (result == READFILE_MISSING)
        return false;
    if (result == READFILE_OK)
        take_file(f, &file);
    if (result == READFILE_UNREADABLE)
        report_set(&f->wrong, FAILURE_CONFIG, "cannot read %s: have its owner run 'chmod a+r %s'", name, name);
    f->found = result != READFILE_UNREADABLE;
    keyfile_free(&file);
    return true;
}

void options_load(struct options_file *f, const char *path)
{
    *f = (struct options_file){.options.timeout = OPTIONS_TIMEOUT_DEFAULT};
    bool read = false;
    while (*path && !read) {
        char folder[FILE_NAME_MAX];
        size_t len = strcspn(path, ":");
        if (len > 0 && len < sizeof folder) {
            memcpy(folder, path, len);
            folder[len] = '\0';
            read = load_file(f, folder);
        }
        path += len + (path[len] == ':');
    }
}

void options_unload(struct options_file *f)
{
    options_free(&f->options);
}

/* A copy of a text that may be NULL. */
static bool copy_text(char **to, const char *text)
{
    *to = text ? strdup(text) : NULL;
    return *to || !text;
}

/* Takes the application's word for one option, if it has one. */
static bool take_given(struct options *o, enum option option, const sasl_utils_t *utils, struct report *why)
{
    const char *value = ask_program(utils, option);
    const char *fault = value ? take(o, option, value) : NULL;
    if (fault)
        report_set(why, FAILURE_CONFIG, "the option %s that this program gives %s: correct its settings",
                   NAMES[option], fault);
    return !fault;
}

bool options_gather(struct options *o, const struct options_file *f, const sasl_utils_t *utils, struct report *why)
{
    *o = (struct options){.password = f->options.password, .timeout = f->options.timeout};
    if (f->wrong.code != FAILURE_NONE)
        return report_set(why, FAILURE_CONFIG, "%s", f->wrong.text);
    if (!take_given(o, TOKEN_SOURCE, utils, why))
        return false;
    if (o->password)
        return true;
    if (!copy_text(&o->agent_socket, f->options.agent_socket) || !copy_text(&o->helper, f->options.helper))
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory: try again later");
    return take_given(o, AGENT_SOCKET, utils, why) && take_given(o, HELPER, utils, why) &&
           take_given(o, TIMEOUT, utils, why);
}

void options_free(struct options *o)
{
    free(o->agent_socket);
    free(o->helper);
    *o = (struct options){0};
}
