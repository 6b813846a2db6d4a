# The token helper: accounts, state and the token itself as an inner library, which the network side and the unit
# tests link too; around it the command `xoauth2`, which needs libc and json-c alone and so starts fast.
# -iquote, since the system has a <paths.h> of its own.
helper_cppflags = $(AM_CPPFLAGS) -iquote $(top_srcdir)/helper $(JSON_CFLAGS)

noinst_LTLIBRARIES += libhelper.la
libhelper_la_SOURCES = \
	helper/account.c helper/account.h \
	helper/accountfile.c helper/accountfile.h \
	helper/caller.c helper/caller.h \
	helper/clock.c helper/clock.h \
	helper/glob.c helper/glob.h \
	helper/newfile.c helper/newfile.h \
	helper/paths.c helper/paths.h \
	helper/provider.c helper/provider.h \
	helper/settings.c helper/settings.h \
	helper/store.c helper/store.h
libhelper_la_CPPFLAGS = $(helper_cppflags)

# What links the inner library links these with it, in this order.
helper_libs = libhelper.la libcommon.la $(JSON_LIBS)

include helper/net/local.mk
