/* What `xoauth2 doctor` has found out so far. It is one JSON object, so that a process of its own (another root, a
 * plugin that may crash) can hand everything back through a pipe.
 *
 *   findings     array of {check, level, subject, message}
 *   accounts     array of names: whose tokens programs of this user may ask for
 *   aliases      array of names, for record_alias()
 *   plugin_path, conf_path, agent_socket, helper, timeout, password: how the plugin sees the world */
#ifndef XOAUTH2_DOCTOR_RECORD_H
#define XOAUTH2_DOCTOR_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* What is looked at. The names are for scripts and stay as they are; record.c has them and, for a report that
 * strangers read, the one sentence that belongs to each. */
enum check {
    CHECK_PLUGIN_FOUND,
    CHECK_PLUGIN_LOADS,
    CHECK_PLUGIN_ALONE,
    CHECK_PLUGIN_LA,
    CHECK_PLUGIN_FILES,
    CHECK_OPTIONS_FILE,
    CHECK_OPTIONS_SHADOWED,
    CHECK_OPTIONS_SOURCE,
    CHECK_AGENT_USER,
    CHECK_AGENT_SYSTEM,
    CHECK_HELPER,
    CHECK_ACCOUNT_FOUND,
    CHECK_ACCOUNT_FILE,
    CHECK_ACCOUNT_IGNORED,
    CHECK_ACCOUNT_USERS,
    CHECK_ACCOUNT_SERVERS,
    CHECK_ACCOUNT_ALLOW,
    CHECK_ACCOUNT_CLIENT,
    CHECK_STORE_OWNER,
    CHECK_STATE,
    CHECK_STORE_ROOM,
    CHECK_LOGIN,
    CHECK_REFRESH_TOKEN,
    CHECK_ACCESS_TOKEN,
    CHECK_TOKEN,
    CHECK_PROVIDER,
    CHECK_PROXY,
    CHECK_CA,
    CHECK_CLOCK,
    CHECK_POSTFIX_READ,
    CHECK_POSTFIX_LOGIN,
    CHECK_POSTFIX_MECHANISMS,
    CHECK_POSTFIX_NOPLAINTEXT,
    CHECK_POSTFIX_AUTH_CACHE,
    CHECK_POSTFIX_TLS,
    CHECK_POSTFIX_PASSWORDS,
    CHECK_POSTFIX_AGENT,
    CHECK_POSTFIX_ALLOWED,
    CHECK_MBSYNC_ACCOUNT,
    CHECK_MBSYNC_MECHANISM,
    CHECK_MBSYNC_PASSWORD,
    CHECK_MBSYNC_TLS,
    CHECK_MBSYNC_HOST,
    CHECK_COUNT
};

enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_PROBLEM };

/* "plugin-found": static. */
const char *check_name(enum check check);

/* What the check of that name is about, as a sentence that names nobody: static. */
const char *check_sentence(const char *name);

/* "ok", "warning", "problem": static. */
const char *level_name(enum level level);

struct record {
    struct json_object *root;
};

/* Makes an empty one. False where memory is short. */
bool record_open(struct record *r);
void record_close(struct record *r);

/* Adds a finding. `subject` is the account that it is about, or NULL. The words say what is and, unless all is well,
 * what to do about it; they hold no secret. */
void record_add(struct record *r, enum check check, enum level level, const char *subject, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* How many findings have this level. */
size_t record_count(const struct record *r, enum level level);

/* Texts and numbers beside the findings. NULL or 0 where there is none; the text lives until it is set anew. */
void record_set(struct record *r, const char *key, const char *value);
const char *record_get(const struct record *r, const char *key);
void record_set_number(struct record *r, const char *key, int64_t value);
int64_t record_number(const struct record *r, const char *key);

/* The accounts, each once. */
void record_account(struct record *r, const char *name);
size_t record_accounts(const struct record *r);
const char *record_account_at(const struct record *r, size_t index);

/* What strangers are told instead of an account's name: "account-1" and so on. */
#define RECORD_ALIAS_SIZE 32
void record_alias(struct record *r, const char *name, char alias[RECORD_ALIAS_SIZE]);

/* Runs `look` in a process of its own and takes over what it found. False, with nothing taken over, where that
 * process ended in another way than by returning from `look`, or took longer than `timeout` milliseconds. */
typedef void record_look(struct record *r, void *arg);
bool record_isolated(struct record *r, record_look *look, void *arg, int64_t timeout);

#endif
