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

/* A table of Postfix. */
struct relay_table {
    const char *name;   /* without "proxy:" */
    const char *path;   /* of the text file that it is made from; NULL for a kind that has none */
    const char *suffix; /* of its index, "" for none */
};

/* Calls `each` with the tables of a list such as smtp_sasl_password_maps. False where it is too long. */
bool relay_tables(const char *maps, void (*each)(void *arg, const struct relay_table *table), void *arg);

#endif
