/* The codec of the helper protocol: whatever comes over a socket, and whatever goes into a message. */
#include "config.h"

#include "fuzz.h"

#include "protocol.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool is_word(const char *text)
{
    return *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static enum protocol_result parse(const uint8_t *data, size_t len, char **copy, size_t *used,
                                  struct protocol_message *message)
{
    struct fuzz_input in = {data, len};
    *copy = fuzz_rest(&in, &len);
    return protocol_parse(*copy, len, used, message);
}

/* The start of a message is no message yet, and stays as it is. */
static void check_start(const uint8_t *data, size_t len)
{
    struct protocol_message message;
    size_t used;
    char *copy;
    MUST(parse(data, len, &copy, &used, &message) == PROTOCOL_MORE);
    MUST(used == 0 && memcmp(copy, data, len) == 0);
    free(copy);
}

static void check_message(const struct protocol_message *m)
{
    MUST(is_word(m->verb) && m->count <= PROTOCOL_FIELDS_MAX);
    for (size_t i = 0; i < m->count; i++) {
        const struct protocol_field *f = &m->fields[i];
        MUST(is_word(f->key) && text_is_utf8(f->value, strlen(f->value)));
        MUST(protocol_get(m, f->key) == f->value);
    }
}

/* A message that is made of this one's parts is read as the same. */
static void check_again(const struct protocol_message *m)
{
    struct protocol_message again;
    struct secret out;
    size_t used;
    size_t next = 0;
    secret_init(&out, PROTOCOL_MESSAGE_MAX);
    bool ok = protocol_begin(&out, m->verb);
    for (size_t i = 0; ok && i < m->count; i++)
        if (strcmp(m->fields[i].key, "version") != 0)
            ok = protocol_put(&out, m->fields[i].key, m->fields[i].value);
    if (ok && protocol_end(&out) && m->count < PROTOCOL_FIELDS_MAX) {
        size_t len = out.len;
        MUST(protocol_parse(out.data, out.len, &used, &again) == PROTOCOL_COMPLETE && used == len);
        MUST(strcmp(again.verb, m->verb) == 0 && strcmp(again.fields[next++].key, "version") == 0);
        for (size_t i = 0; i < m->count; i++) {
            if (strcmp(m->fields[i].key, "version") == 0 || !*m->fields[i].value)
                continue;
            MUST(next < again.count && strcmp(again.fields[next].key, m->fields[i].key) == 0);
            MUST(strcmp(again.fields[next++].value, m->fields[i].value) == 0);
        }
        MUST(next == again.count);
    }
    secret_free(&out);
}

/* An error's words reach the other side. */
static void check_error(const char *text)
{
    struct report why;
    struct protocol_message again;
    struct secret out;
    size_t used;
    enum failure code = (enum failure)(1 + strlen(text) % FAILURE_CONFIG);
    secret_init(&out, PROTOCOL_MESSAGE_MAX);
    report_set(&why, code, "%s!", text);
    fuzz_check_report(&why);
    MUST(protocol_error(&out, &why));
    MUST(protocol_parse(out.data, out.len, &used, &again) == PROTOCOL_COMPLETE);
    MUST(failure_from_name(protocol_get(&again, "code")) == code);
    MUST(strcmp(protocol_get(&again, "message"), why.text) == 0);
    secret_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct protocol_message message;
    size_t used;
    char *copy;
    enum protocol_result result = parse(data, size, &copy, &used, &message);
    if (result == PROTOCOL_COMPLETE) {
        MUST(used >= 3 && used <= size && used <= PROTOCOL_MESSAGE_MAX);
        check_message(&message);
        check_start(data, used - 1);
        check_start(data, used / 2);
        const char *token = protocol_get(&message, "token");
        fuzz_watch(token ? token : "");
        check_again(&message);
        fuzz_forget();
        for (size_t i = 0; i < message.count; i++)
            check_error(message.fields[i].value);
    } else {
        MUST(used == 0);
        MUST(result != PROTOCOL_MORE || size == 0 || memcmp(copy, data, size) == 0);
        MUST(result != PROTOCOL_MORE || size < PROTOCOL_MESSAGE_MAX);
    }
    free(copy);
    return 0;
}
