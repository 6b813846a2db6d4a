/* The C library's free() and realloc() for the agent: what is given back is wiped, by whichever library. libcurl,
 * OpenSSL and json-c leave requests, replies and printed states in memory that they free, and the agent lives for
 * months. Sanitizers have an allocator of their own, and valgrind replaces these two like all others. */
#include "config.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#define SANITIZED \
    (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if defined(__GLIBC__) && !SANITIZED

void __libc_free(void *memory);

__attribute__((visibility("default"))) void free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    __libc_free(memory);
}

/* Grows into another block, so that the old one can be wiped; shrinks in place. */
__attribute__((visibility("default"))) void *realloc(void *memory, size_t size)
{
    size_t had = memory ? malloc_usable_size(memory) : 0;
    if (memory && size == 0) {
        free(memory);
        return NULL;
    }
    if (memory && size <= had) {
        explicit_bzero((char *)memory + size, had - size);
        return memory;
    }
    void *grown = malloc(size);
    if (grown && memory) {
        memcpy(grown, memory, had);
        free(memory);
    }
    return grown;
}

#endif
