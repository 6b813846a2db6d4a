/* The agent's command line. */
#ifndef XOAUTH2_OPTIONS_H
#define XOAUTH2_OPTIONS_H

#include "listeners.h"

#include <stdbool.h>
#include <stddef.h>

struct options {
    bool system;
    bool foreground;
    const char *sockets[LISTENERS_MAX];
    size_t socket_count;
};

/* Returns -1 to go on, else the exit status, after it has said what there is to say. */
int options_parse(struct options *o, int argc, char **argv);

#endif
