/* Requests at the agent's socket. A byte before each piece says on which of two connections it arrives and what
 * happens then; form feeds are between the pieces. */
#include "config.h"

#include "fuzz.h"

#include "agent.h"
#include "agent/log.h"
#include "folder.h"
#include "protocol.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECTIONS = 2, REPLIES_MAX = 1 << 20 };

static const char TOKEN[] = "planted-access-token";
static const char ACCOUNT[] = "token_endpoint: https://127.0.0.1:1/token\nclient_id: client\n"
                              "hosts: imap.example.org\nusers: team@example.org *@example.com\n";
static const char STATE[] = "{\"access_token\": \"planted-access-token\", \"obtained_at\": 1000000000, "
                            "\"expires_at\": 253402300000}";

static struct agent agent;
static int listener = -1;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static const char *state_file;
static bool is_planted; /* the token itself is among the requests, maybe as a name */

static void write_store(void)
{
    fuzz_folder();
    agent.paths = (struct paths){.owner = geteuid()};
    strcpy(agent.paths.accounts, folder_sub("accounts", 0700));
    strcpy(agent.paths.state, folder_sub("state", 0700));
    folder_write("accounts/me@example.org.conf", ACCOUNT, 0600);
    folder_write("accounts/new@example.org.conf", "token_endpoint: https://127.0.0.1:1/token\n", 0600);
    folder_write("accounts/broken@example.org.conf", "nonsense: 1\n", 0600);
    state_file = folder_path("state/me@example.org.json");
    fuzz_rewrite(state_file, STATE); /* a request may have dropped the token */
}

/* All of an agent but what reaches the network: it is being stopped from the start, so that it asks no provider. */
static void start(void)
{
    struct report why;
    write_store();
    log_open(false);
    agent.stopping = true;
    secret_init(&agent.reply, PROTOCOL_MESSAGE_MAX);
    exchanges_open(&agent.exchanges, &agent);
    MUST(loop_open(&agent.loop, &why) && multi_open(&agent.multi, &agent.loop, &why));
    MUST(clients_open(&agent.clients, &agent) && table_open(&agent.table, &agent, &why));
    strcpy(address.sun_path, folder_path("agent.sock"));
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    MUST(listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
         listen(listener, 8) == 0);
}

static void stop_loop(struct job *j)
{
    (void)j;
    agent.loop.stop = true;
}

/* One round of the agent's loop. */
static void turn(void)
{
    static struct job stop = {.run = stop_loop};
    agent.loop.stop = false;
    job_queue(&agent.loop, &stop);
    loop_run(&agent.loop);
}

static int connect_one(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    MUST(clients_accept(&agent.clients, listener));
    return fd;
}

static bool is_allowed(const char *text)
{
    return strcasecmp(text, "me@example.org") == 0 || strcasecmp(text, "team@example.org") == 0 || strchr(text, '@');
}

/* Whatever came, the agent answers in whole messages; what it says of a failure holds no token. */
static void check_replies(int fd)
{
    static char replies[REPLIES_MAX];
    struct protocol_message reply;
    size_t len = 0;
    size_t used;
    for (ssize_t got = 1; got > 0 && len < sizeof replies; len += got > 0 ? (size_t)got : 0)
        got = recv(fd, replies + len, sizeof replies - len, MSG_DONTWAIT);
    for (size_t at = 0; at < len; at += used) {
        MUST(protocol_parse(replies + at, len - at, &used, &reply) == PROTOCOL_COMPLETE);
        const char *message = protocol_get(&reply, "message");
        const char *token = protocol_get(&reply, "token");
        const char *account = protocol_get(&reply, "account");
        MUST(strcmp(reply.verb, "ok") == 0 || (strcmp(reply.verb, "error") == 0 && message && !token));
        MUST(!message || (fuzz_is_harmless(message) && (is_planted || !strstr(message, TOKEN))));
        MUST(!token || strcmp(token, TOKEN) == 0);
        MUST(!account || is_allowed(account));
    }
}

/* Does what the byte says. */
static void act(int fds[CONNECTIONS], uint8_t what, const char *piece, size_t len)
{
    int *fd = &fds[what & 1];
    if (*fd < 0)
        *fd = connect_one();
    if (len > 0 && send(*fd, piece, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        what |= 4; /* the agent has hung up */
    for (int i = (what >> 4) & 3; i > 0; i--)
        turn();
    if (what & 2)
        check_replies(*fd);
    if (what & 4) {
        close(*fd);
        *fd = -1;
    } else if (what & 8) {
        shutdown(*fd, SHUT_WR);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { TURNS_MAX = 100000 };
    struct fuzz_input in = {data, size};
    int fds[CONNECTIONS] = {-1, -1};
    if (listener < 0)
        start();
    fuzz_rewrite(state_file, STATE); /* a request may have dropped the token */
    is_planted = fuzz_count(TOKEN, data, size) != fuzz_count("\ntoken=planted-access-token", data, size);
    while (in.left > 0) {
        size_t len;
        uint8_t what = fuzz_byte(&in);
        char *piece = fuzz_part(&in, &len);
        act(fds, what, piece, len);
        free(piece);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        if (fds[i] >= 0)
            shutdown(fds[i], SHUT_WR);
    for (int i = 0; agent.clients.count > 0; i++) {
        MUST(i < TURNS_MAX);
        turn();
        for (int k = 0; k < CONNECTIONS; k++)
            if (fds[k] >= 0)
                check_replies(fds[k]);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    MUST(agent.table.count == 3 && agent.exchanges.running == 0);
    return 0;
}
