# Moving accounts in from other programs, and between machines.
noinst_LTLIBRARIES += libtransfer.la
libtransfer_la_SOURCES = \
	helper/net/jsontext.c helper/net/jsontext.h \
	helper/transfer/formats.c helper/transfer/formats.h \
	helper/transfer/transfer.c helper/transfer/transfer.h
libtransfer_la_CPPFLAGS = $(helper_cppflags) -iquote $(top_srcdir)/helper/transfer
transfer_libs = libtransfer.la $(helper_libs)

pkglibexec_PROGRAMS += import dump restore

import_SOURCES = helper/transfer/import.c
import_CPPFLAGS = $(libtransfer_la_CPPFLAGS)
import_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
import_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
import_LDADD = $(transfer_libs)

dump_SOURCES = helper/transfer/dump.c
dump_CPPFLAGS = $(libtransfer_la_CPPFLAGS)
dump_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
dump_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
dump_LDADD = $(transfer_libs)

restore_SOURCES = helper/transfer/restore.c
restore_CPPFLAGS = $(libtransfer_la_CPPFLAGS)
restore_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
restore_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
restore_LDADD = $(transfer_libs)
