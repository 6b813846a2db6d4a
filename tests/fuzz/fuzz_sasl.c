/* The plugin in the hands of a program that calls libsasl2 in any order, whose callbacks fail, and that answers
 * prompts or not. Each byte is a call, some take one more or a part that a form feed ends. */
#include "config.h"

#include "fuzz.h"

#include "peer.h"
#include "plugin/plugin.h"

#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 3, PARTS_MAX = 64, LOG_MAX = 4096 };

static const char TOKEN[] = "planted-access-token";
static const char REPLY_OK[] = "ok\nversion=1\ntoken=planted-access-token\nexpires_at=253402300000\n\n";
static const char REPLY_ERROR[] = "error\nversion=1\ncode=login-needed\nmessage=log in\n\n";

/* One connection, and how its callbacks behave. */
struct connection {
    sasl_conn_t *sasl;
    sasl_callback_t callbacks[8];
    const char *user;
    const char *authname;
    const char *source; /* xoauth2_token_source */
    sasl_secret_t *password;
    uint8_t act;
    sasl_interact_t *prompts; /* that libsasl2 waits for */
    const char *mechanism;    /* NULL: none was chosen yet, and libsasl2 would crash in a step */
    bool over;
};

typedef int plain_callback(void);

static struct connection connections[CONNECTIONS];
static char *parts[PARTS_MAX]; /* live as long as the connections */
static size_t part_count;

static void check_text(const char *text)
{
    MUST(fuzz_is_harmless(text) && !strstr(text, TOKEN));
}

static int write_log(void *context, int level, const char *message)
{
    (void)context;
    (void)level;
    check_text(message);
    return SASL_OK;
}

static int get_path(void *context, const char **path)
{
    (void)context;
    *path = "/nonexistent";
    return SASL_OK;
}

static int get_name(void *context, int id, const char **result, unsigned *len)
{
    const struct connection *c = context;
    if (c->act & 1)
        return SASL_FAIL;
    if (c->act & 2)
        return SASL_INTERACT;
    *result = id == SASL_CB_AUTHNAME ? c->authname : c->user;
    if (len)
        *len = *result ? (unsigned)strlen(*result) : 0;
    return c->act & 4 ? 1 : SASL_OK; /* neither an error nor a success */
}

static int get_secret(sasl_conn_t *sasl, void *context, int id, sasl_secret_t **secret)
{
    const struct connection *c = context;
    (void)sasl;
    (void)id;
    *secret = c->password;
    return c->act & 8 ? SASL_FAIL : SASL_OK;
}

static int get_option(void *context, const char *plugin, const char *option, const char **result, unsigned *len)
{
    const struct connection *c = context;
    if (!c->source || !plugin || strcmp(option, "xoauth2_token_source") != 0)
        return SASL_FAIL;
    *result = c->source;
    if (len)
        *len = (unsigned)strlen(*result);
    return SASL_OK;
}

static int rewrite_name(sasl_conn_t *sasl, void *context, const char *in, unsigned in_len, unsigned flags,
                        const char *realm, char *out, unsigned out_max, unsigned *out_len)
{
    const struct connection *c = context;
    const char *name = c->user ? c->user : "";
    (void)sasl;
    (void)in;
    (void)in_len;
    (void)flags;
    (void)realm;
    *out_len = (unsigned)strlen(name);
    if (*out_len >= out_max)
        return SASL_BUFOVER;
    memcpy(out, name, *out_len + 1);
    return c->act & 16 ? SASL_BADPROT : SASL_OK;
}

static void start_library(void)
{
    static const sasl_callback_t CALLBACKS[] = {
        {SASL_CB_LOG, (plain_callback *)(void (*)(void))write_log, NULL},
        {SASL_CB_GETPATH, (plain_callback *)(void (*)(void))get_path, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    char path[] = "/nonexistent";
    MUST(sasl_set_path(SASL_PATH_TYPE_CONFIG, path) == SASL_OK);
    MUST(sasl_client_init(CALLBACKS) == SASL_OK);
    MUST(sasl_client_add_plugin("xoauth2", sasl_client_plug_init) == SASL_OK);
}

static char *take_part(struct fuzz_input *in)
{
    if (part_count == PARTS_MAX)
        return NULL;
    return parts[part_count++] = fuzz_text(in);
}

static void take_password(struct connection *c, struct fuzz_input *in)
{
    size_t len;
    char *part = fuzz_part(in, &len);
    free(c->password);
    c->password = malloc(sizeof *c->password + len);
    MUST(c->password);
    c->password->len = len;
    memcpy(c->password->data, part, len);
    free(part);
}

static void dispose(struct connection *c)
{
    sasl_dispose(&c->sasl);
    free(c->password);
    *c = (struct connection){0};
}

static void add_callback(struct connection *c, size_t i, unsigned long id, void (*function)(void), bool prompted)
{
    c->callbacks[i] = (sasl_callback_t){id, prompted ? NULL : (plain_callback *)function, c};
}

/* Which callbacks there are, and how they behave, is in three bytes. */
static void open_connection(struct connection *c, struct fuzz_input *in)
{
    dispose(c);
    uint8_t there = fuzz_byte(in);
    uint8_t prompted = fuzz_byte(in);
    size_t count = 0;
    c->act = fuzz_byte(in);
    if (there & 1)
        add_callback(c, count++, SASL_CB_USER, (void (*)(void))get_name, prompted & 1);
    if (there & 2)
        add_callback(c, count++, SASL_CB_AUTHNAME, (void (*)(void))get_name, prompted & 2);
    if (there & 4)
        add_callback(c, count++, SASL_CB_PASS, (void (*)(void))get_secret, prompted & 4);
    if (there & 8)
        add_callback(c, count++, SASL_CB_CANON_USER, (void (*)(void))rewrite_name, false);
    if (there & 16)
        add_callback(c, count++, SASL_CB_GETOPT, (void (*)(void))get_option, false);
    c->callbacks[count].id = SASL_CB_LIST_END;
    const char *host = there & 32 ? take_part(in) : "imap.example.org";
    const char *remote = there & 64 ? take_part(in) : NULL;
    c->user = take_part(in);
    c->authname = take_part(in);
    c->source = there & 128 ? "password" : NULL;
    if (sasl_client_new("imap", host, NULL, remote, c->callbacks, 0, &c->sasl) != SASL_OK)
        dispose(c);
}

/* Answers some of the prompts. */
static void answer(const struct connection *c, sasl_interact_t *prompt)
{
    for (; prompt && prompt->id != SASL_CB_LIST_END; prompt++) {
        MUST(prompt->prompt && prompt->challenge);
        MUST(prompt->id == SASL_CB_USER || prompt->id == SASL_CB_AUTHNAME || prompt->id == SASL_CB_PASS);
        const char *text = prompt->id == SASL_CB_USER ? c->user : c->authname;
        prompt->result = c->act & 32 ? NULL : text;
        prompt->len = c->act & 64 && text ? (unsigned)strlen(text) : 0;
    }
}

/* A message has the form that both mechanisms share. */
static void check_message(const char *out, unsigned len)
{
    MUST(len > 8 && out[len - 1] == 1 && out[len - 2] == 1);
    MUST(memmem(out, len, "\001auth=Bearer ", 13));
    MUST((memcmp(out, "user=", 5) == 0 || memcmp(out, "n,a=", 4) == 0));
    for (unsigned i = 0; i < len; i++)
        MUST((unsigned char)out[i] >= 0x20 || out[i] == 1);
}

static void check_result(struct connection *c, int result, const char *out, unsigned len)
{
    MUST(result <= SASL_OK || result == SASL_CONTINUE || result == SASL_INTERACT);
    MUST(!c->over || result < SASL_OK);
    if (result < SASL_OK) {
        const char *detail = sasl_errdetail(c->sasl);
        MUST(detail && *detail);
        check_text(detail);
    } else if (result == SASL_CONTINUE) {
        check_message(out, len);
    } else if (result == SASL_OK) {
        MUST(len == 0 || (len == 1 && *out == 1));
        c->over = true;
    }
}

/* Once a mechanism is chosen, libsasl2 wants no second start but with the prompts of the first: it would lose what
 * the mechanism has allocated. */
static void start(struct connection *c, uint8_t how)
{
    static const char *const MECHANISMS[] = {"XOAUTH2", "OAUTHBEARER", "XOAUTH2 OAUTHBEARER", "PLAIN"};
    for (int round = 0; c->sasl && (!c->mechanism || c->prompts) && round < 3; round++) {
        const char *out = NULL;
        unsigned len = 0;
        bool shows_prompts = c->prompts || !(how & 4);
        bool takes_output = c->prompts || !(how & 8); /* else the message comes with the first step */
        int result = sasl_client_start(c->sasl, MECHANISMS[how & 3], shows_prompts ? &c->prompts : NULL,
                                       takes_output ? &out : NULL, takes_output ? &len : NULL, &c->mechanism);
        MUST(takes_output || result == SASL_CONTINUE || result < SASL_OK);
        if (takes_output)
            check_result(c, result, out, len);
        MUST(!c->prompts == (result != SASL_INTERACT));
        answer(c, c->prompts);
    }
}

static void step(struct connection *c, struct fuzz_input *in, uint8_t how)
{
    const char *out = "left over";
    unsigned len = 9;
    size_t in_len;
    char *part = fuzz_part(in, &in_len);
    if (c->sasl && c->mechanism) {
        bool shows_prompts = c->prompts || !(how & 4);
        int result = sasl_client_step(c->sasl, how & 8 ? NULL : part, how & 8 ? 0 : (unsigned)in_len,
                                      shows_prompts ? &c->prompts : NULL, &out, &len);
        check_result(c, result, out, len);
        answer(c, c->prompts);
    }
    free(part);
}

static void set_property(struct connection *c, uint8_t how)
{
    const sasl_ssf_t ssf = how & 16 ? 256 : 0;
    const sasl_security_properties_t wanted = {
        .min_ssf = how & 32 ? 56 : 0, .max_ssf = 256, .maxbufsize = 4096,
        .security_flags = how & 64 ? SASL_SEC_NOPLAINTEXT : how & 128 ? SASL_SEC_NOANONYMOUS : 0,
    };
    if (!c->sasl)
        return;
    sasl_setprop(c->sasl, SASL_SSF_EXTERNAL, &ssf);
    sasl_setprop(c->sasl, SASL_SEC_PROPS, &wanted);
}

static void get_property(struct connection *c)
{
    const void *value = NULL;
    if (!c->sasl || !c->over)
        return;
    MUST(sasl_getprop(c->sasl, SASL_SSF, &value) == SASL_OK && *(const sasl_ssf_t *)value == 0);
    MUST(sasl_getprop(c->sasl, SASL_USERNAME, &value) == SASL_OK && value);
}

static void add_source(uint8_t how)
{
    if (how & 16)
        peer_answer(REPLY_OK, strlen(REPLY_OK));
    else if (how & 32)
        peer_answer(REPLY_ERROR, strlen(REPLY_ERROR));
    else
        peer_answer("", 0);
}

static void call(struct fuzz_input *in)
{
    uint8_t what = fuzz_byte(in);
    uint8_t how = fuzz_byte(in);
    struct connection *c = &connections[what / 8 % CONNECTIONS];
    switch (what % 8) {
    case 0:
        open_connection(c, in);
        break;
    case 1:
        start(c, how);
        break;
    case 2:
    case 3:
        step(c, in, how);
        break;
    case 4:
        dispose(c);
        break;
    case 5:
        set_property(c, how);
        get_property(c);
        break;
    case 6:
        take_password(c, in);
        break;
    default:
        add_source(how);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    if (fuzz_count(TOKEN, data, size) > 0) /* a user of that name may be told of */
        return 0;
    int fd = fuzz_lowest_fd();
    start_library();
    peer_reset();
    fuzz_watch(TOKEN);
    while (in.left > 0)
        call(&in);
    for (int i = 0; i < CONNECTIONS; i++)
        dispose(&connections[i]);
    fuzz_forget();
    while (part_count > 0)
        free(parts[--part_count]);
    sasl_client_done();
    sasl_done();
    peer_reset();
    MUST(fuzz_lowest_fd() == fd);
    return 0;
}
