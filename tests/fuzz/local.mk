# Fuzz harnesses: one program per kind of input. `make check` gives each its corpus; with LIB_FUZZING_ENGINE they are
# fuzzers, see tests/fuzz/README. Like the unit tests they are linked with the inner libraries.
fuzz_programs =
check_PROGRAMS += $(fuzz_programs)
EXTRA_DIST += tests/coverage tests/fuzz/README tests/fuzz/corpus tests/fuzz/run

fuzz_cppflags = $(unit_cppflags) -iquote $(top_srcdir) -iquote $(top_srcdir)/helper $(JSON_CFLAGS)
fuzz_ldflags = $(AM_LDFLAGS) -Wl,--wrap=free
fuzz_wrap_peer = -Wl,--wrap=transport_connect -Wl,--wrap=process_start

check_LTLIBRARIES += libfuzz.la
libfuzz_la_SOURCES = \
	tests/fuzz/fuzz.c tests/fuzz/fuzz.h \
	tests/fuzz/peer.c tests/fuzz/peer.h
libfuzz_la_CPPFLAGS = $(fuzz_cppflags)
libfuzz_la_LIBADD = libunittest.la libcommon.la

if FUZZING_ENGINE
fuzz_engine = $(LIB_FUZZING_ENGINE)
else
TESTS += $(fuzz_programs)
check_LTLIBRARIES += libfuzzmain.la
libfuzzmain_la_SOURCES = tests/fuzz/main.c
libfuzzmain_la_CPPFLAGS = $(fuzz_cppflags) -DFUZZ_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus"'
fuzz_engine = libfuzzmain.la
endif
fuzz_libs = $(fuzz_engine) libfuzz.la

fuzz_programs += tests/fuzz/fuzz_account
tests_fuzz_fuzz_account_SOURCES = tests/fuzz/fuzz_account.c
tests_fuzz_fuzz_account_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_account_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_account_LDADD = $(fuzz_libs) $(helper_libs)

fuzz_programs += tests/fuzz/fuzz_address
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c
tests_fuzz_fuzz_address_CPPFLAGS = $(fuzz_cppflags) $(net_cppflags)
tests_fuzz_fuzz_address_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_address_LDADD = $(fuzz_libs) $(net_libs)

fuzz_programs += tests/fuzz/fuzz_agent
tests_fuzz_fuzz_agent_SOURCES = tests/fuzz/fuzz_agent.c
tests_fuzz_fuzz_agent_CPPFLAGS = $(fuzz_cppflags) $(agent_cppflags)
tests_fuzz_fuzz_agent_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_agent_LDADD = $(fuzz_libs) libagent.la $(net_libs)

fuzz_programs += tests/fuzz/fuzz_answer
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c
tests_fuzz_fuzz_answer_CPPFLAGS = $(fuzz_cppflags) $(net_cppflags)
tests_fuzz_fuzz_answer_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_answer_LDADD = $(fuzz_libs) $(net_libs)

fuzz_programs += tests/fuzz/fuzz_browser
tests_fuzz_fuzz_browser_SOURCES = tests/fuzz/fuzz_browser.c
tests_fuzz_fuzz_browser_CPPFLAGS = $(fuzz_cppflags) $(login_cppflags)
tests_fuzz_fuzz_browser_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_browser_LDADD = $(fuzz_libs) $(login_libs)

fuzz_programs += tests/fuzz/fuzz_challenge
tests_fuzz_fuzz_challenge_SOURCES = tests/fuzz/fuzz_challenge.c
tests_fuzz_fuzz_challenge_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_challenge_LDFLAGS = $(fuzz_ldflags) $(fuzz_wrap_peer)
tests_fuzz_fuzz_challenge_LDADD = $(fuzz_libs) libplugintest.la libxoauth2plugin.la $(helper_libs) $(SASL_LIBS) $(CMOCKA_LIBS)

fuzz_programs += tests/fuzz/fuzz_import
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz_import.c
tests_fuzz_fuzz_import_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_import_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_import_LDADD = $(fuzz_libs) $(transfer_libs)

fuzz_programs += tests/fuzz/fuzz_login
tests_fuzz_fuzz_login_SOURCES = tests/fuzz/fuzz_login.c
tests_fuzz_fuzz_login_CPPFLAGS = $(fuzz_cppflags) $(login_cppflags)
tests_fuzz_fuzz_login_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_login_LDADD = $(fuzz_libs) $(login_libs)

fuzz_programs += tests/fuzz/fuzz_metadata
tests_fuzz_fuzz_metadata_SOURCES = tests/fuzz/fuzz_metadata.c
tests_fuzz_fuzz_metadata_CPPFLAGS = $(fuzz_cppflags) $(net_cppflags)
tests_fuzz_fuzz_metadata_LDFLAGS = $(fuzz_ldflags) -Wl,--wrap=http_get
tests_fuzz_fuzz_metadata_LDADD = $(fuzz_libs) $(net_libs)

fuzz_programs += tests/fuzz/fuzz_options
tests_fuzz_fuzz_options_SOURCES = tests/fuzz/fuzz_options.c
tests_fuzz_fuzz_options_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_options_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_options_LDADD = $(fuzz_libs) libxoauth2plugin.la libcommon.la $(SASL_LIBS)

fuzz_programs += tests/fuzz/fuzz_protocol
tests_fuzz_fuzz_protocol_SOURCES = tests/fuzz/fuzz_protocol.c
tests_fuzz_fuzz_protocol_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_protocol_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_protocol_LDADD = $(fuzz_libs) libcommon.la

fuzz_programs += tests/fuzz/fuzz_request
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c helper/verb_helper.c
tests_fuzz_fuzz_request_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_request_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_request_LDADD = $(fuzz_libs) $(helper_libs)

fuzz_programs += tests/fuzz/fuzz_sasl
tests_fuzz_fuzz_sasl_SOURCES = tests/fuzz/fuzz_sasl.c
tests_fuzz_fuzz_sasl_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_sasl_LDFLAGS = $(fuzz_ldflags) $(fuzz_wrap_peer)
tests_fuzz_fuzz_sasl_LDADD = $(fuzz_libs) libxoauth2plugin.la libcommon.la $(SASL_LIBS)

fuzz_programs += tests/fuzz/fuzz_source
tests_fuzz_fuzz_source_SOURCES = tests/fuzz/fuzz_source.c
tests_fuzz_fuzz_source_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_source_LDFLAGS = $(fuzz_ldflags) $(fuzz_wrap_peer)
tests_fuzz_fuzz_source_LDADD = $(fuzz_libs) libxoauth2plugin.la $(helper_libs) $(SASL_LIBS)

fuzz_programs += tests/fuzz/fuzz_state
tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c
tests_fuzz_fuzz_state_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_state_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_state_LDADD = $(fuzz_libs) $(helper_libs)
