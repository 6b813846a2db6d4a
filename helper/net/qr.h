/* A QR code on the terminal, where the program was built with libqrencode. */
#ifndef XOAUTH2_QR_H
#define XOAUTH2_QR_H

#include "terminal.h"

/* The code as lines of half blocks in UTF-8, white on black whatever the terminal's colours are; the caller frees.
 * NULL where it would be wider than `columns`, memory is short, or there is no libqrencode. */
char *qr_text(const char *text, unsigned columns);

/* Shows it on a terminal that has room, colours and the characters; does nothing elsewhere: without colours a scanner
 * may meet it inverted. */
void qr_show(struct terminal *t, const char *text);

#endif
