/* echo SOCKET LENGTH: answers whatever is sent at a Unix socket with LENGTH bytes, of the form of a reply; one
 * client after the other. It decides nothing and knows nobody: no server at a Unix socket can be faster. Ends with
 * a signal. */
#include "config.h"

#include "asking.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUE = 1024, LENGTH_MIN = 5 };

static void answer(int client, char *request, const char *reply, size_t len)
{
    while (recv(client, request, ASKING_MAX, 0) > 0)
        if (send(client, reply, len, MSG_NOSIGNAL) < 0)
            break;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (len < LENGTH_MIN || len > ASKING_MAX || strlen(argv[1]) >= sizeof address.sun_path)
        return 2;
    char *request = malloc(ASKING_MAX);
    char *reply = malloc(len);
    if (!request || !reply)
        return 1;
    memset(reply, 'a', len);
    memcpy(reply, "ok\n", 3);
    memcpy(reply + len - 2, "\n\n", 2);
    strcpy(address.sun_path, argv[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, QUEUE) != 0)
        asking_give_up(argv[1]);
    for (int client; (client = accept(listener, NULL, NULL)) >= 0; close(client))
        answer(client, request, reply, len);
    return 1;
}
