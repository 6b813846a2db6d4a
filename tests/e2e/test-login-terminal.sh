# shellcheck shell=bash
# xoauth2 login on a terminal: the redirect URL pasted, questions asked.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/terminal.sh"

start_login() {
    on_terminal xoauth2 login --issuer "$ISSUER" --client-id desktop --scope 'openid offline_access email mail' \
        --browser "$@" "$ME"
    wait_for grep -q 'Waiting for the login' "$T/screen.secret" # which comes behind the address
    LOGIN_URL=$(tr -d '\r' < "$T/screen.secret" | grep -o "$ISSUER/auth?[^ ]*" | head -n 1)
}

redirect_for() {
    E2E_BROWSER_USER=$1 E2E_BROWSER_MODE=print E2E_BROWSER_OUTPUT=$T/redirect.secret "$E2E_DIR/browser" "$LOGIN_URL"
}

test_pasted_redirect_url() {
    start_login --no-open
    wait_for grep -q 'paste it here and press Enter' "$T/screen.secret"
    redirect_for "$ME"
    type_in "$(cat "$T/redirect.secret")"
    terminal_ends 0
    has "$T/screen" "signed in as $ME"
    gets_token
}

# A terminal drops what is beyond 4095 characters of a line that is being edited. Microsoft's codes can be that long.
test_pasted_redirect_url_is_long() {
    start_login --no-open
    wait_for grep -q 'paste it here and press Enter' "$T/screen.secret"
    redirect_for "$ME"
    local long
    long="$(tr -d '\r\n' < "$T/redirect.secret")&session_state=$(printf '%06000d' 0)"
    type_in "$long"
    wait_for grep -q 'took only the first 4095 characters' "$T/screen.secret"
    type_in "$long"
    terminal_ends 0
    has "$T/screen" "signed in as $ME"
    gets_token
}

test_something_else_pasted_first() {
    start_login --no-open
    type_in 'https://example.org/?code=x&state=y'
    type_in ''
    type_in 'what is this?'
    redirect_for "$ME"
    type_in "$(cat "$T/redirect.secret")"
    terminal_ends 0
    gets_token
}

test_browser_comes_first_although_a_paste_is_possible() {
    start_login --no-open
    E2E_BROWSER_USER=$ME "$E2E_DIR/browser" "$LOGIN_URL"
    terminal_ends 0
    gets_token
}

# Neither the name, which has no domain, nor a mail server tells where to log in.
test_provider_that_nobody_knows_is_not_asked_for() {
    ME=team
    on_terminal xoauth2 login --client-id desktop --scope 'openid offline_access mail' --no-open --allow-other-user "$ME"
    wait_for grep -q 'NAME or URL:' "$T/screen.secret"
    type_in "$ISSUER"
    wait_for grep -q 'Waiting for the login' "$T/screen.secret" # which comes behind the address
    LOGIN_URL=$(tr -d '\r' < "$T/screen.secret" | grep -o "$ISSUER/auth?[^ ]*" | head -n 1)
    redirect_for me@example.org
    type_in "$(cat "$T/redirect.secret")"
    terminal_ends 0
    has "$T/screen" 'which provider is team at?'
    has_line "$ACCOUNTS/team.conf" "issuer: $ISSUER"
}

test_wrong_user_declined() {
    start_login --no-open
    redirect_for other@example.org
    type_in "$(cat "$T/redirect.secret")"
    wait_for grep -q 'other@example.org' "$T/screen.secret"
    type_in 'n'
    terminal_ends 1
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'there is an account file'
}

test_wrong_user_accepted() {
    start_login --no-open
    redirect_for other@example.org
    type_in "$(cat "$T/redirect.secret")"
    wait_for grep -q 'other@example.org' "$T/screen.secret"
    type_in 'y'
    terminal_ends 0
    gets_token
}

test_device_login_counts_down_and_ends_at_ctrl_c() {
    on_terminal xoauth2 login --issuer "$ISSUER" --client-id desktop --scope 'openid offline_access mail' --device "$ME"
    wait_for grep -qE '9:5[0-9] left' "$T/screen.secret"
    [ "$(grep -c '████' "$T/screen.secret")" -ge 10 ] || fail "no QR code: $(cat "$T/screen.secret")"
    printf '\003' >&8
    terminal_ends 130
    equals "$(find "$XDG_CONFIG_HOME" "$STATES" ! -type d 2> /dev/null)" ''
}

device_login_on_terminal() {
    on_terminal env "$@" xoauth2 login --issuer "$ISSUER" --client-id desktop --scope 'openid offline_access mail' \
        --device "$ME"
    wait_for grep -qE 'Waiting for the login' "$T/screen.secret"
    printf '\003' >&8
    terminal_ends 130
    ! grep -q '████' "$T/screen" || fail "a QR code: $(cat "$T/screen")"
}

test_dumb_terminal_gets_codes() {
    local kind
    for kind in dumb ''; do
        E2E_TERM=$kind device_login_on_terminal
        has "$T/screen" 'Waiting for the login, at most 10 minutes.'
        ! grep -q $'\033' "$T/screen" || fail "codes for a terminal: $(cat -v "$T/screen")"
    done
}

# Without its colours a QR code may be inverted.
test_qr_code_without_colours() {
    device_login_on_terminal NO_COLOR=1
    grep -qE '(9:5[0-9]|10:00) left' "$T/screen" || fail 'no time'
}

run_tests
