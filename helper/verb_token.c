#include "config.h"

#include "command.h"

#include "inquiry.h"
#include "screen.h"
#include "token.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Token and line break go out together, and only when there is a token: scripts take whatever they read. */
static bool print_token(struct token_reply *reply, struct report *why)
{
    struct secret line;
    secret_init(&line, STATE_TOKEN_MAX + 1);
    bool ok = secret_add(&line, reply->token.data, reply->token.len) && secret_adds(&line, "\n") &&
              command_write(line.data, line.len);
    if (!ok)
        report_set(why, FAILURE_CONFIG, "cannot write the token to standard output: %s", strerror(errno));
    secret_free(&line);
    return ok;
}

/* Whether the system may have an account of this name, which this user cannot read or has no tokens of. */
static bool is_maybe_of_system(const char *given)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char path[PATH_MAX];
    struct paths p;
    struct report ignored;
    if (!account_name(given, name, &ignored))
        return false;
    paths_system(&p);
    account_path(&p, name, path);
    return eaccess(path, F_OK) == 0 || errno == EACCES;
}

/* The system's accounts need not be readable to who may have their tokens. `why` says that there is no account, and
 * still does so where that is all there is to say. */
static bool ask_system(const struct command *c, struct token_reply *reply, struct report *why)
{
    struct report answer;
    enum inquiry result = inquiry_token(true, c->account, reply, &answer);
    if (result == INQUIRY_FAILED || (result == INQUIRY_REFUSED && is_maybe_of_system(c->account)))
        *why = answer;
    else if (result == INQUIRY_NOBODY && is_maybe_of_system(c->account))
        report_set(why, FAILURE_UNREACHABLE,
                   "no account for %s of this user, and no agent answers at %s, which alone may use this machine's "
                   "accounts: start it, or run 'xoauth2 login %s'",
                   c->account, RUNDIR "/agent.sock", c->account);
    return result == INQUIRY_ANSWERED;
}

static bool get_token(const struct command *c, struct token_reply *reply, struct report *why)
{
    struct account a;
    struct paths p;
    if (!command_account(c, &a, &p, why))
        return why->code == FAILURE_NO_ACCOUNT && ask_system(c, reply, why);
    bool ok = inquiry_account_token(&a, &p, reply, why);
    account_free(&a);
    return ok;
}

int verb_token(const struct command *c)
{
    struct report why;
    struct token_reply reply = {.expires_at = 0};
    screen_waiting("waiting for a token of %s", c->account);
    bool ok = get_token(c, &reply, &why);
    screen_ready();
    ok = ok && print_token(&reply, &why);
    secret_free(&reply.token);
    return ok ? EXIT_OK : command_fail(&why);
}
