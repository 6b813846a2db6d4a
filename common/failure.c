#include "config.h"

#include "failure.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

static const char *const NAMES[] = {
    [FAILURE_NONE] = "ok",
    [FAILURE_NO_ACCOUNT] = "no-account",
    [FAILURE_NOT_ALLOWED] = "not-allowed",
    [FAILURE_WRONG_HOST] = "wrong-host",
    [FAILURE_LOGIN_NEEDED] = "login-needed",
    [FAILURE_UNREACHABLE] = "unreachable",
    [FAILURE_BUSY] = "busy",
    [FAILURE_CONFIG] = "config",
};

enum { NAME_COUNT = sizeof NAMES / sizeof NAMES[0] };

const char *failure_name(enum failure code)
{
    return NAMES[code];
}

enum failure failure_from_name(const char *name)
{
    for (int i = FAILURE_NO_ACCOUNT; i < NAME_COUNT; i++)
        if (strcmp(NAMES[i], name) == 0)
            return (enum failure)i;
    return FAILURE_UNREACHABLE;
}

bool report_setv(struct report *r, enum failure code, const char *format, va_list args)
{
    r->code = code;
    if (vsnprintf(r->text, sizeof r->text, format, args) < 0)
        r->text[0] = '\0';
    text_neutralize(r->text);
    return false;
}

bool report_set(struct report *r, enum failure code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report_setv(r, code, format, args);
    va_end(args);
    return false;
}
