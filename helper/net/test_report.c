#include "config.h"

#include "test_report.h"

#include "screen.h"

#include <json-c/json.h>
#include <stdio.h>

/* A server's words may not be UTF-8; a report's are. */
static void put(struct json_object *to, const char *key, const char *value)
{
    struct report clean;
    report_set(&clean, FAILURE_NONE, "%s", value);
    json_object_object_add(to, key, *value ? json_object_new_string(clean.text) : NULL);
}

static struct json_object *as_json(const struct test_report *r, const struct attempt *a)
{
    static const char *const PROTOCOLS[] = {"imap", "pop3", "smtp"};
    struct json_object *item = json_object_new_object();
    put(item, "user", r->user);
    put(item, "server", a->server->url);
    put(item, "protocol", PROTOCOLS[a->server->protocol]);
    put(item, "mechanism", a->mechanism);
    put(item, "result", attempt_result_name(a->result));
    put(item, "answer", a->answer);
    put(item, "message", a->why.text);
    return item;
}

static void print(const struct attempt *a)
{
    enum screen_colour colour = a->result == ATTEMPT_OK            ? SCREEN_GREEN
                                : a->result == ATTEMPT_NOT_OFFERED ? SCREEN_YELLOW
                                                                   : SCREEN_RED;
    printf("%s  %-11s  ", a->server->url, a->mechanism);
    screen_print(colour, attempt_result_name(a->result));
    puts("");
    if (a->result != ATTEMPT_OK && a->result != ATTEMPT_NOT_OFFERED)
        printf("  %s\n", a->why.text);
}

void test_report_server(struct test_report *r, const struct attempt attempts[], size_t count)
{
    bool none = count > 0;
    for (size_t i = 0; i < count; i++) {
        none = none && attempts[i].result == ATTEMPT_NOT_OFFERED;
        if (r->json)
            json_object_array_add(r->json, as_json(r, &attempts[i]));
        else
            print(&attempts[i]);
    }
    if (none && !r->json)
        printf("  %s has neither mechanism: check the host and the port, and whether the mailbox may use OAuth\n",
               attempts[0].server->host);
    fflush(stdout);
}

bool test_report_end(struct test_report *r)
{
    if (r->json)
        puts(json_object_to_json_string_ext(r->json, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(r->json);
    r->json = NULL;
    return fflush(stdout) == 0 && !ferror(stdout);
}
