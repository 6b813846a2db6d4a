/* What `xoauth2 doctor` writes: lines for people, or JSON. */
#ifndef XOAUTH2_DOCTOR_OUTPUT_H
#define XOAUTH2_DOCTOR_OUTPUT_H

#include "record.h"

#include <stdbool.h>

/* Writes it all. With a report (see bug_report.h) in the record, nothing else leaves it that a stranger must not
 * read: no messages, no names. False where standard output does not take it. */
bool output_write(struct record *r, bool json);

#endif
