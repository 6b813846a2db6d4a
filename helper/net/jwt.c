#include "config.h"

#include "jwt.h"

#include "readfile.h"

#include <json.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { ES256_HALF = 32 /* bytes of r and of s */, SIGNATURE_MAX = 1024 /* bytes; RSA of 8192 bits */ };

struct jwt_key {
    EVP_PKEY *pkey;
    bool is_ec;
};

/* --- keys --- */

/* Called for an encrypted key alone: says so, and gives no passphrase. */
static int note_encrypted(char *buffer, int size, int writing, void *arg)
{
    bool *encrypted = arg;
    (void)buffer;
    (void)size;
    (void)writing;
    *encrypted = true;
    return -1;
}

static const char *check_key(struct jwt_key *key)
{
    char group[32] = "";
    size_t len;
    if (EVP_PKEY_is_a(key->pkey, "RSA"))
        return EVP_PKEY_get_bits(key->pkey) >= JWT_RSA_BITS_MIN ? NULL : "is an RSA key of less than 2048 bits";
    key->is_ec = EVP_PKEY_is_a(key->pkey, "EC") == 1;
    if (key->is_ec && EVP_PKEY_get_group_name(key->pkey, group, sizeof group, &len) == 1 &&
        strcasecmp(group, "prime256v1") == 0)
        return NULL;
    return "is of a kind that cannot sign here";
}

struct jwt_key *jwt_key_parse(const struct secret *pem, const char *what, struct report *why)
{
    bool encrypted = false;
    struct jwt_key *key = calloc(1, sizeof *key);
    BIO *bio = key && pem->len > 0 ? BIO_new_mem_buf(pem->data, (int)pem->len) : NULL;
    if (bio)
        key->pkey = PEM_read_bio_PrivateKey(bio, NULL, note_encrypted, &encrypted);
    BIO_free(bio);
    ERR_clear_error();
    const char *wrong = key && key->pkey ? check_key(key) : NULL;
    if (key && key->pkey && !wrong)
        return key;
    if (wrong)
        report_set(why, FAILURE_CONFIG,
                   "%s %s: make one with 'openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048' or "
                   "'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'",
                   what, wrong);
    else if (encrypted)
        report_set(why, FAILURE_CONFIG,
                   "%s has a private key with a passphrase, which nobody is here to give: write it without "
                   "one with 'openssl pkey -in OLD -out NEW', mode 0600",
                   what);
    else
        report_set(why, FAILURE_CONFIG, "%s has no private key in PEM form (-----BEGIN PRIVATE KEY-----)", what);
    jwt_key_free(&key);
    return NULL;
}

/* Reads a PEM file of this account. False with a report that names it. */
static bool read_pem(const char *path, mode_t forbidden_mode, uid_t owner, struct secret *pem, struct report *why)
{
    const struct readfile_rules rules = {
        .forbidden_mode = forbidden_mode, .owner = owner, .follow_symlink = true, .limit = JWT_KEY_FILE_MAX};
    enum readfile_result result = readfile(path, &rules, pem, why);
    if (result == READFILE_MISSING)
        return report_set(why, FAILURE_CONFIG, "the file %s is missing", path);
    return result == READFILE_OK;
}

struct jwt_key *jwt_key_load(const char *path, mode_t forbidden_mode, uid_t owner, struct report *why)
{
    struct secret pem;
    secret_init(&pem, 0);
    struct jwt_key *key = NULL;
    if (read_pem(path, forbidden_mode, owner, &pem, why))
        key = jwt_key_parse(&pem, path, why);
    secret_free(&pem);
    return key;
}

void jwt_key_free(struct jwt_key **key)
{
    if (!key || !*key)
        return;
    EVP_PKEY_free((*key)->pkey);
    free(*key);
    *key = NULL;
}

enum jwt_algorithm jwt_key_algorithm(const struct jwt_key *key, enum jwt_algorithm rsa)
{
    return key->is_ec ? JWT_ES256 : rsa;
}

/* --- base64url (RFC 7515, section 2) --- */

static bool add_base64url(struct secret *out, const unsigned char *data, size_t len)
{
    char *to = secret_room(out, 4 * ((len + 2) / 3) + 1);
    if (!to)
        return false;
    size_t written = (size_t)EVP_EncodeBlock((unsigned char *)to, data, (int)len);
    while (written > 0 && to[written - 1] == '=')
        written--;
    for (size_t i = 0; i < written; i++)
        to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
    secret_grow(out, written);
    return true;
}

static bool short_base64url(const unsigned char *data, size_t len, char *text, size_t size)
{
    struct secret encoded;
    secret_init(&encoded, 256);
    bool ok = add_base64url(&encoded, data, len) && encoded.len < size;
    if (ok) {
        memcpy(text, encoded.data, encoded.len);
        text[encoded.len] = '\0';
    }
    secret_free(&encoded);
    return ok;
}

bool jwt_id(char id[JWT_ID_CHARS + 1], struct report *why)
{
    unsigned char random[16];
    if (RAND_bytes(random, sizeof random) == 1 && short_base64url(random, sizeof random, id, JWT_ID_CHARS + 1))
        return true;
    return report_set(why, FAILURE_UNREACHABLE, "the system gives no random bytes: try again");
}

/* --- the certificate --- */

static void date_of(const ASN1_TIME *t, char text[16])
{
    struct tm tm = {0};
    if (ASN1_TIME_to_tm(t, &tm) != 1 || strftime(text, 16, "%Y-%m-%d", &tm) == 0)
        strcpy(text, "an odd date");
}

static bool check_certificate(X509 *certificate, const char *path, const struct jwt_key *key, int64_t now,
                              struct report *why)
{
    time_t when = (time_t)now;
    char date[16];
    if (X509_cmp_time(X509_get0_notAfter(certificate), &when) <= 0) {
        date_of(X509_get0_notAfter(certificate), date);
        return report_set(why, FAILURE_CONFIG,
                          "the certificate in %s ended on %s: make a new one, upload it to the provider and "
                          "put it there",
                          path, date);
    }
    if (X509_cmp_time(X509_get0_notBefore(certificate), &when) > 0) {
        date_of(X509_get0_notBefore(certificate), date);
        return report_set(why, FAILURE_CONFIG, "the certificate in %s begins on %s: check this machine's clock", path,
                          date);
    }
    if (X509_check_private_key(certificate, key->pkey) == 1)
        return true;
    return report_set(why, FAILURE_CONFIG,
                      "the certificate in %s does not belong to the private key: give the two of one pair", path);
}

bool jwt_thumbprint(const char *path, uid_t owner, const struct jwt_key *key, int64_t now,
                    char thumbprint[JWT_THUMBPRINT_CHARS + 1], struct report *why)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    struct secret pem;
    secret_init(&pem, 0);
    if (!read_pem(path, 022, owner, &pem, why))
        return false;
    BIO *bio = pem.len > 0 ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool ok = certificate && check_certificate(certificate, path, key, now, why);
    if (!certificate)
        report_set(why, FAILURE_CONFIG, "%s has no certificate in PEM form (-----BEGIN CERTIFICATE-----)", path);
    else if (ok && (X509_digest(certificate, EVP_sha256(), digest, &len) != 1 ||
                    !short_base64url(digest, len, thumbprint, JWT_THUMBPRINT_CHARS + 1)))
        ok = report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();
    secret_free(&pem);
    return ok;
}

/* --- signing --- */

static const char *const NAMES[] = {[JWT_RS256] = "RS256", [JWT_PS256] = "PS256", [JWT_ES256] = "ES256"};

static bool set_padding(EVP_PKEY_CTX *context, enum jwt_algorithm algorithm)
{
    if (algorithm != JWT_PS256)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* From ECDSA's ASN.1 to r and s in a row (RFC 7518, section 3.4). */
static bool flatten(unsigned char *signature, size_t *len)
{
    const unsigned char *at = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)*len);
    bool ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, ES256_HALF) == ES256_HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + ES256_HALF, ES256_HALF) == ES256_HALF;
    ECDSA_SIG_free(pair);
    *len = 2 * ES256_HALF;
    return ok;
}

static bool add_signature(const struct jwt_key *key, enum jwt_algorithm algorithm, struct secret *out)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t len = sizeof signature;
    EVP_PKEY_CTX *context = NULL;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool ok = digest && EVP_DigestSignInit(digest, &context, EVP_sha256(), NULL, key->pkey) == 1 &&
              set_padding(context, algorithm) &&
              EVP_DigestSign(digest, signature, &len, (const unsigned char *)out->data, out->len) == 1 &&
              (algorithm != JWT_ES256 || flatten(signature, &len)) && secret_adds(out, ".") &&
              add_base64url(out, signature, len);
    EVP_MD_CTX_free(digest);
    ERR_clear_error();
    return ok;
}

static bool put(struct json_object *to, const char *name, const char *value)
{
    struct json_object *text = value ? json_object_new_string(value) : NULL;
    return !value || (text && json_object_object_add(to, name, text) == 0);
}

static bool add_json(struct secret *out, struct json_object *object)
{
    size_t len = 0;
    const char *text =
        json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    return text && add_base64url(out, (const unsigned char *)text, len);
}

bool jwt_sign(const struct jwt_key *key, enum jwt_algorithm algorithm, const struct jwt_header *header,
              struct json_object *claims, struct secret *out, struct report *why)
{
    secret_free(out);
    secret_init(out, JWT_TOKEN_MAX);
    if (key->is_ec != (algorithm == JWT_ES256))
        return report_set(why, FAILURE_CONFIG, "%s needs %s key", NAMES[algorithm], key->is_ec ? "an RSA" : "an EC");
    struct json_object *head = json_object_new_object();
    bool ok = head && put(head, "alg", NAMES[algorithm]) && put(head, "typ", "JWT") &&
              put(head, "kid", header->key_id) && put(head, "x5t#S256", header->thumbprint) && add_json(out, head) &&
              secret_adds(out, ".") && add_json(out, claims) && add_signature(key, algorithm, out);
    json_object_put(head);
    return ok ||
           report_set(why, FAILURE_UNREACHABLE, "a token could not be signed: not enough memory, or it is too long");
}
