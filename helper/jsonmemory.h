/* json-c (0.16) does not bear a shortage of memory: it leaves members out, cuts strings off or ends the program, and
 * says nothing. A token lost like that is a lost login. So memory is made sure of before it is called. */
#ifndef XOAUTH2_JSONMEMORY_H
#define XOAUTH2_JSONMEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/* Whether there is as much memory as the objects of `len` bytes of JSON take, all of it at once. False with errno
 * ENOMEM. */
bool jsonmemory_check(size_t len);

/* json_object_to_json_string_length(), or NULL where memory is short. `about`: bytes of text to expect. */
const char *jsonmemory_print(struct json_object *value, int flags, size_t about, size_t *len);

#endif
