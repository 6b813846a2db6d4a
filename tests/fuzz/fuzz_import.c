/* Token files of other programs: a byte for what the command line gives, the file, a form feed, the settings of
 * sasl-xoauth2. */
#include "config.h"

#include "fuzz.h"

#include "folder.h"
#include "net/jsontext.h"
#include "transfer/formats.h"

#include <stdlib.h>
#include <string.h>

static const char *settings_file;
static struct paths paths = {.accounts = "/nonexistent/accounts", .state = "/nonexistent/state"};

static struct formats_given make_given(uint8_t act)
{
    return (struct formats_given){
        .account = act & 1 ? "You@Example.org" : NULL,
        .provider = act & 2 ? "microsoft" : NULL,
        .client_id = act & 4 ? "given-client" : NULL,
        .client_secret_file = act & 8 ? "/etc/secret" : NULL,
        .config = act & 16 ? settings_file : NULL,
    };
}

/* No error shows what is secret in the file. */
static void check_silence(const char *text, size_t len, const struct report *why)
{
    static const char *const SECRETS[] = {"refresh_token", "access_token", "client_secret"};
    struct json_object *root = jsontext_parse(text, len);
    for (size_t i = 0; root && i < sizeof SECRETS / sizeof SECRETS[0]; i++) {
        const char *value = jsontext_string(root, SECRETS[i]);
        if (value && strncmp(value, "planted-", 8) == 0 && fuzz_count(value, (const uint8_t *)text, len) == 1)
            MUST(!strstr(why->text, value));
    }
    jsontext_free(&root);
}

/* What passes the check can be kept and read again. */
static void check_transfer(const struct transfer *t)
{
    struct report why;
    struct state again;
    struct secret state;
    char name[ACCOUNT_NAME_MAX + 1];
    MUST(account_name(t->name, name, &why) && strcmp(t->name, name) == 0);
    if (!transfer_check(t, &paths, true, &why)) {
        fuzz_check_report(&why);
        return;
    }
    secret_init(&state, STATE_SIZE_MAX);
    MUST(t->has_state && state_print(&t->state, &state));
    MUST(state_parse(&again, &paths, t->name, "the state", &state, &why) == READFILE_OK);
    state_free(&again);
    secret_free(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct transfer t;
    struct report why;
    struct secret text;
    const char *program = NULL;
    size_t len, settings_len;
    if (!settings_file) {
        fuzz_folder();
        settings_file = folder_path("settings");
    }
    uint8_t act = fuzz_byte(&in);
    char *file = fuzz_part(&in, &len);
    char *settings = fuzz_rest(&in, &settings_len);
    fuzz_write(settings_file, settings, settings_len);
    struct formats_given given = make_given(act);
    secret_init(&text, len + 1);
    if (len > 0)
        MUST(secret_add(&text, file, len));
    transfer_init(&t);
    if (formats_read(&text, "the file", &given, &t, &program, &why)) {
        MUST(program);
        check_transfer(&t);
        fuzz_watch_single(t.state.refresh_token ? t.state.refresh_token : "", data, size);
    } else {
        fuzz_check_report(&why);
        check_silence(file, len, &why);
    }
    secret_free(&text);
    transfer_free(&t);
    fuzz_forget();
    free(settings);
    free(file);
    return 0;
}
