/* `logout [--system] [--local] [--forget] ACCOUNT`: the end of a login. */
#include "config.h"

#include "account.h"
#include "clock.h"
#include "keeper.h"
#include "oauth.h"
#include "renew.h"
#include "revoke.h"
#include "startup.h"
#include "store.h"
#include "token.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

struct request {
    bool system;
    bool local;  /* remove it here and tell the provider nothing */
    bool forget; /* remove the account file too */
    const char *account;
};

static const char USAGE[] = "Usage: xoauth2 logout [--system] [--local] [--forget] ACCOUNT\n"
                            "Ends the login of ACCOUNT: asks the provider to revoke it (RFC 7009), then\n"
                            "removes its tokens from this machine. The account file stays, so that 'xoauth2\n"
                            "login ACCOUNT' needs no options.\n"
                            "\n"
                            "  --system    the machine's account instead of your own\n"
                            "  --local     only remove the tokens here; nothing is sent\n"
                            "  --forget    remove the account file too\n"
                            "  --help      show this\n"
                            "  --version   show the version\n"
                            "\n"
                            "Where the provider cannot be reached or does not revoke the login, nothing is\n"
                            "removed. Exit status: 0 done, 1 failed, 2 wrong usage, 75 failed for now: try\n"
                            "again later.\n";

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct request *request)
{
    static const struct option OPTIONS[] = {{"system", no_argument, NULL, 's'},  {"local", no_argument, NULL, 'l'},
                                            {"forget", no_argument, NULL, 'f'},  {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    static char name[] = "xoauth2 logout"; /* getopt_long() begins its complaints with it */
    *request = (struct request){0};
    argv[0] = name;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (option) {
        case 's':
            request->system = true;
            break;
        case 'l':
            request->local = true;
            break;
        case 'f':
            request->forget = true;
            break;
        case 'h':
        case 'v':
            fputs(option == 'h' ? USAGE : "xoauth2 " PACKAGE_VERSION "\n", stdout);
            return fflush(stdout) == 0 ? 0 : 1;
        default:
            fputs("See 'xoauth2 logout --help'.\n", stderr);
            return 2;
        }
    }
    if (optind != argc - 1) {
        fputs(USAGE, stderr);
        return 2;
    }
    request->account = argv[optind];
    return -1;
}

/* The end of a refresh token ends its access tokens (RFC 7009, section 2.1), so the latter's own revocation is a
 * courtesy whose failure does not count; where there is no refresh token it is the whole of it. */
static bool revoke_all(struct oauth_client *c, const char *url, const struct state *s, struct report *why)
{
    struct report ignored;
    if (!s->refresh_token)
        return !s->access_token || revoke_token(c, url, s->access_token, "access_token", HTTP_TOTAL_TIMEOUT, why);
    if (!revoke_token(c, url, s->refresh_token, "refresh_token", HTTP_TOTAL_TIMEOUT, why))
        return false;
    if (s->access_token)
        revoke_token(c, url, s->access_token, "access_token", REVOKE_COURTESY_TIMEOUT, &ignored);
    return true;
}

/* Tells the provider. A token goes to the configured endpoint or to the one that was recorded when it was issued,
 * never to one that would have to be discovered now. */
static bool tell_provider(const struct account *a, const struct paths *p, const struct state *s, struct report *why)
{
    struct oauth_client c;
    bool ok = oauth_client_open(&c, a, p, why);
    if (ok && renew_origin_changed(&c, s) != SETTING_COUNT)
        ok = report_set(why, FAILURE_CONFIG,
                        "%s names another issuer, client id or token endpoint than those that the tokens came from, "
                        "and they are sent nowhere else",
                        a->file.path);
    ok = ok && renew_recall(&c, s, why);
    const char *url = ok ? renew_endpoint(&c, s, c.revocation_endpoint, s->revocation_endpoint) : NULL;
    if (ok && url)
        ok = revoke_all(&c, url, s, why);
    else if (ok && (s->refresh_token || s->access_token))
        fprintf(stderr,
                "xoauth2: no revocation address is known for %s: the login is removed from this machine alone. To "
                "end it at "
                "the provider too, remove the application's access in your account's settings there.\n",
                a->name);
    oauth_client_close(&c);
    return ok;
}

/* The account's settings; where its file is gone already, none. */
static bool load_account(struct account *a, const struct paths *p, const char *name, struct report *why)
{
    enum readfile_result result = account_load(a, p, name, why);
    if (result == READFILE_OK)
        return true;
    account_init(a);
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(a->state_name, sizeof a->state_name, "%s", name);
    return result == READFILE_MISSING;
}

/* Revokes what the state holds. `*found` is false where there is no state. */
static bool end_login(const struct account *a, const struct paths *p, bool *found, struct report *why)
{
    struct state s;
    enum readfile_result result = keeper_load(&s, a, p, why);
    bool ok = result != READFILE_UNREADABLE && result != READFILE_REFUSED;
    *found = result != READFILE_MISSING;
    if (result == READFILE_OK && !s.unattended) /* what needs no login can get another token at any time */
        ok = tell_provider(a, p, &s, why);
    state_free(&s);
    return ok;
}

/* What is being removed. */
struct removal {
    const struct paths *paths;
    struct report *why;
    bool ok;
};

/* The state of one user of the account, with its lock. */
static void remove_user(void *arg, const char *name)
{
    struct removal *r = arg;
    int lock = r->ok ? store_lock(r->paths, name, clock_monotonic() + TOKEN_WAIT_MAX, r->why) : -1;
    r->ok = lock >= 0 && state_remove(r->paths, name, r->why);
    store_unlock(&lock);
}

static bool remove_states(const struct account *a, const struct paths *p, struct report *why)
{
    struct removal r = {.paths = p, .why = why, .ok = true};
    state_each_user(p, a->name, remove_user, &r);
    return r.ok && keeper_remove(a, p, why);
}

static bool forget_account(const struct paths *p, const char *name, struct report *why)
{
    char path[PATH_MAX];
    account_path(p, name, path);
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    return report_set(why, FAILURE_CONFIG, "cannot remove %s: %s", path, strerror(errno));
}

/* Whether there is anything by that name; asked before the lock, which would make the folder and a file in it. */
static bool is_known(const struct paths *p, const char *name, struct report *why)
{
    char account[PATH_MAX], state[PATH_MAX];
    account_path(p, name, account);
    state_path(p, name, state);
    if (access(account, F_OK) == 0 || access(state, F_OK) == 0 || errno != ENOENT)
        return true;
    return account_none(p, "logout", name, why);
}

/* Says what still can be done where the provider was not told. */
static void add_remedy(struct report *why, bool system, const char *name)
{
    const struct report before = *why;
    report_set(why, before.code, "%s; nothing was removed: 'xoauth2 logout --local %s%s' removes it here alone",
               before.text, system ? "--system " : "", name);
}

/* The tokens are of no use any more, but they are still somewhere. */
static void add_end(struct report *why, const char *name)
{
    const struct report before = *why;
    report_set(why, before.code, "the login of %s was ended at the provider, but the tokens are not removed: %s",
               name, before.text);
}

/* The account's file and, since nobody asks its commands any more, what they have not taken. */
static bool forget(const struct account *a, const struct paths *p, struct report *why)
{
    return state_remove(p, a->state_name, why) && forget_account(p, a->name, why);
}

/* With the lock held. */
static bool end_and_remove(const struct request *request, const struct account *a, const struct paths *p,
                           struct report *why)
{
    bool found = true;
    if (!request->local && !end_login(a, p, &found, why)) {
        add_remedy(why, p->system, a->name);
        return false;
    }
    struct report more;
    bool removed = remove_states(a, p, why);
    bool forgotten = !request->forget || forget(a, p, removed ? why : &more);
    if (!removed && !request->local && found)
        add_end(why, a->name);
    if (!removed || !forgotten)
        return false;
    printf("%s: %s%s\n", a->name, found ? "logged out" : "was not logged in",
           request->forget ? ", account file removed" : "");
    return fflush(stdout) == 0;
}

static bool run(const struct request *request, struct report *why)
{
    struct paths p;
    struct account a;
    char name[ACCOUNT_NAME_MAX + 1];
    if (!account_name(request->account, name, why) || !paths_for(&p, request->system, why) ||
        !is_known(&p, name, why))
        return false;
    int lock = store_lock(&p, name, clock_monotonic() + TOKEN_WAIT_MAX, why);
    if (lock < 0)
        return false;
    bool ok = load_account(&a, &p, name, why) || request->local; /* a broken file does not keep the tokens here */
    if (ok)
        ok = end_and_remove(request, &a, &p, why);
    else
        add_remedy(why, p.system, name);
    account_free(&a);
    store_unlock(&lock);
    return ok;
}

int main(int argc, char **argv)
{
    struct request request;
    struct report why = {.code = FAILURE_CONFIG, .text = "cannot write to standard output"};
    if (!startup("xoauth2"))
        return 1;
    int status = parse_arguments(argc, argv, &request);
    if (status >= 0)
        return status;
    if (run(&request, &why))
        return 0;
    fprintf(stderr, "xoauth2: %s\n", why.text);
    return why.code == FAILURE_UNREACHABLE || why.code == FAILURE_BUSY ? EX_TEMPFAIL : 1;
}
