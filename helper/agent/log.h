/* What the agent tells its administrator: on standard error with --foreground, else in the system's log. Never a
 * secret. */
#ifndef XOAUTH2_LOG_H
#define XOAUTH2_LOG_H

#include <stdbool.h>

/* Chooses where to. Before this everything goes to standard error. */
void log_open(bool foreground);

void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for what a stranger can cause as often as he likes: at most LOG_FLOOD_MAX lines in LOG_FLOOD_SECONDS, then
 * only their number. */
#define LOG_FLOOD_MAX 20
#define LOG_FLOOD_SECONDS 10
void log_refusal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
