#include "config.h"

#include "jsonmemory.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

enum {
    FIRST = 16384, /* bytes: a tokener and a few objects */
    FACTOR = 16,   /* an honest text's objects take less than so many times its length */
};

/* What is freed here is what malloc(3) hands out next. Volatile: a compiler may leave out what is never used. */
bool jsonmemory_check(size_t len)
{
    void *volatile room = malloc(FIRST + FACTOR * len);
    bool ok = room != NULL;
    free(room);
    if (!ok)
        errno = ENOMEM;
    return ok;
}

const char *jsonmemory_print(struct json_object *value, int flags, size_t about, size_t *len)
{
    if (!jsonmemory_check(about))
        return NULL;
    errno = 0;
    const char *text = json_object_to_json_string_length(value, flags, len);
    return errno == ENOMEM ? NULL : text;
}
