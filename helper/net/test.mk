# `xoauth2 test`: logins at mail servers, by libcurl or, with --through-sasl, by libsasl2. No other program here has libsasl2.
pkglibexec_PROGRAMS += test

test_SOURCES = \
	helper/net/test.c \
	helper/net/test_attempt.c helper/net/test_attempt.h \
	helper/net/test_report.c helper/net/test_report.h \
	helper/net/test_sasl.c helper/net/test_sasl.h \
	helper/net/test_talk.c helper/net/test_talk.h \
	helper/net/test_wire.c helper/net/test_wire.h
test_CPPFLAGS = $(net_cppflags) $(SASL_CFLAGS)
test_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
test_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
test_LDADD = $(net_libs) $(SASL_LIBS)
