# shellcheck shell=bash
# sasl-sample-client, whose lines are carried to and from Dovecot.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/matrix.sh"

matrix sample XOAUTH2 OAUTHBEARER

run_tests
