#include "config.h"

#include "fuzz.h"

#include "folder.h"
#include "text.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRETS_MAX = 8, SECRET_MAX = 4096 };

#if defined(__SANITIZE_ADDRESS__)
#define KNOWS_BLOCKS true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KNOWS_BLOCKS true
#endif
#endif
#if !defined(KNOWS_BLOCKS)
#define KNOWS_BLOCKS false
#endif

/* Not on the heap: what is searched for must not be found here. */
static char secrets[SECRETS_MAX][SECRET_MAX];
static size_t secret_count;

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

static char *copy(struct fuzz_input *in, size_t len, size_t room)
{
    char *to = malloc(room > 0 ? room : 1);
    MUST(to);
    if (len > 0)
        memcpy(to, in->data, len);
    in->data += len;
    in->left -= len;
    return to;
}

static size_t part_length(const struct fuzz_input *in)
{
    const uint8_t *end = in->left > 0 ? memchr(in->data, '\f', in->left) : NULL;
    return end ? (size_t)(end - in->data) : in->left;
}

char *fuzz_part(struct fuzz_input *in, size_t *len)
{
    *len = part_length(in);
    char *part = copy(in, *len, *len);
    fuzz_byte(in);
    return part;
}

char *fuzz_text(struct fuzz_input *in)
{
    size_t len = part_length(in);
    char *text = copy(in, len, len + 1);
    text[len] = '\0';
    fuzz_byte(in);
    return text;
}

char *fuzz_rest(struct fuzz_input *in, size_t *len)
{
    *len = in->left;
    return copy(in, in->left, in->left);
}

bool fuzz_is_harmless(const char *text)
{
    size_t len = strlen(text);
    if (text_has_control(text, len) || !text_is_utf8(text, len))
        return false;
    for (const char *p = text; (p = strchr(p, '\xC2')) != NULL; p++)
        if ((unsigned char)p[1] < 0xA0) /* U+0080 to U+009F */
            return false;
    return true;
}

void fuzz_check_report(const struct report *why)
{
    MUST(why->text[0]);
    MUST(strnlen(why->text, sizeof why->text) < sizeof why->text);
    MUST(fuzz_is_harmless(why->text));
}

void fuzz_watch(const char *secret)
{
    size_t len = strlen(secret);
    if (len < FUZZ_SECRET_MIN || len >= SECRET_MAX || secret_count == SECRETS_MAX)
        return;
    memcpy(secrets[secret_count++], secret, len + 1);
}

size_t fuzz_count(const char *text, const uint8_t *data, size_t size)
{
    size_t len = strlen(text);
    size_t count = 0;
    for (size_t at = 0; at + len <= size; at++)
        count += strncasecmp((const char *)data + at, text, len) == 0;
    return count;
}

void fuzz_watch_single(const char *secret, const uint8_t *data, size_t size)
{
    if (fuzz_count(secret, data, size) == 1)
        fuzz_watch(secret);
}

void fuzz_forget(void)
{
    secret_count = 0;
}

void __real_free(void *block);
void __wrap_free(void *block);

/* Stands in for free() in everything that is linked with --wrap=free. */
void __wrap_free(void *block)
{
    for (size_t i = 0; KNOWS_BLOCKS && block && i < secret_count; i++)
        MUST(!memmem(block, malloc_usable_size(block), secrets[i], strlen(secrets[i])));
    __real_free(block);
}

static void remove_folder(void)
{
    folder_remove(NULL);
}

void fuzz_folder(void)
{
    MUST(folder_make(NULL) == 0);
    MUST(atexit(remove_folder) == 0);
}

void fuzz_write(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && (len == 0 || write(fd, data, len) == (ssize_t)len));
    close(fd);
}

void fuzz_rewrite(const char *path, const char *text)
{
    static ino_t written_file;
    struct stat st;
    if (written_file && stat(path, &st) == 0 && st.st_ino == written_file)
        return;
    fuzz_write(path, text, strlen(text));
    MUST(stat(path, &st) == 0);
    written_file = st.st_ino;
}

int fuzz_lowest_fd(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    MUST(fd >= 0);
    close(fd);
    return fd;
}
