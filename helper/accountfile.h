/* Changing an account file without losing what its owner wrote in it: comments, order and other keys stay. */
#ifndef XOAUTH2_ACCOUNTFILE_H
#define XOAUTH2_ACCOUNTFILE_H

#include "failure.h"
#include "paths.h"
#include "secret.h"
#include "settings.h"

#include <stdbool.h>

/* Reads the text of NAME.conf into `text`, or leaves it empty where there is no such file; any other trouble is false
 * with a report, since the file must not be overwritten then. */
bool accountfile_read(const struct paths *p, const char *name, struct secret *text, struct report *why);

/* Sets one key in the text: replaces the value in its line, or adds a line at the end; a NULL value removes the line.
 * False where the text would pass KEYFILE_SIZE_MAX or the value has a line break. */
bool accountfile_set(struct secret *text, enum setting key, const char *value);

/* Writes the text as NAME.conf, atomically and durably (temporary file, fsync, rename, fsync of the folder): 0600, or
 * 0640 root:group-of-the-store for the system's. Makes the folder. */
bool accountfile_write(const struct paths *p, const char *name, const struct secret *text, struct report *why);

/* Whether that would work: makes the folder where it is missing, and a temporary file, which it removes again. False
 * with a report. */
bool accountfile_try(const struct paths *p, const char *name, struct report *why);

#endif
