/* An agent for tests: a process that serves a socket and gives every request the same answer. */
#ifndef XOAUTH2_TEST_FAKE_AGENT_H
#define XOAUTH2_TEST_FAKE_AGENT_H

#include <sys/types.h>

/* Starts one. `answer` NULL: it never answers. What it was asked is appended to the file `record`. */
pid_t fake_agent_start(const char *socket_path, const char *answer, const char *record);

/* A socket that nobody accepts from, and whose queue is full. Returns its descriptor. `*full` gets another one to
 * close. */
int fake_agent_wedged(const char *socket_path, int *full);

void fake_agent_stop(pid_t pid);

#endif
