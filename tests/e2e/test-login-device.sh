# shellcheck shell=bash
# xoauth2 login --device (RFC 8628).
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# Starts the login in the background; sets OWN_PID and USER_CODE.
start_login() {
    start_xoauth2 login --issuer "$ISSUER" --client-id desktop --scope 'openid offline_access email mail' "$@" "$ME"
    wait_for grep -qE '[B-Z]{4}-[B-Z]{4}' "$T/err"
    USER_CODE=$(grep -oE '[B-Z]{4}-[B-Z]{4}' "$T/err" | head -n 1)
}

test_device_login() {
    start_login --device
    has "$T/err" "$ISSUER/device"
    E2E_BROWSER_USER=$ME "$E2E_DIR/browser" "$ISSUER/device?user_code=$USER_CODE"
    wait "$OWN_PID" || fail "status $?: $(cat "$T/err")"
    [ ! -s "$T/out" ] || fail "wrote to standard output: $(cat "$T/out")"
    has "$T/err" "signed in as $ME"
    gets_token
    equals "$(requests '.error == "slow_down"')" 0
}

test_device_is_the_default_without_a_display() {
    unset BROWSER
    start_login
    E2E_BROWSER_USER=$ME "$E2E_DIR/browser" "$ISSUER/device?user_code=$USER_CODE"
    wait "$OWN_PID" || fail "status $?: $(cat "$T/err")"
    gets_token
}

test_declined() {
    start_login --device
    E2E_BROWSER_USER=$ME E2E_BROWSER_MODE=refuse "$E2E_DIR/browser" "$ISSUER/device?user_code=$USER_CODE" || true
    ! wait "$OWN_PID" || fail 'it ended well'
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'there is an account file'
}

test_no_device_endpoint() {
    status 1 xoauth2 login --device --issuer "$FAULTS" --client-id desktop --scope mail "$ME"
    has "$T/err" 'device'
}

run_tests
