# The network side: the programs refresh, logout and login, which `xoauth2` starts when there is something to fetch, and the
# inner library that they share. -iquote, since the system has a <paths.h> of its own.
net_cppflags = $(helper_cppflags) -iquote $(top_srcdir)/helper/net $(CURL_CFLAGS) $(CRYPTO_CFLAGS)

noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
	helper/net/advice.c helper/net/advice.h \
	helper/net/discovery.c \
	helper/net/http.c helper/net/http.h \
	helper/net/grant.c helper/net/grant.h \
	helper/net/jsontext.c helper/net/jsontext.h \
	helper/net/jwt.c helper/net/jwt.h \
	helper/net/oauth.c helper/net/oauth.h \
	helper/net/renew.c helper/net/renew.h \
	helper/net/revoke.c helper/net/revoke.h
libnet_la_CPPFLAGS = $(net_cppflags)

# What links it links these with it, in this order.
net_libs = libnet.la $(helper_libs) $(CURL_LIBS) $(CRYPTO_LIBS)

pkglibexec_PROGRAMS += refresh logout

refresh_SOURCES = helper/net/refresh.c
refresh_CPPFLAGS = $(net_cppflags)
refresh_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
refresh_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
refresh_LDADD = $(net_libs)

logout_SOURCES = helper/net/logout.c
logout_CPPFLAGS = $(net_cppflags)
logout_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
logout_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
logout_LDADD = $(net_libs)

include helper/net/login.mk
include helper/net/test.mk
