# The token helper: accounts, state and the token itself as an inner library, which the network side and the unit
# tests link too; around it the command `xoauth2`, which needs libc and json-c alone and so starts fast.
# -iquote, since the system has a <paths.h> of its own.
helper_cppflags = $(AM_CPPFLAGS) -iquote $(top_srcdir)/helper $(JSON_CFLAGS)

noinst_LTLIBRARIES += libhelper.la
libhelper_la_SOURCES = \
	helper/account.c helper/account.h \
	helper/accountfile.c helper/accountfile.h \
	helper/argument.c helper/argument.h \
	helper/base64.c helper/base64.h \
	helper/caller.c helper/caller.h \
	helper/challenge.c helper/challenge.h \
	helper/choice.c helper/choice.h \
	helper/clock.c helper/clock.h \
	helper/fetch.c helper/fetch.h \
	helper/glob.c helper/glob.h \
	helper/hash.c helper/hash.h \
	helper/inquiry.c helper/inquiry.h \
	helper/jsonmemory.c helper/jsonmemory.h \
	helper/keeper.c helper/keeper.h \
	helper/lookup.c helper/lookup.h \
	helper/newfile.c helper/newfile.h \
	helper/origin.c helper/origin.h \
	helper/paths.c helper/paths.h \
	helper/provider.c helper/provider.h \
	helper/reach.c helper/reach.h \
	helper/runner.c helper/runner.h \
	helper/screen.c helper/screen.h \
	helper/server.c helper/server.h \
	helper/settings.c helper/settings.h \
	helper/startup.c helper/startup.h \
	helper/store.c helper/store.h \
	helper/token.c helper/token.h
libhelper_la_CPPFLAGS = $(helper_cppflags)

# What links the inner library links these with it, in this order.
helper_libs = libhelper.la libcommon.la $(JSON_LIBS)

bin_PROGRAMS += xoauth2
xoauth2_SOURCES = \
	helper/command.c helper/command.h \
	helper/main.c \
	helper/verb_helper.c \
	helper/verb_list.c \
	helper/verb_refresh.c \
	helper/verb_status.c \
	helper/verb_token.c
xoauth2_CPPFLAGS = $(helper_cppflags)
xoauth2_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
xoauth2_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
xoauth2_LDADD = $(helper_libs)

include helper/net/local.mk
include helper/agent/local.mk
include helper/doctor/local.mk
include helper/transfer/local.mk
