/* What a person sees on a terminal beside the text itself: colours, and a line that tells what is waited for. Where
 * output goes into a file or a pipe, and where TERM is missing or "dumb", there is neither. */
#ifndef XOAUTH2_SCREEN_H
#define XOAUTH2_SCREEN_H

#include <stdbool.h>

enum screen_colour { SCREEN_RED = 31, SCREEN_GREEN = 32, SCREEN_YELLOW = 33 };

/* Whether lines can change there, and whether it has colours, which NO_COLOR switches off where it is set and not
 * empty (https://no-color.org). */
bool screen_is_terminal(int fd);
bool screen_has_colours(int fd);

/* Writes the text to standard output, in a colour where it has colours. */
void screen_print(enum screen_colour colour, const char *text);

/* After a second shows the seconds and this text, without control characters, until screen_ready(). Standard output
 * and standard error must both be the terminal, so that a program that runs the command for its output never finds
 * its own screen written on. Uses SIGALRM. */
void screen_waiting(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the line away. To be called before anything else is written, and harmless at any time. */
void screen_ready(void);

#endif
