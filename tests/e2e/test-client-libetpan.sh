# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/matrix.sh"

matrix etpan XOAUTH2 OAUTHBEARER

run_tests
