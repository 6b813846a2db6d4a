#include "config.h"

#include "app.h"

#include "plugin.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 3 };

static char log_text[APP_TEXT_MAX];
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *const *global_options;
static char plugin_folders[APP_TEXT_MAX];

typedef int plain_callback(void);

static int answer_option(const char *const *options, const char *name, const char **result, unsigned *len)
{
    for (; options && *options; options += 2) {
        if (strcmp(options[0], name) != 0)
            continue;
        *result = options[1];
        if (len)
            *len = (unsigned)strlen(options[1]);
        return SASL_OK;
    }
    return SASL_FAIL;
}

static int getopt_global(void *context, const char *plugin, const char *name, const char **result, unsigned *len)
{
    (void)context;
    (void)plugin;
    return answer_option(global_options, name, result, len);
}

static int getopt_connection(void *context, const char *plugin, const char *name, const char **result, unsigned *len)
{
    (void)plugin;
    const struct app_session *s = context;
    return answer_option(s->app->options, name, result, len);
}

static int write_log(void *context, int level, const char *message)
{
    (void)context;
    if (level == SASL_LOG_DEBUG || level == SASL_LOG_TRACE)
        return SASL_OK;
    pthread_mutex_lock(&log_lock);
    size_t used = strlen(log_text);
    snprintf(log_text + used, sizeof log_text - used, "%s\n", message);
    pthread_mutex_unlock(&log_lock);
    return SASL_OK;
}

static int get_path(void *context, const char **path)
{
    (void)context;
    *path = plugin_folders;
    return SASL_OK;
}

static int get_name(void *context, int id, const char **result, unsigned *len)
{
    const struct app_session *s = context;
    if (id == SASL_CB_AUTHNAME && s->app->authname_result != SASL_OK)
        return s->app->authname_result;
    *result = id == SASL_CB_AUTHNAME ? s->app->authname : s->app->user;
    if (len)
        *len = (unsigned)strlen(*result);
    return SASL_OK;
}

static size_t password_length(const struct app *app)
{
    return app->password_len ? app->password_len : strlen(app->password);
}

/* The secret ends with its last byte: reading on is an error that the sanitizers see. */
static int get_secret(sasl_conn_t *conn, void *context, int id, sasl_secret_t **secret)
{
    (void)conn;
    (void)id;
    struct app_session *s = context;
    size_t len = password_length(s->app);
    free(s->secret);
    s->secret = malloc(offsetof(sasl_secret_t, data) + (len > 0 ? len : 1));
    if (!s->secret)
        return SASL_NOMEM;
    s->secret->len = len;
    memcpy(s->secret->data, s->app->password, len);
    *secret = s->secret;
    return SASL_OK;
}

void app_begin(const char *folders, const char *configuration, const char *const *options)
{
    static const sasl_callback_t CALLBACKS[] = {
        {SASL_CB_GETOPT, (plain_callback *)(void (*)(void))getopt_global, NULL},
        {SASL_CB_LOG, (plain_callback *)(void (*)(void))write_log, NULL},
        {SASL_CB_GETPATH, (plain_callback *)(void (*)(void))get_path, NULL},
        {SASL_CB_LIST_END, NULL, NULL},
    };
    char path[APP_TEXT_MAX];
    snprintf(path, sizeof path, "%s", configuration);
    snprintf(plugin_folders, sizeof plugin_folders, "%s", folders ? folders : "/nonexistent");
    global_options = options;
    log_text[0] = '\0';
    assert_int_equal(sasl_set_path(SASL_PATH_TYPE_CONFIG, path), SASL_OK);
    assert_int_equal(sasl_client_init(CALLBACKS), SASL_OK);
    if (!folders)
        assert_int_equal(sasl_client_add_plugin("xoauth2", sasl_client_plug_init), SASL_OK);
}

void app_end(void)
{
    sasl_client_done();
    sasl_done();
}

const char *app_log(void)
{
    return log_text;
}

void app_forget_log(void)
{
    log_text[0] = '\0';
}

static int rewrite_name(sasl_conn_t *conn, void *context, const char *in, unsigned in_len, unsigned flags,
                        const char *realm, char *out, unsigned out_max, unsigned *out_len)
{
    const struct app_session *s = context;
    (void)conn;
    (void)in;
    (void)in_len;
    (void)flags;
    (void)realm;
    *out_len = (unsigned)strlen(s->app->rewritten);
    assert_true(*out_len < out_max);
    memcpy(out, s->app->rewritten, *out_len + 1);
    return SASL_OK;
}

static void add_callback(struct app_session *s, size_t *count, unsigned long id, plain_callback *function)
{
    s->callbacks[*count].id = id;
    bool asked = id == SASL_CB_AUTHNAME || id == SASL_CB_PASS
                     ? s->app->prompts
                     : id == SASL_CB_USER && (s->app->prompts || s->app->user_prompt);
    s->callbacks[*count].proc = asked ? NULL : function;
    s->callbacks[*count].context = s;
    (*count)++;
}

static void make_callbacks(struct app_session *s)
{
    size_t count = 0;
    if (s->app->options[0])
        add_callback(s, &count, SASL_CB_GETOPT, (plain_callback *)(void (*)(void))getopt_connection);
    if (s->app->user)
        add_callback(s, &count, SASL_CB_USER, (plain_callback *)(void (*)(void))get_name);
    if (s->app->authname || s->app->authname_result != SASL_OK)
        add_callback(s, &count, SASL_CB_AUTHNAME, (plain_callback *)(void (*)(void))get_name);
    if (s->app->password)
        add_callback(s, &count, SASL_CB_PASS, (plain_callback *)(void (*)(void))get_secret);
    if (s->app->rewritten)
        add_callback(s, &count, SASL_CB_CANON_USER, (plain_callback *)(void (*)(void))rewrite_name);
    s->callbacks[count].id = SASL_CB_LIST_END;
}

static void answer_prompts(const struct app *app, sasl_interact_t *prompt)
{
    for (; prompt->id != SASL_CB_LIST_END; prompt++) {
        assert_non_null(prompt->prompt);
        assert_non_null(prompt->challenge);
        if (prompt->id == SASL_CB_AUTHNAME)
            prompt->result = app->authname;
        else if (prompt->id == SASL_CB_USER)
            prompt->result = app->user;
        else if (prompt->id == SASL_CB_PASS)
            prompt->result = app->password;
        else
            fail_msg("prompt for %lu", prompt->id);
        if (prompt->result)
            prompt->len =
                prompt->id == SASL_CB_PASS ? (unsigned)password_length(app) : (unsigned)strlen(prompt->result);
    }
}

/* libsasl2 asks for the address of a name without a domain, which may take long where no name server answers. */
int gethostname(char *name, size_t size);
__attribute__((visibility("default"))) int gethostname(char *name, size_t size)
{
    snprintf(name, size, "test.example.org");
    return 0;
}

int app_start(struct app_session *s, const struct app *app, const char *mechanisms)
{
    sasl_interact_t *prompts = NULL;
    *s = (struct app_session){.app = app};
    make_callbacks(s);
    assert_int_equal(sasl_client_new("imap", app->host, NULL, app->remote, s->callbacks, 0, &s->conn), SASL_OK);
    if (app->connected)
        app->connected();
    for (;;) {
        int result = sasl_client_start(s->conn, mechanisms, app->null_prompts ? NULL : &prompts, &s->out, &s->out_len,
                                       &s->mech);
        if (result != SASL_INTERACT)
            return result;
        if (app->null_prompts || ++s->rounds > ROUNDS_MAX)
            return result;
        answer_prompts(app, prompts);
    }
}

int app_step(struct app_session *s, const char *in, size_t len)
{
    sasl_interact_t *prompts = NULL;
    s->out = "left over";
    s->out_len = 9;
    return sasl_client_step(s->conn, in, (unsigned)len, s->app->null_prompts ? NULL : &prompts, &s->out, &s->out_len);
}

const char *app_error(const struct app_session *s)
{
    return sasl_errdetail(s->conn);
}

void app_dispose(struct app_session *s)
{
    sasl_dispose(&s->conn);
    free(s->secret);
    s->secret = NULL;
}
