/* The server's challenge after the message: what the plugin answers, what it passes on to the source of the token,
 * and what that makes of it. The first byte chooses the mechanism and whether the source answers. */
#include "config.h"

#include "fuzz.h"

#include "app.h"
#include "base64.h"
#include "peer.h"
#include "token.h"

#include <stdlib.h>
#include <string.h>

static const char OK[] = "ok\nversion=1\ntoken=planted-access-token\n\n";
static const char ADVICE[] = "ok\nversion=1\nmessage=the token was dropped\n\n";
static const char TOKEN[] = "planted-access-token";

static const struct app APP = {.authname = "me@example.org", .host = "imap.example.org", .remote = "192.0.2.1;993"};

static void begin(void)
{
    static const char *const OPTIONS[] = {"xoauth2_agent_socket", "/agent.sock", NULL};
    static bool begun;
    if (!begun)
        app_begin(NULL, "/nonexistent", OPTIONS);
    begun = true;
    app_forget_log();
}

/* What the helper or the agent does with it. */
static void check_verdict(const struct protocol_message *request)
{
    static const struct paths PATHS = {.accounts = "/nonexistent", .state = "/nonexistent"};
    struct report message;
    struct report why;
    bool stale;
    MUST(token_judge("me@example.org", &PATHS, request, &stale, &message, &why));
    fuzz_check_report(&message);
}

/* The source has got every byte of the challenge, and the token that was refused. */
static void check_request(const char *challenge, size_t len)
{
    struct protocol_message request;
    struct secret decoded;
    MUST(peer_request(&request) && strcmp(request.verb, "reject") == 0);
    MUST(strcmp(protocol_get(&request, "token"), TOKEN) == 0);
    secret_init(&decoded, PROTOCOL_MESSAGE_MAX);
    MUST(base64_decode(protocol_get(&request, "challenge"), &decoded));
    MUST(decoded.len == len && memcmp(decoded.data, challenge, len) == 0);
    secret_free(&decoded);
    check_verdict(&request);
}

static void check_challenge(const char *mechanism, const char *challenge, size_t len)
{
    struct app_session s;
    MUST(app_start(&s, &APP, mechanism) == SASL_CONTINUE);
    MUST(memmem(s.out, s.out_len, TOKEN, strlen(TOKEN)));
    size_t asked = peer_count();
    fuzz_watch(TOKEN);
    MUST(app_step(&s, challenge, len) == SASL_OK);
    if (len == 0)
        MUST(s.out_len == 0);
    else
        MUST(s.out_len == (strcmp(mechanism, "XOAUTH2") == 0 ? 0 : 1) && (s.out_len == 0 || *s.out == 1));
    bool told = len > 0 && challenge[0] == '{' && len <= 16384;
    MUST(peer_count() == asked + told);
    if (told)
        check_request(challenge, len);
    MUST(!strstr(app_log(), TOKEN));
    app_dispose(&s);
    fuzz_forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    size_t len;
    begin();
    uint8_t act = fuzz_byte(&in);
    char *challenge = fuzz_rest(&in, &len);
    peer_reset();
    peer_answer(OK, strlen(OK));
    if (act & 2)
        peer_answer(ADVICE, strlen(ADVICE));
    else
        peer_answer("", 0);
    check_challenge(act & 1 ? "OAUTHBEARER" : "XOAUTH2", challenge, len);
    peer_reset();
    free(challenge);
    return 0;
}
