/* `xoauth2 dump`: accounts with their tokens, for `xoauth2 restore` on another machine. */
#include "config.h"

#include "clock.h"
#include "jsonmemory.h"
#include "keeper.h"
#include "net/jsontext.h"
#include "startup.h"
#include "transfer.h"

#include <getopt.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_WRONG_USAGE = 2, TEXT_EXPECTED = 16384 /* bytes */ };

static const char USAGE[] = "Usage: xoauth2 dump [--system] [ACCOUNT]...\n"
                            "Writes accounts, all without an ACCOUNT, with their tokens to standard output,\n"
                            "which must be neither a terminal nor a file that others may read or write:\n"
                            "  xoauth2 dump | ssh mail.example.org xoauth2 restore\n"
                            "\n"
                            "  --system   the machine's accounts instead of your own\n"
                            "  --help, --version\n";

/* What has been gathered so far. */
struct dump {
    struct paths paths;
    struct json_object *accounts;
    struct report why;
    bool ok;
};

static struct json_object *state_as_json(const struct state *s)
{
    struct secret text;
    secret_init(&text, STATE_SIZE_MAX);
    struct json_object *object = state_print(s, &text) ? jsontext_parse(text.data, text.len) : NULL;
    secret_free(&text);
    return object;
}

/* Files that are named in the account are not in the dump. */
static void warn_of_files(const struct account *a)
{
    for (size_t i = 0; i < SETTING_FILES_COUNT; i++)
        if (a->file.value[SETTING_FILES[i]])
            fprintf(stderr, "xoauth2: %s: copy the %s %s yourself ('%s')\n", a->name,
                    SETTING_FILES[i] == SETTING_CA_PATH ? "folder" : "file", a->file.value[SETTING_FILES[i]],
                    SETTING_NAMES[SETTING_FILES[i]]);
}

/* `text` is the account's file. */
static bool add(struct dump *d, const struct account *a, const struct secret *text, const struct state *s)
{
    struct json_object *item = json_object_new_object();
    struct json_object *name = json_object_new_string(a->name);
    struct json_object *file = json_object_new_string_len(text->data, (int)text->len);
    struct json_object *state = s ? state_as_json(s) : NULL;
    if (item && name && file && (!s || state) && json_object_object_add(item, "name", name) == 0 &&
        json_object_object_add(item, "account", file) == 0 &&
        (!s || json_object_object_add(item, "state", state) == 0) && json_object_array_add(d->accounts, item) == 0)
        return true;
    return report_set(&d->why, FAILURE_UNREACHABLE, "not enough memory");
}

/* Under the lock, so that no refresh token is taken that is being replaced. */
static bool gather(struct dump *d, const struct account *a, const struct secret *text)
{
    struct state s;
    int lock = store_lock(&d->paths, a->state_name, clock_monotonic() + KEEPER_TIMEOUT, &d->why);
    if (lock < 0)
        return false;
    enum readfile_result result = keeper_load(&s, a, &d->paths, &d->why);
    bool ok = (result == READFILE_OK || result == READFILE_MISSING) &&
              add(d, a, text, result == READFILE_OK ? &s : NULL);
    state_free(&s);
    store_unlock(&lock);
    return ok;
}

static bool dump_one(void *arg, const char *name)
{
    struct dump *d = arg;
    struct account a;
    struct secret text;
    secret_init(&text, 0);
    account_init(&a);
    enum readfile_result result = account_read(&d->paths, name, &text, &d->why);
    d->ok = result == READFILE_OK && account_load(&a, &d->paths, name, &d->why) == READFILE_OK;
    if (result == READFILE_MISSING)
        account_none(&d->paths, "dump", name, &d->why);
    if (d->ok) {
        d->ok = gather(d, &a, &text);
        warn_of_files(&a);
        account_free(&a);
    }
    secret_free(&text);
    return d->ok;
}

static bool write_out(struct dump *d)
{
    struct json_object *root = json_object_new_object();
    struct json_object *version = json_object_new_int(1);
    size_t len = 0;
    bool ok = root && version && json_object_object_add(root, "xoauth2_dump", version) == 0 &&
              json_object_object_add(root, "accounts", json_object_get(d->accounts)) == 0;
    const char *text =
        ok ? jsonmemory_print(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE, TEXT_EXPECTED, &len)
           : NULL;
    ok = text && fwrite(text, 1, len, stdout) == len && fputs("\n", stdout) >= 0 && fflush(stdout) == 0;
    if (text)
        explicit_bzero((char *)(uintptr_t)text, len);
    json_object_put(root);
    return ok || report_set(&d->why, FAILURE_CONFIG, "cannot write to standard output");
}

/* Whether standard output is for nobody else's eyes; says what to do where it is not. */
static bool output_is_private(const char *option)
{
    struct stat st;
    bool terminal = isatty(STDOUT_FILENO);
    if (!terminal && (fstat(STDOUT_FILENO, &st) != 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 066)))
        return true;
    if (terminal)
        fputs("xoauth2: the tokens are not for a terminal: write them to a pipe, ", stderr);
    else
        fprintf(stderr,
                "xoauth2: others may read or write that file (mode %04o): remove it, run 'umask 077' and write it "
                "again, or write the tokens to a pipe, ",
                (unsigned)(st.st_mode & 07777));
    fprintf(stderr, "'xoauth2%s dump | ssh HOST xoauth2%s restore'\n", option, option);
    return false;
}

static void warn_of_second_use(const char *option)
{
    fprintf(stderr,
            "xoauth2: use these tokens on one machine alone: where refresh tokens are rotated, the second use of "
            "one ends the login. 'xoauth2%s logout --local ACCOUNT' removes them here\n",
            option);
}

static int run(bool system, char *const names[])
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct dump d = {.ok = true};
    bool ok = paths_for(&d.paths, system, &d.why);
    if (ok && !output_is_private(paths_option(&d.paths)))
        return EXIT_WRONG_USAGE;
    ok = ok && (d.accounts = json_object_new_array());
    for (char *const *given = names; ok && *given; given++)
        ok = account_name(*given, name, &d.why) && dump_one(&d, name);
    if (ok && !*names)
        ok = account_each(&d.paths, dump_one, &d, &d.why) && d.ok;
    ok = ok && write_out(&d);
    if (ok && json_object_array_length(d.accounts) > 0)
        warn_of_second_use(paths_option(&d.paths));
    jsontext_free(&d.accounts);
    return ok ? EXIT_SUCCESS : transfer_fail(&d.why);
}

int main(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"system", no_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    static char name[] = "xoauth2 dump";
    bool system = false;
    if (!startup(name))
        return EXIT_FAILURE;
    argv[0] = name;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 's') {
            system = true;
        } else if (option == 'h' || option == 'v') {
            fputs(option == 'h' ? USAGE : "xoauth2 " PACKAGE_VERSION "\n", stdout);
            return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        } else {
            fputs("See 'xoauth2 dump --help'.\n", stderr);
            return EXIT_WRONG_USAGE;
        }
    }
    return run(system, argv + optind);
}
