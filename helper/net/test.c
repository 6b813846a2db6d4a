/* `xoauth2 test [--json] [--through-sasl] ACCOUNT [URL]`: logs in at the account's mail servers, and says what
 * is wrong where that fails. */
#include "config.h"

#include "account.h"
#include "inquiry.h"
#include "lookup.h"
#include "screen.h"
#include "startup.h"
#include "test_attempt.h"
#include "test_report.h"
#include "test_sasl.h"
#include "token.h"

#include <curl/curl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { EXIT_WRONG_USAGE = 2, EXIT_LOGIN_AGAIN = 77 };

static const char *const MECHANISMS[] = {"XOAUTH2", "OAUTHBEARER"};

enum { MECHANISM_COUNT = sizeof MECHANISMS / sizeof MECHANISMS[0] };

struct request {
    bool system;
    bool json;
    bool through_sasl;
    const char *account;
    const char *url; /* NULL: the servers of the account or its provider */
};

/* What has been found out about all servers. */
struct verdict {
    bool failed;
    bool later; /* a server could not be reached */
};

static const char USAGE[] =
    "Usage: xoauth2 test [--system] [--json] [--through-sasl] ACCOUNT [URL]\n"
    "Logs in at the mail servers of ACCOUNT with its token, by each mechanism that\n"
    "they offer, and asks for the mailbox. No mail is read or sent. URL is one\n"
    "server, such as imaps://imap.example.org or smtp://smtp.example.org:587,\n"
    "instead of 'servers:' in the account file or the provider's.\n"
    "\n"
    "  --through-sasl  log in through libsasl2 and the plugin that it finds, as mail\n"
    "                  programs do\n"
    "  --system        the machine's account instead of your own\n"
    "  --json          print JSON\n"
    "  --help          show this\n"
    "  --version       show the version\n"
    "\n"
    "Exit status: 0 every server takes the token, 1 one does not, 2 wrong usage, 75\n"
    "failed for now: try again later, 77 the login has ended.\n";

/* Returns -1 to go on, else the exit status. */
static int parse_arguments(int argc, char **argv, struct request *request)
{
    static const struct option OPTIONS[] = {{"system", no_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"through-sasl", no_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    static char name[] = "xoauth2 test"; /* getopt_long() begins its complaints with it */
    *request = (struct request){0};
    if (argc > 0)
        argv[0] = name;
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 's') {
            request->system = true;
        } else if (option == 'j') {
            request->json = true;
        } else if (option == 't') {
            request->through_sasl = true;
        } else if (option == 'h' || option == 'v') {
            fputs(option == 'h' ? USAGE : "xoauth2 " PACKAGE_VERSION "\n", stdout);
            return fflush(stdout) == 0 ? 0 : 1;
        } else {
            fputs("See 'xoauth2 test --help'.\n", stderr);
            return EXIT_WRONG_USAGE;
        }
    }
    if (argc - optind < 1 || argc - optind > 2) {
        fputs(USAGE, stderr);
        return EXIT_WRONG_USAGE;
    }
    request->account = argv[optind];
    request->url = argc - optind == 2 ? argv[optind + 1] : NULL;
    return -1;
}

/* The list of servers to test. */
static const char *choose_servers(const struct request *request, const struct account *a, struct report *why)
{
    const char *servers = account_value(a, SETTING_SERVERS);
    struct server s;
    if (request->url && server_parse(&s, request->url, strlen(request->url)))
        return request->url;
    if (request->url)
        report_set(why, FAILURE_CONFIG,
                   "that is no mail server's address: give one such as imaps://imap.example.org, "
                   "pop3s://pop.example.org or smtp://smtp.example.org:587");
    else if (!servers)
        report_set(why, FAILURE_CONFIG,
                   "nothing tells the mail servers of %s: add 'servers:' to its account file, or give one after the "
                   "account, such as imaps://imap.example.org",
                   a->name);
    return request->url ? NULL : servers;
}

/* One server, with each mechanism; after the first failure that has nothing to do with the mechanism no other. */
static void test_server(const struct server *s, const struct account *a, const struct login_as *as,
                        struct test_report *out, struct verdict *v)
{
    struct attempt attempts[MECHANISM_COUNT];
    size_t count = 0, good = 0;
    bool bad = false;
    for (bool more = true; more && count < MECHANISM_COUNT; count++) {
        struct attempt *one = &attempts[count];
        *one = (struct attempt){.server = s, .mechanism = MECHANISMS[count]};
        screen_waiting("waiting for %s, %s", s->url, one->mechanism);
        attempt_make(one, a, as);
        screen_ready();
        good += one->result == ATTEMPT_OK;
        bad = bad || (one->result != ATTEMPT_OK && one->result != ATTEMPT_NOT_OFFERED &&
                      one->result != ATTEMPT_UNREACHABLE);
        v->later = v->later || one->result == ATTEMPT_UNREACHABLE;
        more = one->result < ATTEMPT_NOT_ALLOWED;
    }
    v->failed = v->failed || bad || (good == 0 && attempts[count - 1].result == ATTEMPT_NOT_OFFERED);
    test_report_server(out, attempts, count);
}

static bool run(const struct request *request, struct verdict *v, struct report *why)
{
    struct account a;
    struct paths p;
    struct server s;
    struct token_reply reply = {.expires_at = 0};
    char user[ACCOUNT_NAME_MAX + 1];
    if (!account_name(request->account, user, why))
        return false;
    if (!lookup(&a, &p, request->system ? LOOKUP_SYSTEM : LOOKUP_ALL, user, NULL, why)) {
        inquiry_explain(request->system, "test", user, why);
        return false;
    }
    const char *servers = choose_servers(request, &a, why);
    screen_waiting("waiting for a token of %s", user);
    bool ok = servers && inquiry_account_token(&a, &p, &reply, why) &&
              (!request->through_sasl || test_sasl_init(why));
    screen_ready();
    if (ok) {
        struct test_report out = {.json = request->json ? json_object_new_array() : NULL, .user = user};
        const struct login_as as = {user, reply.token.data, p.system, request->through_sasl};
        while (server_next(&s, &servers))
            test_server(&s, &a, &as, &out, v);
        ok = test_report_end(&out) || report_set(why, FAILURE_CONFIG, "cannot write to standard output");
    }
    secret_free(&reply.token);
    account_free(&a);
    return ok;
}

static int exit_status(enum failure code)
{
    if (code == FAILURE_LOGIN_NEEDED)
        return EXIT_LOGIN_AGAIN;
    return code == FAILURE_UNREACHABLE || code == FAILURE_BUSY ? EX_TEMPFAIL : 1;
}

int main(int argc, char **argv)
{
    struct request request;
    struct report why = {.code = FAILURE_CONFIG};
    struct verdict v = {.failed = false};
    if (!startup("xoauth2 test"))
        return 1;
    int status = parse_arguments(argc, argv, &request);
    if (status >= 0)
        return status;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fputs("xoauth2: libcurl cannot be initialized: not enough memory?\n", stderr);
        return EX_TEMPFAIL;
    }
    bool ok = run(&request, &v, &why);
    test_sasl_end();
    curl_global_cleanup();
    if (!ok) {
        fprintf(stderr, "xoauth2: %s\n", why.text);
        return exit_status(why.code);
    }
    return v.failed ? 1 : v.later ? EX_TEMPFAIL : 0;
}
