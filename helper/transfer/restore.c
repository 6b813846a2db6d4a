/* `xoauth2 restore`: the accounts that `xoauth2 dump` has written. All are checked before the first is written; where
 * one cannot be written then, the others are. */
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
#include <strings.h>
#include <unistd.h>

enum { EXIT_WRONG_USAGE = 2, ACCOUNTS_MAX = 10000 };

static const char USAGE[] = "Usage: xoauth2 restore [--system] [--force] [ACCOUNT]...\n"
                            "Reads on standard input what 'xoauth2 dump' has written, and makes these accounts,\n"
                            "all without an ACCOUNT.\n"
                            "\n"
                            "  --force    replace accounts that are there already\n"
                            "  --system   the machine's accounts instead of your own\n"
                            "  --help, --version\n";

struct request {
    bool system;
    bool force;
    char *const *names; /* of those wanted; none: all */
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
    r->names = argv + optind;
    return -1;
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

static bool is_wanted(const struct request *r, const char *name)
{
    char wanted[ACCOUNT_NAME_MAX + 1];
    struct report ignored;
    for (char *const *given = r->names; *given; given++)
        if (account_name(*given, wanted, &ignored) && strcmp(wanted, name) == 0)
            return true;
    return !*r->names;
}

struct work {
    const struct request *request;
    const struct paths *paths;
    struct json_object *accounts;
    struct report why;
    struct report failed; /* of the last account that could not be written */
};

/* Calls `each` with every account that is wanted, until it returns false. */
static bool for_all(struct work *w, bool (*each)(struct work *w, struct transfer *t))
{
    bool ok = true;
    for (size_t i = 0; ok && i < json_object_array_length(w->accounts); i++) {
        struct transfer t;
        ok = take(&t, w->paths, w->accounts, i, &w->why) && (!is_wanted(w->request, t.name) || each(w, &t));
        transfer_free(&t);
    }
    return ok;
}

static bool check(struct work *w, struct transfer *t)
{
    return transfer_check(t, w->paths, w->request->force, &w->why);
}

/* Whether each name that was given is among the accounts. */
static bool check_names(struct work *w)
{
    char wanted[ACCOUNT_NAME_MAX + 1];
    for (char *const *given = w->request->names; *given; given++) {
        bool found = false;
        if (!account_name(*given, wanted, &w->why))
            return false;
        for (size_t i = 0; !found && i < json_object_array_length(w->accounts); i++) {
            const char *name = jsontext_string(json_object_array_get_idx(w->accounts, i), "name");
            found = name && strcasecmp(name, wanted) == 0;
        }
        if (!found)
            return report_set(&w->why, FAILURE_NO_ACCOUNT, "standard input has no account %s", wanted);
    }
    return true;
}

static const char *tokens_of(const struct transfer *t, const struct paths *p)
{
    char state[PATH_MAX];
    state_path(p, t->name, state);
    if (t->has_state)
        return "";
    return access(state, F_OK) == 0 ? ", with the tokens that it had" : ", without tokens";
}

/* A report of success says that the account's store has not taken the tokens yet. */
static bool save(struct work *w, struct transfer *t)
{
    const char *option = paths_option(w->paths);
    struct report why = {0};
    if (!transfer_save(t, w->paths, &why)) {
        fprintf(stderr,
                "xoauth2: %s was not restored: %s. Once that is mended, run 'xoauth2%s restore%s %s' with the same "
                "input\n",
                t->name, why.text, option, transfer_is_there(t, w->paths) ? " --force" : "", t->name);
        w->failed = why;
        return true;
    }
    printf("%s: restored%s\n", t->name, tokens_of(t, w->paths));
    if (*why.text)
        fprintf(stderr,
                "xoauth2: warning: %s. The tokens wait in a file until it works; then run 'xoauth2%s refresh %s'\n",
                why.text, option, t->name);
    return true;
}

/* The accounts of the input, whose root the caller frees. NULL with a report. */
static struct json_object *parse_input(struct json_object **accounts, struct report *why)
{
    struct secret text;
    struct json_object *version = NULL;
    secret_init(&text, 0);
    bool ok = transfer_read_input("what 'xoauth2 dump' has written", &text, why);
    struct json_object *root = ok ? jsontext_parse(text.data, text.len) : NULL;
    secret_free(&text);
    if (root && json_object_object_get_ex(root, "xoauth2_dump", &version) && json_object_get_int(version) == 1 &&
        json_object_object_get_ex(root, "accounts", accounts) && json_object_is_type(*accounts, json_type_array) &&
        json_object_array_length(*accounts) <= ACCOUNTS_MAX)
        return root;
    if (ok)
        report_set(why, FAILURE_CONFIG, "standard input is not the whole output of 'xoauth2 dump'");
    jsontext_free(&root);
    return NULL;
}

static int run(const struct request *r)
{
    struct paths p;
    struct work w = {.request = r, .paths = &p};
    struct json_object *root = paths_for(&p, r->system, &w.why) ? parse_input(&w.accounts, &w.why) : NULL;
    bool ok = root && check_names(&w) && for_all(&w, check) && for_all(&w, save);
    jsontext_free(&root);
    if (ok && fflush(stdout) != 0)
        ok = report_set(&w.why, FAILURE_CONFIG, "cannot write to standard output");
    if (!ok)
        return transfer_fail(&w.why);
    return w.failed.code == FAILURE_NONE ? EXIT_SUCCESS : transfer_status(&w.failed);
}

int main(int argc, char **argv)
{
    struct request r = {0};
    if (!startup("xoauth2 restore"))
        return EXIT_FAILURE;
    int status = parse_arguments(argc, argv, &r);
    return status < 0 ? run(&r) : status;
}
