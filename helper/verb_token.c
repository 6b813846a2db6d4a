#include "config.h"

#include "command.h"

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

int verb_token(const struct command *c)
{
    struct account a;
    struct paths p;
    struct report why;
    struct token_reply reply = {.expires_at = 0};
    if (!command_account(c, &a, &p, &why))
        return command_fail(&why);
    bool ok = token_get(&a, &p, NULL, false, &reply, &why) && print_token(&reply, &why);
    secret_free(&reply.token);
    account_free(&a);
    return ok ? EXIT_OK : command_fail(&why);
}
