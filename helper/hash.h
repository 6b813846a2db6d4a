/* A hash of texts, FNV-1a, for tables and for noticing changes: no defence against texts that somebody has chosen. */
#ifndef XOAUTH2_HASH_H
#define XOAUTH2_HASH_H

#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

/* The hash of what was hashed before, or HASH_START, and this text. */
uint64_t hash_add(uint64_t hash, const char *text);

#endif
