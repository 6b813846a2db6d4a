# shellcheck shell=bash
# Killed at any instant: the old or the new state is there, whole and private, and works.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# The asker dies while the server has spent the old refresh token already: the new one is still put on disk.
test_asker_killed_during_the_exchange() {
    login_faults_expired
    fault always '{"delay_ms": 3000}'
    mark_requests
    "$E2E_STAGE/bin/xoauth2" token "$ME" > "$T/out" 2> "$T/err" < /dev/null &
    wait_for has_request
    kill -9 $!
    wait_for no_refresh
    state_is_whole
    fault always '{}'
    gets_token
    equals "$(token_requests)" 1
    status 0 xoauth2 refresh "$ME"
}

# The same with a signal to the whole group, as Ctrl-C or a closed terminal gives it.
test_terminal_closed_during_the_exchange() {
    login_faults_expired
    fault always '{"delay_ms": 3000}'
    mark_requests
    setsid "$E2E_STAGE/bin/xoauth2" token "$ME" > "$T/out" 2> "$T/err" < /dev/null &
    wait_for has_request
    kill -HUP -- -$!
    kill -TERM -- -$! 2> /dev/null || true
    wait_for no_refresh
    fault always '{}'
    gets_token
    status 0 xoauth2 refresh "$ME"
}

# Where the server does not rotate, even the death of the process that talks to it loses nothing.
test_exchange_itself_killed() {
    local pid
    fault set '{"rotate": false}'
    login_faults_expired
    fault set '{"rotate": false}'
    fault always '{"delay_ms": 3000}'
    mark_requests
    "$E2E_STAGE/bin/xoauth2" token "$ME" > "$T/out" 2> "$T/err" < /dev/null &
    wait_for has_request
    pid=$(refresh_pids)
    kill -9 "$pid"
    ! wait $! || fail 'it got a token'
    [ -s "$T/err" ] || fail 'and said nothing'
    state_is_whole
    fault always '{}'
    status 0 xoauth2 refresh "$ME"
}

# Whatever instant it is.
test_killed_at_many_instants() {
    local number pid
    fault set '{"rotate": false}'
    login_faults
    for number in $(seq 30); do
        "$E2E_STAGE/bin/xoauth2" refresh "$ME" > "$T/out" 2> "$T/err" < /dev/null &
        sleep "0.0$(printf '%02d' "$number")"
        kill -9 $! 2> /dev/null || true
        for pid in $(refresh_pids || true); do
            kill -9 "$pid" 2> /dev/null || true
        done
        wait $! 2> /dev/null || true
        state_is_whole
    done
    status 0 xoauth2 refresh "$ME"
    equals "$(find "$STATES" -type f ! -name "$ME.json" ! -name "$ME.lock" | wc -l)" 0
}

run_tests
