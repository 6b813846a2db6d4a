/* Telling a service manager how far we are: the protocol of sd_notify(3), a datagram to $NOTIFY_SOCKET; and the
 * sockets that it hands over, sd_listen_fds(3). */
#ifndef XOAUTH2_MANAGER_H
#define XOAUTH2_MANAGER_H

#define MANAGER_SOCKETS_MAX 16

/* Sends lines such as "READY=1\nSTATUS=...". Nothing happens where nobody listens. */
void manager_tell(const char *lines);

/* How many sockets were handed over to this process, the first being descriptor 3; they are made close-on-exec. -1
 * where the number makes no sense. To be called once, before any fork: the variables are removed. */
int manager_sockets(void);

#endif
