/* Of the accounts that are looked at those with which Postfix logs in at its relays. */
#ifndef XOAUTH2_DOCTOR_RELAY_ACCOUNTS_H
#define XOAUTH2_DOCTOR_RELAY_ACCOUNTS_H

#include "paths.h"
#include "record.h"

#include <limits.h>

struct relay_account {
    char login[ACCOUNT_NAME_MAX + 1]; /* what Postfix asks for */
    char file[PATH_MAX];              /* the account's */
    unsigned allow_line;              /* of `file`; 0: it has no such line */
};

struct relay_accounts {
    struct relay_account *all;
    size_t count;
    bool certain; /* Postfix's tables have them; else they could not be read, and these are all */
};

/* By the tables of smtp_sasl_password_maps, and the system's account files. */
void relay_accounts_find(struct relay_accounts *out, const char *maps, const struct record *r);
void relay_accounts_free(struct relay_accounts *accounts);

/* A table of Postfix that is made from a text file: that file's path, which lies in `table`, and the suffix of its
 * index ("" for none). NULL for any other kind of table. */
const char *relay_table_file(const char *table, const char **suffix);

#endif
