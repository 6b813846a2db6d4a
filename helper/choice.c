#include "config.h"

#include "choice.h"

enum choice_result choice_weigh(struct choice *c, size_t rank, bool host_allowed)
{
    if (rank == 0)
        return CHOICE_WORSE;
    if (rank > c->rank || (rank == c->rank && host_allowed && !c->host_allowed)) {
        *c = (struct choice){.rank = rank, .host_allowed = host_allowed};
        return CHOICE_BETTER;
    }
    if (rank < c->rank || host_allowed != c->host_allowed)
        return CHOICE_WORSE;
    c->tie = true;
    return CHOICE_EQUAL;
}
