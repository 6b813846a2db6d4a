#include "config.h"

#include "record.h"

#include "clock.h"
#include "failure.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORD_SIZE_MAX = 64 * 1024 * 1024, CHUNK = 65536 };

static const struct {
    const char *name;
    const char *sentence;
} CHECKS[CHECK_COUNT] = {
    [CHECK_PLUGIN_FOUND] = {"plugin-found", "the plugin is where libsasl2 looks"},
    [CHECK_PLUGIN_LOADS] = {"plugin-loads", "libsasl2 loads the plugin"},
    [CHECK_PLUGIN_ALONE] = {"plugin-alone", "no other plugin has the same mechanisms"},
    [CHECK_PLUGIN_LA] = {"plugin-la", "no .la file hides the plugin"},
    [CHECK_PLUGIN_FILES] = {"plugin-files", "nobody else can change the plugin"},
    [CHECK_OPTIONS_FILE] = {"options-file", "the options file is right"},
    [CHECK_OPTIONS_SHADOWED] = {"options-shadowed", "there is one options file"},
    [CHECK_OPTIONS_SOURCE] = {"options-source", "the tokens come from accounts"},
    [CHECK_AGENT_USER] = {"agent-user", "the user's agent answers"},
    [CHECK_AGENT_SYSTEM] = {"agent-system", "the machine's agent answers"},
    [CHECK_HELPER] = {"helper", "the plugin can run the helper"},
    [CHECK_ACCOUNT_FOUND] = {"account-found", "there is an account"},
    [CHECK_ACCOUNT_FILE] = {"account-file", "the account file is right"},
    [CHECK_ACCOUNT_IGNORED] = {"account-ignored", "every file in the folder of accounts is one"},
    [CHECK_ACCOUNT_USERS] = {"account-users", "no two accounts have the same users"},
    [CHECK_ACCOUNT_SERVERS] = {"account-servers", "the account's servers are among its hosts"},
    [CHECK_ACCOUNT_ALLOW] = {"account-allow", "those whom the account allows exist"},
    [CHECK_ACCOUNT_CLIENT] = {"account-client", "what proves the client to the provider can be read"},
    [CHECK_STORE_OWNER] = {"store-owner", "the machine's agent can read the store"},
    [CHECK_STATE] = {"state", "the tokens can be read and written"},
    [CHECK_STORE_ROOM] = {"store-room", "the next tokens can be written"},
    [CHECK_LOGIN] = {"login", "the login holds"},
    [CHECK_REFRESH_TOKEN] = {"refresh-token", "the refresh token lives on"},
    [CHECK_ACCESS_TOKEN] = {"access-token", "the access token is fresh"},
    [CHECK_TOKEN] = {"token", "a program gets a token"},
    [CHECK_PROVIDER] = {"provider", "the provider can be reached"},
    [CHECK_PROXY] = {"proxy", "the proxy works"},
    [CHECK_CA] = {"ca", "the provider's certificate is trusted"},
    [CHECK_CLOCK] = {"clock", "the clock agrees with the provider's"},
    [CHECK_POSTFIX_READ] = {"postfix-read", "Postfix's settings can be read"},
    [CHECK_POSTFIX_LOGIN] = {"postfix-login", "Postfix logs in by Cyrus SASL"},
    [CHECK_POSTFIX_MECHANISMS] = {"postfix-mechanisms", "Postfix takes OAuth's mechanisms alone"},
    [CHECK_POSTFIX_NOPLAINTEXT] = {"postfix-noplaintext", "Postfix takes mechanisms that need TLS"},
    [CHECK_POSTFIX_AUTH_CACHE] = {"postfix-auth-cache", "Postfix does not keep refusals"},
    [CHECK_POSTFIX_TLS] = {"postfix-tls", "Postfix sends tokens over TLS alone"},
    [CHECK_POSTFIX_PASSWORDS] = {"postfix-passwords", "Postfix knows who logs in where"},
    [CHECK_POSTFIX_AGENT] = {"postfix-agent", "Postfix reaches the machine's agent"},
    [CHECK_POSTFIX_ALLOWED] = {"postfix-allowed", "Postfix may have a token"},
    [CHECK_MBSYNC_ACCOUNT] = {"mbsync-account", "mbsync's user has an account"},
    [CHECK_MBSYNC_MECHANISM] = {"mbsync-mechanism", "mbsync uses OAuth's mechanisms"},
    [CHECK_MBSYNC_PASSWORD] = {"mbsync-password", "mbsync has no password"},
    [CHECK_MBSYNC_TLS] = {"mbsync-tls", "mbsync sends tokens over TLS alone"},
    [CHECK_MBSYNC_HOST] = {"mbsync-host", "mbsync's server is among the account's hosts"},
};

static const char FINDINGS[] = "findings";
static const char ACCOUNTS[] = "accounts";
static const char ALIASES[] = "aliases";

const char *check_name(enum check check)
{
    return CHECKS[check].name;
}

const char *check_sentence(const char *name)
{
    for (size_t i = 0; i < CHECK_COUNT; i++)
        if (strcmp(CHECKS[i].name, name) == 0)
            return CHECKS[i].sentence;
    return "";
}

const char *level_name(enum level level)
{
    static const char *const NAMES[] = {[LEVEL_OK] = "ok", [LEVEL_WARNING] = "warning", [LEVEL_PROBLEM] = "problem"};
    return NAMES[level];
}

bool record_open(struct record *r)
{
    r->root = json_object_new_object();
    return r->root && json_object_object_add(r->root, FINDINGS, json_object_new_array()) == 0 &&
           json_object_object_add(r->root, ACCOUNTS, json_object_new_array()) == 0 &&
           json_object_object_add(r->root, ALIASES, json_object_new_array()) == 0;
}

void record_close(struct record *r)
{
    json_object_put(r->root);
    r->root = NULL;
}

/* Two accounts, or two services, may have one and the same thing to be said. Returns its place. */
static size_t add_once(struct json_object *array, struct json_object *item)
{
    size_t i = 0;
    while (i < json_object_array_length(array) && !json_object_equal(json_object_array_get_idx(array, i), item))
        i++;
    if (i < json_object_array_length(array))
        json_object_put(item);
    else
        json_object_array_add(array, item);
    return i;
}

void record_add(struct record *r, enum check check, enum level level, const char *subject, const char *format, ...)
{
    struct report text; /* without control characters, in UTF-8 */
    va_list args;
    va_start(args, format);
    report_setv(&text, FAILURE_NONE, format, args);
    va_end(args);
    struct json_object *item = json_object_new_object();
    json_object_object_add(item, "check", json_object_new_string(check_name(check)));
    json_object_object_add(item, "level", json_object_new_string(level_name(level)));
    json_object_object_add(item, "subject", subject ? json_object_new_string(subject) : NULL);
    json_object_object_add(item, "message", json_object_new_string(text.text));
    add_once(json_object_object_get(r->root, FINDINGS), item);
}

size_t record_count(const struct record *r, enum level level)
{
    size_t count = 0;
    struct json_object *findings = json_object_object_get(r->root, FINDINGS);
    for (size_t i = 0; i < json_object_array_length(findings); i++) {
        struct json_object *one = json_object_array_get_idx(findings, i);
        count += strcmp(json_object_get_string(json_object_object_get(one, "level")), level_name(level)) == 0;
    }
    return count;
}

void record_set(struct record *r, const char *key, const char *value)
{
    json_object_object_add(r->root, key, value ? json_object_new_string(value) : NULL);
}

const char *record_get(const struct record *r, const char *key)
{
    struct json_object *value = json_object_object_get(r->root, key);
    return value ? json_object_get_string(value) : NULL;
}

void record_set_number(struct record *r, const char *key, int64_t value)
{
    json_object_object_add(r->root, key, json_object_new_int64(value));
}

int64_t record_number(const struct record *r, const char *key)
{
    return json_object_get_int64(json_object_object_get(r->root, key));
}

void record_account(struct record *r, const char *name)
{
    add_once(json_object_object_get(r->root, ACCOUNTS), json_object_new_string(name));
}

size_t record_accounts(const struct record *r)
{
    return json_object_array_length(json_object_object_get(r->root, ACCOUNTS));
}

const char *record_account_at(const struct record *r, size_t index)
{
    return json_object_get_string(json_object_array_get_idx(json_object_object_get(r->root, ACCOUNTS), index));
}

void record_alias(struct record *r, const char *name, char alias[RECORD_ALIAS_SIZE])
{
    size_t place = add_once(json_object_object_get(r->root, ALIASES), json_object_new_string(name));
    snprintf(alias, RECORD_ALIAS_SIZE, "account-%zu", place + 1);
}

/* --- a process of its own --- */

static void write_all(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t put = write(fd, text, len);
        if (put < 0 && errno != EINTR)
            return;
        if (put > 0) {
            text += put;
            len -= (size_t)put;
        }
    }
}

static _Noreturn void be_the_child(struct record *r, record_look *look, void *arg, int fd)
{
    look(r, arg);
    write_all(fd, json_object_to_json_string_ext(r->root, JSON_C_TO_STRING_PLAIN));
    close(fd);
    record_close(r);
    _exit(0);
}

/* Reads to the end, one JSON object. NULL where it does not come whole and in time. */
static struct json_object *read_record(int fd, int64_t deadline)
{
    static char chunk[CHUNK];
    struct json_object *root = NULL;
    struct json_tokener *tokener = json_tokener_new();
    size_t total = 0;
    while (tokener && !root && total < RECORD_SIZE_MAX) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, clock_left(deadline)) <= 0)
            break;
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got <= 0)
            break;
        total += (size_t)got;
        root = json_tokener_parse_ex(tokener, chunk, (int)got);
        if (!root && json_tokener_get_error(tokener) != json_tokener_continue)
            break;
    }
    json_tokener_free(tokener);
    return root;
}

bool record_isolated(struct record *r, record_look *look, void *arg, int64_t timeout)
{
    int ends[2];
    int status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        be_the_child(r, look, arg, ends[1]);
    }
    close(ends[1]);
    struct json_object *root = pid > 0 ? read_record(ends[0], clock_monotonic() + timeout) : NULL;
    close(ends[0]);
    if (pid > 0 && !root)
        kill(pid, SIGKILL);
    if (pid > 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    if (!root)
        return false;
    json_object_put(r->root);
    r->root = root;
    return true;
}
