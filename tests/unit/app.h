/* A program that logs in through libsasl2, as the tests need one. */
#ifndef XOAUTH2_TEST_APP_H
#define XOAUTH2_TEST_APP_H

#include <stdbool.h>
#include <stddef.h>

#include <sasl/sasl.h>

#define APP_TEXT_MAX 8192

/* What a program has to say. A NULL text is a callback that it does not have. */
struct app {
    const char *authname;
    const char *user;
    const char *password;
    size_t password_len;   /* 0: its length as a string */
    bool prompts;          /* names and password are asked with SASL_INTERACT, and given as above */
    bool user_prompt;      /* the user's name is, even if the others are not */
    const char *rewritten; /* what the program makes of every name when libsasl2 has it canonicalized */
    bool null_prompts;     /* the program hands over no place for prompts */
    int authname_result;   /* what the callback returns, if not SASL_OK */
    const char *host;
    const char *remote;     /* ADDRESS;PORT */
    const char *options[9]; /* name, value, name, value, ..., NULL */
    void (*connected)(void); /* called between sasl_client_new() and sasl_client_start(), if not NULL */
};

/* One connection. */
struct app_session {
    const struct app *app;
    sasl_conn_t *conn;
    sasl_callback_t callbacks[8];
    sasl_secret_t *secret;
    const char *mech;
    const char *out;
    unsigned out_len;
    int rounds; /* of prompts */
};

/* Starts libsasl2 with no plugins but the one that is linked in, or, if `folders` is not NULL, with those in these
 * folders; with configuration files from `configuration`. `options` as in struct app. */
void app_begin(const char *folders, const char *configuration, const char *const *options);
void app_end(void);

/* What was logged since app_begin() or app_forget_log(). */
const char *app_log(void);
void app_forget_log(void);

/* sasl_client_new() and sasl_client_start(), with as many rounds of prompts as it takes. */
int app_start(struct app_session *s, const struct app *app, const char *mechanisms);

/* sasl_client_step(). */
int app_step(struct app_session *s, const char *in, size_t len);

/* The text that a program shows. */
const char *app_error(const struct app_session *s);

void app_dispose(struct app_session *s);

#endif
