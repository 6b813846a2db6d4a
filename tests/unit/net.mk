# helper/net: requests, answers and renewals, against recorded answers and a scripted server.
unit_tests += \
	tests/unit/test_advice tests/unit/test_discovery tests/unit/test_http tests/unit/test_jsontext \
	tests/unit/test_logout tests/unit/test_oauth tests/unit/test_refresh tests/unit/test_renew
net_test_cppflags = $(unit_cppflags) $(net_cppflags)
net_test_libs = $(net_libs) libunittest.la $(CMOCKA_LIBS)
# The scripted server speaks TLS; libssl comes with libcrypto.
web_test_libs = libwebserver.la $(net_test_libs) -lssl $(CRYPTO_LIBS)

check_LTLIBRARIES += libwebserver.la
libwebserver_la_SOURCES = tests/unit/web_server.c tests/unit/web_server.h
libwebserver_la_CPPFLAGS = $(unit_cppflags) $(CRYPTO_CFLAGS)

tests_unit_test_advice_SOURCES = tests/unit/test_advice.c
tests_unit_test_advice_CPPFLAGS = $(net_test_cppflags)
tests_unit_test_advice_LDADD = $(net_test_libs)

tests_unit_test_discovery_SOURCES = tests/unit/test_discovery.c
tests_unit_test_discovery_CPPFLAGS = $(net_test_cppflags)
tests_unit_test_discovery_LDADD = $(web_test_libs)

tests_unit_test_http_SOURCES = tests/unit/test_http.c
tests_unit_test_http_CPPFLAGS = $(net_test_cppflags)
tests_unit_test_http_LDADD = $(web_test_libs)

tests_unit_test_jsontext_SOURCES = tests/unit/test_jsontext.c
tests_unit_test_jsontext_CPPFLAGS = $(net_test_cppflags)
tests_unit_test_jsontext_LDADD = $(net_test_libs)

tests_unit_test_oauth_SOURCES = tests/unit/test_oauth.c
tests_unit_test_oauth_CPPFLAGS = $(net_test_cppflags)
tests_unit_test_oauth_LDADD = $(net_test_libs)

tests_unit_test_renew_SOURCES = tests/unit/test_renew.c
tests_unit_test_renew_CPPFLAGS = $(net_test_cppflags)
tests_unit_test_renew_LDADD = $(web_test_libs)

# The programs as they were built.
tests_unit_test_logout_SOURCES = tests/unit/test_logout.c
tests_unit_test_logout_CPPFLAGS = $(net_test_cppflags) -DLOGOUT_PROGRAM='"$(abs_top_builddir)/logout"'
tests_unit_test_logout_LDADD = $(web_test_libs)

tests_unit_test_refresh_SOURCES = tests/unit/test_refresh.c
tests_unit_test_refresh_CPPFLAGS = $(net_test_cppflags) -DREFRESH_PROGRAM='"$(abs_top_builddir)/refresh"'
tests_unit_test_refresh_LDADD = $(web_test_libs)
