#include "config.h"

#include "base64.h"

#include <stdint.h>
#include <string.h>

/* The value of the next four characters, or -1. */
static int32_t quantum(const char *text)
{
    static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const char *at = text[i] ? strchr(ALPHABET, text[i]) : NULL;
        if (!at)
            return -1;
        value = value << 6 | (int32_t)(at - ALPHABET);
    }
    return value;
}

bool base64_decode(const char *text, struct secret *out)
{
    secret_reset(out);
    size_t len = strlen(text);
    if (len % 4 != 0)
        return false;
    for (; len > 0; text += 4, len -= 4) {
        char group[4] = {text[0], text[1], text[2], text[3]};
        size_t bytes = 3;
        if (len == 4 && group[3] == '=') {
            bytes = group[2] == '=' ? 1 : 2;
            group[3] = 'A';
            if (bytes == 1)
                group[2] = 'A';
        }
        int32_t value = quantum(group);
        char decoded[3] = {(char)(value >> 16), (char)(value >> 8), (char)value};
        if (value < 0 || !secret_add(out, decoded, bytes))
            return false;
    }
    return true;
}
