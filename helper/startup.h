/* What every program that holds secrets does first. */
#ifndef XOAUTH2_STARTUP_H
#define XOAUTH2_STARTUP_H

#include <stdbool.h>

/* Refuses to run with AT_SECURE (set-uid, file capabilities); opens the standard descriptors where they are closed,
 * so that no secret file gets one of their numbers; forbids core dumps and ptrace; sets umask 077; ignores SIGPIPE.
 * False after it has written the reason to standard error. */
bool startup(const char *program);

/* Around starting somebody else's program, which shall have the umask and the core limit that we were given. */
void startup_loosen(void);
void startup_tighten(void);

#endif
