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
