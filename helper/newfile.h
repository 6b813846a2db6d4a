/* Replacing a file so that a reader, a crash or a full disk meets the old content or the new, never less: a temporary
 * file beside it, fsync, rename, fsync of the folder. */
#ifndef XOAUTH2_NEWFILE_H
#define XOAUTH2_NEWFILE_H

#include "failure.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A file on its way to disk. */
struct newfile {
    int fd;
    int folder;
    bool filled; /* with zeros, since blocks could not be reserved; to be cut before it is used */
    char temporary[NAME_MAX + 1];
    char final[NAME_MAX + 1];
    char path[PATH_MAX]; /* of the final file, for reports */
};

#define NEWFILE_NONE {.fd = -1, .folder = -1}

/* Makes a temporary file ".FINAL.XXXXXX", 0600, in the folder, whose descriptor is taken over, also on failure.
 * FAILURE_UNREACHABLE for a full disk, FAILURE_CONFIG for a read-only one or missing rights. */
bool newfile_open(struct newfile *f, int folder, const char *folder_path, const char *final, struct report *why);

/* Reserves disk blocks, so that a full disk is found now. Where the file system cannot reserve, as many zeros are
 * written. */
bool newfile_reserve(struct newfile *f, size_t size, struct report *why);

/* Writes the content, fsyncs, renames, fsyncs the folder; the file is finished either way. False: the old content is
 * still there. Once the rename is done the result is true, since the new content is what everybody reads from then
 * on. */
bool newfile_commit(struct newfile *f, const char *data, size_t len, struct report *why);

/* Removes the temporary file. Allowed after newfile_commit() and on NEWFILE_NONE. */
void newfile_abandon(struct newfile *f);

/* Removes temporary files of `final` that a killed process left, if they were last written before `before`
 * (wall-clock seconds; INT64_MAX: all, for whoever holds the lock of `final`). False with errno where one stays. */
bool newfile_sweep(int folder, const char *final, int64_t before);

/* Finds such a file; `name` is empty where there is none. False with errno where the folder cannot be read. */
bool newfile_leftover(int folder, const char *final, char name[NAME_MAX + 1]);

/* Does what its process was killed before: fsync, rename, fsync of the folder. False with errno. */
bool newfile_finish(int folder, const char *name, const char *final);

#endif
