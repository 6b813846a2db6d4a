/* When an account's token is to be renewed, ahead of the moment at which somebody would have to wait for it. Pure
 * arithmetic on wall-clock seconds. */
#ifndef XOAUTH2_SCHEDULE_H
#define XOAUTH2_SCHEDULE_H

#include "failure.h"

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_NEVER INT64_MAX
#define SCHEDULE_LEAD_MAX 120       /* seconds before the margin begins */
#define SCHEDULE_PAUSE_FIRST 5      /* seconds after a transient failure; doubled each time */
#define SCHEDULE_PAUSE_ASKED_MAX 30 /* seconds, while somebody asks for the token */
#define SCHEDULE_PAUSE_MAX 300      /* seconds, while nobody does */
#define SCHEDULE_PAUSE_CONFIG 900   /* seconds after the provider refused our settings: it may be mended there */
#define SCHEDULE_WARNING_MAX 604800 /* seconds before its end at which a refresh token is said to end */

/* What is known of one account's tokens. Times are wall-clock seconds, 0 where unknown. */
struct standing {
    bool has_token;
    bool has_refresh;
    int64_t obtained_at;
    int64_t expires_at;
    int64_t margin; /* seconds */
    int64_t refresh_obtained_at;
    int64_t refresh_ends_at;
    enum failure error; /* of the last attempt */
    int64_t error_at;
    int64_t retry_at;
    unsigned failures; /* transient ones in a row */
};

/* As state_is_fresh() and state_is_valid(). */
bool schedule_is_fresh(const struct standing *s, int64_t now);
bool schedule_is_valid(const struct standing *s, int64_t now);

/* When to renew; a time that has passed means now. `jitter` is a random number: accounts that were renewed together
 * drift apart. */
int64_t schedule_renewal(const struct standing *s, int64_t now, uint16_t jitter);

/* Seconds for which to leave the provider alone after a number of transient failures in a row. */
int64_t schedule_pause(unsigned failures, int64_t limit);

/* When to warn that the refresh token ends: SCHEDULE_WARNING_MAX before, or at three quarters of a shorter life. */
int64_t schedule_warning(const struct standing *s);

#endif
