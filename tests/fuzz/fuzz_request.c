/* Requests to `xoauth2 helper`, on its standard input. */
#include "config.h"

#include "fuzz.h"

#include "command.h"
#include "folder.h"
#include "protocol.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

static const char TOKEN[] = "planted-access-token";
static const char ACCOUNT[] = "token_endpoint: https://127.0.0.1:1/token\nclient_id: client\n"
                              "hosts: imap.example.org *.example.net\nusers: team@example.org *@example.com\n";
static const char STATE[] = "{\"access_token\": \"planted-access-token\", \"obtained_at\": 1000000000, "
                            "\"expires_at\": 253402300000}";

/* What is left of the requests; NULL: the store of the machine is asked, which has no accounts here. */
static char *requests;
static size_t left;
static size_t written;
static bool is_planted; /* the token itself is among the requests, maybe as a name */

static const char *state_file;

static void prepare(void)
{
    if (!state_file) {
        fuzz_folder();
        state_file = folder_path("xoauth2/me@example.org.json");
        folder_sub("xoauth2", 0700);
        folder_sub("xoauth2/accounts", 0700);
        folder_write("xoauth2/accounts/me@example.org.conf", ACCOUNT, 0600);
        folder_write("xoauth2/accounts/broken@example.org.conf", "nonsense: 1\n", 0600);
        MUST(setenv("XDG_CONFIG_HOME", folder_path(""), 1) == 0 && setenv("XDG_STATE_HOME", folder_path(""), 1) == 0);
    }
    fuzz_rewrite(state_file, STATE); /* a request may have dropped the token */
}

/* Standard input is a file: this is no test of poll(2). */
static void set_input(const uint8_t *data, size_t size)
{
    int fd = memfd_create("requests", MFD_CLOEXEC);
    MUST(fd > STDIN_FILENO);
    MUST(size == 0 || write(fd, data, size) == (ssize_t)size);
    MUST(lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    close(fd);
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    return len >= strlen(end) && strcasecmp(text + len - strlen(end), end) == 0;
}

static bool may_have_token(const struct protocol_message *request)
{
    const char *host = protocol_get(request, "host");
    if (strcmp(request->verb, "get") != 0)
        return false;
    return !host || !*host || strcasecmp(host, "imap.example.org") == 0 ||
           strcasecmp(host, "imap.example.org.") == 0 || ends_with(host, ".example.net") ||
           ends_with(host, ".example.net.");
}

/* Stands in for the helper's own: takes a reply, and looks at the request that it belongs to. */
bool command_write(const char *data, size_t len)
{
    struct protocol_message request;
    struct protocol_message reply;
    size_t used;
    char *copy = memcpy(malloc(len), data, len);
    written++;
    MUST(protocol_parse(copy, len, &used, &reply) == PROTOCOL_COMPLETE && used == len);
    enum protocol_result result = requests ? protocol_parse(requests, left, &used, &request) : PROTOCOL_MORE;
    bool ok = strcmp(reply.verb, "ok") == 0;
    const char *token = protocol_get(&reply, "token");
    const char *message = protocol_get(&reply, "message");
    MUST(ok || (strcmp(reply.verb, "error") == 0 && protocol_get(&reply, "code") && message));
    MUST(!message || (fuzz_is_harmless(message) && (is_planted || !strstr(message, TOKEN))));
    if (!requests) {
        MUST(!token);
    } else if (result == PROTOCOL_COMPLETE) {
        MUST(!token || (strcmp(token, TOKEN) == 0 && may_have_token(&request)));
        requests += used;
        left -= used;
    } else {
        MUST(!ok && left > 0); /* with PROTOCOL_MORE the input has ended within a request */
    }
    free(copy);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct command command = {.system = false};
    struct fuzz_input in = {data, size};
    prepare();
    set_input(data, size);
    int fd = fuzz_lowest_fd();
    char *copy = fuzz_rest(&in, &left);
    requests = copy;
    written = 0;
    is_planted = fuzz_count(TOKEN, data, size) != fuzz_count("\ntoken=planted-access-token", data, size);
    verb_helper(&command);
    MUST(written > 0 || size == 0);
    command.system = true;
    set_input(data, size);
    requests = NULL;
    verb_helper(&command);
    MUST(fuzz_lowest_fd() == fd);
    free(copy);
    return 0;
}
