/* The plugin's options: xoauth2.conf, then, after a form feed each, the four answers of the application's getopt. */
#include "config.h"

#include "fuzz.h"

#include "folder.h"
#include "plugin/options.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { GIVEN = 4, PATH_LENGTH_MAX = 4095 };

static char *given[GIVEN];

static int getopt_given(void *context, const char *plugin, const char *option, const char **result, unsigned *len)
{
    static const char *const NAMES[GIVEN] = {"xoauth2_token_source", "xoauth2_agent_socket", "xoauth2_helper",
                                             "xoauth2_timeout"};
    (void)context;
    (void)plugin;
    MUST(!len);
    for (int i = 0; i < GIVEN; i++)
        if (strcmp(option, NAMES[i]) == 0 && *given[i]) {
            *result = given[i];
            return SASL_OK;
        }
    return SASL_FAIL;
}

static void check_path(const char *path, size_t max)
{
    MUST(!path || (*path == '/' && strlen(path) <= max && !text_has_control(path, strlen(path))));
}

static void check(const struct options *o)
{
    MUST(o->timeout >= 1 && o->timeout <= OPTIONS_TIMEOUT_MAX);
    check_path(o->agent_socket, 107);
    check_path(o->helper, PATH_LENGTH_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *folder, *path;
    struct fuzz_input in = {data, size};
    struct options_file file;
    struct options o;
    struct report why = {0};
    const sasl_utils_t utils = {.getopt = getopt_given};
    if (!folder) {
        fuzz_folder();
        folder = folder_path("");
        path = folder_path(OPTIONS_FILE);
    }
    size_t len;
    char *text = fuzz_part(&in, &len);
    for (int i = 0; i < GIVEN; i++)
        given[i] = fuzz_text(&in);
    fuzz_write(path, text, len);
    options_load(&file, folder);
    MUST(file.found);
    if (file.wrong.code == FAILURE_NONE)
        check(&file.options);
    else
        fuzz_check_report(&file.wrong);
    if (options_gather(&o, &file, &utils, &why))
        check(&o);
    else
        fuzz_check_report(&why);
    MUST(file.wrong.code == FAILURE_NONE || why.code == file.wrong.code);
    options_free(&o);
    options_unload(&file);
    for (int i = 0; i < GIVEN; i++)
        free(given[i]);
    free(text);
    return 0;
}
