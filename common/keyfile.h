/* Files of `key: value` lines, the syntax of SASL's options files: accounts, providers, xoauth2.conf.
 *
 * '#' starts a comment line; blank lines do not count; white space around key and value does not count. Keys
 * consist of letters, digits, '_' and '-'. A key that is not known, a key given twice, a missing value, a control
 * character or bytes that are not UTF-8 are errors that name file and line. */
#ifndef XOAUTH2_KEYFILE_H
#define XOAUTH2_KEYFILE_H

#include "failure.h"
#include "readfile.h"
#include "secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define KEYFILE_SIZE_MAX 65536 /* bytes in such a file */
#define KEYFILE_KEYS_MAX 48    /* known keys of one kind of file */

/* A parsed file. `value[i]` belongs to the i-th known key and is NULL where the file does not give it; it points
 * into `text`, so nothing is copied, and wiping `text` wipes all. */
struct keyfile {
    char *path;
    struct secret text;
    uid_t owner; /* of the file; for a text that came from none: this process */
    bool unwritten; /* there is no such file yet, so no report names it */
    const char *value[KEYFILE_KEYS_MAX];
    unsigned line[KEYFILE_KEYS_MAX];
};

/* Makes an empty keyfile, which keyfile_free() accepts. */
void keyfile_init(struct keyfile *k);

/* Parses `k->text`, which the caller has filled, as the file `path`. `known` ends with NULL and has at most
 * KEYFILE_KEYS_MAX names. False with FAILURE_CONFIG in `*why`. */
bool keyfile_parse(struct keyfile *k, const char *path, const char *const known[], struct report *why);

/* Reads and parses. On any result but READFILE_OK `k` is as after keyfile_init(). */
enum readfile_result keyfile_load(struct keyfile *k, const char *path, const struct readfile_rules *rules,
                                  const char *const known[], struct report *why);

/* "PATH:LINE: ", or nothing for an unwritten file. Cut where it is longer than `size`. */
void keyfile_place(const struct keyfile *k, size_t key, char *place, size_t size);

/* Reports keyfile_place() and the words, as FAILURE_CONFIG, for a wrong value of the key numbered `key`. Returns
 * false. The words must not quote a value that may be a secret. */
bool keyfile_complain(const struct keyfile *k, size_t key, struct report *why, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Wipes and frees the content. NULL is allowed. */
void keyfile_free(struct keyfile *k);

#endif
