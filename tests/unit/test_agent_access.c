/* Who may have a token of the system's agent. Run by root it becomes other users; run by anybody else only what can
 * be shown without that is. */
#include "config.h"

#include "account.h"
#include "agent_rig.h"
#include "folder.h"
#include "relay.h"
#include "store_folder.h"
#include "test.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOMEBODY = 54321, ANOTHER = 54322, GROUP = 54323, REPLY_MAX = 4096, LARGE = 1000000 };

static const char ME[] = "me@example.org";

static void system_agent(const char *allow)
{
    rig_paths.system = true;
    rig_account(ME, 0, allow);
    rig_state(ME, 0, "kept", 3000);
    rmdir(folder_path("run"));
    /* Others must get to the socket, not to anything else. */
    char top[256];
    snprintf(top, sizeof top, "%s", folder_path("x"));
    *strrchr(top, '/') = '\0';
    assert_int_equal(chmod(top, 0711), 0);
    rig_start();
}

/* The answer to a request of another user. */
static const char *ask_as(uid_t uid, gid_t group, const char *request)
{
    static char *shared;
    int status;
    if (!shared)
        shared = mmap(NULL, REPLY_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(shared, 0, REPLY_MAX);
    pid_t pid = fork();
    if (pid == 0) {
        if (setgroups(1, &group) != 0 || setgid(uid) != 0 || setuid(uid) != 0)
            _exit(1);
        snprintf(shared, REPLY_MAX, "%s", rig_ask(request));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return shared;
}

static const char GET[] = "get\nuser=me@example.org\n\n";

static void need_root(void)
{
    if (geteuid() != 0) {
        print_message("needs root, to become another user\n");
        skip();
    }
}

static void stranger_is_refused_and_logged(void **state)
{
    (void)state;
    need_root();
    system_agent("");
    const char *reply = ask_as(SOMEBODY, SOMEBODY, GET);
    assert_non_null(strstr(reply, "code=not-allowed\n"));
    assert_non_null(strstr(reply, "user id 54321 may not use me@example.org: add it to 'allow:' in "));
    assert_null(strstr(reply, "kept"));
    assert_non_null(strstr(rig_log(), "refused me@example.org to user id 54321, process "));
    assert_null(strstr(rig_log(), "kept"));
    assert_string_equal(rig_get(ME), "kept"); /* root */
}

static void user_on_the_list(void **state)
{
    (void)state;
    need_root();
    system_agent("allow: 54321\n");
    assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, GET), "token=kept\n"));
    assert_non_null(strstr(ask_as(ANOTHER, ANOTHER, GET), "code=not-allowed\n"));
}

static void group_on_the_list(void **state)
{
    (void)state;
    need_root();
    system_agent("allow: @54323\n");
    assert_non_null(strstr(ask_as(SOMEBODY, GROUP, GET), "token=kept\n"));
    assert_non_null(strstr(ask_as(GROUP, SOMEBODY, GET), "token=kept\n")); /* the main group */
    assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, GET), "code=not-allowed\n"));
}

static void edited_allow_counts_at_the_next_get(void **state)
{
    (void)state;
    need_root();
    system_agent("allow: 54321\n");
    assert_non_null(strstr(ask_as(ANOTHER, ANOTHER, GET), "code=not-allowed\n"));
    rig_account(ME, 0, "allow: 54322\n");
    assert_non_null(strstr(ask_as(ANOTHER, ANOTHER, GET), "token=kept\n"));
    assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, GET), "code=not-allowed\n"));
}

static void stranger_may_neither_reject_nor_look(void **state)
{
    (void)state;
    need_root();
    system_agent("");
    assert_non_null(strstr(
        ask_as(SOMEBODY, SOMEBODY, "reject\nuser=me@example.org\ntoken=kept\nchallenge=eyJzdGF0dXMiOiI0MDEifQ==\n\n"),
        "code=not-allowed\n"));
    assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, "status\nuser=me@example.org\n\n"), "code=not-allowed\n"));
    assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, "status\n\n"), "code=not-allowed\n"));
    assert_string_equal(rig_get(ME), "kept");
}

/* What a file says, and where it is, is its owner's to know. */
static void hides(const char *reply)
{
    assert_non_null(strstr(reply, "code=not-allowed\n"));
    assert_non_null(strstr(reply, "as root, run 'xoauth2 --system doctor "));
    assert_null(strstr(reply, ".conf"));
    assert_null(strstr(reply, "secret-key"));
}

static void broken_file_is_told_to_its_owner_alone(void **state)
{
    (void)state;
    need_root();
    system_agent("secret-key: x\nallow: 54321\n");
    hides(ask_as(SOMEBODY, SOMEBODY, GET));
    hides(ask_as(SOMEBODY, SOMEBODY,
                 "reject\nuser=me@example.org\ntoken=kept\nchallenge=eyJzdGF0dXMiOiI0MDEifQ==\n\n"));
    assert_non_null(strstr(rig_get(ME), "config: "));
    assert_non_null(strstr(rig_get(ME), "unknown key 'secret-key'"));
    rig_account(ME, 0, "allow: 54321\n");
    assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, GET), "token=kept\n"));
}

static void broken_file_of_another_account_is_not_told_either(void **state)
{
    (void)state;
    need_root();
    system_agent("secret-key: x\n");
    const char *reply = ask_as(SOMEBODY, SOMEBODY, "get\nuser=nobody@example.org\n\n");
    assert_non_null(strstr(reply, "code=no-account\n"));
    assert_null(strstr(reply, "passed over"));
    assert_non_null(strstr(rig_get("nobody@example.org"), "passed over: "));
}

static void tie_is_told_to_the_owner_alone(void **state)
{
    (void)state;
    need_root();
    rig_account("you@example.org", 0, "users: shared@example.org\nallow: 54321\n");
    system_agent("users: shared@example.org\nallow: 54321\n");
    hides(ask_as(SOMEBODY, SOMEBODY, "get\nuser=shared@example.org\n\n"));
    assert_non_null(strstr(rig_get("shared@example.org"), "you@example.org"));
}

/* A process that answers in the agent's place does not ask who may. This one answers with what it was asked. */
static void request_behind_a_relayed_one(void **state)
{
    char program[256];
    (void)state;
    need_root();
    snprintf(program, sizeof program, "%s",
             folder_write("helper", "#!/bin/sh\ntr '\\n' ' '\nprintf '\\n\\n'\n", 0700));
    relay_program = program;
    store_folder_account("relay@example.org", "token_command: true\nallow: 54321\n");
    system_agent("");
    const char *reply = ask_as(SOMEBODY, SOMEBODY, "get\nuser=relay@example.org\n\nget\nuser=me@example.org\n\n");
    assert_non_null(strstr(reply, "user=relay@example.org"));
    assert_null(strstr(reply, ME));
}

static void users_agent_is_its_users_alone(void **state)
{
    (void)state;
    need_root();
    rig_account(ME, 0, "allow: 54321\n");
    rig_state(ME, 0, "kept", 3000);
    rig_start();
    /* Even if the socket were open to all. */
    assert_int_equal(chmod(rig_socket, 0666), 0);
    assert_int_equal(chmod(folder_path("run"), 0755), 0);
    assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, GET), "code=not-allowed\n"));
    assert_string_equal(rig_get(ME), "kept");
    assert_non_null(strstr(rig_log(), "allow: has no meaning for an account of a user's own"));
}

int __real_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size, struct group **found);
int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size, struct group **found);

/* Knows a group of more members than most, and one of more than anybody has room for. */
int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size, struct group **found)
{
    bool large = strcmp(name, "large") == 0;
    if (!large && strcmp(name, "endless") != 0)
        return __real_getgrnam_r(name, group, buffer, size, found);
    *group = (struct group){.gr_gid = GROUP};
    *found = large && size >= LARGE ? group : NULL;
    return *found ? 0 : ERANGE;
}

static void group_of_many_members(void **state)
{
    (void)state;
    system_agent("allow: @large @endless\n");
    assert_null(strstr(rig_log(), "there is no group 'large'"));
    assert_non_null(strstr(rig_log(), "there is no group 'endless'"));
    if (geteuid() == 0)
        assert_non_null(strstr(ask_as(SOMEBODY, GROUP, GET), "token=kept\n"));
}

static void unknown_name_costs_that_entry_alone(void **state)
{
    (void)state;
    system_agent("allow: nobody-of-that-name, @no-group-of-that-name 54321\n");
    assert_non_null(strstr(rig_log(), "allow: there is no user 'nobody-of-that-name'"));
    assert_non_null(strstr(rig_log(), "allow: there is no group 'no-group-of-that-name'"));
    if (geteuid() == 0)
        assert_non_null(strstr(ask_as(SOMEBODY, SOMEBODY, GET), "token=kept\n"));
}

static void owner_is_served(void **state)
{
    (void)state;
    system_agent("");
    assert_string_equal(rig_get(ME), "kept");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(stranger_is_refused_and_logged),
        TEST(user_on_the_list),
        TEST(group_on_the_list),
        TEST(edited_allow_counts_at_the_next_get),
        TEST(stranger_may_neither_reject_nor_look),
        TEST(broken_file_is_told_to_its_owner_alone),
        TEST(broken_file_of_another_account_is_not_told_either),
        TEST(tie_is_told_to_the_owner_alone),
        TEST(request_behind_a_relayed_one),
        TEST(users_agent_is_its_users_alone),
        TEST(group_of_many_members),
        TEST(unknown_name_costs_that_entry_alone),
        TEST(owner_is_served),
    };
    return cmocka_run_group_tests_name("agent: access", tests, folder_make, folder_remove);
}
