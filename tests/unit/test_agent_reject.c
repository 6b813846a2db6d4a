/* A token that the mail server did not take. */
#include "config.h"

#include "agent_rig.h"
#include "folder.h"
#include "store.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static const char ME[] = "me@example.org";

static const char *reject(const char *token)
{
    char request[512]; /* {"status":"401"} */
    snprintf(request, sizeof request, "reject\nuser=me@example.org\ntoken=%s\nchallenge=eyJzdGF0dXMiOiI0MDEifQ==\n\n",
             token);
    return rig_ask(request);
}

static void rejected_token_is_not_handed_out_again(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "revoked", 3000);
    rig_start();
    assert_string_equal(rig_get(ME), "revoked");
    assert_non_null(strstr(reject("revoked"), "it was dropped, try again"));
    assert_string_equal(rig_get(ME), "at-0-1");
    assert_non_null(strstr(reject("some-other"), "ok\n"));
    assert_string_equal(rig_get(ME), "at-0-1");
    assert_int_equal(rig_endpoint(0)->requests, 1);
}

static void loop_of_rejects_is_slowed(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "revoked", 3000);
    rig_start();
    for (int i = 0; i < 50; i++) {
        char token[256];
        snprintf(token, sizeof token, "%s", rig_get(ME));
        reject(token);
    }
    assert_int_equal(rig_endpoint(0)->requests, 1);
    assert_non_null(strstr(reject("at-0-1"), "refused the new token of me@example.org too"));
}

/* Another process holds the lock, so the token cannot be removed from the disk at once. */
static void rejected_token_under_a_lock(void **state)
{
    struct report why;
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "revoked", 3000);
    rig_start();
    assert_string_equal(rig_get(ME), "revoked");
    int lock = store_lock(&rig_paths, ME, 0, &why);
    assert_true(lock >= 0);
    reject("revoked");
    store_unlock(&lock);
    assert_string_equal(rig_get(ME), "at-0-1");
}

static void forbidden_is_no_stale_token(void **state)
{
    (void)state;
    rig_account(ME, 0, "");
    rig_state(ME, 0, "good", 3000);
    rig_start();
    const char *reply = rig_ask("reject\nuser=me@example.org\ntoken=good\nchallenge=eyJzdGF0dXMiOiI0MDMifQ==\n\n");
    assert_non_null(strstr(reply, "does not let the token"));
    assert_string_equal(rig_get(ME), "good");
    assert_non_null(strstr(rig_ask("reject\nuser=me@example.org\ntoken=good\n\n"), "code=config\n"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(rejected_token_is_not_handed_out_again),
        TEST(loop_of_rejects_is_slowed),
        TEST(rejected_token_under_a_lock),
        TEST(forbidden_is_no_stale_token),
    };
    return cmocka_run_group_tests_name("agent: rejected tokens", tests, folder_make, folder_remove);
}
