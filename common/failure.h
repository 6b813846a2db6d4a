/* The one set of failures that all parts share, and the words that go with one of them.
 *
 * The names are those of the `code` key in xoauth2-protocol(7). */
#ifndef XOAUTH2_FAILURE_H
#define XOAUTH2_FAILURE_H

#include <stdarg.h>
#include <stdbool.h>

enum failure {
    FAILURE_NONE = 0,
    FAILURE_NO_ACCOUNT,   /* nobody here knows this user */
    FAILURE_NOT_ALLOWED,  /* the peer may not use this account */
    FAILURE_WRONG_HOST,   /* the token does not belong to this server */
    FAILURE_LOGIN_NEEDED, /* the refresh token is dead or missing */
    FAILURE_UNREACHABLE,  /* network, provider down, time-out: try later */
    FAILURE_BUSY,         /* too many requests: try later */
    FAILURE_CONFIG,       /* account, provider or options file wrong */
};

/* Longest text, with its NUL; what does not fit is cut. */
#define REPORT_TEXT_MAX 1024

/* What went wrong, in words for the user that say what to do next. Never holds a secret. */
struct report {
    enum failure code;
    char text[REPORT_TEXT_MAX];
};

/* The protocol's name of a failure, such as "no-account"; "ok" for FAILURE_NONE. Static. */
const char *failure_name(enum failure code);

/* The failure of that name; FAILURE_UNREACHABLE for a name that a newer peer may have invented, since only
 * that promises nothing. */
enum failure failure_from_name(const char *name);

/* Sets both fields. Control characters in the result become '?', so that a hostile file name or server text
 * cannot drive a terminal or forge a log line. Always returns false, so that a function can end with
 * `return report_set(...)`. */
bool report_set(struct report *r, enum failure code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a va_list. */
bool report_setv(struct report *r, enum failure code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
