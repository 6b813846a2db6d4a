# shellcheck shell=bash
# An account file that is edited after the login: the tokens of one provider go to no other.
# shellcheck disable=SC2119 # the agent takes what options there are
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/agent.sh"

# Makes the account one of another provider, and notes what it was.
move() {
    cp "$ACCOUNTS/$ME.conf" "$T/account.before"
    { grep -vE '^(issuer|token_endpoint|hosts):' "$T/account.before"; printf '%s\n' "$@"; } > "$T/account.after"
    cp "$T/account.after" "$ACCOUNTS/$ME.conf"
}

move_back() {
    cp "$T/account.before" "$ACCOUNTS/$ME.conf"
}

# refuses WHAT: no token, no refresh, and nobody is asked.
refuses() {
    local text="the $1 of $ME was changed after the last login: run 'xoauth2 login $ME'"
    mark_requests
    status 77 xoauth2 token "$ME"
    has "$T/err" "$text"
    status 77 xoauth2 refresh "$ME"
    has "$T/err" "$text"
    status 77 xoauth2 status "$ME"
    has "$T/out" "$text"
    equals "$(requests true)" 0
}

test_another_issuer() {
    login_faults
    move "issuer: $ISSUER"
    refuses issuer
    move_back
    gets_token
    equals "$(requests true)" 0
}

# The same client id, and an issuer that nothing tells.
test_another_token_endpoint() {
    login_faults
    move 'token_endpoint: http://127.0.0.2:9/token'
    refuses 'token endpoint'
}

test_another_client() {
    login_faults
    sed -i 's/^client_id:.*/client_id: another/' "$ACCOUNTS/$ME.conf"
    refuses 'client id'
}

# by_command TOKEN HOST: the account from now on, whose token a command gives.
by_command() {
    printf 'token_command: /bin/echo %s\nhosts: %s\n' "$1" "$2" > "$ACCOUNTS/$ME.conf"
}

test_command_in_place_of_a_login() {
    login_faults
    by_command another.token imap.other.example
    gets_token
    equals "$(cat "$T/token.secret")" another.token
    by_command third.token imap.third.example
    gets_token
    equals "$(cat "$T/token.secret")" third.token
}

test_login_in_place_of_a_command() {
    login_faults
    cp "$ACCOUNTS/$ME.conf" "$T/account.before"
    rm "$STATES/$ME.json"
    by_command another.token imap.other.example
    gets_token
    move_back
    status 77 xoauth2 token "$ME"
    has "$T/err" "run 'xoauth2 login $ME'"
}

# An import says what it imports, and the account beside it where that came from.
test_imported_login_elsewhere() {
    jq -n --arg me "$ME" '{registration: "google", email: $me, access_token: "theirs", refresh_token: "theirs too",
        access_token_expiration: "2099-01-01T00:00:00"}' > "$T/tokens.secret"
    chmod 600 "$T/tokens.secret"
    status 0 xoauth2 import --client-id desktop "$T/tokens.secret"
    move "token_endpoint: $FAULTS/token" "hosts: imap.other.example"
    sed -i '/^provider:/d' "$ACCOUNTS/$ME.conf"
    refuses 'token endpoint'
}

test_logout_sends_nothing_elsewhere() {
    login
    move "issuer: $FAULTS" "revocation_endpoint: $FAULTS/revoke"
    mark_requests
    status 1 xoauth2 logout "$ME"
    has "$T/err" 'they are sent nowhere else'
    has "$T/err" "nothing was removed: 'xoauth2 logout --local $ME' removes it here alone"
    equals "$(requests true)" 0
    state_is_whole
    status 0 xoauth2 logout --local "$ME"
    equals "$(requests true)" 0
}

test_agent_of_an_account_that_moved() {
    login_faults
    start_agent
    gets_token
    move "issuer: $ISSUER" 'hosts: imap.other.example'
    refuses issuer
    move_back
    gets_token
    equals "$(requests true)" 0
}

# A second login may change what names the provider: whoever asks meanwhile must not meet one half of it.
test_agent_through_a_login_elsewhere() {
    login_faults
    start_agent
    gets_token
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --issuer "$ISSUER" --client-id desktop \
        --scope 'openid offline_access email mail' "$ME"
    gets_token
    equals "$(cat "$T/token.secret")" "$(state access_token)"
    has_not "$T/agent.log" 'was changed after the last login'
}

run_tests
