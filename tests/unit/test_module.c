/* The module file in libsasl2's hands, beside libsasl2's own plugins and in every order of their folders. */
#define _GNU_SOURCE 1
#include "config.h"

#include "app.h"
#include "folder.h"
#include "test.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sasl/saslplug.h>

static char module[4096];
static char library_folder[4096]; /* libsasl2's own plugins */

static const char *const OTHERS[] = {"libplain",   "liblogin",     "libanonymous",
                                     "libcrammd5", "libdigestmd5", "libscram"};
enum { OTHER_COUNT = sizeof OTHERS / sizeof OTHERS[0] };

static const char *const PASSWORD_SOURCE[] = {"xoauth2_token_source", "password", NULL};

static void exports_its_entry_point(void **state)
{
    (void)state;
    void *handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    assert_non_null(dlsym(handle, "sasl_client_plug_init"));
    assert_null(dlsym(handle, "mechanism_step"));
    assert_null(dlsym(handle, "secret_add"));
    dlclose(handle);
}

static void brings_no_library_with_it(void **state)
{
    (void)state;
    char line[4096];
    int objects[2];
    void *handle = NULL;
    for (int i = 0; i < 2; i++) {
        FILE *maps = fopen("/proc/self/maps", "r");
        assert_non_null(maps);
        objects[i] = 0;
        while (fgets(line, sizeof line, maps))
            objects[i] += strstr(line, "r-xp") && strstr(line, ".so");
        fclose(maps);
        if (!handle)
            handle = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    }
    assert_non_null(handle);
    dlclose(handle);
    assert_int_equal(objects[1], objects[0] + 1);
}

/* A folder with nothing but a link to one plugin: libsasl2 sorts the files of one folder as it likes. */
static void link_plugin(const char *folder, const char *target)
{
    char name[512];
    folder_sub(folder, 0755);
    snprintf(name, sizeof name, "%s/%s", folder, strrchr(target, '/') + 1);
    const char *path = folder_path(name);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

/* The folders of all plugins, ours at the place `ours`, the others turned by `turn`. */
static void make_path(char *path, size_t size, int ours, int turn)
{
    path[0] = '\0';
    for (int i = 0; i <= OTHER_COUNT; i++) {
        const char *folder = i == ours ? "ours" : OTHERS[(i - (i > ours) + turn) % OTHER_COUNT];
        size_t used = strlen(path);
        snprintf(path + used, size - used, "%s%s", used ? ":" : "", folder_path(folder));
    }
}

static struct app usual(void)
{
    return (struct app){.authname = "me@x.org", .password = "tok", .host = "mail.x.org"};
}

/* Which mechanism a program gets that leaves the choice to libsasl2. */
static void assert_choice(const char *offered, const char *expected)
{
    struct app app = usual();
    struct app_session s;
    int result = app_start(&s, &app, offered);
    assert_true(result == SASL_CONTINUE || result == SASL_OK);
    assert_string_equal(s.mech, expected);
    app_dispose(&s);
}

/* Does something in every order of loading. */
static void in_every_order(const char *const *options, void (*body)(void))
{
    for (int ours = 0; ours <= OTHER_COUNT; ours++)
        for (int turn = 0; turn < OTHER_COUNT; turn++) {
            char path[4096];
            make_path(path, sizeof path, ours, turn);
            app_begin(path, folder_path("conf"), options);
            assert_string_equal(app_log(), "");
            body();
            app_end();
        }
}

static void nothing_changes(void)
{
    assert_choice("PLAIN XOAUTH2", "PLAIN");
    assert_choice("XOAUTH2 PLAIN", "PLAIN");
    assert_choice("OAUTHBEARER XOAUTH2 LOGIN", "LOGIN");
    assert_choice("XOAUTH2 OAUTHBEARER ANONYMOUS", "ANONYMOUS");
    assert_choice("SCRAM-SHA-1 XOAUTH2 PLAIN", "SCRAM-SHA-1");
}

static void installing_changes_no_login(void **state)
{
    (void)state;
    in_every_order(NULL, nothing_changes);
}

static void xoauth2_goes_before_passwords_in_the_clear(void)
{
    assert_choice("PLAIN XOAUTH2", "XOAUTH2");
    assert_choice("XOAUTH2 PLAIN LOGIN", "XOAUTH2");
    assert_choice("LOGIN PLAIN ANONYMOUS XOAUTH2", "XOAUTH2");
    assert_choice("LOGIN OAUTHBEARER PLAIN", "OAUTHBEARER");
    assert_choice("SCRAM-SHA-1 XOAUTH2 PLAIN", "SCRAM-SHA-1");
}

static void configured_it_goes_before_plain_and_login(void **state)
{
    (void)state;
    in_every_order(PASSWORD_SOURCE, xoauth2_goes_before_passwords_in_the_clear);
}

static void everything(char *path, size_t size)
{
    make_path(path, size, 0, 0);
}

static void pinned_and_not_configured(void **state)
{
    (void)state;
    char path[4096];
    struct app app = usual();
    struct app_session s;
    char helper[4096];
    const char *options[] = {NULL};
    assert_non_null(realpath("tests/unit/fake_helper", helper));
    everything(path, sizeof path);
    setenv("FAKE_HELPER", "error\nversion=1\ncode=no-account\n\n", 1);
    app.options[0] = "xoauth2_helper"; /* this connection's alone: at load nothing is configured */
    app.options[1] = helper;
    app_begin(path, folder_path("conf"), options);
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_NOUSER);
    assert_string_equal(app_error(&s),
                        "SASL(-13): user not found: no account for me@x.org: run 'xoauth2 login me@x.org', "
                        "or restrict this program to PLAIN");
    app_dispose(&s);
    app_end();
}

/* Each of the three things that count as configured, through what libsasl2 then chooses. */
static void assert_chosen(const char *const *options, const char *mechanism)
{
    char path[4096];
    struct app app = usual();
    struct app_session s;
    everything(path, sizeof path);
    app_begin(path, folder_path("conf"), options);
    app_start(&s, &app, "PLAIN XOAUTH2");
    assert_string_equal(s.mech, mechanism);
    app_dispose(&s);
    app_end();
}

static void what_counts_as_configured(void **state)
{
    (void)state;
    static const char *const TIMEOUT[] = {"xoauth2_timeout", "1", NULL};
    static const char *const FOREIGN[] = {"sasl_something", "1", NULL};
    assert_chosen(NULL, "PLAIN");
    assert_chosen(FOREIGN, "PLAIN");
    assert_chosen(TIMEOUT, "XOAUTH2");
    const char *file = folder_write("conf/xoauth2.conf", "xoauth2_timeout: 1\n", 0644);
    assert_chosen(NULL, "XOAUTH2");
    unlink(file);
    folder_sub("config", 0700);
    folder_sub("config/xoauth2", 0700);
    folder_sub("config/xoauth2/accounts", 0700);
    assert_chosen(NULL, "PLAIN");
    file = folder_write("config/xoauth2/accounts/me@x.org.conf", "provider: google\n", 0600);
    assert_chosen(NULL, "XOAUTH2");
    unlink(file);
}

static void honest_about_a_bare_wire(void **state)
{
    (void)state;
    char path[4096];
    struct app app = usual();
    struct app_session s;
    sasl_security_properties_t strict = {.max_ssf = 256, .maxbufsize = 4096, .security_flags = SASL_SEC_NOPLAINTEXT};
    everything(path, sizeof path);
    app_begin(path, folder_path("conf"), PASSWORD_SOURCE);
    assert_int_equal(app_start(&s, &app, "XOAUTH2"), SASL_CONTINUE);
    sasl_dispose(&s.conn);
    assert_int_equal(sasl_client_new("imap", NULL, NULL, NULL, s.callbacks, 0, &s.conn), SASL_OK);
    assert_int_equal(sasl_setprop(s.conn, SASL_SEC_PROPS, &strict), SASL_OK);
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", NULL, &s.out, &s.out_len, &s.mech), SASL_NOMECH);
    strict.security_flags = SASL_SEC_NOANONYMOUS;
    assert_int_equal(sasl_setprop(s.conn, SASL_SEC_PROPS, &strict), SASL_OK);
    assert_int_equal(sasl_client_start(s.conn, "XOAUTH2", NULL, &s.out, &s.out_len, &s.mech), SASL_CONTINUE);
    app_dispose(&s);
    app_end();
}

static void program_without_a_password_callback(void **state)
{
    (void)state;
    char path[4096];
    struct app app = usual();
    struct app_session s;
    app.password = NULL;
    everything(path, sizeof path);
    app_begin(path, folder_path("conf"), PASSWORD_SOURCE);
    app_start(&s, &app, "PLAIN XOAUTH2");
    assert_string_equal(s.mech, "XOAUTH2");
    app_dispose(&s);
    app_end();
}

static int prepare(void **state)
{
    Dl_info library;
    if (folder_make(state) != 0)
        return -1;
    assert_non_null(realpath(".libs/libsasl2-xoauth2.so", module));
    assert_true(dladdr((void *)(uintptr_t)sasl_client_init, &library) != 0);
    assert_non_null(realpath(library.dli_fname, library_folder));
    strcpy(strrchr(library_folder, '/'), "/sasl2");
    for (int i = 0; i < OTHER_COUNT; i++) {
        char target[4200];
        snprintf(target, sizeof target, "%s/%s.so", library_folder, OTHERS[i]);
        if (access(target, R_OK) != 0)
            fail_msg("%s is missing: apt-get install libsasl2-modules", target);
        link_plugin(OTHERS[i], target);
    }
    link_plugin("ours", module);
    folder_sub("conf", 0700);
    folder_home();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exports_its_entry_point),     cmocka_unit_test(brings_no_library_with_it),
        cmocka_unit_test(installing_changes_no_login), cmocka_unit_test(configured_it_goes_before_plain_and_login),
        cmocka_unit_test(pinned_and_not_configured),   cmocka_unit_test(what_counts_as_configured),
        cmocka_unit_test(honest_about_a_bare_wire),    cmocka_unit_test(program_without_a_password_callback),
    };
    return cmocka_run_group_tests(tests, prepare, folder_remove);
}
