# One program per file, named by what it tests. A program adds itself to unit_tests and says what it is made of and
# what it links: the inner library of its part, what all tests share, and cmocka.
unit_tests =
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

unit_cppflags = $(AM_CPPFLAGS) $(SASL_CFLAGS) $(CMOCKA_CFLAGS) \
	-I$(top_srcdir)/plugin -I$(top_srcdir)/tests/unit

# What all tests share.
check_LTLIBRARIES += libunittest.la
libunittest_la_SOURCES = tests/unit/test.h tests/unit/folder.c tests/unit/folder.h
libunittest_la_CPPFLAGS = $(unit_cppflags)

# common/
unit_tests += \
	tests/unit/test_text tests/unit/test_secret tests/unit/test_readfile \
	tests/unit/test_keyfile tests/unit/test_protocol
common_test_libs = libunittest.la libcommon.la $(CMOCKA_LIBS)

tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_CPPFLAGS = $(unit_cppflags)
tests_unit_test_text_LDADD = $(common_test_libs)

tests_unit_test_secret_SOURCES = tests/unit/test_secret.c
tests_unit_test_secret_CPPFLAGS = $(unit_cppflags)
tests_unit_test_secret_LDADD = $(common_test_libs)

tests_unit_test_readfile_SOURCES = tests/unit/test_readfile.c
tests_unit_test_readfile_CPPFLAGS = $(unit_cppflags)
tests_unit_test_readfile_LDADD = $(common_test_libs)

tests_unit_test_keyfile_SOURCES = tests/unit/test_keyfile.c
tests_unit_test_keyfile_CPPFLAGS = $(unit_cppflags)
tests_unit_test_keyfile_LDADD = $(common_test_libs)

tests_unit_test_protocol_SOURCES = tests/unit/test_protocol.c
tests_unit_test_protocol_CPPFLAGS = $(unit_cppflags)
tests_unit_test_protocol_LDADD = $(common_test_libs)

# plugin/
unit_tests += \
	tests/unit/test_grammar tests/unit/test_options tests/unit/test_source \
	tests/unit/test_plugin tests/unit/test_plugin_helper tests/unit/test_module tests/unit/test_guest
plugin_test_libs = libplugintest.la libunittest.la libxoauth2plugin.la $(SASL_LIBS) $(CMOCKA_LIBS) -lpthread

check_LTLIBRARIES += libplugintest.la
libplugintest_la_SOURCES = \
	tests/unit/app.c tests/unit/app.h \
	tests/unit/fake_agent.c tests/unit/fake_agent.h
libplugintest_la_CPPFLAGS = $(unit_cppflags)

check_PROGRAMS += tests/unit/fake_helper
tests_unit_fake_helper_SOURCES = tests/unit/fake_helper.c

tests_unit_test_grammar_SOURCES = tests/unit/test_grammar.c
tests_unit_test_grammar_CPPFLAGS = $(unit_cppflags)
tests_unit_test_grammar_LDADD = $(plugin_test_libs)

tests_unit_test_options_SOURCES = tests/unit/test_options.c
tests_unit_test_options_CPPFLAGS = $(unit_cppflags)
tests_unit_test_options_LDADD = $(plugin_test_libs)

tests_unit_test_source_SOURCES = tests/unit/test_source.c
tests_unit_test_source_CPPFLAGS = $(unit_cppflags)
tests_unit_test_source_LDADD = $(plugin_test_libs)

tests_unit_test_plugin_SOURCES = tests/unit/test_plugin.c
tests_unit_test_plugin_CPPFLAGS = $(unit_cppflags)
tests_unit_test_plugin_LDADD = $(plugin_test_libs)

tests_unit_test_plugin_helper_SOURCES = tests/unit/test_plugin_helper.c
tests_unit_test_plugin_helper_CPPFLAGS = $(unit_cppflags)
tests_unit_test_plugin_helper_LDADD = $(plugin_test_libs)

# The module as it is installed, in libsasl2's hands.
tests_unit_test_module_SOURCES = tests/unit/test_module.c
tests_unit_test_module_CPPFLAGS = $(unit_cppflags)
tests_unit_test_module_LDADD = $(plugin_test_libs)
tests_unit_test_guest_SOURCES = tests/unit/test_guest.c
tests_unit_test_guest_CPPFLAGS = $(unit_cppflags)
tests_unit_test_guest_LDADD = $(plugin_test_libs)
dist_check_SCRIPTS += tests/unit/test_module_file.sh
TESTS += tests/unit/test_module_file.sh

# The build itself.
dist_check_SCRIPTS += tests/unit/test_configure.sh tests/unit/test_install.sh
TESTS += tests/unit/test_configure.sh tests/unit/test_install.sh

# helper/
helper_test_cppflags = $(unit_cppflags) -iquote $(top_srcdir)/helper $(JSON_CFLAGS)
unit_tests += \
	tests/unit/test_glob tests/unit/test_base64 tests/unit/test_settings tests/unit/test_paths \
	tests/unit/test_account tests/unit/test_accountfile tests/unit/test_store tests/unit/test_origin
helper_test_libs = libhelpertest.la libunittest.la $(helper_libs) $(CMOCKA_LIBS)

check_LTLIBRARIES += libhelpertest.la
libhelpertest_la_SOURCES = tests/unit/store_folder.c tests/unit/store_folder.h
libhelpertest_la_CPPFLAGS = $(helper_test_cppflags)

tests_unit_test_glob_SOURCES = tests/unit/test_glob.c
tests_unit_test_glob_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_glob_LDADD = $(helper_test_libs)

tests_unit_test_base64_SOURCES = tests/unit/test_base64.c
tests_unit_test_base64_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_base64_LDADD = $(helper_test_libs)

tests_unit_test_settings_SOURCES = tests/unit/test_settings.c
tests_unit_test_settings_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_settings_LDADD = $(helper_test_libs)

tests_unit_test_paths_SOURCES = tests/unit/test_paths.c
tests_unit_test_paths_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_paths_LDADD = $(helper_test_libs)

tests_unit_test_account_SOURCES = tests/unit/test_account.c
tests_unit_test_account_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_account_LDADD = $(helper_test_libs)

tests_unit_test_accountfile_SOURCES = tests/unit/test_accountfile.c
tests_unit_test_accountfile_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_accountfile_LDADD = $(helper_test_libs)

tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_store_LDADD = $(helper_test_libs)

tests_unit_test_origin_SOURCES = tests/unit/test_origin.c
tests_unit_test_origin_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_origin_LDADD = $(helper_test_libs)

include tests/unit/net.mk

include tests/unit/login.mk

unit_tests += tests/unit/test_token tests/unit/test_lookup
tests_unit_test_token_SOURCES = tests/unit/test_token.c
tests_unit_test_token_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_token_LDADD = $(helper_test_libs)

# With a system's store of its own, in folders relative to where it runs.
tests_unit_test_lookup_SOURCES = tests/unit/test_lookup.c helper/lookup.c helper/paths.c
tests_unit_test_lookup_CPPFLAGS = $(helper_test_cppflags) -USYSCONFDIR -DSYSCONFDIR='"etc"' -USTATEDIR -DSTATEDIR='"var"'
tests_unit_test_lookup_LDADD = $(helper_test_libs)

unit_tests += tests/unit/test_helper
tests_unit_test_helper_SOURCES = tests/unit/test_helper.c helper/verb_helper.c
tests_unit_test_helper_CPPFLAGS = $(helper_test_cppflags)
tests_unit_test_helper_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=poll
tests_unit_test_helper_LDADD = $(helper_test_libs)

# The command itself, as it was built.
unit_tests += tests/unit/test_verbs
tests_unit_test_verbs_SOURCES = tests/unit/test_verbs.c
tests_unit_test_verbs_CPPFLAGS = $(helper_test_cppflags) -DXOAUTH2_PROGRAM='"$(abs_top_builddir)/xoauth2"'
tests_unit_test_verbs_LDADD = $(helper_test_libs)

include tests/unit/grants.mk

include tests/unit/fault.mk

include tests/unit/agent.mk
