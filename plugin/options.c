#include "config.h"

#include "options.h"

#include "text.h"

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

void options_load(struct options_file *f, const char *path)
{
    const struct readfile_rules rules = {
        .forbidden_mode = 022,
        .owner = geteuid(),
        .follow_symlink = true,
        .limit = KEYFILE_SIZE_MAX,
    };
    *f = (struct options_file){0};
    keyfile_init(&f->file);
    while (*path) {
        size_t len = strcspn(path, ":");
        char name[4096];
        int printed = snprintf(name, sizeof name, "%.*s/" OPTIONS_FILE, (int)len, path);
        path += len + (path[len] == ':');
        if (len == 0 || printed < 0 || (size_t)printed >= sizeof name)
            continue;
        struct report wrong = {0};
        enum readfile_result result = keyfile_load(&f->file, name, &rules, NAMES, &wrong);
        if (result == READFILE_MISSING)
            continue;
        f->found = result != READFILE_UNREADABLE;
        f->wrong = wrong;
        return;
    }
}

void options_unload(struct options_file *f)
{
    keyfile_free(&f->file);
}

static const char *ask_application(const sasl_utils_t *utils, enum option option)
{
    const char *value = NULL;
    if (!utils->getopt || utils->getopt(utils->getopt_context, PLUGIN_NAME, NAMES[option], &value, NULL) != SASL_OK)
        return NULL;
    return value && *value ? value : NULL;
}

bool options_given(const sasl_utils_t *utils)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (ask_application(utils, (enum option)i))
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
        return take_path(&o->agent_socket, value, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    case HELPER:
        return take_path(&o->helper, value, 4095);
    case TIMEOUT:
        return take_timeout(&o->timeout, value);
    case OPTION_COUNT:
        break;
    }
    return NULL;
}

bool options_gather(struct options *o, const struct options_file *f, const sasl_utils_t *utils, struct report *why)
{
    *o = (struct options){.timeout = OPTIONS_TIMEOUT_DEFAULT};
    if (f->wrong.code != FAILURE_NONE) {
        /* Also a file that could not be read for want of memory is one that cannot be used. */
        return report_set(why, FAILURE_CONFIG, "%s", f->wrong.text);
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *given = ask_application(utils, (enum option)i);
        const char *value = given ? given : f->file.value[i];
        const char *fault = value ? take(o, (enum option)i, value) : NULL;
        if (fault && given)
            return report_set(why, FAILURE_CONFIG, "the option %s that this program gives %s: correct its settings",
                              NAMES[i], fault);
        if (fault)
            return keyfile_complain(&f->file, (size_t)i, why, "%s %s", NAMES[i], fault);
    }
    return true;
}

void options_free(struct options *o)
{
    free(o->agent_socket);
    free(o->helper);
    *o = (struct options){0};
}
