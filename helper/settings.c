#include "config.h"

#include "settings.h"

#include "glob.h"
#include "runner.h"
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const SETTING_NAMES[SETTING_COUNT + 1] = {
    [SETTING_PROVIDER] = "provider",
    [SETTING_ISSUER] = "issuer",
    [SETTING_AUTHORIZATION_ENDPOINT] = "authorization_endpoint",
    [SETTING_TOKEN_ENDPOINT] = "token_endpoint",
    [SETTING_DEVICE_AUTHORIZATION_ENDPOINT] = "device_authorization_endpoint",
    [SETTING_REVOCATION_ENDPOINT] = "revocation_endpoint",
    [SETTING_USERINFO_ENDPOINT] = "userinfo_endpoint",
    [SETTING_TENANT] = "tenant",
    [SETTING_CLIENT_ID] = "client_id",
    [SETTING_CLIENT_SECRET] = "client_secret",
    [SETTING_CLIENT_SECRET_FILE] = "client_secret_file",
    [SETTING_CLIENT_SECRET_COMMAND] = "client_secret_command",
    [SETTING_CLIENT_KEY_FILE] = "client_key_file",
    [SETTING_CLIENT_CERTIFICATE_FILE] = "client_certificate_file",
    [SETTING_CLIENT_KEY_ID] = "client_key_id",
    [SETTING_CLIENT_ASSERTION_FILE] = "client_assertion_file",
    [SETTING_CLIENT_AUTHENTICATION] = "client_authentication",
    [SETTING_GRANT] = "grant",
    [SETTING_SIGNING_ALGORITHM] = "signing_algorithm",
    [SETTING_SERVICE_ACCOUNT_FILE] = "service_account_file",
    [SETTING_SUBJECT] = "subject",
    [SETTING_IDENTITY_ENDPOINT] = "identity_endpoint",
    [SETTING_TOKEN_COMMAND] = "token_command",
    [SETTING_STORE_READ] = "store_read",
    [SETTING_STORE_WRITE] = "store_write",
    [SETTING_SCOPE] = "scope",
    [SETTING_APP_SCOPE] = "app_scope",
    [SETTING_FLOW] = "flow",
    [SETTING_USERS] = "users",
    [SETTING_HOSTS] = "hosts",
    [SETTING_SERVERS] = "servers",
    [SETTING_REFRESH_MARGIN] = "refresh_margin",
    [SETTING_ALLOW] = "allow",
    [SETTING_NOTIFY_COMMAND] = "notify_command",
    [SETTING_PROXY] = "proxy",
    [SETTING_CA_FILE] = "ca_file",
    [SETTING_CA_PATH] = "ca_path",
    [SETTING_AUTHORIZATION_PARAMETERS] = "authorization_parameters",
    [SETTING_REDIRECT_HOST] = "redirect_host",
    [SETTING_REFRESH_SENDS_SCOPE] = "refresh_sends_scope",
    [SETTING_CLIENT_SECRET_NEEDED] = "client_secret_needed",
    [SETTING_REFRESH_TOKEN_LIFETIME] = "refresh_token_lifetime",
    [SETTING_DOMAINS] = "domains",
    [SETTING_MX] = "mx",
    [SETTING_DESCRIPTION] = "description",
    [SETTING_ADVICE] = "advice",
    [SETTING_COUNT] = NULL,
};

const enum setting SETTING_FILES[SETTING_FILES_COUNT] = {
    SETTING_CLIENT_SECRET_FILE,    SETTING_CLIENT_KEY_FILE,      SETTING_CLIENT_CERTIFICATE_FILE,
    SETTING_CLIENT_ASSERTION_FILE, SETTING_SERVICE_ACCOUNT_FILE, SETTING_CA_FILE,
    SETTING_CA_PATH};

_Static_assert(SETTING_COUNT <= KEYFILE_KEYS_MAX, "a keyfile holds every setting");

enum { PROVIDER_NAME_MAX = 64, REFRESH_TOKEN_LIFETIME_MAX = 315360000 /* seconds: ten years */ };

/* What a value must look like. Each checks one value and, where it is wrong, says what is wanted. */
typedef const char *check_function(const char *value);

static bool only(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

#define LOWER_CASE "abcdefghijklmnopqrstuvwxyz"
#define UPPER_CASE "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define LETTERS LOWER_CASE UPPER_CASE

static bool has_prefix(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool settings_is_loopback(const char *host)
{
    struct in_addr v4;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* Copies the host of what follows "scheme://", with the brackets of an IPv6 address. A user name in front of it, a
 * wrong port and characters that readers of URLs disagree about are refused: what is checked here must be what is
 * used. */
static bool take_host(const char *authority, char *host, size_t size)
{
    size_t len = *authority == '[' ? strcspn(authority, "]/?#") + 1 : strspn(authority, LETTERS DIGITS ".-_");
    if (len == 0 || len >= size || memchr(authority, '\0', len))
        return false;
    memcpy(host, authority, len);
    host[len] = '\0';
    if (*host == '[' && (host[len - 1] != ']' || strspn(host + 1, DIGITS "abcdefABCDEF:.") != len - 2))
        return false;
    const char *rest = authority + len;
    if (*rest == ':') {
        size_t digits = strspn(rest + 1, DIGITS);
        if (digits == 0 || digits > 5 || strtoul(rest + 1, NULL, 10) > 65535)
            return false;
        rest += 1 + digits;
    }
    return *rest == '\0' || *rest == '/' || *rest == '?' || *rest == '#';
}

static bool is_plain_url(const char *url)
{
    for (; *url; url++)
        if (*url <= ' ' || *url > '~' || strchr("\"<>\\^`{|}", *url))
            return false;
    return true;
}

bool settings_url_allowed(const char *url)
{
    char host[256];
    if (!is_plain_url(url))
        return false;
    if (has_prefix(url, "https://"))
        return take_host(url + strlen("https://"), host, sizeof host);
    return has_prefix(url, "http://") && take_host(url + strlen("http://"), host, sizeof host) &&
           settings_is_loopback(host);
}

bool settings_identity_url_allowed(const char *url)
{
    static const char SCHEME[] = "http://";
    char host[256];
    struct in_addr v4;
    if (settings_url_allowed(url))
        return true;
    return is_plain_url(url) && has_prefix(url, SCHEME) && take_host(url + strlen(SCHEME), host, sizeof host) &&
           inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 16 == 0xA9FE;
}

static const char *check_identity_url(const char *value)
{
    static const char WANTED[] =
        "must be an address with https://, or with http:// and a loopback or link-local address";
    return settings_identity_url_allowed(value) ? NULL : WANTED;
}

static const char *check_url(const char *value)
{
    static const char TENANT[] = "{tenant}";
    static const char WANTED[] = "must be an address with https:// (http:// for a loopback address alone)";
    char plain[2048] = "";
    size_t len = 0;
    for (; *value && len < sizeof plain - 1; len++) {
        bool tenant = strncmp(value, TENANT, strlen(TENANT)) == 0;
        plain[len] = tenant ? 't' : *value;
        value += tenant ? strlen(TENANT) : 1;
    }
    plain[len] = '\0';
    return !*value && settings_url_allowed(plain) ? NULL : WANTED;
}

static const char *check_provider_name(const char *value)
{
    bool good = *value != '.' && strlen(value) <= PROVIDER_NAME_MAX && only(value, LOWER_CASE DIGITS "._-");
    return good ? NULL : "must be the name of a provider file, such as google: small letters, digits, '.', '_', '-'";
}

static const char *check_tenant(const char *value)
{
    return only(value, LETTERS DIGITS "._-") ? NULL : "must be a tenant's name or id: letters, digits, '.', '_', '-'";
}

/* RFC 6749, appendix A.1 and A.2. */
static const char *check_printable(const char *value)
{
    for (; *value; value++)
        if (*value < ' ' || *value > '~')
            return "must consist of printable ASCII characters";
    return NULL;
}

/* RFC 6749, appendix A.4. */
static const char *check_scope(const char *value)
{
    if (check_printable(value) || strpbrk(value, "\"\\"))
        return "must be scopes separated by spaces, in printable ASCII without '\"' and '\\'";
    return NULL;
}

static const char *check_authentication(const char *value)
{
    return strcmp(value, "basic") == 0 || strcmp(value, "post") == 0 ? NULL : "must be 'basic' or 'post'";
}

static const char *check_grant(const char *value)
{
    static const char *const GRANTS[] = {"authorization_code", "client_credentials", "jwt_bearer",
                                         "managed_identity"};
    for (size_t i = 0; i < sizeof GRANTS / sizeof GRANTS[0]; i++)
        if (strcmp(GRANTS[i], value) == 0)
            return NULL;
    return "must be 'authorization_code', 'client_credentials', 'jwt_bearer' or 'managed_identity'";
}

static const char *check_signing(const char *value)
{
    return strcmp(value, "PS256") == 0 || strcmp(value, "RS256") == 0 ? NULL : "must be 'PS256' or 'RS256'";
}

static const char *check_flow(const char *value)
{
    return strcmp(value, "browser") == 0 || strcmp(value, "device") == 0 ? NULL : "must be 'browser' or 'device'";
}

static const char *check_yes_no(const char *value)
{
    return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0 ? NULL : "must be 'yes' or 'no'";
}

static const char *check_redirect_host(const char *value)
{
    bool good = strcmp(value, "localhost") == 0 || strcmp(value, "127.0.0.1") == 0;
    return good ? NULL : "must be 'localhost' or '127.0.0.1'";
}

static const char *check_list(const char *value)
{
    size_t len;
    return glob_next(&value, &len) ? NULL : "must name at least one entry";
}

/* An address that programs give with brackets or without, maybe with its interface; or a pattern of such. */
static bool is_ipv6(const char *word, size_t len)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    if (len > 2 && word[0] == '[' && word[len - 1] == ']') {
        word++;
        len -= 2;
    }
    const char *zone = memchr(word, '%', len);
    if (zone)
        len = (size_t)(zone - word);
    if (len >= sizeof address)
        return false;
    memcpy(address, word, len);
    address[len] = '\0';
    if (strchr(address, '*'))
        return only(address, DIGITS "abcdefABCDEF:.*") && strchr(address, ':') != strrchr(address, ':');
    return inet_pton(AF_INET6, address, &v6) == 1;
}

/* A name, an IPv4 address or a pattern of such. Programs may give a name in UTF-8. */
static bool is_name(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)word[i] < 0x80 && !strchr(LETTERS DIGITS ".-_*", word[i]))
            return false;
    return *word != '.' && *word != '-' && !memmem(word, len, "..", 2);
}

#define HOSTS_WANTED                                                                                                 \
    "must be host names, patterns or IP addresses such as imap.example.org *.example.org 192.0.2.1, without a "      \
    "scheme or path"

/* What would never be the host that a program names: it would look like a limit, and refuse every server. */
static const char *check_hosts(const char *value)
{
    const char *word;
    size_t len;
    if (check_list(value))
        return HOSTS_WANTED;
    while ((word = glob_next(&value, &len))) {
        if (memchr(word, '#', len))
            return HOSTS_WANTED ": a comment has a line of its own";
        if (is_ipv6(word, len))
            continue;
        if (memchr(word, ';', len))
            return HOSTS_WANTED ": they are separated by spaces or commas, not by ';'";
        if (memchr(word, ':', len) && !memchr(word, '/', len))
            return HOSTS_WANTED ": a port does not belong there";
        if (!is_name(word, len))
            return HOSTS_WANTED;
        if (word[len - 1] == '.')
            return HOSTS_WANTED ": remove the dot at the end, programs match with it and without";
    }
    return NULL;
}

static const char *check_servers(const char *value)
{
    return server_list_is_good(value) ? NULL : "must be addresses such as imaps://imap.example.org "
                                               "pop3s://pop.example.org smtp://smtp.example.org:587";
}

static bool is_number(const char *value, long least, long most)
{
    if (!*value || strlen(value) > 12 || !only(value, DIGITS))
        return false;
    errno = 0;
    long long number = strtoll(value, NULL, 10);
    return errno == 0 && number >= least && number <= most;
}

static const char *check_margin(const char *value)
{
    _Static_assert(REFRESH_MARGIN_MAX == 86400, "the text below says so");
    return is_number(value, 0, REFRESH_MARGIN_MAX) ? NULL : "must be a number of seconds, at most 86400 (one day)";
}

static const char *check_lifetime(const char *value)
{
    bool good = is_number(value, 1, REFRESH_TOKEN_LIFETIME_MAX);
    return good ? NULL : "must be a number of seconds, at most 315360000 (ten years)";
}

static const char *check_path(const char *value)
{
    return *value == '/' && strlen(value) < 4096 ? NULL : "must be an absolute path";
}

/* libcurl's schemes. A name or password in the URL would show up in its messages. */
static const char *check_proxy(const char *value)
{
    static const char *const SCHEMES[] = {"http://", "https://", "socks4://", "socks4a://", "socks5://",
                                          "socks5h://"};
    char host[256];
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++)
        if (has_prefix(value, SCHEMES[i]) && is_plain_url(value) &&
            take_host(value + strlen(SCHEMES[i]), host, sizeof host))
            return NULL;
    return "must be an address such as http://proxy.example.org:3128 or socks5h://127.0.0.1:9050, without a password";
}

static const char *check_parameters(const char *value)
{
    static const char WANTED[] = "must be name=value pairs separated by white space";
    const char *entry;
    size_t len;
    if (check_printable(value))
        return WANTED;
    for (; (entry = value + strspn(value, " \t"), *entry); value = entry + len) {
        len = strcspn(entry, " \t");
        const char *equals = memchr(entry, '=', len);
        if (!equals || equals == entry)
            return WANTED;
    }
    return NULL;
}

static const char *check_nothing(const char *value)
{
    (void)value;
    return NULL;
}

enum place { ANYWHERE, ACCOUNT_ONLY, PROVIDER_ONLY };

static const struct {
    check_function *check;
    enum place place;
} RULES[SETTING_COUNT] = {
    [SETTING_PROVIDER] = {check_provider_name, ACCOUNT_ONLY},
    [SETTING_ISSUER] = {check_url, ANYWHERE},
    [SETTING_AUTHORIZATION_ENDPOINT] = {check_url, ANYWHERE},
    [SETTING_TOKEN_ENDPOINT] = {check_url, ANYWHERE},
    [SETTING_DEVICE_AUTHORIZATION_ENDPOINT] = {check_url, ANYWHERE},
    [SETTING_REVOCATION_ENDPOINT] = {check_url, ANYWHERE},
    [SETTING_USERINFO_ENDPOINT] = {check_url, ANYWHERE},
    [SETTING_TENANT] = {check_tenant, ANYWHERE},
    [SETTING_CLIENT_ID] = {check_printable, ANYWHERE},
    [SETTING_CLIENT_SECRET] = {check_printable, ACCOUNT_ONLY},
    [SETTING_CLIENT_SECRET_FILE] = {check_path, ACCOUNT_ONLY},
    [SETTING_CLIENT_SECRET_COMMAND] = {runner_check, ACCOUNT_ONLY},
    [SETTING_CLIENT_KEY_FILE] = {check_path, ACCOUNT_ONLY},
    [SETTING_CLIENT_CERTIFICATE_FILE] = {check_path, ACCOUNT_ONLY},
    [SETTING_CLIENT_KEY_ID] = {check_printable, ANYWHERE},
    [SETTING_CLIENT_ASSERTION_FILE] = {check_path, ACCOUNT_ONLY},
    [SETTING_CLIENT_AUTHENTICATION] = {check_authentication, ANYWHERE},
    [SETTING_GRANT] = {check_grant, ACCOUNT_ONLY},
    [SETTING_SIGNING_ALGORITHM] = {check_signing, ANYWHERE},
    [SETTING_SERVICE_ACCOUNT_FILE] = {check_path, ACCOUNT_ONLY},
    [SETTING_SUBJECT] = {check_printable, ACCOUNT_ONLY},
    [SETTING_IDENTITY_ENDPOINT] = {check_identity_url, ACCOUNT_ONLY},
    [SETTING_TOKEN_COMMAND] = {runner_check, ACCOUNT_ONLY},
    [SETTING_STORE_READ] = {runner_check, ACCOUNT_ONLY},
    [SETTING_STORE_WRITE] = {runner_check, ACCOUNT_ONLY},
    [SETTING_SCOPE] = {check_scope, ANYWHERE},
    [SETTING_APP_SCOPE] = {check_scope, PROVIDER_ONLY},
    [SETTING_FLOW] = {check_flow, ANYWHERE},
    [SETTING_USERS] = {check_list, ACCOUNT_ONLY},
    [SETTING_HOSTS] = {check_hosts, ANYWHERE},
    [SETTING_SERVERS] = {check_servers, ANYWHERE},
    [SETTING_REFRESH_MARGIN] = {check_margin, ANYWHERE},
    [SETTING_ALLOW] = {check_list, ACCOUNT_ONLY},
    [SETTING_NOTIFY_COMMAND] = {runner_check, ACCOUNT_ONLY},
    [SETTING_PROXY] = {check_proxy, ANYWHERE},
    [SETTING_CA_FILE] = {check_path, ANYWHERE},
    [SETTING_CA_PATH] = {check_path, ANYWHERE},
    [SETTING_AUTHORIZATION_PARAMETERS] = {check_parameters, PROVIDER_ONLY},
    [SETTING_REDIRECT_HOST] = {check_redirect_host, ANYWHERE},
    [SETTING_REFRESH_SENDS_SCOPE] = {check_yes_no, ANYWHERE},
    [SETTING_CLIENT_SECRET_NEEDED] = {check_yes_no, PROVIDER_ONLY},
    [SETTING_REFRESH_TOKEN_LIFETIME] = {check_lifetime, ANYWHERE},
    [SETTING_DOMAINS] = {check_list, PROVIDER_ONLY},
    [SETTING_MX] = {check_list, PROVIDER_ONLY},
    [SETTING_DESCRIPTION] = {check_nothing, PROVIDER_ONLY},
    [SETTING_ADVICE] = {check_nothing, PROVIDER_ONLY},
};

static bool check_all(const struct keyfile *file, enum place forbidden, const char *other_kind, struct report *why)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (!file->value[i])
            continue;
        if (RULES[i].place == forbidden)
            return keyfile_complain(file, i, why, "'%s' belongs into %s file, not here: remove the line",
                                    SETTING_NAMES[i], other_kind);
        const char *wanted = RULES[i].check(file->value[i]);
        if (wanted)
            return keyfile_complain(file, i, why, "'%s' %s", SETTING_NAMES[i], wanted);
    }
    return true;
}

/* Of these keys only one may be given. */
static bool check_one_of(const struct keyfile *file, const enum setting keys[], size_t count, struct report *why)
{
    size_t first = SETTING_COUNT;
    for (size_t i = 0; i < count; i++) {
        if (!file->value[keys[i]])
            continue;
        if (first < SETTING_COUNT)
            return keyfile_complain(file, keys[i], why, "'%s' and '%s' are both given: remove one",
                                    SETTING_NAMES[first], SETTING_NAMES[keys[i]]);
        first = keys[i];
    }
    return true;
}

/* A key that says nothing without another. */
static bool check_needs(const struct keyfile *file, enum setting key, enum setting needed, struct report *why)
{
    if (!file->value[key] || file->value[needed])
        return true;
    return keyfile_complain(file, key, why, "'%s' needs '%s' too: add it or remove the line", SETTING_NAMES[key],
                            SETTING_NAMES[needed]);
}

static bool check_pairs(const struct keyfile *file, struct report *why)
{
    static const enum setting CLIENT[] = {SETTING_CLIENT_SECRET, SETTING_CLIENT_SECRET_FILE,
                                          SETTING_CLIENT_SECRET_COMMAND, SETTING_CLIENT_KEY_FILE,
                                          SETTING_CLIENT_ASSERTION_FILE};
    static const enum setting TOKEN[] = {SETTING_GRANT, SETTING_TOKEN_COMMAND};
    return check_one_of(file, CLIENT, sizeof CLIENT / sizeof CLIENT[0], why) &&
           check_one_of(file, TOKEN, sizeof TOKEN / sizeof TOKEN[0], why) &&
           check_needs(file, SETTING_CLIENT_CERTIFICATE_FILE, SETTING_CLIENT_KEY_FILE, why) &&
           check_needs(file, SETTING_STORE_READ, SETTING_STORE_WRITE, why) &&
           check_needs(file, SETTING_STORE_WRITE, SETTING_STORE_READ, why);
}

static bool has_grant(const struct keyfile *file, const char *name)
{
    return file->value[SETTING_GRANT] && strcmp(file->value[SETTING_GRANT], name) == 0;
}

/* Keys that belong to one grant alone; in an account with another they are a mistake. */
static bool check_grant_keys(const struct keyfile *file, struct report *why)
{
    static const struct {
        enum setting key;
        const char *grant;
    } BOUND[] = {
        {SETTING_SERVICE_ACCOUNT_FILE, "jwt_bearer"},
        {SETTING_SUBJECT, "jwt_bearer"},
        {SETTING_IDENTITY_ENDPOINT, "managed_identity"},
    };
    for (size_t i = 0; i < sizeof BOUND / sizeof BOUND[0]; i++)
        if (file->value[BOUND[i].key] && !has_grant(file, BOUND[i].grant))
            return keyfile_complain(file, BOUND[i].key, why,
                                    "'%s' goes with 'grant: %s' alone: add that or remove the line",
                                    SETTING_NAMES[BOUND[i].key], BOUND[i].grant);
    if (has_grant(file, "jwt_bearer") && !file->value[SETTING_SERVICE_ACCOUNT_FILE] &&
        !file->value[SETTING_CLIENT_KEY_FILE])
        return keyfile_complain(file, SETTING_GRANT, why,
                                "'grant: jwt_bearer' needs 'service_account_file' or 'client_key_file': add one");
    if (has_grant(file, "jwt_bearer") && !file->value[SETTING_SUBJECT] && file->value[SETTING_STORE_READ])
        return keyfile_complain(file, SETTING_STORE_READ, why,
                                "'store_read' keeps one token, but with 'grant: jwt_bearer' each mailbox has its own: "
                                "name one mailbox with 'subject', or remove 'store_read' and 'store_write'");
    return true;
}

/* Whether the file tells where tokens come from. */
static bool has_source(const struct keyfile *file)
{
    return file->value[SETTING_PROVIDER] || file->value[SETTING_ISSUER] || file->value[SETTING_TOKEN_ENDPOINT] ||
           file->value[SETTING_TOKEN_COMMAND] || has_grant(file, "managed_identity");
}

bool settings_check_account(const struct keyfile *file, struct report *why)
{
    if (!check_all(file, PROVIDER_ONLY, "a provider", why) || !check_pairs(file, why) || !check_grant_keys(file, why))
        return false;
    if (!has_source(file))
        return report_set(why, FAILURE_CONFIG, "%s names no 'provider', 'issuer' or 'token_endpoint': add one",
                          file->path);
    return true;
}

bool settings_check_provider(const struct keyfile *file, struct report *why)
{
    return check_all(file, ACCOUNT_ONLY, "an account", why);
}
