#include "config.h"

#include "terminal.h"

#include "test.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 3000 };

static int ends[2];
static struct line_reader reader;

static int open_pipe(void **unused)
{
    (void)unused;
    if (pipe(ends) != 0)
        return -1;
    line_reader_init(&reader, ends[0], LIMIT);
    return 0;
}

static int close_pipe(void **unused)
{
    (void)unused;
    line_reader_free(&reader);
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    return 0;
}

static void give(const char *text)
{
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
}

static void end(void)
{
    close(ends[1]);
    ends[1] = -1;
}

static void line_in_pieces(void **unused)
{
    (void)unused;
    give("http://");
    assert_int_equal(line_read(&reader), LINE_NONE);
    assert_null(line_next(&reader));
    give("x\nnext");
    assert_int_equal(line_read(&reader), LINE_READY);
    assert_string_equal(line_next(&reader), "http://x");
    assert_null(line_next(&reader));
}

static void several_lines_at_once(void **unused)
{
    (void)unused;
    give("a\r\n\nb\n");
    assert_int_equal(line_read(&reader), LINE_READY);
    assert_string_equal(line_next(&reader), "a");
    assert_string_equal(line_next(&reader), "");
    assert_string_equal(line_next(&reader), "b");
    assert_null(line_next(&reader));
}

static void last_line_without_an_end(void **unused)
{
    (void)unused;
    give("last");
    end();
    assert_int_equal(line_read(&reader), LINE_NONE);
    assert_int_equal(line_read(&reader), LINE_ENDED);
    assert_string_equal(line_next(&reader), "last");
    assert_null(line_next(&reader));
    assert_int_equal(reader.fd, -1);
    assert_false(line_reader_may_read(&reader));
}

static void nothing_but_the_end(void **unused)
{
    (void)unused;
    end();
    assert_int_equal(line_read(&reader), LINE_ENDED);
    assert_null(line_next(&reader));
}

static void endless_line(void **unused)
{
    (void)unused;
    char filler[1025];
    int too_long = 0;
    memset(filler, 'x', 1024);
    filler[1024] = '\0';
    for (int i = 0; i < 64; i++) {
        give(filler);
        too_long += line_read(&reader) == LINE_TOO_LONG;
        assert_null(line_next(&reader));
        assert_true(reader.buffer.len <= LIMIT);
    }
    assert_int_equal(too_long, 1);
    give("tail\ngood\n");
    line_read(&reader);
    assert_string_equal(line_next(&reader), "good");
}

static void endless_line_that_ends_with_the_input(void **unused)
{
    (void)unused;
    char filler[1025];
    memset(filler, 'x', 1024);
    filler[1024] = '\0';
    for (int i = 0; i < 4; i++) {
        give(filler);
        line_read(&reader);
    }
    end();
    assert_int_equal(line_read(&reader), LINE_ENDED);
    assert_null(line_next(&reader));
}

static void lines_are_wiped(void **unused)
{
    (void)unused;
    give("secret\n");
    line_read(&reader);
    assert_string_equal(line_next(&reader), "secret");
    assert_null(line_next(&reader));
    assert_memory_equal(reader.buffer.data, "\0\0\0\0\0\0\0", 7);
}

static void descriptor_that_is_no_terminal_may_be_read(void **unused)
{
    (void)unused;
    assert_true(line_reader_may_read(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(line_in_pieces, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(several_lines_at_once, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(last_line_without_an_end, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(nothing_but_the_end, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(endless_line, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(endless_line_that_ends_with_the_input, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(lines_are_wiped, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(descriptor_that_is_no_terminal_may_be_read, open_pipe, close_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
