#include "config.h"

#include "glob.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* On a mismatch only the last '*' takes one byte more: an earlier one never has to, so the work is at most the
 * product of both lengths. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text)
{
    const char *end = pattern + pattern_len;
    const char *star = NULL;
    const char *resume = NULL;
    while (*text) {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (pattern < end && lower(*pattern) == lower(*text)) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

static const char SEPARATORS[] = " \t\r,";

const char *glob_next(const char **list, size_t *len)
{
    const char *start = *list + strspn(*list, SEPARATORS);
    *len = strcspn(start, SEPARATORS);
    *list = start + *len;
    return *len > 0 ? start : NULL;
}

size_t glob_rank(const char *list, const char *text)
{
    size_t best = 0;
    const char *entry;
    size_t len;
    while ((entry = glob_next(&list, &len)) != NULL) {
        if (!glob_match(entry, len, text))
            continue;
        if (!memchr(entry, '*', len))
            return GLOB_EXACT;
        if (len + 1 > best)
            best = len + 1;
    }
    return best;
}
