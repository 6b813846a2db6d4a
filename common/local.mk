# What plugin and helper share. Built position-independent, since the plugin takes it in.
noinst_LTLIBRARIES += libcommon.la
libcommon_la_SOURCES = \
	common/failure.c common/failure.h \
	common/keyfile.c common/keyfile.h \
	common/protocol.c common/protocol.h \
	common/readfile.c common/readfile.h \
	common/secret.c common/secret.h \
	common/text.c common/text.h \
	common/transport.c common/transport.h
