/* Postfix's settings, as postconf(1) gives them: those of main.cf that matter here, and what services of master.cf
 * have instead. */
#ifndef XOAUTH2_DOCTOR_POSTCONF_H
#define XOAUTH2_DOCTOR_POSTCONF_H

#include "failure.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

struct postconf {
    char folder[64];              /* of main.cf and master.cf */
    char options[72];             /* that make postconf(1) look there: "-c FOLDER " or "" */
    struct json_object *settings; /* "NAME" or "SERVICE/unix/NAME": value, as it is written */
    struct json_object *expanded; /* the same with what $NAME stands for in main.cf, as far as that could be had */
    struct json_object
        *services; /* array of names whose program is smtp(8), each with the word of its chroot column */
};

/* False without a report where this machine has no Postfix that is set up, and with one where postconf(1) fails. */
bool postconf_open(struct postconf *p, struct report *why);
void postconf_close(struct postconf *p);

/* smtp(8) services: count, name, and whether they run in a chroot. */
size_t postconf_services(const struct postconf *p);
const char *postconf_service(const struct postconf *p, size_t index);
bool postconf_has_chroot(const struct postconf *p, size_t index);

/* What a service goes by: master.cf before main.cf, $NAME followed or expanded. Never NULL; lives as long as `p`.
 * `*where`, if not NULL, gets the start of the arguments of the postconf(1) that changes it: "-e 'NAME" or "-P
 * 'SERVICE/unix/NAME". */
#define POSTCONF_WHERE_MAX 336
const char *postconf_value(const struct postconf *p, const char *service, const char *name,
                           char where[POSTCONF_WHERE_MAX]);

#endif
