#include "config.h"

#include "command.h"

#include <json-c/json.h>
#include <stdio.h>

static void print_name(void *arg, const struct paths *p, const char *name)
{
    (void)arg;
    (void)p;
    puts(name);
}

static void add_name(void *arg, const struct paths *p, const char *name)
{
    struct json_object *item = json_object_new_object();
    json_object_object_add(item, "account", json_object_new_string(name));
    json_object_object_add(item, "store", json_object_new_string(p->system ? "system" : "user"));
    json_object_array_add(arg, item);
}

int verb_list(const struct command *c)
{
    struct report why;
    struct json_object *all = c->json ? json_object_new_array() : NULL;
    bool ok = command_each(c, c->json ? add_name : print_name, all, &why);
    if (ok && c->json)
        puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(all);
    return ok ? EXIT_OK : command_fail(&why);
}
