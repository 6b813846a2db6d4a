/* `xoauth2 restore`: the accounts that `xoauth2 dump` has written. All are checked before the first is written. */
#include "config.h"

#include "jsonmemory.h"
#include "net/jsontext.h"
#include "startup.h"
#include "transfer.h"

#include <getopt.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_WRONG_USAGE = 2, ACCOUNTS_MAX = 10000 };

static const char USAGE[] = "Usage: xoauth2 restore [--system] [--force]\n"
                            "Reads on standard input what 'xoauth2 dump' has written, and makes these accounts.\n"
                            "\n"
                            "  --force    replace accounts that are there already\n"
                            "  --system   the machine's accounts instead of your own\n"
                            "  --help, --version\n";

struct request {
    bool system;
    bool force;
};

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct request *r)
{
    static const struct option OPTIONS[] = {{"system", no_argument, NULL, 's'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    static char name[] = "xoauth2 restore";
    argv[0] = name;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 's') {
            r->system = true;
        } else if (option == 'f') {
            r->force = true;
        } else if (option == 'h' || option == 'v') {
            fputs(option == 'h' ? USAGE : "xoauth2 " PACKAGE_VERSION "\n", stdout);
            return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        } else {
            fputs("See 'xoauth2 restore --help'.\n", stderr);
            return EXIT_WRONG_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fputs(USAGE, stderr);
    return EXIT_WRONG_USAGE;
}

static bool take_state(struct transfer *t, const struct paths *p, struct json_object *object, struct report *why)
{
    struct secret text;
    size_t len = 0;
    const char *json = jsonmemory_print(object, JSON_C_TO_STRING_PLAIN, STATE_SIZE_MAX / 16, &len);
    secret_init(&text, STATE_SIZE_MAX);
    bool ok = json && secret_add(&text, json, len);
    if (json)
        explicit_bzero((char *)(uintptr_t)json, len);
    ok = ok ? state_parse(&t->state, p, t->name, "the state on standard input", &text, why) == READFILE_OK
            : report_set(why, FAILURE_CONFIG, "the state of %s on standard input is too large", t->name);
    secret_free(&text);
    t->has_state = ok;
    return ok;
}

/* The account numbered `i` of the dump. */
static bool take(struct transfer *t, const struct paths *p, struct json_object *accounts, size_t i,
                 struct report *why)
{
    struct json_object *item = json_object_array_get_idx(accounts, i);
    struct json_object *state;
    transfer_init(t);
    const char *name = json_object_is_type(item, json_type_object) ? jsontext_string(item, "name") : NULL;
    const char *text = name ? jsontext_string(item, "account") : NULL;
    if (!text)
        return report_set(why, FAILURE_CONFIG, "account %zu on standard input has no 'name' or no 'account'", i + 1);
    if (!account_name(name, t->name, why))
        return false;
    if (!secret_adds(&t->text, text))
        return report_set(why, FAILURE_CONFIG, "the account file of %s on standard input is too large", t->name);
    if (!json_object_object_get_ex(item, "state", &state) || !state)
        return true;
    return take_state(t, p, state, why);
}

/* A report of success says that the account's store has not taken the tokens yet. */
static void say(const struct transfer *t, const struct paths *p, const struct report *why)
{
    printf("%s: restored%s\n", t->name, t->has_state ? "" : ", without tokens");
    if (*why->text)
        fprintf(stderr,
                "xoauth2: warning: %s. The tokens wait in a file until it works; then run 'xoauth2%s refresh %s'\n",
                why->text, paths_option(p), t->name);
}

/* Checks all, or writes all. */
static bool for_all(struct json_object *accounts, const struct paths *p, bool force, bool write, struct report *why)
{
    bool ok = true;
    for (size_t i = 0; ok && i < json_object_array_length(accounts); i++) {
        struct transfer t;
        *why = (struct report){0};
        ok = take(&t, p, accounts, i, why) && (write ? transfer_save(&t, p, why) : transfer_check(&t, p, force, why));
        if (ok && write)
            say(&t, p, why);
        transfer_free(&t);
    }
    return ok;
}

static bool run(const struct request *r, struct report *why)
{
    struct secret text;
    struct paths p;
    struct json_object *accounts = NULL;
    struct json_object *version = NULL;
    secret_init(&text, 0);
    bool ok = paths_for(&p, r->system, why) && transfer_read_input("what 'xoauth2 dump' has written", &text, why);
    struct json_object *root = ok ? jsontext_parse(text.data, text.len) : NULL;
    secret_free(&text);
    if (ok && (!root || !json_object_object_get_ex(root, "xoauth2_dump", &version) ||
               json_object_get_int(version) != 1 || !json_object_object_get_ex(root, "accounts", &accounts) ||
               !json_object_is_type(accounts, json_type_array) || json_object_array_length(accounts) > ACCOUNTS_MAX))
        ok = report_set(why, FAILURE_CONFIG, "standard input is not the whole output of 'xoauth2 dump'");
    ok = ok && for_all(accounts, &p, r->force, false, why) && for_all(accounts, &p, r->force, true, why);
    jsontext_free(&root);
    return ok && (fflush(stdout) == 0 || report_set(why, FAILURE_CONFIG, "cannot write to standard output"));
}

int main(int argc, char **argv)
{
    struct request r = {0};
    struct report why;
    if (!startup("xoauth2 restore"))
        return EXIT_FAILURE;
    int status = parse_arguments(argc, argv, &r);
    if (status < 0)
        status = run(&r, &why) ? EXIT_SUCCESS : transfer_fail(&why);
    return status;
}
