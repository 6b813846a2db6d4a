#include "config.h"

#include "browser.h"

#include "folder.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define URL "http://127.0.0.1:1/?a=b&c=$(touch x);d"

/* Waits for the program itself, as the flow never does, and returns its exit status. */
static int wait_for(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, text, size - 1);
    close(fd);
    assert_true(len >= 0);
    text[len] = '\0';
}

static int clear(void **unused)
{
    (void)unused;
    unsetenv("BROWSER");
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    return 0;
}

static void no_browser_and_no_display(void **unused)
{
    (void)unused;
    assert_null(browser_program());
    setenv("BROWSER", "", 1);
    setenv("DISPLAY", "", 1);
    assert_null(browser_program());
}

static void display_without_a_browser(void **unused)
{
    (void)unused;
    setenv("WAYLAND_DISPLAY", "wayland-0", 1);
    assert_string_equal(browser_program(), "xdg-open");
    setenv("BROWSER", "lynx", 1);
    assert_string_equal(browser_program(), "lynx");
}

static void url_is_one_argument_and_no_shell_sees_it(void **unused)
{
    (void)unused;
    char script[512];
    char text[512];
    struct report why;
    pid_t pid;
    snprintf(script, sizeof script,
             "#!/bin/sh\nexec 9>'%s'\nprintf '%%s %%s\\n' $# \"$1\" >&9\nreadlink /proc/self/fd/0 >&9\n"
             "[ \"$(cut -d' ' -f5 /proc/self/stat)\" = \"$(cut -d' ' -f6 /proc/self/stat)\" ] && echo session >&9\n",
             folder_path("out"));
    const char *program = folder_write("a browser", script, 0755);
    assert_true(browser_start(program, URL, &pid, &why));
    assert_int_equal(wait_for(pid), 0);
    read_file(folder_path("out"), text, sizeof text);
    assert_string_equal(text, "1 " URL "\n/dev/null\nsession\n");
}

static void its_output_is_not_ours(void **unused)
{
    (void)unused;
    struct report why;
    char text[64];
    pid_t pid;
    const char *program = folder_write("loud", "#!/bin/sh\necho loud\n", 0755);
    const char *path = folder_path("err");
    int saved = dup(STDERR_FILENO);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(saved >= 0 && fd >= 0);
    dup2(fd, STDERR_FILENO);
    bool ok = browser_start(program, URL, &pid, &why);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
    assert_true(ok);
    assert_int_equal(wait_for(pid), 0);
    read_file(path, text, sizeof text);
    assert_string_equal(text, "loud\n");
}

static void program_that_is_not_there(void **unused)
{
    (void)unused;
    struct report why;
    pid_t pid;
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/usr/bin:/bin", 1); /* a folder that we may not read would be the error */
    bool ok = browser_start("no-such-browser --new-window", URL, &pid, &why);
    setenv("PATH", path, 1);
    free(path);
    if (ok) {
        assert_int_equal(wait_for(pid), 127); /* under valgrind the child cannot tell us in another way */
        return;
    }
    assert_string_equal(why.text,
                        "cannot start the browser 'no-such-browser --new-window': No such file or directory");
    assert_int_equal(pid, 0);
}

static void program_that_fails(void **unused)
{
    (void)unused;
    struct report why;
    siginfo_t info;
    int status = 0;
    pid_t pid;
    assert_true(browser_start(folder_write("fails", "#!/bin/sh\nexit 3\n", 0755), URL, &pid, &why));
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_true(browser_failed(&pid, &status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_int_equal(pid, 0);
    assert_false(browser_failed(&pid, &status));
}

static void program_that_is_still_running(void **unused)
{
    (void)unused;
    struct report why;
    int status = 0;
    assert_int_equal(mkfifo(folder_path("gate"), 0600), 0);
    char script[512];
    snprintf(script, sizeof script, "#!/bin/sh\nread line < '%s'\n", folder_path("gate"));
    pid_t pid;
    assert_true(browser_start(folder_write("waits", script, 0755), URL, &pid, &why));
    pid_t child = pid;
    assert_false(browser_failed(&pid, &status));
    assert_int_equal(pid, child);
    int gate = open(folder_path("gate"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(gate, "go\n", 3), 3);
    close(gate);
    assert_int_equal(wait_for(child), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_browser_and_no_display, clear),
        cmocka_unit_test_setup(display_without_a_browser, clear),
        cmocka_unit_test(url_is_one_argument_and_no_shell_sees_it),
        cmocka_unit_test(its_output_is_not_ours),
        cmocka_unit_test(program_that_is_not_there),
        cmocka_unit_test(program_that_fails),
        cmocka_unit_test(program_that_is_still_running),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
