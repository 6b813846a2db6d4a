#include "config.h"

#include "look.h"

#include "plugin/configured.h"
#include "plugin/options.h"
#include "plugin/source.h"
#include "protocol.h"
#include "screen.h"
#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ANSWER_WAIT = 2000,                  /* milliseconds in which an agent answers what needs no provider */
    START_MAX = TRANSPORT_PATH_MAX + 32, /* bytes of the command that starts the user's agent, with the NUL */
};

static const char SYSTEM_SOCKET[] = RUNDIR "/agent.sock";
static const char HELPER[] = BINDIR "/xoauth2";

/* One of the two sockets. */
struct place {
    enum check check;
    const char *path;
    const char *start; /* what starts its agent */
    bool needed;       /* without it there is no token */
};

/* The part of the path through which this user does not get, and the command that lets him. */
static void judge_denied(struct record *r, const struct place *p)
{
    char part[TRANSPORT_PATH_MAX];
    struct stat st;
    snprintf(part, sizeof part, "%s", p->path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(part, &st) == 0 && access(part, X_OK) != 0) {
            record_add(r, p->check, LEVEL_PROBLEM, NULL,
                       "this user does not get to the socket %s: run 'chmod a+x %s'", p->path, part);
            return;
        }
        *slash = '/';
    }
    record_add(r, p->check, LEVEL_PROBLEM, NULL, "this user may not use the socket %s: run 'chmod 0666 %s'", p->path,
               p->path);
}

static void judge_absent(struct record *r, const struct place *p, int error)
{
    if (error == ECONNREFUSED)
        record_add(r, p->check, LEVEL_PROBLEM, NULL, "nobody serves the socket %s any more: run '%s'", p->path,
                   p->start);
    else if (p->needed)
        record_add(r, p->check, LEVEL_PROBLEM, NULL, "there is no socket %s: run '%s'", p->path, p->start);
    else
        record_add(r, p->check, LEVEL_OK, NULL, "none at %s, and none is needed", p->path);
}

/* Any answer will do: most users may not ask how the agent stands. */
static bool judge_answer(struct record *r, const struct place *p, int fd)
{
    struct secret request;
    struct secret reply;
    struct protocol_message message;
    secret_init(&request, PROTOCOL_MESSAGE_MAX);
    secret_init(&reply, PROTOCOL_MESSAGE_MAX);
    enum transport_result result = TRANSPORT_GARBAGE;
    if (protocol_begin(&request, "status") && protocol_end(&request))
        result = transport_exchange(fd, &request, transport_now() + ANSWER_WAIT, &reply, &message);
    if (result == TRANSPORT_REPLY)
        record_add(r, p->check, LEVEL_OK, NULL, "answers at %s", p->path);
    else if (result == TRANSPORT_TIMEOUT)
        record_add(r, p->check, LEVEL_PROBLEM, NULL, "the agent at %s does not answer: end it and run '%s'", p->path,
                   p->start);
    else
        record_add(r, p->check, LEVEL_PROBLEM, NULL, "what serves %s is no agent: end it and run '%s'", p->path,
                   p->start);
    secret_free(&request);
    secret_free(&reply);
    return result == TRANSPORT_REPLY;
}

/* Whether an agent answers there. */
static bool look_at_socket(struct record *r, const struct place *p)
{
    struct report why;
    int fd = -1;
    enum transport_connection result = transport_connect(p->path, transport_now() + TRANSPORT_CONNECT_MS, &fd, &why);
    bool answers = result == TRANSPORT_CONNECTED && judge_answer(r, p, fd);
    if (result == TRANSPORT_ABSENT)
        judge_absent(r, p, errno);
    else if (result == TRANSPORT_FAILED && errno == EACCES)
        judge_denied(r, p);
    else if (result != TRANSPORT_CONNECTED)
        record_add(r, p->check, LEVEL_PROBLEM, NULL, "%s", why.text);
    if (fd >= 0)
        close(fd);
    return answers;
}

static const char *start_system(bool jail)
{
    return jail ? "systemctl enable --now xoauth2-agent-postfix.socket"
                : "systemctl enable --now xoauth2-agent.socket";
}

bool look_at_needed_agent(struct record *r, enum check check, const char *socket, bool jail)
{
    const struct place p = {check, socket, start_system(jail), true};
    return look_at_socket(r, &p);
}

/* What starts the user's agent at this socket: systemd has a unit for the default one alone. */
static void start_user(const struct source_places *places, char command[START_MAX])
{
    char unit[TRANSPORT_PATH_MAX];
    bool at_unit = transport_user_socket(unit) && strcmp(unit, places->user_socket) == 0;
    if (!at_unit)
        snprintf(command, START_MAX, "xoauth2 agent --socket %s", places->user_socket);
    else if (access("/run/systemd/system", F_OK) == 0) /* sd_booted(3) */
        snprintf(command, START_MAX, "systemctl --user start xoauth2-agent.socket");
    else
        snprintf(command, START_MAX, "xoauth2 agent");
}

/* Why $XDG_RUNTIME_DIR gives no place for the socket, and what mends it. */
static void judge_runtime_folder(struct record *r, const char *base)
{
    struct stat st;
    if (transport_is_runtime_folder(base))
        record_add(r, CHECK_AGENT_USER, LEVEL_WARNING, NULL,
                   "XDG_RUNTIME_DIR is too long for the path of a socket, so that this user's agent is not looked "
                   "for: set it to a shorter one");
    else if (stat(base, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
        record_add(r, CHECK_AGENT_USER, LEVEL_WARNING, NULL,
                   "others may write in %s, which XDG_RUNTIME_DIR names, so that this user's agent is not looked "
                   "for there: run 'chmod go-w %s'",
                   base, base);
    else
        record_add(r, CHECK_AGENT_USER, LEVEL_WARNING, NULL,
                   "XDG_RUNTIME_DIR names %s, which is no folder of this user's, so that this user's agent is not "
                   "looked for there: set it to a folder of mode 0700 that belongs to this user, or unset it",
                   base);
}

static void look_at_user_agent(struct record *r, const struct source_places *places)
{
    const char *base = secure_getenv("XDG_RUNTIME_DIR");
    char start[START_MAX];
    if (places->user_socket) {
        start_user(places, start);
        const struct place p = {CHECK_AGENT_USER, places->user_socket, start, places->user_socket_chosen};
        look_at_socket(r, &p);
    } else if (base && *base == '/') {
        judge_runtime_folder(r, base);
    } else {
        record_add(r, CHECK_AGENT_USER, LEVEL_OK, NULL,
                   "none is looked for: XDG_RUNTIME_DIR is not set, and there is no folder /run/user/%lu for this "
                   "user alone",
                   (unsigned long)geteuid());
    }
}

static void look_at_agents(struct record *r, const struct source_places *places, bool jail)
{
    /* Whether the machine's accounts are out of this user's reach, so that its agent alone can use them. */
    bool needed = jail || (configured_machine() && geteuid() != 0 && access(STATEDIR, R_OK | X_OK) != 0);
    struct place system = {CHECK_AGENT_SYSTEM, places->system_socket, start_system(jail), needed};
    look_at_user_agent(r, places);
    look_at_socket(r, &system);
}

static void look_at_helper(struct record *r, const struct source_places *places, bool jail)
{
    if (access(places->helper, X_OK) == 0)
        record_add(r, CHECK_HELPER, LEVEL_OK, NULL, "%s", places->helper);
    else if (places->helper_chosen)
        record_add(r, CHECK_HELPER, LEVEL_PROBLEM, NULL,
                   "the helper %s cannot be run (%s): correct or remove xoauth2_helper in the options file",
                   places->helper, strerror(errno));
    else if (!jail)
        record_add(r, CHECK_HELPER, LEVEL_PROBLEM, NULL,
                   "the helper %s cannot be run (%s): install the package xoauth2 anew", places->helper,
                   strerror(errno));
}

/* The whole way, as a login goes it. The token is wiped at once. */
static void look_at_token(struct record *r, const struct source_places *places, const char *account)
{
    static const char *const NAMES[] = {
        [SOURCE_NONE] = "nobody",
        [SOURCE_USER_AGENT] = "the user's agent",
        [SOURCE_SYSTEM_AGENT] = "the machine's agent",
        [SOURCE_HELPER] = "the helper",
    };
    const struct source_query query = {.account = account};
    struct secret token;
    struct report why;
    enum source from;
    int64_t timeout = record_number(r, "timeout");
    secret_init(&token, SOURCE_TOKEN_MAX);
    screen_waiting("getting a token of %s", account);
    bool ok = source_get(places, &query, timeout > 0 ? (unsigned)timeout : LOOK_TOKEN_SECONDS, &token, &from, &why);
    screen_ready();
    if (ok)
        record_add(r, CHECK_TOKEN, LEVEL_OK, account, "%s hands one out", NAMES[from]);
    else
        record_add(r, CHECK_TOKEN,
                   why.code == FAILURE_UNREACHABLE || why.code == FAILURE_BUSY ? LEVEL_WARNING : LEVEL_PROBLEM,
                   account, "%s", why.text);
    secret_free(&token);
}

void look_at_sources(struct record *r, const struct look *look)
{
    char own_socket[TRANSPORT_PATH_MAX];
    const char *socket = record_get(r, "agent_socket");
    const char *helper = record_get(r, "helper");
    struct source_places places = {
        .user_socket = socket                              ? socket
                       : transport_user_socket(own_socket) ? own_socket
                                                           : NULL,
        .user_socket_chosen = socket != NULL,
        .system_socket = SYSTEM_SOCKET,
        .helper = helper ? helper : HELPER,
        .helper_chosen = helper != NULL,
        .machine_has_accounts = configured_machine,
    };
    if (record_number(r, "password"))
        return;
    look_at_agents(r, &places, look->jail);
    look_at_helper(r, &places, look->jail);
    for (size_t i = 0; i < record_accounts(r); i++)
        look_at_token(r, &places, record_account_at(r, i));
}
