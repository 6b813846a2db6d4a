#include "config.h"

#include "command.h"

#include "inquiry.h"
#include "screen.h"
#include "token.h"

#include <errno.h>
#include <string.h>

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

/* From the agent of the account's store, else from the files. */
static bool get_token(const struct command *c, struct token_reply *reply, struct report *why)
{
    struct account a;
    struct paths p;
    bool ours = command_account(c, &a, &p, why);
    enum inquiry result = INQUIRY_NOBODY;
    if (ours)
        result = inquiry_token(p.system, *a.subject ? a.subject : a.name, reply, why);
    else if (why->code ==
             FAILURE_NO_ACCOUNT) /* the system's accounts need not be readable to who may have their tokens */
        result = inquiry_token(true, c->account, reply, why);
    bool ok = result == INQUIRY_ANSWERED;
    if (ours && result == INQUIRY_NOBODY)
        ok = token_get(&a, &p, NULL, false, reply, why);
    if (ours)
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
