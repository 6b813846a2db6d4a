/* Provider files that change while the agent runs: they count without a signal. */
#include "config.h"

#include "agent_rig.h"
#include "folder.h"
#include "provider.h"
#include "store_folder.h"
#include "test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ME[] = "me@example.org";
static const char ONE[] = "hosts: one.example.org\n";
static const char TWO[] = "hosts: two.example.org\n";

enum { SOON_MS = 5000, MANY = 300, CPU_MS = 1000 };

/* As package tools and editors do: another file in its place at once. */
static void replace(const char *folder, const char *text)
{
    char file[64];
    char target[PATH_MAX];
    snprintf(file, sizeof file, "%s/some.conf", folder);
    snprintf(target, sizeof target, "%s", folder_path(file));
    snprintf(file, sizeof file, "%s/some.new", folder);
    assert_int_equal(rename(folder_write(file, text, 0644), target), 0);
}

static const char *ask(const char *host)
{
    char request[256];
    snprintf(request, sizeof request, "get\nuser=%s\nhost=%s\n\n", ME, host);
    return rig_ask(request);
}

static void await(const char *host, const char *part)
{
    for (int waited = 0; !strstr(ask(host), part); waited += RIG_LOOK) {
        if (waited >= SOON_MS)
            fail_msg("waited in vain for %s; the last answer: %s", part, ask(host));
        rig_nap(RIG_LOOK);
    }
}

static void account_with_provider(void)
{
    rig_account(ME, 0, "provider: some\n");
    rig_state(ME, 0, "kept", 3000);
}

static void hosts_that_are_exchanged(void **state)
{
    (void)state;
    store_folder_provider("some", ONE);
    account_with_provider();
    rig_start();
    assert_non_null(strstr(ask("one.example.org"), "token=kept\n"));
    assert_non_null(strstr(ask("two.example.org"), "code=wrong-host\n"));
    replace("providers", TWO);
    await("two.example.org", "token=kept\n");
    assert_non_null(strstr(ask("one.example.org"), "code=wrong-host\n"));
    assert_non_null(strstr(ask("one.example.org"), "hosts:"));
}

static void file_written_in_place(void **state)
{
    (void)state;
    const char *path = store_folder_provider("some", ONE);
    account_with_provider();
    rig_start();
    assert_non_null(strstr(ask("one.example.org"), "token=kept\n"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(TWO, file);
    assert_int_equal(fclose(file), 0);
    await("two.example.org", "token=kept\n");
    assert_non_null(strstr(ask("one.example.org"), "code=wrong-host\n"));
}

/* The tokens are another provider's then, and these again when it is put back. */
static void wrong_file_that_is_put_back(void **state)
{
    char right[256];
    (void)state;
    snprintf(right, sizeof right, "token_endpoint: http://127.0.0.1:%d/0\n", rig_server.port);
    store_folder_provider("some", right);
    store_folder_account(ME, "provider: some\nclient_id: c\n");
    rig_state(ME, 0, "kept", 3000);
    rig_start();
    assert_string_equal(rig_get(ME), "kept");
    replace("providers", "token_endpoint: http://127.0.0.1:1/0\n");
    await("h", "code=login-needed\n");
    replace("providers", right);
    await("h", "token=kept\n");
    assert_int_equal(rig_endpoint(0)->requests, 0);
}

/* The administrator's comes before the package's, and its folder may come later. */
static void folder_that_comes_later(void **state)
{
    static char later[PATH_MAX];
    static char package[PATH_MAX];
    static const char *folders[] = {later, package, NULL};
    (void)state;
    snprintf(later, sizeof later, "%s", folder_path("later"));
    snprintf(package, sizeof package, "%s", folder_path("providers"));
    provider_folders = folders;
    store_folder_provider("some", ONE);
    account_with_provider();
    rig_start();
    assert_non_null(strstr(ask("one.example.org"), "token=kept\n"));
    folder_sub("later", 0755);
    replace("later", TWO);
    await("two.example.org", "token=kept\n");
    replace("later", ONE); /* it is watched by now, or looked at */
    await("one.example.org", "token=kept\n");
    assert_int_equal(unlink(folder_path("later/some.conf")), 0);
    assert_int_equal(rmdir(later), 0);
    replace("providers", TWO);
    await("two.example.org", "token=kept\n");
}

static void number(char name[64], int i)
{
    snprintf(name, 64, "user%d@example.org", i);
}

/* Nobody asks for most of them, and still they are read anew; many changes in a row are not many times the work.
 */
static void many_accounts(void **state)
{
    char name[64];
    (void)state;
    store_folder_provider("some", ONE);
    account_with_provider();
    for (int i = 0; i < MANY; i++) {
        number(name, i);
        rig_account(name, 0, "provider: some\n");
    }
    rig_start();
    int64_t before = rig_cpu();
    for (int i = 0; i < 100; i++)
        replace("providers", ONE);
    await("one.example.org", "token=kept\n");
    replace("providers", "no-such-key: x\n");
    RIG_AWAIT_WITHIN(SOON_MS, strstr(rig_log(), "unknown key"));
    assert_true(rig_cpu() - before < CPU_MS);
    replace("providers", TWO);
    await("two.example.org", "token=kept\n");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(hosts_that_are_exchanged),
        TEST(file_written_in_place),
        TEST(wrong_file_that_is_put_back),
        TEST(folder_that_comes_later),
        TEST(many_accounts),
    };
    return cmocka_run_group_tests_name("agent: provider files", tests, folder_make, folder_remove);
}
