/* fault.h for json-c's functions. */
#include "config.h"

#include "fault.h"

#include <json-c/json.h>

struct json_object *__real_json_object_new_string(const char *text);
struct json_object *__wrap_json_object_new_string(const char *text);
struct json_object *__wrap_json_object_new_string(const char *text)
{
    return fault_fails("json_object_new_string") ? NULL : __real_json_object_new_string(text);
}

struct json_object *__real_json_object_new_int64(int64_t number);
struct json_object *__wrap_json_object_new_int64(int64_t number);
struct json_object *__wrap_json_object_new_int64(int64_t number)
{
    return fault_fails("json_object_new_int64") ? NULL : __real_json_object_new_int64(number);
}

struct json_object *__real_json_object_new_object(void);
struct json_object *__wrap_json_object_new_object(void);
struct json_object *__wrap_json_object_new_object(void)
{
    return fault_fails("json_object_new_object") ? NULL : __real_json_object_new_object();
}

int __real_json_object_object_add(struct json_object *to, const char *key, struct json_object *value);
int __wrap_json_object_object_add(struct json_object *to, const char *key, struct json_object *value);
int __wrap_json_object_object_add(struct json_object *to, const char *key, struct json_object *value)
{
    return fault_fails("json_object_object_add") ? -1 : __real_json_object_object_add(to, key, value);
}

int __real_json_object_deep_copy(struct json_object *from, struct json_object **to, json_c_shallow_copy_fn *copy);
int __wrap_json_object_deep_copy(struct json_object *from, struct json_object **to, json_c_shallow_copy_fn *copy);
int __wrap_json_object_deep_copy(struct json_object *from, struct json_object **to, json_c_shallow_copy_fn *copy)
{
    return fault_fails("json_object_deep_copy") ? -1 : __real_json_object_deep_copy(from, to, copy);
}

const char *__real_json_object_to_json_string_length(struct json_object *value, int flags, size_t *len);
const char *__wrap_json_object_to_json_string_length(struct json_object *value, int flags, size_t *len);
const char *__wrap_json_object_to_json_string_length(struct json_object *value, int flags, size_t *len)
{
    return fault_fails("json_object_to_json_string_length")
               ? NULL
               : __real_json_object_to_json_string_length(value, flags, len);
}

struct json_tokener *__real_json_tokener_new_ex(int depth);
struct json_tokener *__wrap_json_tokener_new_ex(int depth);
struct json_tokener *__wrap_json_tokener_new_ex(int depth)
{
    return fault_fails("json_tokener_new_ex") ? NULL : __real_json_tokener_new_ex(depth);
}
