#include "config.h"

#include "pacc.h"

#include "jsontext.h"
#include "settings.h"

#include <ctype.h>
#include <json.h>
#include <openssl/evp.h>
#include <string.h>

enum { TAG_NAME_MAX = 16, TAG_VALUE_MAX = 128 /* bytes with the NUL; a longer one is not ours */ };

/* Names of the protocols; before revision 03 the submission server was "smtp". */
static const char *const NAMES[PACC_PROTOCOL_COUNT][2] = {
    [PACC_IMAP] = {"imap", NULL}, [PACC_POP3] = {"pop3", NULL}, [PACC_SUBMISSION] = {"submit", "smtp"}};

static struct json_object *object_member(struct json_object *from, const char *name)
{
    struct json_object *value = NULL;
    return from && json_object_object_get_ex(from, name, &value) && json_object_is_type(value, json_type_object)
               ? value
               : NULL;
}

/* Takes a host name, without a dot at its end. */
static bool take_host(const char *given, char host[DNS_HOST_MAX])
{
    size_t len = strlen(given);
    if (len > 0 && given[len - 1] == '.')
        len--;
    if (len == 0 || len >= DNS_HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        host[i] = (char)tolower((unsigned char)given[i]);
    host[len] = '\0';
    if (dns_is_host(host) && !strchr(host, '_'))
        return true;
    host[0] = '\0';
    return false;
}

static const char *take_hosts(struct json_object *root, struct pacc *found)
{
    struct json_object *protocols = object_member(root, "protocols");
    for (size_t i = 0; i < PACC_PROTOCOL_COUNT; i++) {
        struct json_object *server = object_member(protocols, NAMES[i][0]);
        if (!server && NAMES[i][1])
            server = object_member(protocols, NAMES[i][1]);
        const char *host = server ? jsontext_string(server, "host") : NULL;
        if (server && (!host || !take_host(host, found->host[i])))
            return "a mail server in it has no host name";
    }
    return NULL;
}

static bool has_dot_segment(const char *path)
{
    for (const char *at = path; (at = strstr(at, "/.")); at++)
        if (at[2] == '/' || at[2] == '\0' || (at[2] == '.' && (at[3] == '/' || at[3] == '\0')))
            return true;
    return false;
}

/* OAuth Profile for Open Public Clients, section 3.2. The characters are those that an issuer can need; the name is
 * shown, and written into a command and an account file. */
static bool is_issuer(const char *url)
{
    static const char SCHEME[] = "https://";
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%:/[]+,=";
    return strlen(url) < PACC_ISSUER_MAX && strncmp(url, SCHEME, strlen(SCHEME)) == 0 && settings_url_allowed(url) &&
           url[strspn(url, ALLOWED)] == '\0' && !has_dot_segment(url + strlen(SCHEME));
}

static const char *take_issuer(struct json_object *root, struct pacc *found)
{
    struct json_object *open = object_member(object_member(root, "authentication"), "oauth-public");
    const char *issuer = open ? jsontext_string(open, "issuer") : NULL;
    if (!open)
        return NULL;
    if (!issuer || !is_issuer(issuer))
        return "its issuer is no plain https address";
    strcpy(found->issuer, issuer);
    return NULL;
}

const char *pacc_parse(const char *data, size_t len, struct pacc *found)
{
    *found = (struct pacc){0};
    struct json_object *root = jsontext_parse(data, len);
    if (!root)
        return "it is not a JSON object";
    const char *wrong = take_hosts(root, found);
    if (!wrong)
        wrong = take_issuer(root, found);
    if (!wrong && *found->issuer && !*found->host[PACC_IMAP] && !*found->host[PACC_POP3] &&
        !*found->host[PACC_SUBMISSION])
        wrong = "it names no mail server to which a token could be sent";
    jsontext_free(&root);
    if (wrong)
        *found = (struct pacc){0};
    return wrong;
}

bool pacc_digest(const char *data, size_t len, char digest[PACC_DIGEST_CHARS + 1])
{
    unsigned char binary[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return EVP_Digest(data, len, binary, &size, EVP_sha256(), NULL) == 1 &&
           EVP_EncodeBlock((unsigned char *)digest, binary, (int)size) == PACC_DIGEST_CHARS;
}

/* Copies what lies between two places without the white space around it; false where it does not fit. */
static bool take_part(const char *begin, const char *end, char *part, size_t size)
{
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    size_t len = (size_t)(end - begin);
    if (len >= size)
        return false;
    memcpy(part, begin, len);
    part[len] = '\0';
    return true;
}

enum pacc_record pacc_read_record(const char *text, const char *digest)
{
    bool ours = false;
    bool sha256 = false;
    bool same = false;
    for (const char *at = text; *at; at += strcspn(at, ";"), at += *at == ';') {
        char name[TAG_NAME_MAX];
        char value[TAG_VALUE_MAX];
        const char *end = at + strcspn(at, ";");
        const char *sign = memchr(at, '=', (size_t)(end - at));
        if (!sign || !take_part(at, sign, name, sizeof name) || !take_part(sign + 1, end, value, sizeof value))
            continue;
        if (strcasecmp(name, "v") == 0)
            ours = strcmp(value, "UAAC1") == 0;
        else if (strcasecmp(name, "a") == 0)
            sha256 = strcasecmp(value, "sha256") == 0;
        else if (strcasecmp(name, "d") == 0)
            same = digest && strcmp(value, digest) == 0;
    }
    if (!ours)
        return PACC_RECORD_FOREIGN;
    return sha256 && same ? PACC_RECORD_MATCHES : PACC_RECORD_OTHER;
}
