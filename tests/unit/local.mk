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
