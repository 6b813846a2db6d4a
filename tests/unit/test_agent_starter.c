/* The process that starts others for the agent: what it is asked for, and what becomes of an agent without it. */
#include "config.h"

#include "agent_rig.h"
#include "folder.h"
#include "relay.h"
#include "store_folder.h"
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char ME[] = "me@example.org";
static const char ASK_YOU[] = "get\nuser=you@example.org\n\n";
static const char ASK_RELAY[] = "get\nuser=relay@example.org\n\n";
static const char LOST[] = "the process that starts programs for the agent is lost";

/* The helper of these tests answers with a token, and leaves a file. */
static const char *helper_that_leaves(const char *name)
{
    static char program[512];
    char text[1024];
    const char *trace = folder_path(name);
    unlink(trace);
    snprintf(text, sizeof text, "#!/bin/sh\n> '%s'\nprintf 'ok\\ntoken=relayed\\n\\n'\n", trace);
    snprintf(program, sizeof program, "%s", folder_write("helper", text, 0700));
    relay_program = program;
    return trace;
}

/* The system's agent with one account of its own and one that a helper serves. */
static void start_system(void)
{
    rig_paths.system = true;
    rmdir(folder_path("run"));
    rig_account(ME, 0, "");
    rig_state(ME, 0, "kept", 3000);
    store_folder_account("relay@example.org", "token_command: true\n");
    rig_start();
}

static pid_t starter(void)
{
    char path[64];
    int pid = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)rig_pid, (int)rig_pid);
    FILE *children = fopen(path, "re");
    assert_non_null(children);
    assert_int_equal(fscanf(children, "%d", &pid), 1);
    fclose(children);
    return pid;
}

static void helper_answers(void **state)
{
    (void)state;
    const char *trace = helper_that_leaves("asked");
    start_system();
    for (int i = 0; i < 3; i++)
        assert_non_null(strstr(rig_ask(ASK_RELAY), "token=relayed\n"));
    assert_int_equal(access(trace, F_OK), 0);
    assert_string_equal(rig_get(ME), "kept");
}

/* The helper of this test answers with what it was asked. */
static void helper_that_echoes(void)
{
    static char program[512];
    snprintf(program, sizeof program, "%s",
             folder_write("helper", "#!/bin/sh\nprintf 'ok\\ntoken='\ntr '\\n' ' '\nprintf '\\n\\n'\n", 0700));
    relay_program = program;
}

/* The helper does not ask who may: no request reaches it that this peer may not make. */
static void requests_behind_a_relayed_one(void **state)
{
    static const char ALLOWED[] =
        "get version=1 user=relay@example.org  get version=1 user=relay@example.org host=h  ";
    char wanted[512];
    (void)state;
    helper_that_echoes();
    rig_account("hosts@example.org", 1, "hosts: imap.example.org\n");
    start_system();
    snprintf(wanted, sizeof wanted, "token=%s\n", ALLOWED);
    const char *reply = rig_ask("get\nuser=relay@example.org\n\nget\nuser=relay@example.org\nhost=h\n\n"
                                "get\nuser=rel");
    assert_non_null(strstr(reply, wanted));
    reply = rig_ask("get\nuser=relay@example.org\n\nget\nuser=relay@example.org\nhost=h\n\n"
                    "get\nuser=hosts@example.org\nhost=evil.example\n\nget\nuser=me@example.org\n\n");
    assert_non_null(strstr(reply, wanted));
    reply = rig_ask("get\nuser=relay@example.org\n\nget\nuser=relay@example.org\nhost=h\n\nstatus\n\n");
    assert_non_null(strstr(reply, wanted));
}

static void killed_starter_ends_the_systems_agent(void **state)
{
    (void)state;
    start_system();
    assert_int_equal(kill(starter(), SIGKILL), 0);
    assert_int_equal(rig_await_end(), 1);
    assert_non_null(strstr(rig_log(), LOST));
    assert_int_equal(access(rig_socket, F_OK), -1);
}

static void killed_starter_leaves_a_users_agent(void **state)
{
    (void)state;
    rig_account(ME, 0, "notify_command: true\n");
    rig_state(ME, 0, "kept", 3000);
    rig_start();
    assert_int_equal(kill(starter(), SIGKILL), 0);
    RIG_AWAIT(strstr(rig_log(), LOST));
    rig_await_rest();
    assert_string_equal(rig_get(ME), "kept");
    assert_int_equal(rig_end(SIGTERM), 0);
}

/* The starter hangs and keeps a copy of the client's connection, while an exchange keeps the agent from ending.
 * What the client does then must not reach what was freed, nor is the order carried out when nobody waits for it. */
static void starter_that_hangs(void **state)
{
    (void)state;
    const char *trace = helper_that_leaves("late");
    rig_endpoint(1)->delay = 12000;
    rig_account("you@example.org", 1, "");
    rig_state("you@example.org", 1, "old", -10);
    start_system();
    token_endpoint_await(rig_endpoint(1));
    int you = rig_connect();
    rig_send(you, ASK_YOU);
    int relayed = rig_connect();
    pid_t hanging = starter();
    assert_int_equal(kill(hanging, SIGSTOP), 0);
    rig_send(relayed, ASK_RELAY);
    assert_non_null(strstr(rig_read(relayed), "code=unreachable\n"));
    rig_send(relayed, "get\nuser=");
    close(relayed);
    assert_non_null(strstr(rig_read(you), "token=at-1-1\n"));
    close(you);
    assert_int_equal(rig_await_end(), 1);
    assert_non_null(strstr(rig_log(), LOST));
    assert_int_equal(kill(hanging, SIGCONT), 0);
    rig_nap(500);
    assert_int_equal(access(trace, F_OK), -1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(helper_answers),
        TEST(requests_behind_a_relayed_one),
        TEST(killed_starter_ends_the_systems_agent),
        TEST(killed_starter_leaves_a_users_agent),
        TEST(starter_that_hangs),
    };
    return cmocka_run_group_tests_name("agent: starter", tests, folder_make, folder_remove);
}
