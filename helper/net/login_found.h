/* The OAuth server and the mail servers that an address's own domain names (pacc.h). They are shown, with where they
 * come from, and taken only when the person says so. */
#ifndef XOAUTH2_LOGIN_FOUND_H
#define XOAUTH2_LOGIN_FOUND_H

#include "login.h"
#include "pacc.h"

/* Looks, shows and asks. PACC_FOUND: the person agreed, and l->options has the issuer and the servers as if they had
 * been given. PACC_UNUSABLE with a report, also where nobody can be asked or the person declined. */
enum pacc_result login_found_look(struct login *l, struct report *why);

/* Whether both names lie in one domain, as far as can be told without a list of public suffixes: one lies in the
 * other's parent, or both lie in `domain`. */
bool login_found_related(const char *issuer_host, const char *host, const char *domain);

/* Whether the issuer's own list of the servers that its tokens are for (protected_resources, RFC 9728), names
 * separated by blanks, has this host; NULL has every one. */
bool login_found_listed(const char *resources, const char *host);

/* Whether that list has every mail server that the account names. After oauth_discover() with the client. False with
 * a report where servers or client were found; where a person named both it is a warning alone, since the list need
 * not be whole (RFC 9728, section 4). */
bool login_found_check(const struct login *l, const struct oauth_client *c, struct report *why);

#endif
