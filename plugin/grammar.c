#include "config.h"

#include "grammar.h"

#include "text.h"

#include <stdint.h>
#include <string.h>

static const char *text_fault(const char *text, size_t len, size_t max)
{
    if (len > max)
        return "is too long";
    if (text_has_control(text, len))
        return "has control characters";
    if (!text_is_utf8(text, len))
        return "is not UTF-8";
    return NULL;
}

const char *grammar_user_fault(const char *user, size_t len)
{
    return len == 0 ? "is empty" : text_fault(user, len, GRAMMAR_USER_MAX);
}

const char *grammar_host_fault(const char *host, size_t len)
{
    return text_fault(host, len, GRAMMAR_HOST_MAX);
}

/* ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/"; "-" to "9" are neighbours. */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= '9') || c == '_' || c == '~' ||
           c == '+';
}

typedef unsigned char block __attribute__((vector_size(32)));
typedef signed char signed_block __attribute__((vector_size(32)));

/* The same for whole blocks, since tokens are long. In a comparison of blocks every true is all ones. A range is
 * moved to where the signed numbers begin: there one comparison is enough. */
static inline __attribute__((always_inline)) bool scan_blocks(const char *text, size_t blocks)
{
    block all = (block)((block){0} == 0);
    for (; blocks > 0; text += sizeof(block), blocks--) {
        block u;
        memcpy(&u, text, sizeof u);
        block letter = (block)((signed_block)((u | 0x20) - ('a' + 128)) < 26 - 128);
        block digit = (block)((signed_block)(u - ('-' + 128)) <= '9' - '-' - 128);
        all &= letter | digit | (block)(u == '_') | (block)(u == '~') | (block)(u == '+');
    }
    uint64_t parts[4];
    memcpy(parts, &all, sizeof parts);
    return (parts[0] & parts[1] & parts[2] & parts[3]) == UINT64_MAX;
}

#if defined(__x86_64__)
/* In half the instructions, where the processor has them. */
__attribute__((target("avx2"))) static bool scan_blocks_avx2(const char *text, size_t blocks)
{
    return scan_blocks(text, blocks);
}
#endif

static bool are_token_blocks(const char *text, size_t blocks)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return scan_blocks_avx2(text, blocks);
#endif
    return scan_blocks(text, blocks); /* untested: the same function, on a processor without AVX2 */
}

/* b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="      (RFC 6750, section 2.1) */
static bool is_b64token(const char *token, size_t len)
{
    while (len > 0 && token[len - 1] == '=')
        len--;
    if (len >= sizeof(block)) /* the last block overlaps the one before */
        return are_token_blocks(token, len / sizeof(block)) && are_token_blocks(token + len - sizeof(block), 1);
    for (size_t i = 0; i < len; i++)
        if (!is_token_char(token[i]))
            return false;
    return len > 0;
}

const char *grammar_token_fault(const char *token, size_t len)
{
    if (len == 0)
        return "is empty";
    if (len > GRAMMAR_TOKEN_MAX)
        return "is too long";
    return is_b64token(token, len) ? NULL : "has characters that no access token has";
}

const char *grammar_port(const char *address)
{
    const char *semicolon = address ? strrchr(address, ';') : NULL;
    if (!semicolon || semicolon[1] < '1' || semicolon[1] > '9')
        return NULL;
    unsigned number = 0;
    for (const char *digit = semicolon + 1; *digit; digit++) {
        if (*digit < '0' || *digit > '9')
            return NULL;
        number = number * 10 + (unsigned)(*digit - '0');
        if (number > 65535)
            return NULL;
    }
    return semicolon + 1;
}

/* Makes room for the longer of the two messages at once: growing step by step would copy and wipe the token. Then
 * the parts are put down one after the other; put() returns where the next one goes. */
static char *make_room(struct secret *out, const struct grammar_login *login)
{
    enum { FRAME = 64 }; /* more than everything around the parts */
    secret_reset(out);
    return secret_room(out, login->token_len + 3 * login->user_len + login->host_len + FRAME);
}

static char *put(char *to, const char *part, size_t len)
{
    memcpy(to, part, len);
    return to + len;
}

static inline char *puts_at(char *to, const char *part)
{
    return put(to, part, strlen(part));
}

static bool finish(struct secret *out, const char *end)
{
    secret_grow(out, (size_t)(end - out->data));
    return true;
}

/* "user=" user ^A "auth=Bearer " token ^A ^A       (the form that Google and Microsoft document) */
bool grammar_xoauth2(struct secret *out, const struct grammar_login *login)
{
    char *to = make_room(out, login);
    if (!to)
        return false;
    to = puts_at(to, "user=");
    to = put(to, login->user, login->user_len);
    to = puts_at(to, "\001auth=Bearer ");
    to = put(to, login->token, login->token_len);
    return finish(out, puts_at(to, "\001\001"));
}

/* saslname = 1*(UTF8-char-safe / "=2C" / "=3D")        (RFC 5801, section 4) */
static char *put_saslname(char *to, const char *user, size_t len)
{
    if (!memchr(user, ',', len) && !memchr(user, '=', len))
        return put(to, user, len);
    for (size_t i = 0; i < len; i++) {
        if (user[i] == ',')
            to = puts_at(to, "=2C");
        else if (user[i] == '=')
            to = puts_at(to, "=3D");
        else
            *to++ = user[i];
    }
    return to;
}

/* value = *(VCHAR / SP / HTAB / CR / LF ): a name outside ASCII cannot be said here, and need not be. */
static bool is_value(const char *text, size_t len)
{
    unsigned char all = 0;
    for (size_t i = 0; i < len; i++)
        all |= (unsigned char)text[i];
    return all < 0x80;
}

static char *put_pair(char *to, const char *key, const char *value, size_t len)
{
    if (len == 0 || !is_value(value, len))
        return to;
    to = puts_at(to, key);
    to = put(to, value, len);
    *to++ = '\001';
    return to;
}

/* client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep        (RFC 7628, section 3.1)
 * gs2-header  = "n,a=" saslname ","                              (RFC 5801; no channel binding)
 * kvpair      = key "=" value kvsep
 * kvsep       = %x01 */
bool grammar_oauthbearer(struct secret *out, const struct grammar_login *login)
{
    char *to = make_room(out, login);
    if (!to)
        return false;
    to = puts_at(to, "n,a=");
    to = put_saslname(to, login->user, login->user_len);
    to = puts_at(to, ",\001");
    to = put_pair(to, "host=", login->host, login->host_len);
    to = put_pair(to, "port=", login->port, login->port ? strlen(login->port) : 0);
    to = puts_at(to, "auth=Bearer ");
    to = put(to, login->token, login->token_len);
    return finish(out, puts_at(to, "\001\001"));
}
