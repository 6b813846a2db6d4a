/* The settings of account and provider files: one table for both, since an account's value replaces its
 * provider's. xoauth2.conf(5) documents each. */
#ifndef XOAUTH2_SETTINGS_H
#define XOAUTH2_SETTINGS_H

#include "keyfile.h"

#include <stdbool.h>
#include <stdint.h>

enum setting {
    SETTING_PROVIDER,  /* account only: name of a provider file */
    SETTING_ISSUER,    /* URL */
    SETTING_AUTHORIZATION_ENDPOINT,
    SETTING_TOKEN_ENDPOINT,
    SETTING_DEVICE_AUTHORIZATION_ENDPOINT,
    SETTING_REVOCATION_ENDPOINT,
    SETTING_USERINFO_ENDPOINT,
    SETTING_TENANT,    /* replaces {tenant} in endpoints */
    SETTING_CLIENT_ID,
    SETTING_CLIENT_SECRET,      /* account only */
    SETTING_CLIENT_SECRET_FILE, /* account only: absolute path, first line */
    SETTING_CLIENT_SECRET_COMMAND, /* account only: see runner.h; the first line of its output */
    SETTING_CLIENT_KEY_FILE,         /* account only: absolute path, PEM: private_key_jwt (RFC 7523, section 2.2) */
    SETTING_CLIENT_CERTIFICATE_FILE, /* account only: absolute path, PEM: names the key by x5t#S256 */
    SETTING_CLIENT_KEY_ID,           /* names the key by kid */
    SETTING_CLIENT_ASSERTION_FILE,   /* account only: absolute path of a token that somebody else signs and renews */
    SETTING_CLIENT_AUTHENTICATION, /* basic | post; default post */
    SETTING_GRANT,                /* account only: see enum grant in account.h */
    SETTING_SIGNING_ALGORITHM,    /* PS256 | RS256, for RSA keys */
    SETTING_SERVICE_ACCOUNT_FILE, /* account only: absolute path, Google's JSON key */
    SETTING_SUBJECT,              /* account only: whose token a service account asks for */
    SETTING_IDENTITY_ENDPOINT,    /* account only: URL of a managed identity's token endpoint */
    SETTING_TOKEN_COMMAND,        /* account only: see runner.h; writes the token */
    SETTING_STORE_READ,           /* account only: see runner.h; writes the state that the next one was given */
    SETTING_STORE_WRITE,          /* account only: see runner.h; keeps the state that it reads */
    SETTING_SCOPE,
    SETTING_APP_SCOPE, /* provider only: the scope of grants without a person */
    SETTING_FLOW,      /* browser | device */
    SETTING_USERS,     /* account only: addresses and patterns, separated by white space or commas */
    SETTING_HOSTS,     /* host names and patterns such as *.example.org; "*" for any */
    SETTING_SERVERS,   /* URLs of the mail servers, for `xoauth2 test`: see server.h */
    SETTING_REFRESH_MARGIN, /* seconds before expiry at which a token is renewed */
    SETTING_ALLOW,     /* account only, for the agent: users, @groups and ids that may have its token */
    SETTING_NOTIFY_COMMAND, /* account only, for the agent: see runner.h */
    SETTING_PROXY,     /* URL without a password in it */
    SETTING_CA_FILE,   /* absolute path, PEM */
    SETTING_CA_PATH,   /* absolute path of a hashed folder */
    SETTING_AUTHORIZATION_PARAMETERS, /* provider only: name=value pairs separated by white space */
    SETTING_REDIRECT_HOST,            /* localhost | 127.0.0.1 */
    SETTING_REFRESH_SENDS_SCOPE,      /* yes | no; default no */
    SETTING_CLIENT_SECRET_NEEDED,     /* provider only: yes | no */
    SETTING_REFRESH_TOKEN_LIFETIME,   /* seconds the refresh token lives after its last renewal */
    SETTING_DOMAINS,   /* provider only: mail domains, patterns allowed */
    SETTING_MX,        /* provider only: patterns of MX host names */
    SETTING_DESCRIPTION, /* provider only: its name for people */
    SETTING_ADVICE,      /* provider only: how to register a client there, one or two sentences */
    SETTING_COUNT
};

/* The key's names in the order of the enum, ending with NULL: the `known` of keyfile_load(). */
extern const char *const SETTING_NAMES[SETTING_COUNT + 1];

/* Those that name a file, or a folder of files, which whoever gets the tokens has to read. */
enum { SETTING_FILES_COUNT = 7 };
extern const enum setting SETTING_FILES[SETTING_FILES_COUNT];

#define REFRESH_MARGIN_DEFAULT 300 /* seconds */
#define REFRESH_MARGIN_MAX 86400   /* seconds */

/* Whether every value has the right form (URL with https, or http for a loopback address alone; number; known word;
 * absolute path) and stands in the right kind of file. False with FAILURE_CONFIG naming file and line. */
bool settings_check_account(const struct keyfile *file, struct report *why);
bool settings_check_provider(const struct keyfile *file, struct report *why);

/* Whether an address may be asked for a managed identity's token: as above, or http with a link-local address
 * (169.254/16), where clouds have that service. */
bool settings_identity_url_allowed(const char *url);

/* Whether an address may be used for a request: https with a host, or http with a loopback address or localhost. */
bool settings_url_allowed(const char *url);

/* Whether a host of a URL is this machine: localhost, 127/8 or [::1]. */
bool settings_is_loopback(const char *host);

#endif
