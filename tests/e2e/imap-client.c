/* The smallest program that logs in through libetpan, the library under Claws Mail: imap-client HOST PORT MECHANISM
 * USER. Prints "logged in: N messages" or what libetpan says; status 0, or 1 when the login failed. */
#include <libetpan/libetpan.h>

#include <stdio.h>
#include <stdlib.h>

static int log_in(mailimap *imap, const char *host, const char *port, const char *mechanism, const char *user)
{
    int rc = mailimap_socket_connect(imap, host, (uint16_t)atoi(port));
    if (rc != MAILIMAP_NO_ERROR && rc != MAILIMAP_NO_ERROR_NON_AUTHENTICATED) {
        printf("no connection: error %d\n", rc);
        return 1;
    }
    rc = mailimap_authenticate(imap, mechanism, host, NULL, NULL, user, user, "", NULL);
    if (rc != MAILIMAP_NO_ERROR) {
        printf("not logged in: error %d: %s\n", rc, imap->imap_response != NULL ? imap->imap_response : "");
        return 1;
    }
    rc = mailimap_select(imap, "INBOX");
    if (rc != MAILIMAP_NO_ERROR) {
        printf("logged in, but no INBOX: error %d\n", rc);
        return 1;
    }
    printf("logged in: %u messages\n", (unsigned)imap->imap_selection_info->sel_exists);
    mailimap_logout(imap);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: imap-client HOST PORT MECHANISM USER\n");
        return 2;
    }
    mailimap *imap = mailimap_new(0, NULL);
    if (imap == NULL)
        return 1;
    int status = log_in(imap, argv[1], argv[2], argv[3], argv[4]);
    mailimap_free(imap);
    return status;
}
