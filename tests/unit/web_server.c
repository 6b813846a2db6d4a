#include "config.h"

#include "web_server.h"

#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 200000, RECORDS_MAX = 1000000 };

/* --- a certificate --- */

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void web_certificate(const char *name, const char *certificate_path, const char *key_path, char hashed[16])
{
    char names[64];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_non_null(key);
    assert_non_null(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, (const unsigned char *)"test",
                               -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    snprintf(names, sizeof names, "%s:%s", name[0] >= '0' && name[0] <= '9' ? "IP" : "DNS", name);
    add_extension(certificate, NID_subject_alt_name, names);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    snprintf(hashed, 16, "%08lx.0", X509_subject_name_hash(certificate));
    FILE *out = fopen(certificate_path, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_X509(out, certificate), 1);
    fclose(out);
    out = fopen(key_path, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* --- in the server's process: it never returns to the test, and any trouble ends it --- */

struct connection {
    int fd;
    SSL *tls;
};

static void die(void)
{
    _exit(1);
}

static ssize_t take(struct connection *c, char *data, size_t len)
{
    return c->tls ? SSL_read(c->tls, data, (int)len) : read(c->fd, data, len);
}

static bool put(struct connection *c, const char *data, size_t len)
{
    if (len == 0)
        return true;
    return c->tls ? SSL_write(c->tls, data, (int)len) > 0 : send(c->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static size_t request_length(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");
    if (!end)
        return REQUEST_MAX;
    return (size_t)(end + 4 - request) + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
}

/* Reads one request and reports it to the test. False at the end of the connection. */
static bool take_request(struct connection *c, int record)
{
    static char request[REQUEST_MAX + 1];
    size_t len = 0;
    request[0] = '\0';
    while (len < request_length(request)) {
        ssize_t n = take(c, request + len, REQUEST_MAX - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        request[len] = '\0';
    }
    if (len == 0)
        return false;
    if (write(record, request, len + 1) != (ssize_t)len + 1)
        die();
    return true;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/* Sends a string with every "@PORT@" replaced. */
static bool put_text(struct connection *c, const char *text, int port)
{
    static const char MARK[] = "@PORT@";
    char number[16];
    for (const char *mark; (mark = strstr(text, MARK)) != NULL; text = mark + strlen(MARK)) {
        snprintf(number, sizeof number, "%d", port);
        if (!put(c, text, (size_t)(mark - text)) || !put(c, number, strlen(number)))
            return false;
    }
    return put(c, text, strlen(text));
}

static void meet(const struct web_turn *turn)
{
    if (turn->write) {
        FILE *out = fopen(turn->write, "w");
        if (!out || fputs(turn->content, out) < 0 || fclose(out) != 0)
            die();
    }
    while (turn->wait_for && access(turn->wait_for, F_OK) != 0)
        nap();
}

static void play(struct connection *c, const struct web_turn *turn, int port)
{
    static const char zeros[4096];
    char sink[512];
    size_t len = turn->len ? turn->len : turn->reply ? strlen(turn->reply) : 0;
    if (turn->act == WEB_HANG)
        while (take(c, sink, sizeof sink) > 0)
            ;
    if (turn->act == WEB_DRIP)
        for (size_t i = 0; put(c, turn->reply + i % len, 1); i++)
            nap();
    if (turn->act == WEB_REPLY || turn->act == WEB_FLOOD || turn->act == WEB_KEEP_OPEN) {
        if (turn->len)
            put(c, turn->reply, len);
        else
            put_text(c, turn->reply, port);
    }
    if (turn->act == WEB_FLOOD)
        while (put(c, zeros, sizeof zeros))
            ;
}

static void hang_up(struct connection *c)
{
    if (c->tls)
        SSL_shutdown(c->tls);
    SSL_free(c->tls);
    if (c->fd >= 0)
        close(c->fd);
    *c = (struct connection){.fd = -1};
}

static bool pick_up(struct connection *c, int listener, SSL_CTX *tls)
{
    c->fd = accept(listener, NULL, NULL);
    if (c->fd < 0)
        die();
    if (!tls)
        return true;
    c->tls = SSL_new(tls);
    return c->tls && SSL_set_fd(c->tls, c->fd) == 1 && SSL_accept(c->tls) == 1;
}

static void serve(int listener, int record, const struct web_turn turns[], size_t count, SSL_CTX *tls, int port)
{
    struct connection c = {.fd = -1};
    for (size_t i = 0; i < count;) {
        if (c.fd < 0 && !pick_up(&c, listener, tls)) {
            hang_up(&c); /* a client that does not trust us: the turn stays for the next one */
            continue;
        }
        if (turns[i].act != WEB_SLAM && !take_request(&c, record)) {
            hang_up(&c);
            continue;
        }
        meet(&turns[i]);
        play(&c, &turns[i], port);
        if (turns[i].act != WEB_KEEP_OPEN)
            hang_up(&c);
        i++;
    }
    hang_up(&c);
    for (;;) { /* more than was scripted: the test will see the request */
        if (pick_up(&c, listener, tls))
            take_request(&c, record);
        hang_up(&c);
    }
}

/* --- in the test --- */

static int listen_on_loopback(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_return_code(bind(fd, (struct sockaddr *)&address, sizeof address), errno);
    assert_return_code(listen(fd, 8), errno);
    assert_return_code(getsockname(fd, (struct sockaddr *)&address, &len), errno);
    *port = ntohs(address.sin_port);
    return fd;
}

static SSL_CTX *tls_context(const char *certificate, const char *key)
{
    if (!certificate)
        return NULL;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_non_null(tls);
    assert_int_equal(SSL_CTX_use_certificate_file(tls, certificate, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM), 1);
    return tls;
}

void web_start(struct web_server *s, const struct web_turn turns[], size_t count, const char *certificate,
               const char *key)
{
    int ends[2];
    SSL_CTX *tls = tls_context(certificate, key);
    *s = (struct web_server){0};
    int listener = listen_on_loopback(&s->port);
    assert_return_code(pipe(ends), errno);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        close(ends[0]);
        serve(listener, ends[1], turns, count, tls, s->port);
    }
    SSL_CTX_free(tls);
    close(listener);
    close(ends[1]);
    s->record = ends[0];
}

static void split(struct web_server *s, const char *data, size_t len)
{
    for (const char *at = data; at < data + len && s->count < WEB_REQUESTS_MAX; at += strlen(at) + 1)
        s->requests[s->count++] = strdup(at);
}

void web_stop(struct web_server *s)
{
    static char data[RECORDS_MAX + 1];
    size_t len = 0;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    for (ssize_t n; len < RECORDS_MAX && (n = read(s->record, data + len, RECORDS_MAX - len)) > 0;)
        len += (size_t)n;
    data[len] = '\0';
    close(s->record);
    split(s, data, len);
}

void web_free(struct web_server *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->requests[i]);
    *s = (struct web_server){0};
}
