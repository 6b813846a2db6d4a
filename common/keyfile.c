#include "config.h"

#include "keyfile.h"

#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUOTED_KEY_MAX = 40 }; /* how much of an unknown key an error shows */

void keyfile_init(struct keyfile *k)
{
    *k = (struct keyfile){.owner = geteuid()};
    secret_init(&k->text, KEYFILE_SIZE_MAX);
}

void keyfile_free(struct keyfile *k)
{
    if (!k)
        return;
    secret_free(&k->text);
    free(k->path);
    keyfile_init(k);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static char *trim(char *text)
{
    while (is_blank(*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && is_blank(text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void name_place(const struct keyfile *k, unsigned line, char *place, size_t size)
{
    *place = '\0';
    if (!k->unwritten)
        snprintf(place, size, "%s:%u: ", k->path, line);
}

void keyfile_place(const struct keyfile *k, size_t key, char *place, size_t size)
{
    name_place(k, k->line[key], place, size);
}

static bool complain(const struct keyfile *k, unsigned line, struct report *why, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

static bool complain(const struct keyfile *k, unsigned line, struct report *why, const char *format, va_list args)
{
    char words[REPORT_TEXT_MAX];
    char place[REPORT_TEXT_MAX];
    vsnprintf(words, sizeof words, format, args);
    name_place(k, line, place, sizeof place);
    return report_set(why, FAILURE_CONFIG, "%s%s", place, words);
}

static bool complain_at(const struct keyfile *k, unsigned line, struct report *why, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static bool complain_at(const struct keyfile *k, unsigned line, struct report *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(k, line, why, format, args);
    va_end(args);
    return false;
}

bool keyfile_complain(const struct keyfile *k, size_t key, struct report *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(k, k->line[key], why, format, args);
    va_end(args);
    return false;
}

static bool unknown_key(const struct keyfile *k, unsigned line, const char *key, const char *const known[],
                        struct report *why)
{
    const char *meant = text_nearest(key, known);
    if (meant)
        return complain_at(k, line, why, "unknown key '%.*s': did you mean '%s'?", QUOTED_KEY_MAX, key, meant);
    return complain_at(k, line, why, "unknown key '%.*s'", QUOTED_KEY_MAX, key);
}

static bool parse_line(struct keyfile *k, unsigned number, char *line, const char *const known[],
                       struct report *why)
{
    char *key = trim(line);
    if (!*key || *key == '#')
        return true;
    size_t len = 0;
    while (is_key_char(key[len]))
        len++;
    size_t colon = len;
    while (is_blank(key[colon]))
        colon++;
    if (len == 0 || key[colon] != ':')
        return complain_at(k, number, why, "not a line of the form 'key: value'");
    key[len] = '\0';
    char *value = trim(key + colon + 1);
    size_t i = 0;
    while (known[i] && strcmp(known[i], key) != 0)
        i++;
    if (!known[i])
        return unknown_key(k, number, key, known, why);
    if (k->value[i])
        return complain_at(k, number, why, "'%s' was given in line %u already", key, k->line[i]);
    if (!*value)
        return complain_at(k, number, why, "'%s' has no value: give one or remove the line", key);
    k->value[i] = value;
    k->line[i] = number;
    return true;
}

/* Whether a line holds what no line may hold: NUL, control characters but white space, bytes that are not UTF-8. */
static bool is_clean(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)line[i] < 0x20 && !is_blank(line[i])) || line[i] == 0x7F)
            return false;
    return text_is_utf8(line, len);
}

bool keyfile_parse(struct keyfile *k, const char *path, const char *const known[], struct report *why)
{
    free(k->path);
    k->path = strdup(path);
    if (!k->path)
        return report_set(why, FAILURE_UNREACHABLE, "%s: not enough memory", path);
    memset(k->value, 0, sizeof k->value);
    if (k->text.len == 0)
        return true;
    unsigned number = 1;
    char *line = k->text.data;
    char *end = line + k->text.len;
    for (; line < end; number++) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t len = newline ? (size_t)(newline - line) : (size_t)(end - line);
        line[len] = '\0';
        if (!is_clean(line, len))
            return complain_at(k, number, why, "control characters or bytes that are not UTF-8");
        if (!parse_line(k, number, line, known, why))
            return false;
        line += len + 1;
    }
    return true;
}

enum readfile_result keyfile_load(struct keyfile *k, const char *path, const struct readfile_rules *rules,
                                  const char *const known[], struct report *why)
{
    keyfile_init(k);
    enum readfile_result result = readfile_owned(path, rules, &k->text, &k->owner, why);
    if (result == READFILE_OK && !keyfile_parse(k, path, known, why))
        result = READFILE_REFUSED;
    if (result != READFILE_OK)
        keyfile_free(k);
    return result;
}
