#include "config.h"

#include "output.h"

#include "screen.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { STYLE = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE };

static const char *text_of(struct json_object *item, const char *key)
{
    struct json_object *value = json_object_object_get(item, key);
    return value ? json_object_get_string(value) : NULL;
}

static struct json_object *findings_of(const struct record *r)
{
    return json_object_object_get(r->root, "findings");
}

static struct json_object *report_of(const struct record *r)
{
    return json_object_object_get(r->root, "report");
}

/* The same finding for strangers: words that are in this program, and no other. */
static struct json_object *redacted(struct record *r, struct json_object *item)
{
    struct json_object *out = json_object_new_object();
    const char *subject = text_of(item, "subject");
    char alias[RECORD_ALIAS_SIZE];
    char sentence[128];
    if (subject)
        record_alias(r, subject, alias);
    json_object_object_add(out, "check", json_object_new_string(text_of(item, "check")));
    json_object_object_add(out, "level", json_object_new_string(text_of(item, "level")));
    json_object_object_add(out, "subject", subject ? json_object_new_string(alias) : NULL);
    snprintf(sentence, sizeof sentence, "whether %s", check_sentence(text_of(item, "check")));
    json_object_object_add(out, "message", json_object_new_string(sentence));
    return out;
}

/* The findings as they are to be shown; the caller frees. */
static struct json_object *shown_findings(struct record *r)
{
    struct json_object *out = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(findings_of(r)); i++) {
        struct json_object *item = json_object_array_get_idx(findings_of(r), i);
        json_object_array_add(out, report_of(r) ? redacted(r, item) : json_object_get(item));
    }
    return out;
}

static void write_json(const struct record *r, struct json_object *findings)
{
    struct json_object *out = json_object_new_object();
    json_object_object_add(out, "problems", json_object_new_int64((int64_t)record_count(r, LEVEL_PROBLEM)));
    json_object_object_add(out, "warnings", json_object_new_int64((int64_t)record_count(r, LEVEL_WARNING)));
    json_object_object_add(out, "findings", json_object_get(findings));
    if (report_of(r))
        json_object_object_add(out, "report", json_object_get(report_of(r)));
    puts(json_object_to_json_string_ext(out, STYLE));
    json_object_put(out);
}

static void write_line(struct json_object *item)
{
    const char *level = text_of(item, "level");
    const char *subject = text_of(item, "subject");
    bool problem = strcmp(level, level_name(LEVEL_PROBLEM)) == 0;
    bool ok = strcmp(level, level_name(LEVEL_OK)) == 0;
    screen_print(problem ? SCREEN_RED : ok ? SCREEN_GREEN : SCREEN_YELLOW, level);
    printf("%*s  %s: %s%s%s\n", (int)(sizeof "problem" - 1 - strlen(level)), "", text_of(item, "check"),
           subject ? subject : "", subject ? ": " : "", text_of(item, "message"));
}

static void write_lines(const struct record *r, struct json_object *findings)
{
    size_t problems = record_count(r, LEVEL_PROBLEM);
    size_t warnings = record_count(r, LEVEL_WARNING);
    for (size_t i = 0; i < json_object_array_length(findings); i++)
        write_line(json_object_array_get_idx(findings, i));
    printf("%zu problem%s, %zu warning%s\n", problems, problems == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    if (report_of(r))
        puts(json_object_to_json_string_ext(report_of(r), STYLE));
}

bool output_write(struct record *r, bool json)
{
    struct json_object *findings = shown_findings(r);
    if (json)
        write_json(r, findings);
    else
        write_lines(r, findings);
    json_object_put(findings);
    return fflush(stdout) == 0 && !ferror(stdout);
}
