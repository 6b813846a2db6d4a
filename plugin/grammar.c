#include "config.h"

#include "grammar.h"

#include "text.h"

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

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= '9') || c == '_' || c == '~' ||
           c == '+';
}

/* b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="      (RFC 6750, section 2.1) */
const char *grammar_token_fault(const char *token, size_t len)
{
    if (len == 0)
        return "is empty";
    if (len > GRAMMAR_TOKEN_MAX)
        return "is too long";
    size_t at = 0;
    while (at < len && is_token_char(token[at]))
        at++;
    if (at == 0)
        return "has characters that no access token has";
    while (at < len && token[at] == '=')
        at++;
    return at == len ? NULL : "has characters that no access token has";
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

/* Makes room for the whole message at once: growing step by step would copy and wipe the token. */
static bool make_room(struct secret *out, const struct grammar_login *login)
{
    secret_reset(out);
    size_t host = login->host ? strlen(login->host) : 0;
    return secret_room(out, login->token_len + 3 * login->user_len + host + 64);
}

/* "user=" user ^A "auth=Bearer " token ^A ^A       (the form that Google and Microsoft document) */
bool grammar_xoauth2(struct secret *out, const struct grammar_login *login)
{
    return make_room(out, login) && secret_adds(out, "user=") && secret_add(out, login->user, login->user_len) &&
           secret_adds(out, "\001auth=Bearer ") && secret_add(out, login->token, login->token_len) &&
           secret_adds(out, "\001\001");
}

/* saslname = 1*(UTF8-char-safe / "=2C" / "=3D")        (RFC 5801, section 4) */
static bool add_saslname(struct secret *out, const char *user, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool added = user[i] == ','   ? secret_adds(out, "=2C")
                     : user[i] == '=' ? secret_adds(out, "=3D")
                                      : secret_add(out, &user[i], 1);
        if (!added)
            return false;
    }
    return true;
}

/* value = *(VCHAR / SP / HTAB / CR / LF ): a name outside ASCII cannot be said here, and need not be. */
static bool is_value(const char *text)
{
    for (; *text; text++)
        if (*text <= 0x20 || *text >= 0x7F)
            return false;
    return true;
}

static bool add_pair(struct secret *out, const char *key, const char *value)
{
    if (!value || !*value || !is_value(value))
        return true;
    return secret_adds(out, key) && secret_adds(out, "=") && secret_adds(out, value) && secret_adds(out, "\001");
}

/* client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep        (RFC 7628, section 3.1)
 * gs2-header  = "n,a=" saslname ","                              (RFC 5801; no channel binding)
 * kvpair      = key "=" value kvsep
 * kvsep       = %x01 */
bool grammar_oauthbearer(struct secret *out, const struct grammar_login *login)
{
    return make_room(out, login) && secret_adds(out, "n,a=") && add_saslname(out, login->user, login->user_len) &&
           secret_adds(out, ",\001") && add_pair(out, "host", login->host) && add_pair(out, "port", login->port) &&
           secret_adds(out, "auth=Bearer ") && secret_add(out, login->token, login->token_len) &&
           secret_adds(out, "\001\001");
}
