/* A DNS server for tests: a process on a free loopback port that gives the same answer to every question by UDP. By
 * TCP it takes connections and never says a word. */
#ifndef XOAUTH2_TEST_NAME_SERVER_H
#define XOAUTH2_TEST_NAME_SERVER_H

#include <stddef.h>

/* An answer to "example.org MX?" with two records, the second compressed: 10 in.example.org, 20 mail.example.com. */
#define NAME_SERVER_ANSWER \
    "\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" \
    "\x07" "example" "\x03" "org" "\x00" "\x00\x0f\x00\x01" \
    "\xc0\x0c" "\x00\x0f\x00\x01" "\x00\x00\x01\x2c" "\x00\x07" "\x00\x0a" "\x02" "in" "\xc0\x0c" \
    "\xc0\x0c" "\x00\x0f\x00\x01" "\x00\x00\x01\x2c" "\x00\x14" "\x00\x14" "\x04" "mail" \
    "\x07" "example" "\x03" "com" "\x00"

/* Starts it and makes dns_ask() ask it; a length of 0 means that it never answers. */
void name_server_start(const unsigned char *answer, size_t len);

/* Stops it. */
void name_server_stop(void);

#endif
