/* State files. What is read can be written and read again. */
#include "config.h"

#include "fuzz.h"

#include "store.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static const struct paths PATHS = {.accounts = "/accounts", .state = "/state"};

static enum readfile_result parse(struct state *s, const char *text, size_t len, struct report *why)
{
    struct secret copy;
    secret_init(&copy, STATE_SIZE_MAX);
    if (len > 0)
        MUST(secret_add(&copy, text, len));
    enum readfile_result result = state_parse(s, &PATHS, "me@example.org", "the state", &copy, why);
    MUST(copy.len == 0);
    return result;
}

static void check_text(const char *text)
{
    MUST(!text || (strlen(text) <= STATE_TOKEN_MAX && !text_has_control(text, strlen(text))));
}

static void check(const struct state *s)
{
    check_text(s->access_token);
    check_text(s->refresh_token);
    check_text(s->signed_in_as);
    check_text(s->scope);
    check_text(s->token_endpoint);
    check_text(s->last_error.message);
    MUST(s->obtained_at >= 0 && s->expires_at >= 0 && s->last_error.retry_at >= 0);
    MUST(!state_is_fresh(s, s->obtained_at, 300) || state_is_valid(s, s->obtained_at));
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Printed, read and printed again it is the same text, and no larger than a file may be. */
static void check_again(const struct state *s)
{
    struct state again;
    struct report why;
    struct secret first;
    struct secret second;
    secret_init(&first, STATE_SIZE_MAX);
    secret_init(&second, STATE_SIZE_MAX);
    MUST(state_print(s, &first) && first.len <= STATE_SIZE_MAX);
    MUST(parse(&again, first.data, first.len, &why) == READFILE_OK);
    MUST(same(s->access_token, again.access_token) && same(s->refresh_token, again.refresh_token));
    MUST(s->expires_at == again.expires_at && s->last_error.code == again.last_error.code);
    MUST(state_print(&again, &second) && strcmp(first.data, second.data) == 0);
    state_free(&again);
    secret_free(&first);
    secret_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state s;
    struct report why;
    struct fuzz_input in = {data, size};
    if (size > STATE_SIZE_MAX)
        return 0;
    char *text = fuzz_rest(&in, &size);
    enum readfile_result result = parse(&s, text, size, &why);
    if (result == READFILE_OK) {
        check(&s);
        if (s.access_token)
            fuzz_watch_single(s.access_token, data, size);
        if (s.refresh_token)
            fuzz_watch_single(s.refresh_token, data, size);
        check_again(&s);
    } else {
        MUST(result == READFILE_MISSING || result == READFILE_REFUSED);
        if (result == READFILE_REFUSED)
            fuzz_check_report(&why);
    }
    state_free(&s);
    fuzz_forget();
    free(text);
    return 0;
}
