#include "config.h"

#include "test_sasl.h"

#include "clock.h"
#include "http.h"
#include "secret.h"
#include "test_wire.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <sasl/saslutil.h>
#include <stdio.h>
#include <string.h>

#define OUR_PLUGIN "sasl2-xoauth2" /* as libsasl2 calls libsasl2-xoauth2.so */

enum { MESSAGE_MAX = 2 * 1024 * 1024 /* bytes of a message to the server, in base64 */ };

/* One login. */
struct login {
    struct wire wire;
    struct talk *talk;
    struct attempt *attempt;
    sasl_conn_t *sasl;
    sasl_callback_t callbacks[4];
};

/* What the plugin has to say comes with its result, too. */
static int stay_silent(void *context, int level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
    return SASL_OK;
}

static int give_name(void *context, int id, const char **result, unsigned *len)
{
    (void)id;
    *result = context;
    if (len)
        *len = (unsigned)strlen(context);
    return SASL_OK;
}

/* libsasl2 keeps a pointer to them. */
static const sasl_callback_t SILENT[] = {{SASL_CB_LOG, (sasl_callback_ft)(void (*)(void))stay_silent, NULL},
                                         {SASL_CB_LIST_END, NULL, NULL}};

bool test_sasl_init(struct report *why)
{
    int result = sasl_client_init(SILENT);
    return result == SASL_OK || report_set(why, FAILURE_CONFIG, "libsasl2 cannot be initialized: %s",
                                           sasl_errstring(result, NULL, NULL));
}

void test_sasl_end(void)
{
    sasl_client_done();
}

/* libsasl2's own signature: once for each plugin that has the mechanism, and without one before and after that. */
static void look_at_plugin(client_sasl_mechanism_t *m, sasl_info_callback_stage_t stage, void *arg)
{
    const char **other = arg;
    if (stage == SASL_INFO_LIST_MECH && m && m->plugname && strcmp(m->plugname, OUR_PLUGIN) != 0)
        *other = m->plugname;
}

/* The name of one that is not ours, or NULL. */
static const char *other_plugin(const char *mechanism)
{
    const char *other = NULL;
    sasl_client_plugin_info(mechanism, look_at_plugin, &other);
    return other;
}

static bool no_plugin(struct attempt *a, const char *other)
{
    a->result = ATTEMPT_NO_PLUGIN;
    if (other)
        return report_set(
            &a->why, FAILURE_CONFIG,
            "libsasl2 has the mechanism %s from another plugin, %s: remove that one, since either may be "
            "used",
            a->mechanism, other);
    return report_set(&a->why, FAILURE_CONFIG,
                      "libsasl2 does not find the plugin for %s: libsasl2-xoauth2.so must be in the folder of "
                      "libsasl2's plugins, or SASL_PATH must name its folder; 'xoauth2 doctor' tells more",
                      a->mechanism);
}

/* What the plugin says is behind libsasl2's own words. */
static bool no_token(struct login *l, int result)
{
    l->attempt->result = ATTEMPT_NO_TOKEN;
    return report_set(&l->attempt->why, FAILURE_CONFIG,
                      "the plugin has no token for programs, although this command has one: %s",
                      l->sasl ? sasl_errdetail(l->sasl) : sasl_errstring(result, NULL, NULL));
}

/* A message of the plugin's, in base64. */
static CURLcode send_message(struct login *l, const char *message, unsigned len)
{
    struct secret line;
    unsigned size = (len + 2) / 3 * 4 + 1, encoded = 0;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    secret_init(&line, MESSAGE_MAX);
    char *room = len <= MESSAGE_MAX / 2 ? secret_room(&line, size) : NULL;
    if (room && (len == 0 || sasl_encode64(message, len, room, size, &encoded) == SASL_OK)) {
        secret_grow(&line, encoded);
        if (secret_adds(&line, "\r\n"))
            code = wire_send(&l->wire, line.data, line.len);
    }
    secret_free(&line);
    return code;
}

static CURLcode send_line(struct login *l, const char *verb, const char *argument)
{
    char line[128];
    const char *tag = l->talk->server->protocol == SERVER_IMAP ? "a " : "";
    int len = snprintf(line, sizeof line, "%s%s%s%s\r\n", tag, verb, *argument ? " " : "", argument);
    return wire_send(&l->wire, line, (size_t)len);
}

/* A challenge goes to the plugin, and its answer to the server; where it has none the login is given up. */
static CURLcode answer(struct login *l, int *result)
{
    char challenge[TALK_LINE_MAX];
    const char *out = NULL;
    unsigned len = 0, out_len = 0;
    const char *text = l->talk->line + strcspn(l->talk->line, " ");
    text += strspn(text, " ");
    *result = sasl_decode64(text, (unsigned)strlen(text), challenge, sizeof challenge, &len);
    if (*result == SASL_OK)
        *result = sasl_client_step(l->sasl, challenge, len, NULL, &out, &out_len);
    if (*result == SASL_OK || *result == SASL_CONTINUE)
        return send_message(l, out, out_len);
    return wire_send(&l->wire, "*\r\n", 3);
}

/* Says which mechanism, and exchanges messages until the server decides. */
static CURLcode exchange(struct login *l, const char *message, unsigned len)
{
    int result = SASL_CONTINUE;
    enum wire_reply reply = WIRE_YES;
    const char *verb = l->talk->server->protocol == SERVER_IMAP ? "AUTHENTICATE" : "AUTH";
    CURLcode code = send_line(l, verb, l->talk->mechanism);
    l->talk->asked = true;
    if (code == CURLE_OK)
        code = wire_reply(&l->wire, l->talk, &reply);
    if (code == CURLE_OK)
        code = reply == WIRE_CHALLENGE ? send_message(l, message, len) : CURLE_LOGIN_DENIED;
    while (code == CURLE_OK && reply == WIRE_CHALLENGE) {
        code = wire_reply(&l->wire, l->talk, &reply);
        if (code == CURLE_OK && reply == WIRE_CHALLENGE)
            code = answer(l, &result);
    }
    bool good = reply == WIRE_YES && (result == SASL_OK || result == SASL_CONTINUE);
    return code == CURLE_OK && !good ? CURLE_LOGIN_DENIED : code;
}

/* Asks for the mailbox. */
static CURLcode command(struct login *l)
{
    enum wire_reply reply = WIRE_NO;
    CURLcode code = send_line(l, talk_command(l->talk), "");
    l->talk->logged_in = true;
    if (code == CURLE_OK)
        code = wire_reply(&l->wire, l->talk, &reply);
    return code == CURLE_OK && reply != WIRE_YES ? CURLE_QUOTE_ERROR : code;
}

static bool start(struct login *l, const char *user, const char **message, unsigned *len)
{
    static const char *const SERVICES[] = {"imap", "pop", "smtp"};
    const sasl_callback_t callbacks[] = {
        {SASL_CB_USER, (sasl_callback_ft)(void (*)(void))give_name, (void *)user},
        {SASL_CB_AUTHNAME, (sasl_callback_ft)(void (*)(void))give_name, (void *)user},
        SILENT[0],
        {SASL_CB_LIST_END, NULL, NULL}};
    memcpy(l->callbacks, callbacks, sizeof callbacks);
    const struct server *s = l->talk->server;
    const char *other = other_plugin(l->attempt->mechanism);
    int result = sasl_client_new(SERVICES[s->protocol], s->host, NULL, NULL, l->callbacks, 0, &l->sasl);
    if (result == SASL_OK && !other)
        result = sasl_client_start(l->sasl, l->talk->mechanism, NULL, message, len, NULL);
    if (result == SASL_NOMECH || other)
        return no_plugin(l->attempt, other);
    return result == SASL_OK || result == SASL_CONTINUE || no_token(l, result);
}

bool test_sasl_login(CURL *e, struct talk *t, const char *user, struct attempt *a, CURLcode *code)
{
    struct login l = {.talk = t, .attempt = a};
    const char *message = NULL;
    unsigned len = 0;
    bool heard = true;
    *code = curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    if (*code == CURLE_OK)
        *code = curl_easy_perform(e);
    if (*code == CURLE_OK && !t->offered)
        *code = CURLE_LOGIN_DENIED;
    if (*code == CURLE_OK && (heard = start(&l, user, &message, &len))) {
        *code = wire_open(&l.wire, e, clock_monotonic() + HTTP_TOTAL_TIMEOUT);
        if (*code == CURLE_OK)
            *code = exchange(&l, message, len);
        if (*code == CURLE_OK)
            *code = command(&l);
        wire_close(&l.wire);
    }
    sasl_dispose(&l.sasl);
    return heard;
}
