#include "config.h"

#include "protocol.h"

#include "text.h"

#include <string.h>

static const char HEX[] = "0123456789ABCDEF";

bool protocol_begin(struct secret *out, const char *verb)
{
    return secret_adds(out, verb) && secret_adds(out, "\n") &&
           protocol_put(out, "version", PROTOCOL_VERSION);
}

static bool must_encode(unsigned char c)
{
    return c < 0x20 || c == 0x7F || c == '%';
}

static bool put_encoded(struct secret *out, const char *value)
{
    while (*value) {
        size_t plain = 0;
        while (value[plain] && !must_encode((unsigned char)value[plain]))
            plain++;
        if (!secret_add(out, value, plain))
            return false;
        value += plain;
        if (!*value)
            break;
        unsigned char c = (unsigned char)*value++;
        char encoded[3] = {'%', HEX[c >> 4], HEX[c & 15]};
        if (!secret_add(out, encoded, sizeof encoded))
            return false;
    }
    return true;
}

bool protocol_put(struct secret *out, const char *key, const char *value)
{
    if (!value || !*value)
        return !out->failed;
    return secret_adds(out, key) && secret_adds(out, "=") && put_encoded(out, value) &&
           secret_adds(out, "\n");
}

bool protocol_end(struct secret *out)
{
    return secret_adds(out, "\n") && out->len <= PROTOCOL_MESSAGE_MAX;
}

bool protocol_error(struct secret *out, const struct report *why)
{
    secret_reset(out);
    return protocol_begin(out, "error") && protocol_put(out, "code", failure_name(why->code)) &&
           protocol_put(out, "message", why->text) && protocol_end(out);
}

/* Length of the message with its empty line, or 0 while that has not come. */
static size_t message_length(const char *data, size_t len)
{
    const char *at = data;
    while ((at = memchr(at, '\n', len - (size_t)(at - data))) != NULL) {
        at++;
        if (at == data + len)
            return 0;
        if (*at == '\n')
            return (size_t)(at - data) + 1;
    }
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Decodes `text` in place. Returns false for what protocol_parse() calls malformed. */
static bool decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = hex_digit(from[1]);
        int low = high < 0 ? -1 : hex_digit(from[2]);
        if (low < 0 || high + low == 0)
            return false;
        *to++ = (char)(high << 4 | low);
        from += 2;
    }
    size_t left = strlen(to);
    *to = '\0';
    explicit_bzero(to, left);
    return text_is_utf8(text, (size_t)(to - text));
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_word(const char *text)
{
    if (!*text)
        return false;
    while (is_key_char(*text))
        text++;
    return !*text;
}

static bool parse_field(char *line, struct protocol_message *message)
{
    char *equals = strchr(line, '=');
    if (!equals)
        return false;
    *equals = '\0';
    if (!is_word(line) || protocol_get(message, line) || !decode(equals + 1))
        return false;
    message->fields[message->count++] = (struct protocol_field){.key = line, .value = equals + 1};
    return true;
}

enum protocol_result protocol_parse(char *data, size_t len, size_t *used, struct protocol_message *message)
{
    *used = 0;
    message->verb = NULL;
    message->count = 0;
    size_t whole = message_length(data, len < PROTOCOL_MESSAGE_MAX ? len : PROTOCOL_MESSAGE_MAX);
    if (whole == 0)
        return len >= PROTOCOL_MESSAGE_MAX ? PROTOCOL_TOO_LONG : PROTOCOL_MORE;
    size_t lines = whole - 1; /* without the empty line */
    for (size_t i = 0; i < lines; i++)
        if (data[i] != '\n' && ((unsigned char)data[i] < 0x20 || data[i] == 0x7F))
            return PROTOCOL_MALFORMED;
    char *line = data;
    while (line < data + lines) {
        char *end = memchr(line, '\n', (size_t)(data + lines - line));
        *end = '\0';
        if (!message->verb) {
            if (!is_word(line))
                return PROTOCOL_MALFORMED;
            message->verb = line;
        } else if (message->count == PROTOCOL_FIELDS_MAX) {
            return PROTOCOL_TOO_LONG;
        } else if (!parse_field(line, message)) {
            return PROTOCOL_MALFORMED;
        }
        line = end + 1;
    }
    const char *version = protocol_get(message, "version");
    if (!message->verb || (version && strcmp(version, PROTOCOL_VERSION) != 0))
        return PROTOCOL_MALFORMED;
    *used = whole;
    return PROTOCOL_COMPLETE;
}

const char *protocol_get(const struct protocol_message *message, const char *key)
{
    for (size_t i = 0; i < message->count; i++)
        if (strcmp(message->fields[i].key, key) == 0)
            return message->fields[i].value;
    return NULL;
}
