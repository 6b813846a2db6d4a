#include "config.h"

#include "screen.h"

#include "failure.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

enum { LINE_SIZE = 160, DIGITS = 3, TEXT_AT = sizeof "\r000 s  " - 1 };

static char line[LINE_SIZE + 8]; /* "\r", the seconds, the text, and what clears the rest of the line */
static size_t line_len;          /* 0: nothing is waited for */
static volatile sig_atomic_t seconds;

bool screen_is_terminal(int fd)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0 && isatty(fd);
}

bool screen_has_colours(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    return screen_is_terminal(fd) && !(no_color && *no_color);
}

void screen_print(enum screen_colour colour, const char *text)
{
    if (screen_has_colours(STDOUT_FILENO))
        printf("\033[%dm%s\033[0m", (int)colour, text);
    else
        fputs(text, stdout);
}

/* In a handler printf() may not be used. */
static void tick(int signal)
{
    int saved = errno;
    int left = ++seconds;
    (void)signal;
    for (size_t i = DIGITS; i > 0; i--, left /= 10)
        line[i] = left > 0 ? (char)('0' + left % 10) : ' ';
    if (write(STDERR_FILENO, line, line_len) < 0) {
        /* there is nobody to tell */
    }
    errno = saved;
}

static void run_clock(time_t interval)
{
    struct itimerval every = {.it_interval = {.tv_sec = interval}, .it_value = {.tv_sec = interval}};
    setitimer(ITIMER_REAL, &every, NULL);
}

/* A line that wraps could not be taken away. */
static size_t room(void)
{
    struct winsize size;
    size_t columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    return columns < LINE_SIZE ? columns : LINE_SIZE;
}

void screen_waiting(const char *format, ...)
{
    struct report text;
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    va_list args;
    screen_ready();
    if (!screen_is_terminal(STDOUT_FILENO) || !screen_is_terminal(STDERR_FILENO) || room() <= TEXT_AT)
        return;
    va_start(args, format);
    report_setv(&text, FAILURE_NONE, format, args);
    va_end(args);
    line_len = (size_t)snprintf(line, sizeof line, "\r    s  %.*s\033[K", (int)(room() - TEXT_AT), text.text);
    seconds = 0;
    sigaction(SIGALRM, &action, NULL);
    run_clock(1);
}

void screen_ready(void)
{
    static const char CLEAR[] = "\r\033[K";
    if (line_len == 0)
        return;
    run_clock(0);
    line_len = 0;
    if (seconds > 0)
        fputs(CLEAR, stderr);
}
