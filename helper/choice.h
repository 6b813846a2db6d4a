/* The rule by which one of several accounts that match a user name is taken: the better match of users:, and of
 * equals the one whose hosts: allow the server. */
#ifndef XOAUTH2_CHOICE_H
#define XOAUTH2_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

/* The best so far; zeros before the first. */
struct choice {
    size_t rank; /* of glob_rank() */
    bool host_allowed;
    bool tie; /* with one that is equally good */
};

enum choice_result {
    CHOICE_WORSE,
    CHOICE_EQUAL,  /* a tie with the best so far, which stays */
    CHOICE_BETTER, /* the best from now on */
};

enum choice_result choice_weigh(struct choice *c, size_t rank, bool host_allowed);

#endif
