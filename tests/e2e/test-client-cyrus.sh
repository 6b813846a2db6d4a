# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/matrix.sh"

matrix imtest XOAUTH2 OAUTHBEARER
matrix pop3test XOAUTH2 OAUTHBEARER
matrix smtptest XOAUTH2 OAUTHBEARER

run_tests
