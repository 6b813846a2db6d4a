#include "config.h"

#include "test_talk.h"

#include "base64.h"
#include "jsontext.h"
#include "secret.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

enum { CHALLENGE_MAX = 4096 /* bytes of a challenge that is looked at */ };

const char *talk_command(const struct talk *t)
{
    static const char *const COMMANDS[] = {
        [SERVER_IMAP] = "STATUS INBOX (MESSAGES)",
        [SERVER_POP3] = "STAT",
        [SERVER_SMTP] = "NOOP",
    };
    return COMMANDS[t->server->protocol];
}

/* Whether the line, a list of the server's capabilities, has the mechanism: "AUTH=XOAUTH2" in IMAP, a word of its own
 * after "AUTH" or "SASL" elsewhere. */
static bool offers(const struct talk *t)
{
    size_t len = strlen(t->mechanism);
    bool imap = t->server->protocol == SERVER_IMAP;
    for (const char *at = t->line; (at = strcasestr(at, t->mechanism)); at += len) {
        bool begins =
            imap ? at - t->line >= 5 && strncasecmp(at - 5, "AUTH=", 5) == 0 : at > t->line && at[-1] == ' ';
        if (begins && !isalnum((unsigned char)at[len]) && at[len] != '-' && at[len] != '_')
            return imap || strcasestr(t->line, "AUTH") || strncasecmp(t->line, "SASL", 4) == 0;
    }
    return false;
}

/* The status of a challenge (RFC 7628, section 3.2.2), which some servers write as a number. */
static void take_challenge(struct talk *t, const char *text)
{
    struct secret decoded;
    struct json_object *value = NULL;
    secret_init(&decoded, CHALLENGE_MAX);
    struct json_object *root =
        base64_decode(text, &decoded) && decoded.len > 0 ? jsontext_parse(decoded.data, decoded.len) : NULL;
    if (root && json_object_object_get_ex(root, "status", &value) &&
        (json_object_is_type(value, json_type_string) || json_object_is_type(value, json_type_int)))
        snprintf(t->status, sizeof t->status, "%s", json_object_get_string(value));
    if (root)
        challenge_configuration(root, t->configuration);
    jsontext_free(&root);
    secret_free(&decoded);
}

void talk_hear(struct talk *t, const char *data, size_t size)
{
    size_t len = size < TALK_LINE_MAX ? size : TALK_LINE_MAX;
    while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
        len--;
    memcpy(t->line, data, len);
    t->line[len] = '\0';
    t->offered = t->offered || offers(t);
    if (strncmp(t->line, "+ ", 2) == 0)
        take_challenge(t, t->line + 2);
    else if (strncmp(t->line, "334 ", 4) == 0)
        take_challenge(t, t->line + 4);
}

