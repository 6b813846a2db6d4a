/* What the fuzz harnesses share. Each harness is one file with LLVMFuzzerTestOneInput(), the entry point that
 * libFuzzer and AFL++ call; main.c calls it for files. */
#ifndef XOAUTH2_FUZZ_H
#define XOAUTH2_FUZZ_H

#include "failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops with a message unless the condition holds. Not assert(), which can be switched off. */
#define MUST(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* An input that is taken apart from its front. */
struct fuzz_input {
    const uint8_t *data;
    size_t left;
};

/* The next byte; 0 at the end. */
uint8_t fuzz_byte(struct fuzz_input *in);

/* Copies what comes before the next form feed, or to the end, into memory of exactly that length, so that the address
 * sanitizer sees every byte too far. `*len` gets the length; the caller frees. A form feed is nowhere allowed, so
 * corpora stay readable. */
char *fuzz_part(struct fuzz_input *in, size_t *len);

/* The same as a string. A NUL in it ends it early. */
char *fuzz_text(struct fuzz_input *in);

/* All that is left, in the same way. */
char *fuzz_rest(struct fuzz_input *in, size_t *len);

/* A report that may be shown: it says something, in UTF-8 and without control characters. */
void fuzz_check_report(const struct report *why);

/* Whether a text may be shown on a terminal. */
bool fuzz_is_harmless(const char *text);

/* From here to fuzz_forget() no memory may be given back that still holds this text. It needs the address sanitizer,
 * which knows how long a block is and gives none out twice; json-c's and libcurl's own memory is not looked at. What
 * is shorter than FUZZ_SECRET_MIN is no secret. */
#define FUZZ_SECRET_MIN 8
void fuzz_watch(const char *secret);
void fuzz_forget(void);

/* The same, unless the text stands in the input more than once. */
void fuzz_watch_single(const char *secret, const uint8_t *data, size_t size);

/* How often a text stands in the input; letters of either case are equal. */
size_t fuzz_count(const char *text, const uint8_t *data, size_t size);

/* Makes a folder for files, removed at the end of the process. After this folder_path() can be used, for few paths
 * since each lives as long. */
void fuzz_folder(void);

/* Writes a file, which belongs to us alone. */
void fuzz_write(const char *path, const void *data, size_t len);

/* The same, unless the file is still the one that the last call wrote. One file in a harness. */
void fuzz_rewrite(const char *path, const char *text);

/* The lowest free descriptor: the same before and after, or one was left open. */
int fuzz_lowest_fd(void);

#endif
