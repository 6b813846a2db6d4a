/* Lists of names and patterns: users:, hosts:, domains:. */
#ifndef XOAUTH2_GLOB_H
#define XOAUTH2_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text matches the pattern of `pattern_len` bytes, in which '*' stands for any bytes and nothing else is
 * special. ASCII letters of either case are equal. */
bool glob_match(const char *pattern, size_t pattern_len, const char *text);

/* Takes the next entry of a list whose entries are separated by white space or commas. `*list` moves on. Returns its
 * start and sets `*len`, or NULL at the end. */
const char *glob_next(const char **list, size_t *len);

/* How well a list matches a text: 0 not at all, GLOB_EXACT for an entry without '*', else 1 + the number of bytes of
 * the longest matching pattern. */
#define GLOB_EXACT ((size_t)-1)
size_t glob_rank(const char *list, const char *text);

#endif
