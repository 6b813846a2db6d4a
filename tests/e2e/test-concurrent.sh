# shellcheck shell=bash
# Many processes at the moment of expiry: one asks, all succeed.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

PROCESSES=${PROCESSES:-32}
TRIALS=${TRIALS:-10}

# all_at_once: every process gets the same token, with one request between them.
all_at_once() {
    local number pids=() pid
    mark_requests
    for number in $(seq "$PROCESSES"); do
        xoauth2 token "$ME" > "$T/token.$number.secret" 2> "$T/err.$number" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || fail "a process failed: $(cat "$T"/err.*)"
    done
    equals "$(sort -u "$T"/token.*.secret | wc -l)" 1
    equals "$(token_requests)" 1
}

# Real rotation with reuse detection; the answer takes a while, so that all are there before it.
test_real_server_with_rotation() {
    local trial
    login_expired
    oauth set '{"token_delay_ms": 200}'
    for trial in $(seq "$TRIALS"); do
        all_at_once
        [ "$trial" -eq "$TRIALS" ] || make_expired oauth
    done
}

test_server_that_kills_the_grant_on_reuse() {
    local trial
    login_faults_expired
    fault always '{"delay_ms": 200}'
    for trial in $(seq "$TRIALS"); do
        all_at_once
        [ "$trial" -eq "$TRIALS" ] || make_expired fault
    done
}

# make_expired SERVER: a token of one second.
make_expired() {
    "$1" set '{"access_ttl": 1}'
    status 0 xoauth2 refresh "$ME"
    "$1" set '{"access_ttl": 3600}'
    wait_for has_expired
}

# All of them learn of the failure, from one request.
test_dead_refresh_token() {
    local number pids=() pid rc
    login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    oauth set '{"token_delay_ms": 200}'
    mark_requests
    for number in $(seq "$PROCESSES"); do
        xoauth2 token "$ME" > "$T/out.$number" 2> "$T/err.$number" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        rc=0
        wait "$pid" || rc=$?
        equals "$rc" 77
    done
    equals "$(token_requests)" 1
}

# Mail programs, each with a plugin and a helper of its own.
test_mail_programs_at_expiry() {
    local number pids=() pid
    login_expired
    oauth set '{"token_delay_ms": 200}'
    mark_requests
    for number in $(seq 8); do
        client "$E2E_WORK/imap-client" 127.0.0.1 "$IMAP_PORT" XOAUTH2 "$ME" > "$T/shown.$number" 2>&1 < /dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || fail "a program failed: $(cat "$T"/shown.*)"
    done
    equals "$(token_requests)" 1
}

run_tests
