/* Calls that fail when a test wants it: stands in for the C library's and json-c's functions in a program that is
 * linked with $(fault_ldflags). What other libraries call is not touched. */
#ifndef XOAUTH2_TEST_FAULT_H
#define XOAUTH2_TEST_FAULT_H

#include <stdbool.h>

/* A function and what it may fail with. */
struct fault {
    const char *function;
    int error; /* errno; 0: the function has none to tell */
};

/* All that can fail; ends with a NULL function. */
extern const struct fault FAULTS[];

/* Makes the calls numbered `first` to `first + count - 1` of one function fail, counted from 1 and from now; those
 * after them work. */
void fault_plan(const struct fault *fault, int first, int count);

/* Ends the plan. Whether all its calls came. */
bool fault_end(void);

/* For what stands in for a function: whether this call of it fails; errno is set then. */
bool fault_fails(const char *function);

/* Calls `attempt` again and again, for each function and error: with its first call failing, its second, and so on,
 * until there are no more such calls. `attempt` gets `arg` and the fault, and checks what came of it after
 * fault_end(), which it has to call. `prepare`, which may be NULL, goes before, and nothing fails in it. Returns how
 * many attempts there were. */
int fault_each(void (*prepare)(void), void (*attempt)(void *arg, const struct fault *fault), void *arg);

#endif
