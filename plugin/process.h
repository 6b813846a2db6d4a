/* The helper program, run inside somebody else's process: nothing of the host leaks into it, and nothing of it
 * is left behind. */
#ifndef XOAUTH2_PROCESS_H
#define XOAUTH2_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_END_MS 1000    /* a helper that has answered ends within this time, or is killed */
#define PROCESS_KILLED_MS 1000 /* one that was killed ends within this time, or is left alone */

struct process {
    pid_t pid;
    int fd; /* the helper's standard input and output */
};

/* Runs `program helper` with the signals at their defaults, no blocked signal, standard error thrown away and no
 * other descriptor. Returns 0 or an errno. */
int process_start(struct process *child, const char *program);

/* Closes the connection and sees the helper off, within the two times above. How it ends does not matter, and the
 * host may have reaped it. */
void process_end(struct process *child);

#endif
