/* What a bug report needs beside the findings: versions, settings, last errors. It can be shown to strangers, since
 * nothing goes in but numbers, and words that are in this program: a value that came from a file, a server or the
 * environment is compared with the known ones and, if it is none, only counts as "set". */
#ifndef XOAUTH2_DOCTOR_BUG_REPORT_H
#define XOAUTH2_DOCTOR_BUG_REPORT_H

#include "look.h"
#include "record.h"

/* Adds it to the record, as "report". */
void bug_report(struct record *r, const struct look *look);

#endif
