/* What `xoauth2 test` tells: lines for people, or JSON. */
#ifndef XOAUTH2_TEST_REPORT_H
#define XOAUTH2_TEST_REPORT_H

#include "test_attempt.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

struct test_report {
    struct json_object *json; /* an array; NULL: lines for people */
    const char *user;
};

/* Tells of the attempts at one server. */
void test_report_server(struct test_report *r, const struct attempt attempts[], size_t count);

/* Ends and frees. False where standard output does not take it. */
bool test_report_end(struct test_report *r);

#endif
