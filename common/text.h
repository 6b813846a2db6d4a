/* Checks on text that comes from somewhere else. */
#ifndef XOAUTH2_TEXT_H
#define XOAUTH2_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF). Without any
 * they are; `data` may be NULL then. */
bool text_is_utf8(const char *data, size_t len);

/* Whether one of the bytes is a control character: below 0x20, or 0x7F. */
bool text_has_control(const char *data, size_t len);

/* Replaces control characters and bytes that are not UTF-8 by '?'. Also mends a UTF-8 sequence that was cut
 * at the end of a full buffer. */
void text_neutralize(char *text);

/* The candidate most like `word`, for "did you mean": at most a third of the longer one's characters differ,
 * counting a swap of neighbours as one. NULL when none is near. `candidates` ends with NULL. */
const char *text_nearest(const char *word, const char *const candidates[]);

#endif
