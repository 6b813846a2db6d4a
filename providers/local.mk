# One file per provider: adding a provider is adding a file here and its name below.
dist_pkgprovider_DATA += \
	providers/aol.conf \
	providers/comcast.conf \
	providers/fastmail.conf \
	providers/generic.conf \
	providers/google.conf \
	providers/mailru.conf \
	providers/microsoft-china.conf \
	providers/microsoft-dod.conf \
	providers/microsoft-gcc-high.conf \
	providers/microsoft.conf \
	providers/outlook.conf \
	providers/yahoo.conf \
	providers/yandex.conf

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_provider_files
TESTS += tests/unit/test_provider_files
tests_unit_test_provider_files_SOURCES = tests/unit/test_provider_files.c tests/unit/test.h
tests_unit_test_provider_files_CPPFLAGS = $(helper_cppflags) $(CMOCKA_CFLAGS) -I$(top_srcdir)/tests/unit
tests_unit_test_provider_files_LDADD = $(helper_libs) $(CMOCKA_LIBS)
endif
