/* The program that waits for our answer: when it goes away, so may we. */
#ifndef XOAUTH2_CALLER_H
#define XOAUTH2_CALLER_H

#include <stdbool.h>

/* Watches the descriptor on which the answer will go out: a socket or a pipe. -1 ends that. */
void caller_watch(int fd);

/* The watched descriptor, or -1, for a poll(2) of one's own with no events asked for. */
int caller_fd(void);

/* Sleeps for some milliseconds. Returns true at once when nobody is there any more to read the answer. */
bool caller_wait(int milliseconds);

#endif
