#include "config.h"

#include "terminal.h"

#include "clock.h"
#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { QUESTION_MAX = 4096, ANSWER_MAX = 256, READ_CHUNK = 1024 };

static bool locale_is_utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (!locale)
        return false;
    bool utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return utf8;
}

void terminal_open(struct terminal *t)
{
    *t = (struct terminal){.tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
    t->out = t->tty >= 0 ? t->tty : STDERR_FILENO;
    t->is_tty = screen_is_terminal(t->out);
    t->has_colours = screen_has_colours(t->out);
    t->is_utf8 = locale_is_utf8();
}

void terminal_close(struct terminal *t)
{
    if (t->unfinished)
        terminal_say(t, "%s", "");
    terminal_edit_again();
    if (t->tty >= 0)
        close(t->tty);
    t->tty = -1;
    t->out = STDERR_FILENO;
}

void terminal_say(struct terminal *t, const char *format, ...)
{
    if (t->unfinished)
        dprintf(t->out, "\n");
    t->unfinished = false;
    va_list args;
    va_start(args, format);
    vdprintf(t->out, format, args);
    va_end(args);
}

void terminal_line(struct terminal *t, const char *format, ...)
{
    if (!t->is_tty)
        return;
    char text[ANSWER_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    unsigned columns = terminal_columns(t); /* a line that wraps could not be replaced */
    dprintf(t->out, "\r%.*s\033[K", columns > 0 ? (int)columns - 1 : ANSWER_MAX, text);
    t->unfinished = *text;
}

unsigned terminal_columns(const struct terminal *t)
{
    struct winsize size;
    return t->is_tty && ioctl(t->out, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* A process in the background would be stopped by reading from its terminal. */
static bool in_foreground(int fd)
{
    return tcgetpgrp(fd) == getpgrp();
}

bool terminal_can_ask(const struct terminal *t)
{
    return t->tty >= 0 && in_foreground(t->tty);
}

bool terminal_ask_line(struct terminal *t, const char *question, char *answer, size_t size, int64_t deadline)
{
    *answer = '\0';
    if (!terminal_can_ask(t))
        return false;
    terminal_say(t, "%s ", question);
    struct line_reader reader;
    line_reader_init(&reader, t->tty, size);
    const char *line = NULL;
    while (reader.fd >= 0 && !line && clock_left(deadline) > 0) {
        struct pollfd p = {.fd = reader.fd, .events = POLLIN};
        if (poll(&p, 1, clock_left(deadline)) > 0 && line_read(&reader) != LINE_TOO_LONG)
            line = line_next(&reader);
    }
    if (line)
        snprintf(answer, size, "%s", line);
    else
        terminal_say(t, "\n");
    line_reader_free(&reader);
    return line;
}

bool terminal_ask(struct terminal *t, const char *question, int64_t deadline)
{
    char text[QUESTION_MAX];
    char answer[ANSWER_MAX];
    snprintf(text, sizeof text, "%s [y/N]", question);
    return terminal_ask_line(t, text, answer, sizeof answer, deadline) &&
           (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
}

/* The terminal that does not let its lines be edited, and how it was. */
static struct termios edited;
static volatile sig_atomic_t taken = -1;

bool terminal_take_all(int fd)
{
    struct termios now;
    if (tcgetattr(fd, &now) != 0 || !(now.c_lflag & ICANON))
        return false;
    edited = now;
    now.c_lflag &= ~(tcflag_t)ICANON;
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    taken = fd;
    return tcsetattr(fd, TCSANOW, &now) == 0;
}

void terminal_edit_again(void)
{
    if (taken >= 0)
        tcsetattr(taken, TCSANOW, &edited);
    taken = -1;
}

void line_reader_init(struct line_reader *r, int fd, size_t limit)
{
    *r = (struct line_reader){.fd = fd, .limit = limit};
    secret_init(&r->buffer, limit + READ_CHUNK);
}

void line_reader_free(struct line_reader *r)
{
    secret_free(&r->buffer);
    r->fd = -1;
}

bool line_reader_may_read(const struct line_reader *r)
{
    return r->fd >= 0 && (!isatty(r->fd) || in_foreground(r->fd));
}

/* Forgets the line handed out last. */
static void drop_taken(struct line_reader *r)
{
    secret_drop_front(&r->buffer, r->taken);
    r->taken = 0;
}

/* Throws a line that is too long away, to its end. */
static enum line_result skip_line(struct line_reader *r)
{
    char *end = r->buffer.len > 0 ? memchr(r->buffer.data, '\n', r->buffer.len) : NULL;
    bool first = !r->skipping;
    r->skipping = !end;
    secret_drop_front(&r->buffer, end ? (size_t)(end + 1 - r->buffer.data) : r->buffer.len);
    return first ? LINE_TOO_LONG : LINE_NONE;
}

/* A last line without an end counts too. */
static enum line_result end_of_input(struct line_reader *r)
{
    r->fd = -1;
    if (r->skipping)
        secret_reset(&r->buffer);
    else if (r->buffer.len > 0)
        secret_add(&r->buffer, "\n", 1);
    return LINE_ENDED;
}

enum line_result line_read(struct line_reader *r)
{
    drop_taken(r);
    char *room = secret_room(&r->buffer, READ_CHUNK);
    if (!room)
        return end_of_input(r);
    ssize_t got = read(r->fd, room, READ_CHUNK);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return LINE_NONE;
    if (got <= 0)
        return end_of_input(r);
    secret_grow(&r->buffer, (size_t)got);
    if (r->skipping)
        return skip_line(r);
    bool whole = memchr(r->buffer.data, '\n', r->buffer.len);
    if (!whole && r->buffer.len > r->limit)
        return skip_line(r);
    return whole ? LINE_READY : LINE_NONE;
}

const char *line_next(struct line_reader *r)
{
    drop_taken(r);
    char *end = r->buffer.len > 0 ? memchr(r->buffer.data, '\n', r->buffer.len) : NULL;
    if (!end)
        return NULL;
    *end = '\0';
    r->taken = (size_t)(end + 1 - r->buffer.data);
    if (end > r->buffer.data && end[-1] == '\r')
        end[-1] = '\0';
    return r->buffer.data;
}
