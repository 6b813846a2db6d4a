/* The helper protocol, xoauth2-protocol(7): a verb line, `key=value` lines, an empty line.
 *
 * The same bytes travel over a Unix socket and over the standard input and output of `xoauth2 helper`. A reply
 * has the form of a request, with "ok" or "error" as its verb. Control characters and '%' in a value are
 * percent-encoded, so a line is always one line. */
#ifndef XOAUTH2_PROTOCOL_H
#define XOAUTH2_PROTOCOL_H

#include "failure.h"
#include "secret.h"

#include <stdbool.h>
#include <stddef.h>

#define PROTOCOL_VERSION "1"
#define PROTOCOL_MESSAGE_MAX 65536 /* bytes, with the empty line at the end */
#define PROTOCOL_FIELDS_MAX 32

/* Starts a message: writes the verb line and, after it, version=1. */
bool protocol_begin(struct secret *out, const char *verb);

/* Adds a line `key=value` with the value percent-encoded. A NULL or empty value adds nothing. */
bool protocol_put(struct secret *out, const char *key, const char *value);

/* Ends the message. Returns false if any part of it did not fit: then it must not be sent. */
bool protocol_end(struct secret *out);

/* Writes a whole "error" reply into `out`, which is emptied first. */
bool protocol_error(struct secret *out, const struct report *why);

enum protocol_result {
    PROTOCOL_COMPLETE,
    PROTOCOL_MORE,      /* the bytes so far are the start of a message */
    PROTOCOL_TOO_LONG,  /* PROTOCOL_MESSAGE_MAX or PROTOCOL_FIELDS_MAX is passed: close the connection */
    PROTOCOL_MALFORMED, /* no message: close the connection */
};

struct protocol_field {
    const char *key;
    const char *value;
};

/* A parsed message. Its strings point into the parsed bytes and live as long as those. */
struct protocol_message {
    const char *verb;
    size_t count;
    struct protocol_field fields[PROTOCOL_FIELDS_MAX];
};

/* Parses one message at the start of `data`, in place: decoded values overwrite their encoded form, so nothing
 * is copied. `*used` is the message's length, for PROTOCOL_COMPLETE; nothing is changed before the message is
 * complete. A value with an encoded NUL, an invalid percent sequence, a raw control character or bytes that are
 * not UTF-8 is malformed, and so are a key given twice and a version other than 1. */
enum protocol_result protocol_parse(char *data, size_t len, size_t *used, struct protocol_message *message);

/* The value of `key`, or NULL. Unknown keys are simply never asked for. */
const char *protocol_get(const struct protocol_message *message, const char *key);

#endif
