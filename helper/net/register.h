/* Dynamic client registration (RFC 7591) as the OAuth Profile for Open Public Clients wants it
 * (draft-ietf-mailmaint-oauth-public-06): a public native client that nobody has registered before. One registration
 * serves all accounts at its issuer. */
#ifndef XOAUTH2_REGISTER_H
#define XOAUTH2_REGISTER_H

#include "http.h"
#include "paths.h"
#include "readfile.h"

#include <stdbool.h>
#include <stdint.h>

#define REGISTER_CLIENT_ID_MAX 2048 /* bytes */
#define REGISTER_FILE_MAX 65536     /* bytes of a kept registration */

/* What is asked for. */
struct register_request {
    const char *redirect_uri;
    const char *scope; /* NULL: none is named */
    bool device;       /* the device flow, too */
};

/* The body of the request. The caller frees. NULL where memory is short. */
char *register_body(const struct register_request *request);

/* Reads the answer: `*client_id` gets the id, which the caller frees; NULL with a report for anything but a public
 * client with that redirect address. `host` is for the report. Needs no network. */
bool register_parse(const struct http_reply *reply, const char *host, const char *redirect_uri, char **client_id,
                    struct report *why);

/* A registration as it is kept: STATE/registrations/SHA-256 of the issuer.json, 0600. Strings are owned. */
struct registration {
    char *issuer;
    char *client_id;
    char *redirect_uri;
    char *scope;           /* NULL: none was named */
    int64_t registered_at; /* wall-clock seconds */
};
void registration_free(struct registration *r);

/* Takes the lock of an issuer's registration, waiting until `deadline`. Returns its descriptor, for store_unlock(),
 * or -1 with a report. */
int registration_lock(const struct paths *p, const char *issuer, int64_t deadline, struct report *why);

/* READFILE_MISSING where there is none. */
enum readfile_result registration_load(struct registration *r, const struct paths *p, const char *issuer,
                                       struct report *why);

/* Writes it, as a state is written (store.h): whole and durable, or not at all. In two steps, so that a full disk is
 * found before the server is asked. The lock must be held. */
struct state_writer;
bool registration_prepare(struct state_writer *w, const struct paths *p, const char *issuer, struct report *why);
bool registration_commit(struct state_writer *w, const struct registration *r, struct report *why);

#endif
