# Commands, signed tokens, and the grants without a person.
unit_tests += tests/unit/test_runner tests/unit/test_jwt
grants_test_libs = libunittest.la $(net_libs) $(CRYPTO_LIBS) $(CMOCKA_LIBS)
grants_test_cppflags = $(net_cppflags) $(CMOCKA_CFLAGS) -I$(top_srcdir)/tests/unit

tests_unit_test_runner_SOURCES = tests/unit/test_runner.c
tests_unit_test_runner_CPPFLAGS = $(grants_test_cppflags)
tests_unit_test_runner_LDADD = $(grants_test_libs)

tests_unit_test_jwt_SOURCES = tests/unit/test_jwt.c
tests_unit_test_jwt_CPPFLAGS = $(grants_test_cppflags)
tests_unit_test_jwt_LDADD = $(grants_test_libs)

unit_tests += tests/unit/test_mx
tests_unit_test_mx_SOURCES = tests/unit/test_mx.c tests/unit/name_server.c tests/unit/name_server.h
tests_unit_test_mx_CPPFLAGS = $(login_cppflags) $(CMOCKA_CFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_mx_LDADD = libunittest.la $(login_libs) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_grant tests/unit/test_keeper
tests_unit_test_grant_SOURCES = tests/unit/test_grant.c
tests_unit_test_grant_CPPFLAGS = $(grants_test_cppflags)
tests_unit_test_grant_LDADD = $(grants_test_libs)

tests_unit_test_keeper_SOURCES = tests/unit/test_keeper.c
tests_unit_test_keeper_CPPFLAGS = $(grants_test_cppflags)
tests_unit_test_keeper_LDADD = $(grants_test_libs)

# Token files of other programs.
unit_tests += tests/unit/test_formats
tests_unit_test_formats_SOURCES = tests/unit/test_formats.c
tests_unit_test_formats_CPPFLAGS = $(libtransfer_la_CPPFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_formats_LDADD = libunittest.la $(transfer_libs) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_transfer
tests_unit_test_transfer_SOURCES = tests/unit/test_transfer.c
tests_unit_test_transfer_CPPFLAGS = $(libtransfer_la_CPPFLAGS) $(CMOCKA_CFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_transfer_LDADD = libhelpertest.la libunittest.la $(transfer_libs) $(CMOCKA_LIBS)
