#include "config.h"

#include "readfile.h"

#include "folder.h"
#include "test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct readfile_rules rules(void)
{
    return (struct readfile_rules){.forbidden_mode = 077, .owner = geteuid(), .limit = 16};
}

/* Reads and compares the result; returns the report's text, static. */
static const char *read_expecting(const char *path, const struct readfile_rules *r, enum readfile_result expected,
                                  const char *content)
{
    static struct report why;
    struct secret out;
    why = (struct report){0};
    secret_init(&out, 1);
    assert_int_equal(readfile(path, r, &out, &why), expected);
    if (content)
        assert_string_equal(out.data, content);
    else
        assert_int_equal(out.len, 0);
    secret_free(&out);
    return why.text;
}

static void right_file(void **state)
{
    (void)state;
    struct readfile_rules r = rules();
    read_expecting(folder_write("right", "0123456789abcdef", 0600), &r, READFILE_OK, "0123456789abcdef");
    read_expecting(folder_write("empty", "", 0600), &r, READFILE_OK, "");
}

static void missing(void **state)
{
    (void)state;
    struct readfile_rules r = rules();
    assert_string_equal(read_expecting(folder_path("nothing"), &r, READFILE_MISSING, NULL), "");
    const char *file = folder_write("file", "x", 0600);
    char below[300];
    strcpy(below, file);
    strcat(below, "/below");
    assert_string_equal(read_expecting(below, &r, READFILE_MISSING, NULL), "");
}

static void too_large(void **state)
{
    (void)state;
    struct readfile_rules r = rules();
    const char *text = read_expecting(folder_write("large", "0123456789abcdefg", 0600), &r, READFILE_REFUSED, NULL);
    assert_non_null(strstr(text, "larger than 16 bytes"));
}

/* Files in /proc say that they are empty, and are not. */
static void larger_than_it_says(void **state)
{
    (void)state;
    struct readfile_rules r = rules();
    r.forbidden_mode = 022;
    const char *text = read_expecting("/proc/self/status", &r, READFILE_REFUSED, NULL);
    assert_non_null(strstr(text, "larger than 16 bytes"));
}

static void others_may_read_it(void **state)
{
    (void)state;
    struct readfile_rules r = rules();
    const char *text = read_expecting(folder_write("open", "x", 0644), &r, READFILE_REFUSED, NULL);
    assert_non_null(strstr(text, "mode 0644): run 'chmod 0600 "));
    r.forbidden_mode = 022;
    read_expecting(folder_path("open"), &r, READFILE_OK, "x");
}

static void somebody_else_owns_it(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    struct readfile_rules r = rules();
    const char *path = folder_write("foreign", "x", 0600);
    assert_int_equal(chown(path, 12345, 0), 0);
    const char *text = read_expecting(path, &r, READFILE_REFUSED, NULL);
    assert_non_null(strstr(text, "belongs to user id 12345"));
    r.any_owner = true;
    read_expecting(path, &r, READFILE_OK, "x");
}

static void symbolic_link(void **state)
{
    (void)state;
    struct readfile_rules r = rules();
    const char *target = folder_write("target", "x", 0600);
    const char *name = folder_path("link");
    assert_int_equal(symlink(target, name), 0);
    const char *text = read_expecting(name, &r, READFILE_REFUSED, NULL);
    assert_non_null(strstr(text, "is a symbolic link"));
    r.follow_symlink = true;
    read_expecting(name, &r, READFILE_OK, "x");
}

static void no_regular_file(void **state)
{
    (void)state;
    struct readfile_rules r = rules();
    const char *fifo = folder_path("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_non_null(strstr(read_expecting(fifo, &r, READFILE_REFUSED, NULL), "is not a regular file"));
    assert_non_null(strstr(read_expecting(folder_sub("sub", 0700), &r, READFILE_REFUSED, NULL), "/sub is a folder"));
    r.forbidden_mode = 0;
    assert_non_null(strstr(read_expecting("/dev/zero", &r, READFILE_REFUSED, NULL), "is not a regular file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_file),         cmocka_unit_test(missing),
        cmocka_unit_test(too_large),          cmocka_unit_test(larger_than_it_says),
        cmocka_unit_test(others_may_read_it), cmocka_unit_test(somebody_else_owns_it),
        cmocka_unit_test(symbolic_link),      cmocka_unit_test(no_regular_file),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
