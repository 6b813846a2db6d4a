# All that tests. Unit tests are run by `make check`; those in tests/e2e need an installed tree and real servers.
if HAVE_CMOCKA
include tests/unit/local.mk

include tests/fuzz/local.mk
endif

include tests/e2e/local.mk

EXTRA_DIST += .clang-tidy tests/analysis

# The promises of SECURITY.md and the tests that show them.
dist_check_SCRIPTS += tests/security-check
TESTS += tests/security-check

# Run by .ci/run, see tests/faults/README.
EXTRA_DIST += \
	tests/faults/README \
	tests/faults/browser \
	tests/faults/calls.c \
	tests/faults/chance.c \
	tests/faults/chance.h \
	tests/faults/leaks-of-others \
	tests/faults/test-seeds.sh
