#include "config.h"

#include "command.h"

#include "clock.h"
#include "inquiry.h"
#include "screen.h"
#include "token.h"

#include <stdio.h>

int verb_refresh(const struct command *c)
{
    struct account a;
    struct paths p;
    struct report why;
    struct token_reply reply = {.expires_at = 0};
    if (!command_account(c, &a, &p, &why)) {
        inquiry_explain(c->system, "refresh", c->account, &why);
        return command_fail(&why);
    }
    screen_waiting("waiting for a token of %s", a.name);
    bool ok = token_get(&a, &p, NULL, true, &reply, &why);
    screen_ready();
    if (ok && reply.expires_at == 0)
        printf("%s: new access token\n", a.name);
    if (ok && reply.expires_at > 0) {
        char until[COMMAND_TIME_MAX];
        command_time(reply.expires_at, clock_wall(), until);
        printf("%s: new access token, valid until %s\n", a.name, until);
    }
    secret_free(&reply.token);
    account_free(&a);
    return ok ? EXIT_OK : command_fail(&why);
}
