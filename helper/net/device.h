/* The device authorization grant (RFC 8628): the person signs in on any device with a short code. */
#ifndef XOAUTH2_DEVICE_H
#define XOAUTH2_DEVICE_H

#include "login.h"
#include "oauth.h"

#include <stdbool.h>
#include <stdint.h>

#define DEVICE_WAIT_MAX 1800        /* seconds a login may take, whatever expires_in says */
#define DEVICE_LIFETIME_ASSUMED 900 /* seconds, where expires_in is missing although it is required */
#define DEVICE_INTERVAL_DEFAULT 5   /* seconds (section 3.2) */
#define DEVICE_SLOW_DOWN 5          /* seconds more after "slow_down" (section 3.5) */
#define DEVICE_INTERVAL_MAX 60      /* seconds to which time-outs back off, and the most a server may ask for */

/* An answer of the device authorization endpoint (section 3.2). */
struct device_code {
    char *device_code; /* secret */
    char *user_code;
    char *verification_uri;
    char *verification_uri_complete; /* may be NULL */
    int64_t expires_in;              /* seconds, 1 to DEVICE_WAIT_MAX */
    int64_t interval;                /* seconds, 1 to DEVICE_INTERVAL_MAX */
};

/* Reads a good answer. What is shown to the person is made harmless. False with FAILURE_UNREACHABLE where something
 * is missing; `host` is for the report. */
bool device_parse(const struct http_reply *reply, const char *host, struct device_code *code, struct report *why);
void device_free(struct device_code *code);

enum device_step {
    DEVICE_WAIT, /* ask again after `*interval` seconds */
    DEVICE_DONE,
    DEVICE_STOP,
};

/* What to do after one request (section 3.5). `answered` is false where no answer came; `code` is the failure's
 * class. */
enum device_step device_judge(int64_t *interval, bool answered, const struct oauth_answer *answer, enum failure code);

/* The whole flow, up to the token. False with a report. */
bool device_login(struct login *l, struct oauth_answer *answer, struct report *why);

#endif
