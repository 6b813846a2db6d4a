# shellcheck shell=bash
# Which mechanism a program chooses that pins none, and what it says when it pins ours.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# mbsync over TLS, since it sends no password without; it pins nothing.
mbsync_unpinned() {
    write_mbsyncrc "Port $IMAPS_PORT" 'SSLType IMAPS' "CertificateFile $E2E_RUN/tls/ca.pem" "$@"
    run_mbsync
}

# must_have_used MECHANISM: for the login that has just succeeded.
must_have_used() {
    wait_for server_let_in
    equals "$(mechanism_used)" "$1"
}

mechanism_used() {
    sed -n "s/.*Login: user=<$ME>, method=\([^,]*\),.*/\1/p" "$E2E_RUN/dovecot/log" | tail -n 1
}

test_nothing_configured_stays_with_the_password() {
    mbsync_unpinned 'Pass app-password' || fail "$(cat "$T/shown")"
    must_have_used PLAIN
}

test_nothing_configured_and_pinned() {
    ! mbsync_unpinned 'Pass app-password' 'AuthMechs XOAUTH2' || fail 'logged in'
    has "$T/shown" "$(no_account)"
    equals "$(mechanism_used)" ''
}

test_configured_wins_over_the_password() {
    login
    mbsync_unpinned 'Pass app-password' || fail "$(cat "$T/shown")"
    must_have_used XOAUTH2
}

test_configured_without_any_password() {
    login
    mbsync_unpinned || fail "$(cat "$T/shown")"
    must_have_used XOAUTH2
}

test_password_of_the_application_is_never_taken_for_a_token() {
    ! mbsync_unpinned 'Pass app-password' 'AuthMechs OAUTHBEARER' || fail 'logged in'
    equals "$(grep -c app-password "$T/shown" || true)" 0
}

run_tests
