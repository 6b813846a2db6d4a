#include "config.h"

#include "secret.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void secret_init(struct secret *s, size_t limit)
{
    *s = (struct secret){.limit = limit};
}

/* Grows by doubling. A new block is filled and the old one wiped: realloc() would leave the old bytes. */
static bool make_capacity(struct secret *s, size_t need)
{
    size_t cap = s->cap > 0 ? s->cap : FIRST_CAPACITY;
    while (cap < need) {
        if (cap > s->limit / 2) {
            cap = s->limit + 1;
            break;
        }
        cap *= 2;
    }
    char *grown = malloc(cap);
    if (!grown)
        return false;
    if (s->data) {
        memcpy(grown, s->data, s->len);
        explicit_bzero(s->data, s->cap);
        free(s->data);
    }
    grown[s->len] = '\0';
    s->data = grown;
    s->cap = cap;
    return true;
}

char *secret_room(struct secret *s, size_t room)
{
    if (s->failed)
        return NULL;
    if (room > s->limit - s->len || (s->len + room + 1 > s->cap && !make_capacity(s, s->len + room + 1))) {
        s->failed = true;
        return NULL;
    }
    return s->data + s->len;
}

void secret_grow(struct secret *s, size_t len)
{
    s->len += len;
    s->data[s->len] = '\0';
}

bool secret_add(struct secret *s, const void *data, size_t len)
{
    char *room = secret_room(s, len);
    if (!room)
        return false;
    if (len > 0)
        memcpy(room, data, len);
    secret_grow(s, len);
    return true;
}

bool secret_adds(struct secret *s, const char *text)
{
    return secret_add(s, text, strlen(text));
}

void secret_drop_front(struct secret *s, size_t len)
{
    if (len == 0)
        return;
    memmove(s->data, s->data + len, s->len - len);
    explicit_bzero(s->data + s->len - len, len);
    s->len -= len;
}

void secret_reset(struct secret *s)
{
    if (s->data)
        explicit_bzero(s->data, s->cap);
    s->len = 0;
    s->failed = false;
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    secret_reset(s);
    free(s->data);
    s->data = NULL;
    s->cap = 0;
}

void secret_free_string(char **text)
{
    if (!text || !*text)
        return;
    explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}
