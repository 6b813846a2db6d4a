# `xoauth2 login`: its pieces as an inner library, which the unit tests link too, and the program.
login_cppflags = $(net_cppflags) $(QRENCODE_CFLAGS)

noinst_LTLIBRARIES += liblogin.la
liblogin_la_SOURCES = \
	helper/net/authorize.c helper/net/authorize.h \
	helper/net/browser.c helper/net/browser.h \
	helper/net/device.c helper/net/device.h \
	helper/net/dns.c helper/net/dns.h \
	helper/net/identity.c helper/net/identity.h \
	helper/net/login.h \
	helper/net/login_account.c helper/net/login_account.h \
	helper/net/login_again.c helper/net/login_again.h \
	helper/net/login_app.c helper/net/login_app.h \
	helper/net/login_browser.c helper/net/login_browser.h \
	helper/net/login_drop.c helper/net/login_drop.h \
	helper/net/login_found.c helper/net/login_found.h \
	helper/net/login_options.c helper/net/login_options.h \
	helper/net/login_provider.c helper/net/login_provider.h \
	helper/net/login_register.c helper/net/login_register.h \
	helper/net/login_save.c helper/net/login_save.h \
	helper/net/login_who.c helper/net/login_who.h \
	helper/net/loopback.c helper/net/loopback.h \
	helper/net/loopback_request.c \
	helper/net/mx.c helper/net/mx.h \
	helper/net/pacc.c helper/net/pacc.h \
	helper/net/pacc_find.c \
	helper/net/qr.c helper/net/qr.h \
	helper/net/redirect.c helper/net/redirect.h \
	helper/net/register.c helper/net/register.h \
	helper/net/register_store.c \
	helper/net/terminal.c helper/net/terminal.h
liblogin_la_CPPFLAGS = $(login_cppflags)

# What links it links these with it, in this order.
login_libs = liblogin.la $(net_libs) $(CRYPTO_LIBS) $(QRENCODE_LIBS) -lresolv

pkglibexec_PROGRAMS += login

login_SOURCES = helper/net/login.c
login_CPPFLAGS = $(login_cppflags)
login_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
login_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
login_LDADD = $(login_libs)
