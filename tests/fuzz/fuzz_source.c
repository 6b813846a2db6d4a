/* What agents and helpers answer, as the plugin reads it and as the command does. The first byte says who is there;
 * the answers follow, separated by form feeds. */
#include "config.h"

#include "fuzz.h"

#include "helper/inquiry.h"
#include "peer.h"
#include "plugin/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWERS = 3, ACT_BITS = 6 };

static const struct source_query QUERY = {
    .account = "me@example.org",
    .authzid = "team@example.org",
    .service = "imap",
    .host = "imap.example.org",
    .port = "993",
    .mechanism = "XOAUTH2",
};

static bool yes(void)
{
    return true;
}

static void check_request(const char *verb)
{
    struct protocol_message m;
    MUST(peer_request(&m) && strcmp(m.verb, verb) == 0);
    MUST(strcmp(protocol_get(&m, "user"), QUERY.account) == 0);
}

/* Takes the answers into place. Some of them are that nobody is there. */
static void prepare(struct fuzz_input in, char *answers[ANSWERS], uint8_t act)
{
    static const struct {
        enum transport_connection result;
        int error;
    } ABSENT[] = {
        {TRANSPORT_ABSENT, ENOENT},
        {TRANSPORT_DISTRUSTED, EACCES},
        {TRANSPORT_FAILED, EMFILE},
        {TRANSPORT_FAILED, ENOEXEC},
    };
    peer_reset();
    for (int i = 0; i < ANSWERS; i++) {
        size_t len;
        answers[i] = fuzz_part(&in, &len);
        if (len > 0 && answers[i][0] == '!')
            peer_absent(ABSENT[(act >> ACT_BITS) & 3].result, ABSENT[(act >> ACT_BITS) & 3].error);
        else
            peer_answer(answers[i], len);
    }
}

static struct source_places make_places(uint8_t act)
{
    return (struct source_places){
        .user_socket = act & 1 ? "/user/agent.sock" : NULL,
        .user_socket_chosen = act & 2,
        .system_socket = "/system/agent.sock",
        .helper = act & 4 ? "/usr/bin/xoauth2" : NULL,
        .helper_chosen = act & 8,
        .machine_has_accounts = act & 16 ? yes : NULL,
    };
}

static void check_get(uint8_t act)
{
    struct source_places places = make_places(act);
    struct report why;
    struct secret token;
    enum source from;
    secret_init(&token, SOURCE_TOKEN_MAX);
    if (source_get(&places, &QUERY, 30, &token, &from, &why)) {
        MUST(from != SOURCE_NONE && token.len <= SOURCE_TOKEN_MAX && strlen(token.data) == token.len);
        check_request("get");
        fuzz_watch(token.data);
    } else {
        MUST(why.code != FAILURE_NONE && token.len == 0);
        fuzz_check_report(&why);
    }
    secret_free(&token);
    fuzz_forget();
}

static void check_reject(uint8_t act)
{
    struct source_places places = make_places(act);
    struct report advice;
    struct secret token;
    secret_init(&token, SOURCE_TOKEN_MAX);
    MUST(secret_adds(&token, "planted-token"));
    source_reject(&places, (enum source)(act & 3), &QUERY, &token, "e30=", &advice);
    MUST(advice.code == FAILURE_NONE && fuzz_is_harmless(advice.text));
    if (peer_count() > 0 && advice.text[0])
        check_request("reject");
    secret_free(&token);
}

static void check_explanation(void)
{
    struct report why;
    report_set(&why, FAILURE_NO_ACCOUNT, "no account for %s", QUERY.account);
    inquiry_explain(false, "refresh", QUERY.account, &why);
    MUST(why.code == FAILURE_NO_ACCOUNT || why.code == FAILURE_NOT_ALLOWED);
    fuzz_check_report(&why);
    if (why.code == FAILURE_NOT_ALLOWED) /* somebody was there to be asked */
        check_request("get");
}

static void check_inquiry(uint8_t act)
{
    struct report why = {0};
    struct inquiry_status status;
    struct token_reply reply = {.expires_at = 0};
    if (act & 1) {
        inquiry_status(true, QUERY.account, &status);
        return;
    }
    if (act & 2) {
        check_explanation();
        return;
    }
    enum inquiry result = inquiry_token(true, QUERY.account, &reply, &why);
    MUST((result == INQUIRY_ANSWERED) == (reply.token.len > 0));
    if (result == INQUIRY_FAILED || result == INQUIRY_REFUSED)
        fuzz_check_report(&why);
    if (result == INQUIRY_ANSWERED)
        fuzz_watch(reply.token.data);
    secret_free(&reply.token);
    fuzz_forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    char *answers[ANSWERS];
    int fd = fuzz_lowest_fd();
    uint8_t act = fuzz_byte(&in);
    prepare(in, answers, act);
    if (!(act & 32))
        check_get(act);
    else if (act & 16)
        check_reject(act);
    else
        check_inquiry(act);
    peer_reset();
    for (int i = 0; i < ANSWERS; i++)
        free(answers[i]);
    MUST(fuzz_lowest_fd() == fd);
    return 0;
}
