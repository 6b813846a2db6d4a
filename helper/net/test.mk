# `xoauth2 test`: logins at mail servers.
pkglibexec_PROGRAMS += test

test_SOURCES = \
	helper/net/test.c \
	helper/net/test_attempt.c helper/net/test_attempt.h \
	helper/net/test_report.c helper/net/test_report.h
test_CPPFLAGS = $(net_cppflags)
test_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
test_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
test_LDADD = $(net_libs)
