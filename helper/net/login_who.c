#include "config.h"

#include "login_who.h"

#include "clock.h"
#include "login_again.h"

#include <stdio.h>

enum { USERINFO_TIMEOUT = 10000 /* milliseconds: a courtesy, not worth a long wait */ };

static void read_id_token(struct login *l, const struct oauth_answer *answer, struct identity *who)
{
    const struct identity_source from = {
        .issuer = l->client.issuer, .any_tenant = l->client.any_tenant, .client_id = l->client.client_id};
    const char *problem = NULL;
    if (!answer->id_token || identity_add_id_token(who, answer->id_token, &from, &problem))
        return;
    fprintf(stderr, "xoauth2: the provider's id_token is not used: %s\n", problem);
}

/* Not every token is good for this endpoint, so a refusal is no news. */
static void read_userinfo(struct login *l, const struct oauth_answer *answer, struct identity *who)
{
    struct http_reply reply;
    struct report ignored;
    if (!l->client.userinfo_endpoint)
        return;
    if (http_get(l->client.http, l->client.userinfo_endpoint, answer->access_token, USERINFO_TIMEOUT, &reply,
                 &ignored) &&
        reply.status == 200)
        identity_add_userinfo(who, reply.body.data, reply.body.len);
    http_reply_free(&reply);
}

static bool keep_other(struct login *l, const char *name, struct report *why)
{
    char question[2 * REPORT_TEXT_MAX];
    char command[LOGIN_AGAIN_MAX];
    if (l->options.allow_other_user)
        return true;
    snprintf(
        question, sizeof question,
        "You signed in as %s, but the account is %s. A mail server refuses that unless %s may use this mailbox.\n"
        "Keep this login?",
        name, l->name, name);
    if (terminal_ask(&l->terminal, question, clock_monotonic() + LOGIN_QUESTION_MAX))
        return true;
    login_again(l, "", command);
    return report_set(
        why, FAILURE_NOT_ALLOWED,
        "signed in as %s, not as %s: nothing was written. Sign out in the browser or use another profile, then "
        "run '%s' again; if %s may use this mailbox, add --allow-other-user",
        name, l->name, command, name);
}

bool login_who(struct login *l, const struct oauth_answer *answer, struct identity *who, struct report *why)
{
    read_id_token(l, answer, who);
    if (!identity_has_name(who))
        read_userinfo(l, answer, who);
    const char *name = identity_name(who);
    if (!name) {
        fprintf(stderr, "xoauth2: the provider does not tell who signed in; it should have been %s\n", l->name);
        return true;
    }
    fprintf(stderr, "xoauth2: signed in as %s\n", name);
    switch (identity_compare(who, l->name)) {
    case IDENTITY_SAME:
        return true;
    case IDENTITY_UNKNOWN:
        fprintf(stderr, "xoauth2: whether that is %s, the provider does not tell\n", l->name);
        return true;
    default:
        return keep_other(l, name, why);
    }
}
