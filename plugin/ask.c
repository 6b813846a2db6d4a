#include "config.h"

#include "ask.h"

#include <string.h>

/* One thing to ask for. */
struct question {
    unsigned long id;
    const char *challenge;
    const char *prompt;
    const char *what;
};

static const struct question USER = {SASL_CB_USER, "Authorization Name", "Please enter your authorization name",
                                     "user name"};
static const struct question AUTHNAME = {SASL_CB_AUTHNAME, "Authentication Name",
                                         "Please enter your authentication name", "user name"};
static const struct question PASS = {SASL_CB_PASS, "Password", "Please enter your access token", "password"};

static const sasl_interact_t *find_prompt(const sasl_interact_t *prompts, unsigned long id)
{
    for (; prompts && prompts->id != SASL_CB_LIST_END; prompts++)
        if (prompts->id == id)
            return prompts;
    return NULL;
}

/* The function that the application has for a question. SASL_INTERACT: it wants to be prompted. SASL_FAIL: it has
 * no answer at all. */
static int find_callback(const sasl_utils_t *utils, const struct question *question, void (**function)(void),
                         void **context)
{
    sasl_callback_ft callback = NULL;
    int result = utils->getcallback(utils->conn, question->id, &callback, context);
    *function = (void (*)(void))callback;
    return result == SASL_OK && !callback ? SASL_INTERACT : result;
}

/* Some programs set no length, and one of 0 beside a text is such a length; others set one beside no text. */
static void take_prompt(const sasl_interact_t *prompt, const char **value, size_t *len)
{
    *value = prompt->result;
    *len = *value ? prompt->len : 0;
    if (*value && *len == 0)
        *len = strlen(*value);
}

/* Asks for a text. SASL_OK with a NULL value: the application has none. */
static int ask_text(const sasl_utils_t *utils, const struct question *question, const sasl_interact_t *answered,
                    const char **value, size_t *len)
{
    void (*function)(void);
    void *context = NULL;
    const sasl_interact_t *prompt = find_prompt(answered, question->id);
    if (prompt) {
        take_prompt(prompt, value, len);
        return SASL_OK;
    }
    int found = find_callback(utils, question, &function, &context);
    if (found != SASL_OK)
        return found == SASL_INTERACT ? SASL_INTERACT : SASL_OK;
    int result = ((sasl_getsimple_t *)function)(context, (int)question->id, value, NULL);
    *len = result == SASL_OK && *value ? strlen(*value) : 0;
    return result;
}

/* The same for the password, which may hold any byte and need not end with a NUL. */
static int ask_password(const sasl_utils_t *utils, const sasl_interact_t *answered, const char **value, size_t *len)
{
    void (*function)(void);
    void *context = NULL;
    sasl_secret_t *secret = NULL;
    const sasl_interact_t *prompt = find_prompt(answered, PASS.id);
    if (prompt) {
        take_prompt(prompt, value, len);
        return SASL_OK;
    }
    int found = find_callback(utils, &PASS, &function, &context);
    if (found != SASL_OK)
        return found == SASL_INTERACT ? SASL_INTERACT : SASL_OK;
    int result = ((sasl_getsecret_t *)function)(utils->conn, context, (int)PASS.id, &secret);
    if (result == SASL_OK && secret) {
        *value = (const char *)secret->data;
        *len = secret->len;
    }
    return result;
}

/* Puts a question on the list if its answer has yet to be given. Returns false if asking for it failed. */
static bool note(struct ask *ask, size_t *count, const struct question *question, int result, const char **what)
{
    if (result == SASL_OK)
        return true;
    *what = question->what;
    if (result != SASL_INTERACT)
        return false;
    ask->prompts[(*count)++] = (sasl_interact_t){
        .id = question->id,
        .challenge = question->challenge,
        .prompt = question->prompt,
    };
    return true;
}

int ask_application(struct ask *ask, const sasl_utils_t *utils, bool want_password, sasl_interact_t **prompt_need,
                    const char **what)
{
    const sasl_interact_t *answered = prompt_need ? *prompt_need : NULL;
    size_t missing = 0;
    ask->authid = ask->authzid = ask->password = NULL;
    ask->authid_len = ask->authzid_len = ask->password_len = 0;

    int user = ask_text(utils, &USER, answered, &ask->authzid, &ask->authzid_len);
    int name = ask_text(utils, &AUTHNAME, answered, &ask->authid, &ask->authid_len);
    int pass = want_password ? ask_password(utils, answered, &ask->password, &ask->password_len) : SASL_OK;
    if (user == SASL_INTERACT && !prompt_need)
        user = SASL_OK; /* nobody has to name another mailbox */
    if (prompt_need)
        *prompt_need = NULL;

    if (!note(ask, &missing, &USER, user, what))
        return user;
    if (!note(ask, &missing, &AUTHNAME, name, what))
        return name;
    if (!note(ask, &missing, &PASS, pass, what))
        return pass;
    if (missing == 0)
        return SASL_OK;
    ask->prompts[missing] = (sasl_interact_t){.id = SASL_CB_LIST_END};
    if (!prompt_need)
        return SASL_BADPARAM;
    *prompt_need = ask->prompts;
    return SASL_INTERACT;
}
