#include "config.h"

#include "text.h"

#include <stdint.h>
#include <string.h>

enum { NEAREST_WORD_MAX = 48 }; /* longer words get no suggestion */

/* Length of the UTF-8 sequence at `p`, or 0 where there is none (RFC 3629, section 4). */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    size_t len;
    unsigned min;
    unsigned code;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        len = 2, min = 0x80, code = p[0] & 0x1FU;
    } else if ((p[0] & 0xF0) == 0xE0) {
        len = 3, min = 0x800, code = p[0] & 0x0FU;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        len = 4, min = 0x10000, code = p[0] & 0x07U;
    } else {
        return 0;
    }
    if (len > left)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3FU);
    }
    if (code < min || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    return len;
}

/* How many bytes at the front are printable ASCII, counted eight at a time: nearly every text is, and then the rest
 * of this file has next to nothing to do. A byte of 0x80 and more has its top bit set; so has one below 0x20 after
 * the subtraction, and 0x7F after the addition. */
static size_t printable_words(const char *data, size_t len)
{
    const uint64_t ones = UINT64_MAX / 0xFF; /* 0x01 in every byte */
    size_t done = 0;
    for (; len - done >= sizeof ones; done += sizeof ones) {
        uint64_t word;
        memcpy(&word, data + done, sizeof word);
        if ((word | (word - ones * 0x20) | (word + ones)) & ones * 0x80)
            break;
    }
    return done;
}

bool text_is_utf8(const char *data, size_t len)
{
    for (size_t i = printable_words(data, len); i < len;) {
        size_t step = utf8_sequence((const unsigned char *)data + i, len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7F;
}

bool text_has_control(const char *data, size_t len)
{
    for (size_t i = printable_words(data, len); i < len; i++)
        if (is_control((unsigned char)data[i]))
            return true;
    return false;
}

void text_neutralize(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        const unsigned char *p = (const unsigned char *)text;
        size_t step = utf8_sequence(p, left);
        bool c1_control = step == 2 && p[0] == 0xC2 && p[1] < 0xA0;
        if (step == 0)
            step = 1, *text = '?';
        else if (is_control(*p) || c1_control)
            memset(text, '?', step);
        text += step;
        left -= step;
    }
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment distance. Both words are shorter than NEAREST_WORD_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NEAREST_WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t la = strlen(a), lb = strlen(b);
    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last, last = now, now = spare;
    }
    return last[lb];
}

const char *text_nearest(const char *word, const char *const candidates[])
{
    const char *best = NULL;
    size_t best_distance = NEAREST_WORD_MAX;
    size_t len = strlen(word);
    if (len >= NEAREST_WORD_MAX)
        return NULL;
    for (; *candidates; candidates++) {
        size_t other = strlen(*candidates);
        if (other >= NEAREST_WORD_MAX)
            continue;
        size_t d = distance(word, *candidates);
        if (d < best_distance && d <= (len > other ? len : other) / 3) {
            best = *candidates;
            best_distance = d;
        }
    }
    return best;
}
