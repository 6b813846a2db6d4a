/* Decoding base64 (RFC 4648, section 4). Written here for one reason: the libraries that offer it would make the
 * start of `xoauth2` two to eight times slower. */
#ifndef XOAUTH2_BASE64_H
#define XOAUTH2_BASE64_H

#include "secret.h"

#include <stdbool.h>

/* Decodes the whole text into `out`, which is emptied first. False where it is not base64 with its padding. */
bool base64_decode(const char *text, struct secret *out);

#endif
