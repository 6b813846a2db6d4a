/* What a login reads besides the token: 'd' a device code, 'i' an id_token, 'p' the payload of one, 'u' the answer of
 * the userinfo endpoint; 'm' the MX records of a domain, 't' its TXT records, 's' its published settings; 'r' and a
 * byte for the status the answer to a registration. */
#include "config.h"

#include "fuzz.h"

#include "net/device.h"
#include "net/identity.h"
#include "net/dns.h"
#include "net/mx.h"
#include "net/pacc.h"
#include "net/register.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

static const char HOST_CHARS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
static const char ISSUER[] = "https://login.example.org";

static void check_device(const char *body, size_t len)
{
    struct device_code code;
    struct report why;
    struct http_reply reply = {.status = 200};
    secret_init(&reply.body, HTTP_BODY_MAX);
    if (len > 0)
        MUST(secret_add(&reply.body, body, len));
    if (device_parse(&reply, "login.example.org", &code, &why)) {
        MUST(code.device_code && fuzz_is_harmless(code.user_code) && fuzz_is_harmless(code.verification_uri));
        MUST(!code.verification_uri_complete || fuzz_is_harmless(code.verification_uri_complete));
        MUST(code.expires_in >= 1 && code.expires_in <= DEVICE_WAIT_MAX);
        MUST(code.interval >= 1 && code.interval <= DEVICE_INTERVAL_MAX);
        fuzz_watch_single(code.device_code, (const uint8_t *)body, len);
    } else {
        fuzz_check_report(&why);
    }
    http_reply_free(&reply);
    device_free(&code);
    fuzz_forget();
}

static void check_identity(struct identity *who)
{
    for (int i = 0; i < IDENTITY_CLAIM_COUNT; i++)
        MUST(!who->claim[i] || fuzz_is_harmless(who->claim[i]));
    MUST(!identity_has_name(who) || identity_name(who));
    enum identity_match match = identity_compare(who, "me@example.org");
    MUST(match != IDENTITY_SAME || identity_name(who));
    identity_free(who);
}

static void check_id_token(const char *token, struct identity *who)
{
    static const struct identity_source FROM = {.issuer = ISSUER, .client_id = "client"};
    const char *problem;
    bool ok = identity_add_id_token(who, token, &FROM, &problem);
    MUST(ok == !problem);
    MUST(ok || !identity_name(who));
}

/* Base64url, as in a token. */
static void check_payload(const char *payload, size_t len, struct identity *who)
{
    enum { PAYLOAD_MAX = 65536 };
    static char token[PAYLOAD_MAX * 4 / 3 + 64];
    if (len > PAYLOAD_MAX)
        return;
    strcpy(token, "e30.");
    char *start = token + strlen(token);
    EVP_EncodeBlock((unsigned char *)start, (const unsigned char *)payload, (int)len);
    for (char *c = start; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    start[strcspn(start, "=")] = '\0';
    strcat(token, ".c2ln");
    check_id_token(token, who);
}

static void check_mx(const char *answer, size_t len)
{
    struct mx mx;
    bool ok = mx_parse((const unsigned char *)answer, len, &mx);
    MUST(ok == (mx.count > 0) && mx.count <= MX_HOSTS_MAX);
    for (size_t i = 0; i < mx.count; i++)
        MUST(mx.host[i][0] && mx.host[i][strspn(mx.host[i], HOST_CHARS)] == '\0');
}

static void check_record(void *arg, const char *text)
{
    static const char DIGEST[] = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    (void)arg;
    MUST(strlen(text) < DNS_TEXT_MAX);
    enum pacc_record record = pacc_read_record(text, DIGEST);
    MUST(record != PACC_RECORD_MATCHES || strstr(text, DIGEST));
    MUST(record == PACC_RECORD_FOREIGN || strstr(text, "UAAC1"));
    MUST(pacc_read_record(text, NULL) != PACC_RECORD_MATCHES);
}

static void check_settings(const char *document, size_t len)
{
    struct pacc found;
    const char *wrong = pacc_parse(document, len, &found);
    MUST(!wrong || !found.issuer[0]);
    MUST(!found.issuer[0] || (settings_url_allowed(found.issuer) && strncmp(found.issuer, "https://", 8) == 0));
    for (int i = 0; i < PACC_PROTOCOL_COUNT; i++)
        MUST(found.host[i][strspn(found.host[i], HOST_CHARS)] == '\0' && (!wrong || !found.host[i][0]));
}

static void check_registration(const char *text, size_t len)
{
    static const long STATUS[] = {201, 200, 302, 400, 403, 429, 503};
    struct http_reply reply = {.status = STATUS[len > 0 ? (unsigned char)text[0] % 7 : 0]};
    struct report why;
    char *id;
    secret_init(&reply.body, HTTP_BODY_MAX);
    if (len > 1)
        MUST(secret_add(&reply.body, text + 1, len - 1));
    if (register_parse(&reply, "login.example.org", "http://127.0.0.1/", &id, &why)) {
        MUST(reply.status <= 201 && *id && strlen(id) <= REGISTER_CLIENT_ID_MAX);
        for (const char *c = id; *c; c++)
            MUST(*c >= ' ' && *c <= '~');
    } else {
        MUST(!id);
        fuzz_check_report(&why);
    }
    free(id);
    http_reply_free(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct identity who = {0};
    size_t len;
    uint8_t kind = fuzz_byte(&in);
    if (in.left > HTTP_BODY_MAX)
        return 0;
    char *text = kind == 'i' ? fuzz_text(&in) : fuzz_rest(&in, &len);
    if (kind == 'd')
        check_device(text, len);
    else if (kind == 'm')
        check_mx(text, len);
    else if (kind == 't')
        dns_each_text((const unsigned char *)text, len, check_record, NULL);
    else if (kind == 's')
        check_settings(text, len);
    else if (kind == 'r')
        check_registration(text, len);
    else if (kind == 'i')
        check_id_token(text, &who);
    else if (kind == 'p')
        check_payload(text, len, &who);
    else if (!identity_add_userinfo(&who, text, len))
        MUST(!identity_name(&who));
    check_identity(&who);
    free(text);
    return 0;
}
