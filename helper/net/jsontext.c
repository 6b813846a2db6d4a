#include "config.h"

#include "jsontext.h"

#include "jsonmemory.h"

#include <errno.h>
#include <json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The tokener collects each string in a buffer of its own before it copies it. */
static void free_tokener(struct json_tokener *tokener)
{
    if (tokener->pb && tokener->pb->buf)
        explicit_bzero(tokener->pb->buf, (size_t)tokener->pb->size);
    json_tokener_free(tokener);
}

/* The tokener would stop at a NUL and call the rest unread; it is no JSON at all. */
static struct json_object *parse(const char *data, size_t len)
{
    if (!data || len == 0 || len > INT_MAX || memchr(data, '\0', len))
        return NULL;
    struct json_tokener *tokener = json_tokener_new_ex(JSONTEXT_DEPTH_MAX);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(tokener, data, (int)len);
    bool whole =
        json_tokener_get_error(tokener) == json_tokener_success && json_object_is_type(root, json_type_object);
    free_tokener(tokener);
    if (!whole)
        jsontext_free(&root);
    return root;
}

struct json_object *jsontext_parse(const char *data, size_t len)
{
    if (!jsonmemory_check(len))
        return NULL;
    /* The C library, too, which json-c asks for a locale, may have got none. */
    errno = 0;
    struct json_object *root = parse(data, len);
    if (root || errno != ENOMEM)
        errno = EBADMSG;
    return root;
}

/* json-c has no way to wipe a string, only to read it; the bytes are on the heap and not shared. */
static void wipe_string(struct json_object *value)
{
    union {
        const char *read;
        char *write;
    } text = {.read = json_object_get_string(value)};
    explicit_bzero(text.write, (size_t)json_object_get_string_len(value));
}

/* Goes no deeper than JSONTEXT_DEPTH_MAX, since the parser did not. */
static void wipe(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string)) {
        wipe_string(value);
    } else if (json_object_is_type(value, json_type_object)) {
        struct json_object_iterator at = json_object_iter_begin(value);
        struct json_object_iterator end = json_object_iter_end(value);
        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
            wipe(json_object_iter_peek_value(&at));
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            wipe(json_object_array_get_idx(value, i));
    }
}

void jsontext_free(struct json_object **root)
{
    if (!root || !*root)
        return;
    wipe(*root);
    json_object_put(*root);
    *root = NULL;
}

const char *jsontext_string(struct json_object *root, const char *key)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(root, key, &value) || !json_object_is_type(value, json_type_string))
        return NULL;
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    return len > 0 && strlen(text) == len ? text : NULL;
}

char *jsontext_copy(struct json_object *root, const char *key)
{
    const char *text = jsontext_string(root, key);
    return text ? strdup(text) : NULL;
}

static int64_t digits_to_seconds(const char *text, int64_t max)
{
    if (!*text || text[strspn(text, "0123456789")] != '\0')
        return 0;
    errno = 0;
    long long seconds = strtoll(text, NULL, 10);
    return errno == ERANGE || seconds > max ? max : seconds;
}

int64_t jsontext_seconds(struct json_object *root, const char *key, int64_t max)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(root, key, &value))
        return 0;
    if (json_object_is_type(value, json_type_string))
        return digits_to_seconds(json_object_get_string(value), max);
    if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
        return 0;
    double seconds = json_object_get_double(value);
    if (!(seconds > 0)) /* NaN too */
        return 0;
    return seconds > (double)max ? max : (int64_t)seconds;
}

bool jsontext_true(struct json_object *root, const char *key)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(root, key, &value) && json_object_is_type(value, json_type_boolean) &&
           json_object_get_boolean(value);
}

bool jsontext_put(struct json_object *root, const char *key, struct json_object *value)
{
    if (value && json_object_object_add(root, key, value) == 0)
        return true;
    json_object_put(value);
    return false;
}

bool jsontext_put_string(struct json_object *root, const char *key, const char *text)
{
    return !text || jsontext_put(root, key, json_object_new_string(text));
}

bool jsontext_put_number(struct json_object *root, const char *key, int64_t number)
{
    return jsontext_put(root, key, json_object_new_int64(number));
}
