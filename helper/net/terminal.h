/* Talking with the person who logs in: prompts go to the controlling terminal, so that a program that swallows our
 * output does not swallow the code to type in; without a terminal they go to standard error. Never to standard
 * output. */
#ifndef XOAUTH2_TERMINAL_H
#define XOAUTH2_TERMINAL_H

#include "secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct terminal {
    int tty;         /* /dev/tty, or -1 */
    int out;         /* where prompts go: `tty`, else standard error */
    bool is_tty;     /* `out` is a terminal, and not a dumb one: the cursor can be moved */
    bool has_colours;
    bool is_utf8;    /* it shows UTF-8, as far as the locale tells */
    bool unfinished; /* the cursor stands in a line that terminal_line() wrote */
};

/* Opens the terminal, or falls back. Never fails. */
void terminal_open(struct terminal *t);
void terminal_close(struct terminal *t);

/* Writes a text. Text from elsewhere must have been neutralized. */
void terminal_say(struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Replaces the line under the cursor, on a terminal; does nothing elsewhere. A later terminal_say() begins a new
 * line, unless this one was empty. */
void terminal_line(struct terminal *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Its columns, or 0 where unknown. */
unsigned terminal_columns(const struct terminal *t);

/* Whether a question can be put: there is a terminal and this process may read from it. */
bool terminal_can_ask(const struct terminal *t);

/* Puts a question that a line answers, cut where it is longer than `size`. False without a terminal, at its end, and
 * when the deadline (CLOCK_MONOTONIC milliseconds) passes. */
bool terminal_ask_line(struct terminal *t, const char *question, char *answer, size_t size, int64_t deadline);

/* Puts a yes-or-no question. True only for "y" or "yes"; false for anything else, end of file, and when the deadline
 * (CLOCK_MONOTONIC milliseconds) passes. */
bool terminal_ask(struct terminal *t, const char *question, int64_t deadline);

/* A terminal takes so much of a line that is still being edited, and drops the rest without a word. Some providers'
 * last page has a longer address. */
#define TERMINAL_EDITED_MAX 4095 /* bytes, without the line's end: see termios(3) */

/* Makes a terminal give everything as it is typed, so that nothing can be corrected, but nothing is dropped. False
 * where it did so before, or is none. */
bool terminal_take_all(int fd);

/* Makes it as it was. A signal handler may call this. */
void terminal_edit_again(void);

/* Reads lines from a descriptor that others may share, so it is never made non-blocking: line_read() is called only
 * after poll(2) said that there is something. */
struct line_reader {
    int fd; /* -1: there is nothing to read, or no longer */
    size_t limit;
    struct secret buffer;
    size_t taken;  /* bytes of the line handed out last */
    bool skipping; /* in a line that is too long */
};

enum line_result {
    LINE_NONE, /* no whole line yet */
    LINE_READY,
    LINE_TOO_LONG,
    LINE_ENDED, /* end of file or an error; `fd` is -1 from now on, but a last line may still come */
};

/* Starts on `fd`, or on nothing with -1; `limit` is in bytes. */
void line_reader_init(struct line_reader *r, int fd, size_t limit);
void line_reader_free(struct line_reader *r);

/* Whether it is this process's turn to read: the descriptor is open and, if it is the terminal, we are in the
 * foreground. */
bool line_reader_may_read(const struct line_reader *r);

/* Reads once. */
enum line_result line_read(struct line_reader *r);

/* The next whole line, without its end, or NULL. It lives until the next call of any function on the reader. */
const char *line_next(struct line_reader *r);

#endif
