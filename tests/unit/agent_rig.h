/* An agent under test, in a process of its own, with a store, a socket and token endpoints in the test program's
 * temporary folder. */
#ifndef XOAUTH2_TEST_AGENT_RIG_H
#define XOAUTH2_TEST_AGENT_RIG_H

#include "paths.h"
#include "token_endpoint.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* cmocka's set-up and tear-down of one test: an empty user's store, endpoints, no agent yet. */
int rig_setup(void **state);
int rig_teardown(void **state);

extern struct token_endpoint rig_server;
extern struct paths rig_paths;
extern const char *rig_socket;

/* Writes the file of the account NAME, which uses endpoint number N; `more` are further lines, or "". */
void rig_account(const char *name, int endpoint, const char *more);

/* Writes its state: the access token `token` (NULL: none), which ends in `seconds`, and the refresh token that the
 * endpoint takes next. */
void rig_state(const char *name, int endpoint, const char *token, int64_t seconds);

/* An account with a token that has expired, at endpoint number N. */
void rig_expired(const char *name, int endpoint);

/* Endpoint number N. */
struct endpoint *rig_endpoint(int endpoint);

/* Starts an agent and waits until it can be reached. */
void rig_start(void);

/* Starts one that shall fail; returns its exit status. What it said is in `text`. */
int rig_start_badly(const char *socket_path, char *text, size_t size);

/* The same with a socket that a service manager hands over, instead of one of the agent's own. */
void rig_start_with(int socket);
int rig_start_badly_with(int socket, char *text, size_t size);

/* Sends the agent a signal, waits for its end, and returns its exit status, or 128 + the signal that ended it. */
int rig_end(int signal);
extern pid_t rig_pid;

/* The same for an agent that ends by itself. */
int rig_await_end(void);

/* Connects. */
int rig_connect(void);

/* Sends bytes; reads one reply, which lives until the next one: "" where the connection was closed instead. */
void rig_send(int fd, const char *text);
const char *rig_read(int fd);

/* Both, over a connection of its own. */
const char *rig_ask(const char *request);

/* A get for the user; the token, or "CODE: MESSAGE" of an error. */
const char *rig_get(const char *user);

/* Waits until the agent has answered `get` with this token; a test that waits in vain fails. */
void rig_await(const char *user, const char *token);

/* Waits a little. */
void rig_nap(int milliseconds);

/* Waits for anything else, as long as even a slow machine needs or at most so many milliseconds; a test that waits in
 * vain fails, and shows the agent's log. */
enum { RIG_PATIENCE = 30000, RIG_LOOK = 10 };
#define RIG_AWAIT(condition) RIG_AWAIT_WITHIN(RIG_PATIENCE, condition)
#define RIG_AWAIT_WITHIN(milliseconds, condition)                                                                    \
    for (int waited = 0; !(condition); waited += RIG_LOOK)                                                           \
    rig_look_again(waited, milliseconds, #condition)
void rig_look_again(int waited, int limit, const char *condition);

/* The milliseconds of a processor that the agent has used so far. */
int64_t rig_cpu(void);

/* Waits until the agent waits itself, for a while; a test that waits in vain fails. */
void rig_await_rest(void);

/* The agent's log so far, in a static buffer. */
const char *rig_log(void);

/* The value of a field of the reply to `status` for a user; "" where it has none. */
const char *rig_status(const char *user, const char *field);

#endif
