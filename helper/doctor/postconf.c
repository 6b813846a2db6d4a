#include "config.h"

#include "postconf.h"

#include "runner.h"
#include "secret.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT = 10000 /* milliseconds */, NAME_SIZE = 128, KEY_SIZE = 2 * NAME_SIZE, LINKS_MAX = 4 };

static const char *const FOLDERS[] = {SYSCONFDIR "/postfix",
                                      "/etc/postfix"}; /* the last is what postconf takes itself */

enum { FOLDER_COUNT = sizeof FOLDERS / sizeof FOLDERS[0] };

static const char *const PROGRAMS[] = {"/usr/sbin/postconf", "/usr/local/sbin/postconf"};

static const char SETTINGS[] =
    "compatibility_level mail_owner queue_directory smtp_sasl_auth_cache_name smtp_sasl_auth_enable "
    "smtp_sasl_mechanism_filter smtp_sasl_password_maps smtp_sasl_security_options smtp_sasl_tls_security_options "
    "smtp_sasl_tls_verified_security_options smtp_sasl_type smtp_tls_policy_maps smtp_tls_security_level";

static const char *find_program(void)
{
    for (size_t i = 0; i < sizeof PROGRAMS / sizeof PROGRAMS[0]; i++)
        if (access(PROGRAMS[i], X_OK) == 0)
            return PROGRAMS[i];
    return NULL;
}

static bool find_folder(struct postconf *p)
{
    for (size_t i = 0; i < FOLDER_COUNT; i++) {
        char file[128];
        snprintf(file, sizeof file, "%s/main.cf", FOLDERS[i]);
        if (strlen(FOLDERS[i]) < sizeof p->folder && access(file, R_OK) == 0) {
            snprintf(p->folder, sizeof p->folder, "%s", FOLDERS[i]);
            if (i < FOLDER_COUNT - 1)
                snprintf(p->options, sizeof p->options, "-c %s ", FOLDERS[i]);
            return true;
        }
    }
    return false;
}

/* Runs postconf and calls `take` with each line. */
static bool run(const struct postconf *p, const char *program, const char *arguments,
                void take(struct json_object *to, char *line), struct json_object *to, struct report *why)
{
    char command[RUNNER_LINE_MAX];
    struct secret output;
    secret_init(&output, RUNNER_OUTPUT_MAX);
    snprintf(command, sizeof command, "%s -c %s %s", program, p->folder, arguments);
    bool ok = runner_run(command, command, RUNNER_AS_WE_ARE, NULL, &output, TIMEOUT, why);
    char *rest = ok && output.len > 0 ? output.data : NULL;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            take(to, line);
    secret_free(&output);
    return ok;
}

/* "NAME = VALUE" */
static void take_setting(struct json_object *to, char *line)
{
    size_t len = strcspn(line, " ");
    const char *value = line + len;
    if (strncmp(value, " =", 2) != 0)
        return;
    value += 2 + strspn(value + 2, " ");
    line[len] = '\0';
    json_object_object_add(to, line, json_object_new_string(value));
}

/* "NAME TYPE PRIVATE UNPRIVILEGED CHROOT WAKEUP LIMIT COMMAND [ARGUMENT]..." */
static void take_service(struct json_object *to, char *line)
{
    enum { NAME, TYPE, PRIVATE, UNPRIVILEGED, CHROOT, WAKEUP, LIMIT, COMMAND, COLUMNS };
    char *column[COLUMNS];
    size_t count = 0;
    while (count < COLUMNS && (column[count] = strsep(&line, " \t")))
        count += *column[count] != '\0';
    if (count < COLUMNS || strcmp(column[TYPE], "unix") != 0 || strcmp(column[COMMAND], "smtp") != 0)
        return;
    struct json_object *service = json_object_new_object();
    json_object_object_add(service, "name", json_object_new_string(column[NAME]));
    json_object_object_add(service, "chroot", json_object_new_string(column[CHROOT]));
    json_object_array_add(to, service);
}

bool postconf_open(struct postconf *p, struct report *why)
{
    *p = (struct postconf){.settings = NULL};
    why->code = FAILURE_NONE;
    const char *program = find_program();
    if (!program || !find_folder(p))
        return false;
    p->settings = json_object_new_object();
    p->expanded = json_object_new_object();
    p->services = json_object_new_array();
    /* Where that fails, what is written is judged. */
    struct report ignored;
    char expanded[sizeof SETTINGS + 4];
    snprintf(expanded, sizeof expanded, "-x %s", SETTINGS);
    (void)(run(p, program, expanded, take_setting, p->expanded, &ignored) &&
           run(p, program, "-x -P", take_setting, p->expanded, &ignored));
    return run(p, program, SETTINGS, take_setting, p->settings, why) &&
           run(p, program, "-P", take_setting, p->settings, why) &&
           run(p, program, "-M", take_service, p->services, why);
}

void postconf_close(struct postconf *p)
{
    json_object_put(p->settings);
    json_object_put(p->expanded);
    json_object_put(p->services);
    *p = (struct postconf){.settings = NULL};
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value = json_object_object_get(object, key);
    return value ? json_object_get_string(value) : NULL;
}

size_t postconf_services(const struct postconf *p)
{
    return json_object_array_length(p->services);
}

const char *postconf_service(const struct postconf *p, size_t index)
{
    return text_of(json_object_array_get_idx(p->services, index), "name");
}

bool postconf_has_chroot(const struct postconf *p, size_t index)
{
    const char *word = text_of(json_object_array_get_idx(p->services, index), "chroot");
    const char *level = text_of(p->settings, "compatibility_level");
    if (strcmp(word, "-") != 0)
        return strcmp(word, "y") == 0;
    return !level || strtol(level, NULL, 10) < 1; /* master(5) */
}

/* What is written for a setting, and by which key. NULL for one that was not asked for. */
static const char *find(const struct postconf *p, const char *service, const char *name, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%s/unix/%s", service, name);
    const char *value = text_of(p->settings, key);
    if (value)
        return value;
    snprintf(key, KEY_SIZE, "%s", name);
    return text_of(p->settings, key);
}

/* Whether a value is "$name", "${name}" or "$(name)" alone. */
static bool is_link(const char *value, char linked[NAME_SIZE])
{
    if (*value != '$')
        return false;
    const char *start = value + 1 + strspn(value + 1, "{(");
    size_t len = strspn(start, "abcdefghijklmnopqrstuvwxyz_");
    if (len == 0 || len >= NAME_SIZE || start[len + strspn(start + len, "})")])
        return false;
    snprintf(linked, NAME_SIZE, "%.*s", (int)len, start);
    return true;
}

const char *postconf_value(const struct postconf *p, const char *service, const char *name,
                           char where[POSTCONF_WHERE_MAX])
{
    char key[KEY_SIZE];
    char next[KEY_SIZE];
    char linked[NAME_SIZE];
    const char *written = find(p, service, name, key);
    for (int i = 0; i < LINKS_MAX && written && is_link(written, linked) && find(p, service, linked, next); i++) {
        memcpy(key, next, sizeof key);
        written = text_of(p->settings, key);
    }
    if (where)
        snprintf(where, POSTCONF_WHERE_MAX, "%s-%c '%s", p->options, strchr(key, '/') ? 'P' : 'e', key);
    const char *expanded = text_of(p->expanded, key);
    return expanded ? expanded : written ? written : "";
}
