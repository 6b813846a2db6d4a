/* Reading JSON that somebody else wrote: a size and depth limit, types checked, secrets wiped. */
#ifndef XOAUTH2_JSONTEXT_H
#define XOAUTH2_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

#define JSONTEXT_DEPTH_MAX 16

/* Parses one JSON object, and nothing but white space around it (RFC 8259, UTF-8). NULL for anything else, and with
 * errno ENOMEM where memory is short. Free it with jsontext_free(). */
struct json_object *jsontext_parse(const char *data, size_t len);

/* Wipes every string in it, then frees it. Sets the pointer to NULL; both levels may be NULL. */
void jsontext_free(struct json_object **root);

/* A member that is a string, not empty and without NUL inside; else NULL. Lives as long as `root`. */
const char *jsontext_string(struct json_object *root, const char *key);

/* The same, copied; the caller frees, with secret_free_string() where it may be secret. NULL also where memory is
 * short. */
char *jsontext_copy(struct json_object *root, const char *key);

/* A member that is a number of seconds, given as a number or a string of digits: fractions are cut off, what is above
 * `max` counts as `max`. 0 for everything else, negative values included. */
int64_t jsontext_seconds(struct json_object *root, const char *key, int64_t max);

/* Whether a member is the JSON value true. */
bool jsontext_true(struct json_object *root, const char *key);

/* The same the other way round: adds a member, or nothing where the text is NULL. False where memory is short. */
bool jsontext_put_string(struct json_object *root, const char *key, const char *text);
bool jsontext_put_number(struct json_object *root, const char *key, int64_t number);

/* Adds a value, which is taken over. False where it is NULL or memory is short; then it is freed. */
bool jsontext_put(struct json_object *root, const char *key, struct json_object *value);

#endif
