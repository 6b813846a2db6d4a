# shellcheck shell=bash disable=SC2119
# The agent is killed at any instant, and started again, while it renews tokens at a server that rotates refresh
# tokens and ends the login on the reuse of an old one. No login is lost, unless the server's answer was on its way.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/agent.sh"

KILLS=${KILLS:-40}
SOON_MS=80       # half of the kills come within so many milliseconds from the start, while it renews ...
LATE_MS=600      # ... the others within these, mostly after that
ANSWER_MS=10     # of the server, after it has spent the old refresh token
FLIGHT_MS=250    # from then on until the new one is on disk, on a slow machine ...
STALLS=3         # ... but for so many times when the machine stood still

kill_agent() {
    kill -9 "$AGENT"
    wait "$AGENT" 2> /dev/null || true
}

# Whether the newest refresh token of the server is the one on disk.
newest_is_on_disk() {
    state_is_whole
    [ "$(grep '^fault-refresh-' "$E2E_RUN/fault/secrets" | tail -n 1)" = "$(state refresh_token)" ]
}

# Milliseconds between the server's last exchange and the kill.
age_of_exchange() {
    echo $(($1 - $(tail -n 1 "$E2E_RUN/fault/requests.log" | jq .time)))
}

test_killed_at_any_instant() {
    local number window killed_at lost=0 late=0 kept=0 age
    login_faults
    fault always "{\"delay_ms\": $ANSWER_MS}"
    for ((number = 0; number < KILLS; number++)); do
        expire_on_disk
        mark_requests
        : > "$T/agent.log"
        launch_agent
        window=$((number % 2 ? SOON_MS : LATE_MS))
        sleep "$(printf '0.%03d' $((RANDOM % window)))"
        kill_agent
        killed_at=$(date +%s%3N)
        all_is_handled
        if newest_is_on_disk; then
            kept=$((kept + $(token_requests)))
        else
            has_not "$T/agent.log" 'the token was renewed'
            age=$(age_of_exchange "$killed_at")
            if [ "$age" -gt "$FLIGHT_MS" ]; then
                late=$((late + 1))
                echo "a login was lost $age ms after the exchange"
            fi
            lost=$((lost + 1))
            login_faults
        fi
    done
    echo "$KILLS kills: $lost during an exchange, $kept renewals before the kill were kept"
    [ "$late" -le "$STALLS" ] || fail "$late of them long after it"
    [ "$kept" -gt 0 ] || fail 'no renewal came before its kill'
    fault always '{}'
    : > "$T/agent.log" # the socket of the last one is still there, and tells nothing
    start_agent
    gets_token
    kill "$AGENT"
    wait "$AGENT" || fail "the agent ended with $?"
    status 0 xoauth2 refresh "$ME"
    equals "$(find "$STATES" -type f ! -name "$ME.json" ! -name '*.lock' | wc -l)" 0
}

run_tests
