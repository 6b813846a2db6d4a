/* What every unit test includes: cmocka, with the headers that it wants before its own. */
#ifndef XOAUTH2_TEST_H
#define XOAUTH2_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
