#include "config.h"

#include "schedule.h"

#include "store.h"

/* The rules are the store's; they do not look at the token itself. */
static struct state as_state(const struct standing *s)
{
    static char token[] = "?";
    return (struct state){
        .access_token = s->has_token ? token : NULL, .obtained_at = s->obtained_at, .expires_at = s->expires_at};
}

bool schedule_is_fresh(const struct standing *s, int64_t now)
{
    struct state state = as_state(s);
    return state_is_fresh(&state, now, s->margin);
}

bool schedule_is_valid(const struct standing *s, int64_t now)
{
    struct state state = as_state(s);
    return state_is_valid(&state, now);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t schedule_pause(unsigned failures, int64_t limit)
{
    int64_t pause = SCHEDULE_PAUSE_FIRST;
    for (; failures > 1 && pause < limit; failures--)
        pause *= 2;
    return least(pause, limit);
}

/* Ahead of the margin by a quarter of what lies before it, at most SCHEDULE_LEAD_MAX, and of that half to all. */
static int64_t ahead(const struct standing *s, uint16_t jitter)
{
    int64_t lifetime = s->expires_at - s->obtained_at;
    int64_t margin = least(s->margin, lifetime / 2);
    int64_t lead = least((lifetime - margin) / 4, SCHEDULE_LEAD_MAX);
    return s->expires_at - margin - lead + lead * jitter / UINT16_MAX / 2;
}

static int64_t after_failure(const struct standing *s, uint16_t jitter)
{
    if (s->error == FAILURE_CONFIG)
        return s->error_at + SCHEDULE_PAUSE_CONFIG;
    int64_t pause = schedule_pause(s->failures, SCHEDULE_PAUSE_MAX);
    int64_t asked = most(s->retry_at - s->error_at, 0); /* Retry-After */
    return s->error_at + most(pause + pause * jitter / UINT16_MAX / 8, asked);
}

int64_t schedule_renewal(const struct standing *s, int64_t now, uint16_t jitter)
{
    if (!s->has_refresh || s->error == FAILURE_LOGIN_NEEDED)
        return SCHEDULE_NEVER;
    int64_t due = schedule_is_fresh(s, now) ? ahead(s, jitter) : now;
    /* A failure from the future means that the clock was set back: it does not count. */
    return s->error == FAILURE_NONE || s->error_at > now ? due : most(due, after_failure(s, jitter));
}

int64_t schedule_warning(const struct standing *s)
{
    if (!s->has_refresh || s->refresh_ends_at == 0)
        return SCHEDULE_NEVER;
    int64_t life = s->refresh_ends_at - s->refresh_obtained_at;
    if (s->refresh_obtained_at == 0 || life < 0)
        life = (int64_t)SCHEDULE_WARNING_MAX * 4;
    return s->refresh_ends_at - least(life / 4, SCHEDULE_WARNING_MAX);
}
