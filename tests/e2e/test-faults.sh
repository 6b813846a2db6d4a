# shellcheck shell=bash
# A token endpoint that misbehaves: what the person is told, and that nothing is lost.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# broken STATUS BEHAVIOUR: a refresh that meets the behaviour; the account works again afterwards.
broken() {
    login_faults_expired
    fault always "$2"
    mark_requests
    status "$1" xoauth2 token "$ME"
    [ ! -s "$T/out" ] || fail "wrote to standard output: $(cat "$T/out")"
    [ -s "$T/err" ] || fail 'said nothing'
    cp "$T/err" "$T/first-err"
    fault always '{}'
}

works_again() {
    status 0 xoauth2 refresh "$ME"
    gets_token
}

test_500() {
    broken 75 '{"status": 500}'
    works_again
}

test_503_with_retry_after() {
    broken 75 '{"status": 503, "headers": {"retry-after": "120"}}'
    equals "$(token_requests)" 1
    status 75 xoauth2 token "$ME"
    equals "$(token_requests)" 1 # the server's wish is kept
    works_again
}

test_429() {
    broken 75 '{"status": 429, "headers": {"retry-after": "1"}}'
    works_again
}

test_garbage() {
    broken 75 '{"body": "<html>Please log in to the hotel network</html>", "headers": {"content-type": "text/html"}}'
    has_not "$T/first-err" 'hotel'
    works_again
}

test_empty_body() {
    broken 75 '{"body": ""}'
    works_again
}

test_json_of_another_kind() {
    broken 75 '{"body": "[1, 2, 3]"}'
    works_again
}

test_answer_cut_off() {
    fault set '{"rotate": false}'
    login_faults_expired
    fault set '{"rotate": false}'
    fault next '[{"cut": true}, {"cut": true}, {"cut": true}]'
    status 75 xoauth2 token "$ME"
    fault next '[]'
    works_again
}

# The old refresh token is spent by then, so the new one must not be lost for what comes after it.
test_answer_whole_but_unended() {
    local how
    login_faults_expired
    for how in length chunks; do
        fault next "[{\"unended\": \"$how\"}]"
        mark_requests
        status 0 xoauth2 refresh "$ME"
        equals "$(token_requests)" 1
    done
    status 0 xoauth2 refresh "$ME"
}

test_login_answer_whole_but_unended() {
    fault next '[{"unended": "length"}]'
    login_faults
    gets_token
}

test_slow_answer_is_waited_for() {
    login_faults_expired
    fault always '{"drip_ms": 10}'
    gets_token
}

test_no_answer_ends() {
    broken 75 '{"hang": true}'
    works_again
}

test_oversized_answer() {
    broken 75 '{"body_size": 3000000}'
    works_again
}

test_redirect_takes_no_secret_elsewhere() {
    broken 75 '{"redirect_other": true, "status": 307}'
    equals "$(requests '.endpoint == "other"')" 0
    works_again
}

test_redirect_302_takes_no_secret_elsewhere() {
    broken 75 '{"redirect_other": true, "status": 302}'
    equals "$(requests '.endpoint == "other"')" 0
    works_again
}

test_no_expires_in() {
    login_faults_expired
    fault always '{"omit": ["expires_in"]}'
    gets_token
    [ "$(state expires_at)" -gt "$(date +%s)" ] || fail 'expired at once'
    [ "$(state expires_at)" -le $(($(date +%s) + 3600)) ] || fail 'lives longer than an hour'
}

test_expires_in_as_text() {
    login_faults_expired
    fault always '{"set": {"expires_in": "1800"}}'
    mark_requests
    gets_token
    gets_token
    equals "$(token_requests)" 1
}

test_no_new_refresh_token_keeps_the_old() {
    fault set '{"rotate": false}'
    login_faults_expired
    fault set '{"rotate": false}'
    fault always '{"omit": ["refresh_token"]}'
    gets_token
    status 0 xoauth2 refresh "$ME"
}

test_access_token_with_a_line_break() {
    broken 1 '{"set": {"access_token": "abc\r\ndef"}}'
}

test_no_access_token() {
    broken 75 '{"omit": ["access_token"]}'
}

test_invalid_client_keeps_the_refresh_token() {
    broken 1 '{"error": "invalid_client", "status": 401, "description": "The OAuth client was not found."}'
    has "$T/first-err" 'correct client_id in the account file'
    works_again
}

test_invalid_grant() {
    broken 77 '{"error": "invalid_grant", "description": "Token has been expired or revoked."}'
    has "$T/first-err" "xoauth2 login $ME"
    login_faults
    works_again
}

test_throttled_by_microsoft_is_no_new_login() {
    broken 75 '{"error": "invalid_grant", "description": "AADSTS50196: The server terminated an operation because it encountered a client request loop."}'
    has_not "$T/first-err" "xoauth2 login"
}

test_transient_error_of_microsoft() {
    broken 75 '{"error": "invalid_grant", "description": "AADSTS90033: A transient error has occurred. Please try again."}'
    has_not "$T/first-err" "xoauth2 login"
}

test_unused_for_90_days_at_microsoft() {
    broken 77 '{"error": "invalid_grant", "description": "AADSTS700082: The refresh token has expired due to inactivity."}'
    has "$T/first-err" "xoauth2 login $ME"
}

test_control_characters_of_the_server_do_not_reach_the_terminal() {
    broken 77 '{"error": "invalid_grant", "description": "\u001b[31mred\u0007\nforged line"}'
    ! grep -q "$(printf '\033')" "$T/first-err" || fail 'an escape character'
    equals "$(grep -c '^forged' "$T/first-err" || true)" 0
}

test_temporarily_unavailable() {
    broken 75 '{"error": "temporarily_unavailable", "status": 400}'
    works_again
}

# A token that still lives is handed out while the provider is down.
test_old_token_serves_while_the_provider_is_down() {
    login_faults
    printf 'refresh_margin: 86400\n' >> "$ACCOUNTS/$ME.conf"
    age_on_disk 3000
    fault always '{"status": 503}'
    mark_requests
    gets_token
    [ "$(token_requests)" -ge 1 ] || fail 'no new one was asked for'
}

test_provider_unreachable() {
    local port
    login_faults_expired
    port=$(bash -c '. "$E2E_DIR/servers.sh"; free_ports 1')
    jq --arg url "http://127.0.0.1:$port/token" '.token_endpoint = $url' "$STATES/$ME.json" > "$T/state.secret"
    cat "$T/state.secret" > "$STATES/$ME.json"
    sed -i "s|^issuer:.*|&\ntoken_endpoint: http://127.0.0.1:$port/token|" "$ACCOUNTS/$ME.conf"
    status 75 xoauth2 token "$ME"
    has "$T/err" '127.0.0.1'
}

run_tests
