# `xoauth2 doctor`. It alone links libsasl2 and parts of the plugin, so that it sees what the plugin sees.
doctor_cppflags = $(net_cppflags) -iquote $(top_srcdir) $(SASL_CFLAGS) -DPLUGINDIR='"$(plugindir)"'

pkglibexec_PROGRAMS += doctor
doctor_SOURCES = \
	helper/command.c helper/command.h \
	helper/doctor/become.c helper/doctor/become.h \
	helper/doctor/bug_report.c helper/doctor/bug_report.h \
	helper/doctor/doctor.c \
	helper/doctor/look.h \
	helper/doctor/look_accounts.c \
	helper/doctor/look_mbsync.c \
	helper/doctor/look_options.c \
	helper/doctor/look_plugin.c \
	helper/doctor/look_postfix.c \
	helper/doctor/look_provider.c \
	helper/doctor/look_sources.c \
	helper/doctor/look_state.c \
	helper/doctor/output.c helper/doctor/output.h \
	helper/doctor/postconf.c helper/doctor/postconf.h \
	helper/doctor/record.c helper/doctor/record.h \
	helper/doctor/relay_accounts.c helper/doctor/relay_accounts.h
doctor_CPPFLAGS = $(doctor_cppflags)
doctor_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
doctor_LDFLAGS = $(AM_LDFLAGS) $(PIE_LDFLAGS)
doctor_LDADD = libxoauth2plugin.la libagent.la $(net_libs) $(SASL_LIBS)

EXTRA_DIST += tests/e2e/test-doctor.sh
