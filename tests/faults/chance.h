/* Which calls of a program are to fail. It depends on the seed, the program, the function and how many of its calls
 * came before, and on nothing else; so a run can be repeated. Read from the environment, here alone:
 *
 *   XFAULT_SEED     a number; without it nothing fails
 *   XFAULT_ROOT     the folder of the programs and the plugin under test: all calls of a program below it may fail,
 *                   from its own first one on; in other programs only those that come from a library below it
 *   XFAULT_CLASSES  which kinds may fail: memory,files,network,processes,clock
 *   XFAULT_LOG      a file that gets a line for each fault */
#ifndef XOAUTH2_FAULTS_CHANCE_H
#define XOAUTH2_FAULTS_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

enum chance_class { CHANCE_MEMORY, CHANCE_FILES, CHANCE_NETWORK, CHANCE_PROCESSES, CHANCE_CLOCK, CHANCE_CLASSES };

/* Any function, to be cast to its own type. */
typedef void chance_function(void);

/* A function that may fail. Static, zero but for the first two. */
struct chance {
    const char *function;
    enum chance_class kind;
    chance_function *real; /* see chance_real() */
    unsigned long calls;
};

/* The function itself, which is behind this library. */
chance_function *chance_real(struct chance *c);

/* Whether this call, coming from the code at `caller`, fails. `*draw` gets a number that tells how. */
bool chance_strikes(struct chance *c, const void *caller, uint64_t *draw);

/* Notes a fault: what the caller sees, such as "EIO". */
void chance_log(const struct chance *c, const void *caller, const char *effect);

#endif
