#include "config.h"

#include "log.h"

#include "clock.h"
#include "failure.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

static bool to_syslog;
static bool with_level; /* the journal reads our standard error and takes "<4>" for a warning, sd-daemon(3) */

void log_open(bool foreground)
{
    to_syslog = !foreground;
    with_level = secure_getenv("JOURNAL_STREAM") != NULL;
    if (to_syslog)
        openlog("xoauth2", LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

static void put(int level, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Through a report, which blots out control characters. */
static void put(int level, const char *format, va_list args)
{
    struct report line;
    report_setv(&line, FAILURE_NONE, format, args);
    if (to_syslog)
        syslog(level, "%s", line.text);
    else if (with_level)
        fprintf(stderr, "<%d>%s\n", level, line.text);
    else
        fprintf(stderr, "xoauth2 agent: %s\n", line.text);
}

void log_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(LOG_INFO, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(LOG_WARNING, format, args);
    va_end(args);
}

/* Whether another line is within the limit. Says how many were left out when the next period begins. */
static bool within_limit(void)
{
    static int64_t since;
    static unsigned lines;
    int64_t now = clock_monotonic();
    if (since == 0 || now - since >= LOG_FLOOD_SECONDS * 1000) {
        unsigned left_out = lines > LOG_FLOOD_MAX ? lines - LOG_FLOOD_MAX : 0;
        since = now;
        lines = 0;
        if (left_out > 0)
            log_warning("%u more refusals like the last ones were not logged", left_out);
    }
    return ++lines <= LOG_FLOOD_MAX;
}

void log_refusal(const char *format, ...)
{
    va_list args;
    if (!within_limit())
        return;
    va_start(args, format);
    put(LOG_WARNING, format, args);
    va_end(args);
}
