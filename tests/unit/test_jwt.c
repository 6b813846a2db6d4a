/* Signed tokens: checked with libcrypto's own verification, and every key and certificate that must be refused. */
#include "config.h"

#include "jwt.h"

#include "folder.h"
#include "test.h"

#include <json.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 86400 };

static EVP_PKEY *rsa;
static EVP_PKEY *ec;

/* Writes a private key as PEM; with a passphrase if given. */
static const char *write_key(const char *name, EVP_PKEY *pkey, const char *passphrase, mode_t mode)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, passphrase ? EVP_aes_256_cbc() : NULL, NULL, 0, NULL,
                                              (void *)(uintptr_t)passphrase), 1);
    long len = BIO_get_mem_data(bio, &text);
    char *copy = strndup(text, (size_t)len);
    const char *path = folder_write(name, copy, mode);
    free(copy);
    BIO_free(bio);
    return path;
}

/* A self-signed certificate of the key, valid between these seconds from now. */
static const char *write_certificate(const char *name, EVP_PKEY *pkey, long from, long to, unsigned char digest[32])
{
    X509 *certificate = X509_new();
    unsigned int len;
    char *text;
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1));
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), from));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), to));
    assert_true(X509_set_pubkey(certificate, pkey));
    assert_true(X509_sign(certificate, pkey, EVP_sha256()) > 0);
    if (digest)
        assert_true(X509_digest(certificate, EVP_sha256(), digest, &len));
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio_X509(bio, certificate));
    char *copy = strndup(text, (size_t)BIO_get_mem_data(bio, &text));
    const char *path = folder_write(name, copy, 0644);
    free(copy);
    BIO_free(bio);
    X509_free(certificate);
    return path;
}

static int make_keys(void **state)
{
    rsa = EVP_RSA_gen(2048);
    ec = EVP_EC_gen("P-256");
    return rsa && ec ? folder_make(state) : -1;
}

static int remove_keys(void **state)
{
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    return folder_remove(state);
}

static struct jwt_key *load(const char *path)
{
    struct report why = {0};
    struct jwt_key *key = jwt_key_load(path, 077, geteuid(), &why);
    if (!key)
        fail_msg("%s", why.text);
    return key;
}

static void must_refuse(const char *path, const char *words)
{
    struct report why = {0};
    assert_null(jwt_key_load(path, 077, geteuid(), &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    if (!strstr(why.text, words) || !strstr(why.text, path))
        fail_msg("'%s' instead of '%s'", why.text, words);
}

/* Decodes base64url; returns its length. */
static size_t decode(const char *text, size_t len, unsigned char *out)
{
    char padded[8192];
    assert_true(len + 4 < sizeof padded);
    for (size_t i = 0; i < len; i++) {
        assert_null(strchr("+/=", text[i]));
        padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    }
    size_t whole = len;
    while (whole % 4)
        padded[whole++] = '=';
    int got = EVP_DecodeBlock(out, (unsigned char *)padded, (int)whole);
    assert_true(got >= 0);
    return (size_t)got - (whole - len);
}

/* The signature as libcrypto wants it: ECDSA's r and s in ASN.1. */
static int to_der(const unsigned char *raw, size_t len, unsigned char *der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    unsigned char *at = der;
    assert_int_equal(len, 64);
    assert_true(ECDSA_SIG_set0(pair, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)));
    int got = i2d_ECDSA_SIG(pair, &at);
    ECDSA_SIG_free(pair);
    return got;
}

static bool verifies(EVP_PKEY *pkey, const char *token, enum jwt_algorithm algorithm)
{
    const char *dot = strrchr(token, '.');
    unsigned char raw[2048];
    unsigned char der[256];
    EVP_PKEY_CTX *context;
    size_t len = decode(dot + 1, strlen(dot + 1), raw);
    const unsigned char *signature = raw;
    if (algorithm == JWT_ES256) {
        len = (size_t)to_der(raw, len, der);
        signature = der;
    }
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(digest, &context, EVP_sha256(), NULL, pkey), 1);
    if (algorithm == JWT_PS256) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32), 1);
    }
    int result = EVP_DigestVerify(digest, signature, len, (const unsigned char *)token, (size_t)(dot - token));
    EVP_MD_CTX_free(digest);
    return result == 1;
}

/* One part of a token as JSON. */
static struct json_object *part(const char *token, int number)
{
    unsigned char text[4096];
    while (number-- > 0)
        token = strchr(token, '.') + 1;
    size_t len = decode(token, strcspn(token, "."), text);
    text[len] = '\0';
    struct json_object *object = json_tokener_parse((char *)text);
    assert_non_null(object);
    return object;
}

static const char *member(struct json_object *object, const char *name)
{
    struct json_object *value;
    return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : "(none)";
}

static void sign_and_verify(EVP_PKEY *pkey, const char *path, enum jwt_algorithm algorithm, const char *name)
{
    struct jwt_key *key = load(path);
    struct json_object *claims = json_object_new_object();
    const struct jwt_header header = {.key_id = "key/1", .thumbprint = NULL};
    struct secret token;
    struct report why = {0};
    secret_init(&token, 0);
    json_object_object_add(claims, "iss", json_object_new_string("https://example.org/?a=b"));
    assert_true(jwt_sign(key, algorithm, &header, claims, &token, &why));
    assert_true(verifies(pkey, token.data, algorithm));
    struct json_object *head = part(token.data, 0);
    struct json_object *body = part(token.data, 1);
    assert_string_equal(member(head, "alg"), name);
    assert_string_equal(member(head, "kid"), "key/1");
    assert_string_equal(member(head, "x5t#S256"), "(none)");
    assert_string_equal(member(body, "iss"), "https://example.org/?a=b");
    json_object_put(head);
    json_object_put(body);
    json_object_put(claims);
    secret_free(&token);
    jwt_key_free(&key);
}

static void signature_is_wrong(void **state)
{
    (void)state;
    sign_and_verify(rsa, write_key("rsa.pem", rsa, NULL, 0600), JWT_RS256, "RS256");
    sign_and_verify(rsa, write_key("rsa.pem", rsa, NULL, 0400), JWT_PS256, "PS256");
    for (int i = 0; i < 50; i++) /* r or s begins with a zero byte once in 128 times */
        sign_and_verify(ec, write_key("ec.pem", ec, NULL, 0600), JWT_ES256, "ES256");
}

static void key_signs_with_another_kind_of_algorithm(void **state)
{
    (void)state;
    struct jwt_key *key = load(write_key("ec.pem", ec, NULL, 0600));
    struct json_object *claims = json_object_new_object();
    const struct jwt_header header = {0};
    struct secret token;
    struct report why = {0};
    secret_init(&token, 0);
    assert_false(jwt_sign(key, JWT_PS256, &header, claims, &token, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_int_equal(jwt_key_algorithm(key, JWT_PS256), JWT_ES256);
    jwt_key_free(&key);
    key = load(write_key("rsa.pem", rsa, NULL, 0600));
    assert_false(jwt_sign(key, JWT_ES256, &header, claims, &token, &why));
    assert_int_equal(jwt_key_algorithm(key, JWT_RS256), JWT_RS256);
    jwt_key_free(&key);
    json_object_put(claims);
    secret_free(&token);
}

static void claims_that_are_too_long_are_signed(void **state)
{
    (void)state;
    struct jwt_key *key = load(write_key("rsa.pem", rsa, NULL, 0600));
    struct json_object *claims = json_object_new_object();
    char *text = calloc(1, JWT_TOKEN_MAX + 1);
    const struct jwt_header header = {0};
    struct secret token;
    struct report why = {0};
    secret_init(&token, 0);
    memset(text, 'a', JWT_TOKEN_MAX);
    json_object_object_add(claims, "a", json_object_new_string(text));
    assert_false(jwt_sign(key, JWT_RS256, &header, claims, &token, &why));
    json_object_put(claims);
    free(text);
    secret_free(&token);
    jwt_key_free(&key);
}

static void key_file_is_missing(void **state)
{
    (void)state;
    must_refuse(folder_path("missing.pem"), "is missing");
}

static void key_file_is_readable_to_others(void **state)
{
    (void)state;
    must_refuse(write_key("open.pem", rsa, NULL, 0644), "chmod");
}

static void key_file_has_no_key(void **state)
{
    (void)state;
    must_refuse(folder_write("empty.pem", "", 0600), "no private key");
    must_refuse(folder_write("text.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600),
                "no private key");
    const char *certificate = write_certificate("only.pem", rsa, -DAY, DAY, NULL);
    assert_int_equal(chmod(certificate, 0600), 0);
    must_refuse(certificate, "no private key");
}

static void passphrase_is_asked_for(void **state)
{
    (void)state;
    must_refuse(write_key("locked.pem", rsa, "passphrase", 0600), "passphrase");
}

static void weak_or_unfit_key_is_taken(void **state)
{
    (void)state;
    EVP_PKEY *small = EVP_RSA_gen(1024);
    EVP_PKEY *curve = EVP_EC_gen("P-384");
    EVP_PKEY *edwards = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    must_refuse(write_key("small.pem", small, NULL, 0600), "less than 2048");
    must_refuse(write_key("curve.pem", curve, NULL, 0600), "cannot sign");
    must_refuse(write_key("edwards.pem", edwards, NULL, 0600), "cannot sign");
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
    EVP_PKEY_free(edwards);
}

static void thumbprint_is_wrong(void **state)
{
    (void)state;
    unsigned char digest[32];
    unsigned char decoded[64];
    char thumbprint[JWT_THUMBPRINT_CHARS + 1];
    struct report why = {0};
    struct jwt_key *key = load(write_key("rsa.pem", rsa, NULL, 0600));
    const char *path = write_certificate("rsa.crt", rsa, -DAY, DAY, digest);
    assert_true(jwt_thumbprint(path, geteuid(), key, time(NULL), thumbprint, &why));
    assert_int_equal(strlen(thumbprint), JWT_THUMBPRINT_CHARS);
    assert_int_equal(decode(thumbprint, strlen(thumbprint), decoded), 32);
    assert_memory_equal(decoded, digest, 32);
    jwt_key_free(&key);
}

static void bad_certificate(const char *path, const char *words)
{
    char thumbprint[JWT_THUMBPRINT_CHARS + 1];
    struct report why = {0};
    struct jwt_key *key = load(write_key("rsa.pem", rsa, NULL, 0600));
    assert_false(jwt_thumbprint(path, geteuid(), key, time(NULL), thumbprint, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    if (!strstr(why.text, words) || !strstr(why.text, path))
        fail_msg("'%s' instead of '%s'", why.text, words);
    jwt_key_free(&key);
}

static void unfit_certificate_is_taken(void **state)
{
    (void)state;
    bad_certificate(write_certificate("old.crt", rsa, -2 * DAY, -DAY, NULL), "ended on 20");
    bad_certificate(write_certificate("new.crt", rsa, DAY, 2 * DAY, NULL), "begins on 20");
    bad_certificate(write_certificate("other.crt", ec, -DAY, DAY, NULL), "does not belong");
    bad_certificate(folder_path("missing.crt"), "is missing");
    bad_certificate(write_key("key.crt", rsa, NULL, 0644), "no certificate");
    bad_certificate(folder_write("open.crt", "x", 0666), "chmod");
}

static void id_comes_twice(void **state)
{
    (void)state;
    char a[JWT_ID_CHARS + 1];
    char b[JWT_ID_CHARS + 1];
    struct report why = {0};
    assert_true(jwt_id(a, &why) && jwt_id(b, &why));
    assert_int_equal(strlen(a), JWT_ID_CHARS);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_is_wrong),
        cmocka_unit_test(key_signs_with_another_kind_of_algorithm),
        cmocka_unit_test(claims_that_are_too_long_are_signed),
        cmocka_unit_test(key_file_is_missing),
        cmocka_unit_test(key_file_is_readable_to_others),
        cmocka_unit_test(key_file_has_no_key),
        cmocka_unit_test(passphrase_is_asked_for),
        cmocka_unit_test(weak_or_unfit_key_is_taken),
        cmocka_unit_test(thumbprint_is_wrong),
        cmocka_unit_test(unfit_certificate_is_taken),
        cmocka_unit_test(id_comes_twice),
    };
    return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
