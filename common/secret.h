/* A growing byte buffer for anything that may be secret: tokens, files and messages that carry them.
 *
 * The memory is wiped before it is given back, also when the buffer grows (realloc would leave a copy
 * behind). A failed addition is remembered in `failed`, so a message can be built in one go and checked
 * once. `data` is always followed by a NUL byte that does not count in `len`; it is NULL only while the
 * buffer never held anything. */
#ifndef XOAUTH2_SECRET_H
#define XOAUTH2_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret {
    char *data;
    size_t len;
    size_t cap;
    size_t limit; /* most bytes it may ever hold */
    bool failed;  /* an addition did not fit, or memory ran out */
};

/* Makes an empty buffer that will hold at most `limit` bytes. Allocates nothing. */
void secret_init(struct secret *s, size_t limit);

/* Appends `len` bytes. Returns false, and leaves the content as it was, when the limit would be passed or
 * memory is short; every later addition then fails too, until secret_reset(). */
bool secret_add(struct secret *s, const void *data, size_t len);

/* Appends a string without its NUL. Otherwise as secret_add(). */
bool secret_adds(struct secret *s, const char *text);

/* Makes room for `room` more bytes and returns where they go, or NULL as secret_add() returns false. The
 * caller writes there and then adds what it wrote to `len` with secret_grow(). */
char *secret_room(struct secret *s, size_t room);

/* Counts `len` bytes written to the place that secret_room() gave. */
void secret_grow(struct secret *s, size_t len);

/* Wipes the first `len` bytes and moves the rest to the front. */
void secret_drop_front(struct secret *s, size_t len);

/* Wipes the content and forgets a failure; the memory is kept for the next use. */
void secret_reset(struct secret *s);

/* Wipes and frees. The buffer can be used again as after secret_init(). NULL is allowed. */
void secret_free(struct secret *s);

/* Wipes and frees a string, and sets the pointer to NULL. Both levels may be NULL. */
void secret_free_string(char **text);

#endif
