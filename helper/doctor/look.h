/* The looks that `xoauth2 doctor` takes. Each adds findings, changes nothing, and takes a bounded time. */
#ifndef XOAUTH2_DOCTOR_LOOK_H
#define XOAUTH2_DOCTOR_LOOK_H

#include "account.h"
#include "paths.h"
#include "record.h"
#include "store.h"

#include <stdbool.h>
#include <stdint.h>

#define LOOK_TOKEN_SECONDS 30 /* a program that asks for a token waits as long */

/* What is asked. */
struct look {
    bool system;         /* the machine's accounts alone */
    bool jail;           /* programs are locked up in another root */
    const char *account; /* NULL: all */
    const char *user;    /* who we are, for commands */
};

/* The folders of libsasl2, what it loads from there, and where it looks for options. Runs the plugins that are there
 * in a process of its own. */
void look_at_plugin(struct record *r);

/* The options file, as the plugin reads it. */
void look_at_options(struct record *r);

/* The agents, the helper, and a token of every account by them, as the plugin would get it. */
void look_at_sources(struct record *r, const struct look *look);

/* The machine's agent, by a socket without which somebody has no token; in a jail, that of Postfix is meant. Whether
 * it answers. */
bool look_at_needed_agent(struct record *r, enum check check, const char *socket, bool jail);

/* Account files, states, and what they name; then each account's provider over the network. */
void look_at_accounts(struct record *r, const struct look *look);

/* The tokens of one account, as far as this user may read them. */
void look_at_state(struct record *r, const struct account *a, const struct paths *p);

/* One account's provider: proxy, certificate, clock. No secret is sent. Each address is asked once. */
void look_at_provider(struct record *r, const struct account *a, const struct state *s);

/* The settings of programs, where they are found. */
void look_at_postfix(struct record *r);
void look_at_mbsync(struct record *r, const struct look *look);

#endif
