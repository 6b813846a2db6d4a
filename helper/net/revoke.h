/* Ending a login at the provider (RFC 7009). */
#ifndef XOAUTH2_REVOKE_H
#define XOAUTH2_REVOKE_H

#include "oauth.h"

#include <stdbool.h>
#include <stdint.h>

#define REVOKE_COURTESY_TIMEOUT 5000 /* milliseconds for a request whose outcome does not matter */

/* Revokes one token; `kind` is "refresh_token" or "access_token" (RFC 7009, section 2.1). True, too, where the
 * provider does not know it. False with FAILURE_UNREACHABLE for what may pass, else FAILURE_CONFIG. */
bool revoke_token(struct oauth_client *c, const char *url, const char *token, const char *kind, int64_t timeout,
                  struct report *why);

#endif
