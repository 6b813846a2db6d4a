# helper/net/login
login_unit_tests = \
	tests/unit/test_authorize tests/unit/test_browser tests/unit/test_device tests/unit/test_identity \
	tests/unit/test_login_account tests/unit/test_login_options tests/unit/test_login_save \
	tests/unit/test_loopback tests/unit/test_pacc tests/unit/test_qr tests/unit/test_redirect tests/unit/test_register \
	tests/unit/test_terminal
unit_tests += $(login_unit_tests)
login_test_cppflags = $(unit_cppflags) $(login_cppflags)
login_test_libs = $(login_libs) libunittest.la $(CMOCKA_LIBS)

tests_unit_test_authorize_SOURCES = tests/unit/test_authorize.c
tests_unit_test_authorize_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_authorize_LDADD = $(login_test_libs)

tests_unit_test_browser_SOURCES = tests/unit/test_browser.c
tests_unit_test_browser_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_browser_LDADD = $(login_test_libs)

tests_unit_test_device_SOURCES = tests/unit/test_device.c
tests_unit_test_device_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_device_LDADD = $(login_test_libs)

tests_unit_test_identity_SOURCES = tests/unit/test_identity.c
tests_unit_test_identity_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_identity_LDADD = $(login_test_libs)

tests_unit_test_login_account_SOURCES = tests/unit/test_login_account.c tests/unit/name_server.c tests/unit/name_server.h
tests_unit_test_login_account_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_login_account_LDADD = $(login_test_libs)

tests_unit_test_login_options_SOURCES = tests/unit/test_login_options.c
tests_unit_test_login_options_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_login_options_LDADD = $(login_test_libs)

tests_unit_test_login_save_SOURCES = tests/unit/test_login_save.c
tests_unit_test_login_save_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_login_save_LDADD = $(login_test_libs)

tests_unit_test_loopback_SOURCES = tests/unit/test_loopback.c
tests_unit_test_loopback_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_loopback_LDADD = $(login_test_libs)

tests_unit_test_pacc_SOURCES = tests/unit/test_pacc.c
tests_unit_test_pacc_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_pacc_LDADD = $(login_test_libs)

tests_unit_test_qr_SOURCES = tests/unit/test_qr.c
tests_unit_test_qr_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_qr_LDADD = $(login_test_libs)

tests_unit_test_redirect_SOURCES = tests/unit/test_redirect.c
tests_unit_test_redirect_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_redirect_LDADD = $(login_test_libs)

# With the scripted server.
tests_unit_test_register_SOURCES = tests/unit/test_register.c
tests_unit_test_register_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_register_LDADD = $(login_libs) $(web_test_libs)

tests_unit_test_terminal_SOURCES = tests/unit/test_terminal.c
tests_unit_test_terminal_CPPFLAGS = $(login_test_cppflags)
tests_unit_test_terminal_LDADD = $(login_test_libs)
