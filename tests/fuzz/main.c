/* Gives files to a harness: those on the command line, all in the folders on the command line, "-" for standard
 * input. Without any, the harness's own corpus, which must not be empty. With AFL++: `afl-fuzz ... -- HARNESS @@`. */
#include "config.h"

#include "fuzz.h"

#include "secret.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 1 << 20, CHUNK = 65536 };

static bool failed(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

static bool read_all(int fd, struct secret *input)
{
    ssize_t got = 1;
    while (got > 0) {
        char *room = secret_room(input, CHUNK);
        got = room ? read(fd, room, CHUNK) : -1;
        if (got > 0)
            secret_grow(input, (size_t)got);
    }
    return got == 0;
}

static bool run_file(const char *path, int *count)
{
    struct secret input;
    secret_init(&input, INPUT_MAX);
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && read_all(fd, &input);
    if (!ok)
        failed(path);
    if (fd >= 0)
        close(fd);
    if (ok) {
        LLVMFuzzerTestOneInput((const uint8_t *)input.data, input.len);
        ++*count;
    }
    secret_free(&input);
    return ok;
}

static bool run_folder(const char *path, int *count)
{
    struct dirent **entries = NULL;
    int found = scandir(path, &entries, NULL, alphasort);
    bool ok = found >= 0 || failed(path);
    for (int i = 0; i < found; i++) {
        char file[PATH_MAX];
        int len = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (ok && entries[i]->d_name[0] != '.')
            ok = len > 0 && (size_t)len < sizeof file && run_file(file, count);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool run(const char *path, int *count)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? run_folder(path, count) : run_file(path, count);
}

int main(int argc, char **argv)
{
    char corpus[PATH_MAX];
    int count = 0;
    bool ok = true;
    const char *name = strstr(program_invocation_short_name, "fuzz_");
    snprintf(corpus, sizeof corpus, "%s/%s", FUZZ_CORPUS, name ? name + strlen("fuzz_") : "");
    if (argc < 2)
        ok = run(corpus, &count);
    for (int i = 1; ok && i < argc; i++)
        ok = run(argv[i], &count);
    if (ok && count == 0)
        ok = fprintf(stderr, "%s: there are no inputs\n", corpus) < 0;
    printf("%d inputs\n", count);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
