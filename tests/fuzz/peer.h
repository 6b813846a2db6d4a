/* Agents and a helper that are none: what the plugin and the helper connect to is one end of a socket pair, in which
 * the answer lies already. In for transport_connect() and process_start() where a harness is linked with --wrap. */
#ifndef XOAUTH2_FUZZ_PEER_H
#define XOAUTH2_FUZZ_PEER_H

#include "transport.h"

#include <stdbool.h>
#include <stddef.h>

#define PEER_ANSWERS_MAX 8

/* Nobody answers any more; nothing was asked. */
void peer_reset(void);

/* What the next one that is asked answers before it hangs up. The bytes must live until then. */
void peer_answer(const char *answer, size_t len);

/* The next one is not there: transport_connect() ends with this result and process_start() with this error. */
void peer_absent(enum transport_connection result, int error);

/* How many were asked. */
size_t peer_count(void);

/* What the last one of them was asked, taken apart; false where that is no message. The message lives until the next
 * call. */
bool peer_request(struct protocol_message *message);

#endif
