#include "config.h"

#include "test_attempt.h"

#include "advice.h"
#include "http.h"
#include "oauth.h"
#include "test_sasl.h"
#include "test_talk.h"
#include "token.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server that repeats what it was sent must not bring a token onto the screen. */
enum { WORD_MAX_SHOWN = 40 };

static const char *const NAMES[] = {
    [ATTEMPT_OK] = "ok",
    [ATTEMPT_NOT_OFFERED] = "not-offered",
    [ATTEMPT_REFUSED] = "refused",
    [ATTEMPT_NO_MAILBOX] = "no-mailbox",
    [ATTEMPT_NOT_ALLOWED] = "not-allowed",
    [ATTEMPT_NOT_TRUSTED] = "not-trusted",
    [ATTEMPT_NO_PLUGIN] = "no-plugin",
    [ATTEMPT_NO_TOKEN] = "no-token",
    [ATTEMPT_UNREACHABLE] = "unreachable",
};

const char *attempt_result_name(enum attempt_result result)
{
    return NAMES[result];
}

/* Whether a line that is sent is this command; IMAP has its tag in front of it. */
static bool is_command(const char *command, const char *data, size_t size)
{
    size_t len = strlen(command);
    return size >= len + 2 && size <= len + 2 + 16 && strncmp(data + size - 2 - len, command, len) == 0;
}

/* Whether a line that is sent begins a login. */
static bool is_login(const struct talk *t, const char *data, size_t size)
{
    bool imap = t->server->protocol == SERVER_IMAP;
    const char *verb = imap ? " AUTHENTICATE " : "AUTH ";
    const char *at = imap ? memchr(data, ' ', size) : data;
    return at && size - (size_t)(at - data) > strlen(verb) && strncmp(at, verb, strlen(verb)) == 0;
}

/* libcurl's own signature. What is sent may be the token: it is looked at and forgotten. */
static int listen_in(CURL *easy, curl_infotype type, char *data, size_t size, void *arg)
{
    struct talk *t = arg;
    (void)easy;
    if (type == CURLINFO_HEADER_IN && !t->over)
        talk_hear(t, data, size);
    if (type != CURLINFO_HEADER_OUT)
        return 0;
    t->asked = t->asked || is_login(t, data, size);
    t->logged_in = t->logged_in || is_command(talk_command(t), data, size);
    t->over = t->over || is_command(t->server->protocol == SERVER_IMAP ? "LOGOUT" : "QUIT", data, size);
    return 0;
}

/* libcurl's own signature: `size` is always 1. */
static size_t discard(char *data, size_t size, size_t count, void *arg)
{
    (void)data;
    (void)size;
    (void)arg;
    return count;
}

static bool set_connection(CURL *e, const struct server *s)
{
    char url[SERVER_URL_MAX + sizeof "/localhost"];
    char scheme[8];
    long use = s->tls || !s->local ? CURLUSESSL_ALL : CURLUSESSL_NONE;
    snprintf(scheme, sizeof scheme, "%.*s", (int)strcspn(s->url, ":"), s->url);
    /* In the path of SMTP stands the name that we go by. */
    snprintf(url, sizeof url, "%s%s", s->url, s->protocol == SERVER_SMTP ? "/localhost" : "/");
    return curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, scheme) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOPROXY, "*") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)HTTP_CONNECT_TIMEOUT) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)HTTP_TOTAL_TIMEOUT) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_USE_SSL, use) == CURLE_OK;
}

static bool set_tls(CURL *e, const struct account *account)
{
    const char *file = account_value(account, SETTING_CA_FILE);
    const char *path = account_value(account, SETTING_CA_PATH);
    bool ok = curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
              curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    if (ok && (file || path))
        ok = curl_easy_setopt(e, CURLOPT_CAINFO, file) == CURLE_OK &&
             curl_easy_setopt(e, CURLOPT_CAPATH, path) == CURLE_OK;
    return ok;
}

static bool set_login(CURL *e, const struct talk *t, const char *user, const char *token)
{
    char options[32];
    snprintf(options, sizeof options, "AUTH=%s", t->mechanism);
    return curl_easy_setopt(e, CURLOPT_LOGIN_OPTIONS, options) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_USERNAME, user) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_XOAUTH2_BEARER, token) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, talk_command(t)) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOBODY, 1L) == CURLE_OK;
}

static bool set_callbacks(CURL *e, struct talk *t)
{
    return curl_easy_setopt(e, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, listen_in) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_DEBUGDATA, t) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, discard) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, discard) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->detail) == CURLE_OK;
}

/* The last line without its tag, and without the token and words that may be it in another form. */
static void show_answer(const struct talk *t, const char *token, char answer[ATTEMPT_ANSWER_MAX])
{
    char line[TALK_LINE_MAX + 1];
    const char *at = line;
    size_t used = 0;
    strcpy(line, t->line);
    oauth_blot_out(line, token);
    if (t->server->protocol == SERVER_IMAP && *at != '*' && *at != '+')
        at += strcspn(at, " ");
    answer[0] = '\0';
    while (at += strspn(at, " "), *at) {
        size_t len = strcspn(at, " ");
        const char *word = len <= WORD_MAX_SHOWN ? at : "...";
        size_t shown = len <= WORD_MAX_SHOWN ? len : strlen("...");
        if (used + 1 + shown >= ATTEMPT_ANSWER_MAX)
            break;
        used += (size_t)snprintf(answer + used, ATTEMPT_ANSWER_MAX - used, "%s%.*s", used > 0 ? " " : "", (int)shown,
                                 word);
        at += len;
    }
}

static bool is_complaint(const char *answer)
{
    return strncasecmp(answer, "NO", 2) == 0 || strncasecmp(answer, "BAD", 3) == 0 ||
           strncmp(answer, "-ERR", 4) == 0 || (isdigit((unsigned char)answer[0]) && answer[0] >= '4');
}

static void refused(struct attempt *a, const struct talk *t, const struct account *account, const char *system,
                    const char *user)
{
    const char *host = a->server->host;
    const char *known = advice_for(NULL, a->answer, NULL);
    bool scope = strcmp(t->status, "403") == 0 || strcmp(t->status, "insufficient_scope") == 0;
    char words[ATTEMPT_ANSWER_MAX + TALK_STATUS_MAX + 16];
    a->result = ATTEMPT_REFUSED;
    snprintf(words, sizeof words, "%s%s%s%s", *t->status ? "status " : "", t->status, *t->status ? "; " : "",
             a->answer);
    if (known || scope)
        report_set(&a->why, FAILURE_NOT_ALLOWED, "%s refused the token for %s (%s): %s", host, user, words,
                   known ? known : "it is not for mail; correct scope in the account file, then log in again");
    else
        report_set(
            &a->why, FAILURE_NOT_ALLOWED,
            "%s refused the token for %s (%s): run 'xoauth2 %srefresh %s' and test again; if it is refused then, "
            "somebody else has signed in, or has no right on this mailbox: 'xoauth2 %slogin %s' shows who",
            host, user, words, system, account->name, system, account->name);
}

/* What the server says of where its tokens come from: for the person to judge. */
static void add_configuration(struct attempt *a, const struct talk *t)
{
    size_t used = strlen(a->why.text);
    if (*t->configuration)
        snprintf(a->why.text + used, sizeof a->why.text - used,
                 ". The server names as its OAuth server the one of %s", t->configuration);
}

static void not_trusted(struct attempt *a, const struct talk *t, CURLcode code)
{
    const char *host = a->server->host;
    a->result = ATTEMPT_NOT_TRUSTED;
    if (code == CURLE_USE_SSL_FAILED)
        report_set(&a->why, FAILURE_CONFIG,
                   "%s offers no encryption (STARTTLS) at port %u, so no token was sent: check the port", host,
                   (unsigned)a->server->port);
    else if (code == CURLE_SSL_CACERT_BADFILE)
        report_set(&a->why, FAILURE_CONFIG, "the CA certificates for %s cannot be read: correct ca_file or ca_path",
                   host);
    else
        report_set(
            &a->why, FAILURE_CONFIG,
            "the certificate of %s cannot be trusted (%.160s): check the clock and the network; if the server is "
            "your own, name its CA certificate with ca_file in the account file",
            host, *t->detail ? t->detail : curl_easy_strerror(code));
}

static void unreachable(struct attempt *a, const struct talk *t, CURLcode code)
{
    const char *host = a->server->host;
    unsigned port = a->server->port;
    a->result = ATTEMPT_UNREACHABLE;
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        report_set(&a->why, FAILURE_UNREACHABLE, "cannot find the address of %s: check the network connection", host);
    else if (is_complaint(a->answer))
        report_set(&a->why, FAILURE_UNREACHABLE, "%s does not serve us now (%s): try again later", host, a->answer);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        report_set(&a->why, FAILURE_UNREACHABLE,
                   "%s did not answer in time at port %u: check the network connection and the port", host, port);
    else
        report_set(&a->why, FAILURE_UNREACHABLE,
                   "no connection to %s at port %u (%.160s): check the network connection and the port", host, port,
                   *t->detail ? t->detail : curl_easy_strerror(code));
}

/* libcurl takes a server that has no login at all, or needs none, for one where all went well. */
static void not_offered(struct attempt *a, const struct talk *t)
{
    a->result = ATTEMPT_NOT_OFFERED;
    a->answer[0] = '\0';
    if (t->offered)
        report_set(&a->why, FAILURE_CONFIG,
                   "%s wants no login at port %u, so the token was not tried: check the port", a->server->host,
                   (unsigned)a->server->port);
    else
        report_set(&a->why, FAILURE_CONFIG, "%s does not have the mechanism %s", a->server->host, a->mechanism);
}

/* RFC 5321, section 4.2.1: a reply in 400 to 499 says nothing against the token or the mailbox. */
static bool is_temporary(const struct attempt *a)
{
    return a->server->protocol == SERVER_SMTP && a->answer[0] == '4';
}

/* What came of it. */
static void judge(struct attempt *a, const struct talk *t, CURLcode code, const struct account *account,
                  const struct login_as *as)
{
    const char *user = as->user;
    show_answer(t, as->token, a->answer);
    if (code == CURLE_OK && t->asked) {
        a->result = ATTEMPT_OK;
        a->answer[0] = '\0';
    } else if (code == CURLE_OK || (code == CURLE_LOGIN_DENIED && !t->offered)) {
        not_offered(a, t);
    } else if (is_temporary(a)) {
        unreachable(a, t, code);
    } else if (t->logged_in && is_complaint(a->answer)) {
        const char *known = advice_for(NULL, a->answer, NULL);
        a->result = ATTEMPT_NO_MAILBOX;
        report_set(&a->why, FAILURE_NOT_ALLOWED, "%s took the token for %s but refused the first command (%s): %s",
                   a->server->host, user, a->answer,
                   known ? known : "check that the mailbox exists and that the account may use it");
    } else if (code == CURLE_LOGIN_DENIED || (code == CURLE_AUTH_ERROR && is_complaint(a->answer))) {
        refused(a, t, account, as->system ? "--system " : "", user);
        add_configuration(a, t);
    } else if (code == CURLE_USE_SSL_FAILED || code == CURLE_PEER_FAILED_VERIFICATION ||
               code == CURLE_SSL_CACERT_BADFILE) {
        not_trusted(a, t, code);
    } else {
        unreachable(a, t, code);
    }
}

void attempt_make(struct attempt *a, const struct account *account, const struct login_as *as)
{
    struct talk t = {.server = a->server, .mechanism = a->mechanism};
    CURLcode code = CURLE_FAILED_INIT;
    bool heard = true;
    a->answer[0] = '\0';
    a->why = (struct report){0};
    if (!token_check_host(account, a->server->host, &a->why)) {
        a->result = ATTEMPT_NOT_ALLOWED;
        return;
    }
    CURL *e = curl_easy_init();
    if (e && set_connection(e, a->server) && set_tls(e, account) && set_callbacks(e, &t)) {
        if (as->through_sasl)
            heard = test_sasl_login(e, &t, as->user, a, &code);
        else if (set_login(e, &t, as->user, as->token))
            code = curl_easy_perform(e);
    }
    if (heard && code == CURLE_FAILED_INIT) {
        a->result = ATTEMPT_UNREACHABLE;
        report_set(&a->why, FAILURE_UNREACHABLE, "not enough memory for a connection");
    } else if (heard) {
        judge(a, &t, code, account, as);
    }
    curl_easy_cleanup(e);
}
