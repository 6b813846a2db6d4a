/* The agent: everything that one process holds. */
#ifndef XOAUTH2_AGENT_H
#define XOAUTH2_AGENT_H

#include "clients.h"
#include "confine.h"
#include "disk.h"
#include "exchanges.h"
#include "listeners.h"
#include "loop.h"
#include "multi.h"
#include "paths.h"
#include "secret.h"
#include "starter.h"
#include "table.h"

#include <stdbool.h>

struct agent {
    struct loop loop;
    struct paths paths;
    struct table table;
    struct multi multi;
    struct disk disk;
    struct exchanges exchanges;
    struct listeners listeners;
    struct clients clients;
    struct starter starter;
    struct confine_place store; /* where it may write */
    struct secret reply; /* where replies are made */
    bool stopping;
    bool failed; /* it ends, but was not told to */
};

#endif
