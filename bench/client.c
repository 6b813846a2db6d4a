#include "config.h"

#include "client.h"

#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BENCH_USER "bench@example.org"
#define BENCH_HOST "imap.example.org"

static const char *plugin_folder;
static sasl_secret_t *current_password;

static void give_up(const char *what, int result, const char *detail)
{
    fprintf(stderr, "bench: %s: %s%s%s\n", what, sasl_errstring(result, NULL, NULL), detail ? ": " : "",
            detail ? detail : "");
    exit(1);
}

static int answer_path(void *context, const char **path)
{
    (void)context;
    *path = plugin_folder;
    return SASL_OK;
}

static int answer_name(void *context, int id, const char **result, unsigned *len)
{
    (void)context;
    *result = id == SASL_CB_AUTHNAME ? BENCH_USER : "";
    if (len)
        *len = (unsigned)strlen(*result);
    return SASL_OK;
}

static int answer_password(sasl_conn_t *conn, void *context, int id, sasl_secret_t **result)
{
    (void)conn;
    (void)context;
    (void)id;
    *result = current_password;
    return SASL_OK;
}

static int keep_quiet(void *context, int level, const char *message)
{
    (void)context;
    (void)level;
    (void)message;
    return SASL_OK;
}

/* libsasl2 declares every callback as a function of no known arguments. */
typedef int (*callback)(void);
#define CALLBACK(function) ((callback)(void (*)(void))(function))

static const sasl_callback_t callbacks[] = {
    {SASL_CB_GETPATH, CALLBACK(answer_path), NULL},  {SASL_CB_USER, CALLBACK(answer_name), NULL},
    {SASL_CB_AUTHNAME, CALLBACK(answer_name), NULL}, {SASL_CB_PASS, CALLBACK(answer_password), NULL},
    {SASL_CB_LOG, CALLBACK(keep_quiet), NULL},       {SASL_CB_LIST_END, NULL, NULL},
};

void client_init(const char *folder)
{
    plugin_folder = folder;
    int result = sasl_client_init(callbacks);
    if (result != SASL_OK)
        give_up("sasl_client_init", result, NULL);
}

static void set_password(const char *password)
{
    size_t len = strlen(password);
    free(current_password);
    current_password = malloc(sizeof *current_password + len + 1);
    if (!current_password)
        give_up("password", SASL_NOMEM, NULL);
    current_password->len = len;
    memcpy(current_password->data, password, len + 1);
}

static void authenticate(sasl_conn_t *conn, const char *mechanism)
{
    const char *out = NULL;
    unsigned len = 0;
    const char *chosen = NULL;
    int result = sasl_client_start(conn, mechanism, NULL, &out, &len, &chosen);
    if (result == SASL_CONTINUE)
        result = sasl_client_step(conn, NULL, 0, NULL, &out, &len);
    if (result != SASL_OK)
        give_up(mechanism, result, sasl_errdetail(conn));
}

void client_login(const char *mechanism, const char *password)
{
    if (!current_password || strcmp((const char *)current_password->data, password) != 0)
        set_password(password);
    sasl_conn_t *conn = NULL;
    int result = sasl_client_new("imap", BENCH_HOST, NULL, NULL, NULL, 0, &conn);
    if (result != SASL_OK)
        give_up("sasl_client_new", result, NULL);
    authenticate(conn, mechanism);
    sasl_dispose(&conn);
}
