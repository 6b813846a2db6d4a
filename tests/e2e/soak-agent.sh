# shellcheck shell=bash
# An agent at work for long, at a provider that fails five requests of a hundred, in five ways. A token lives for a minute
# instead of an hour, so SOAK_SECONDS stand for sixty times as long: as they are for more than two hours; 1440, by hand
# and with FILE_SECONDS=1800, for a day.
# shellcheck disable=SC2119 # the agent takes what options there are
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/agent.sh"

SOAK_SECONDS=${SOAK_SECONDS:-140}
SOAK_ACCOUNTS=60
SOAK_CLIENTS=16
SOAK_PAUSE=200   # milliseconds, at most, between two requests of a client
GROWTH_KB=1024   # what the kernel and malloc may add meanwhile
BUSY_PERCENT=20  # of a core, at most: it sleeps while nobody asks and nothing is due
TOKEN_SECONDS=60 # of an access token's life
WARM_SECONDS=70  # growth is counted from then on: each account has been renewed, and its buffers are there

# Trouble that the agent must get over, the times being a sixtieth of the real ones, too.
FAILING_WAYS='[
    {"status": 503, "body": "<html>Service unavailable</html>"},
    {"status": 429, "headers": {"retry-after": "1"}, "body": "{}"},
    {"body": "<html>Sign in to the hotel network</html>"},
    {"status": 500, "cut": true, "body": "{\"error\": \"server_error\"}"},
    {"delay_ms": 3000, "error": "temporarily_unavailable"}]'

# Accounts beside $ME, each with a login of its own.
make_accounts() {
    local number me=$ME
    ALL=()
    for ((number = 0; number < SOAK_ACCOUNTS; number++)); do
        ME=soak-$number@example.org
        login_faults
        echo 'refresh_margin: 5' >> "$ACCOUNTS/$ME.conf"
        ALL+=("$ME")
    done
    ME=$me
}

own_memory() {
    awk '$1 == "RssAnon:" { print $2 }' "/proc/$AGENT/status"
}

# Hundredths of a second that it has run.
ticks() {
    sed 's/.*) //' "/proc/$AGENT/stat" | awk '{ print $12 + $13 }'
}

# The least of a while: an exchange has files open. Only root may look at those of a process that holds secrets.
descriptors() {
    local look
    for ((look = 0; look < 25; look++)); do
        find "/proc/$AGENT/fd" -mindepth 1 ! -lname 'socket:*' 2> /dev/null | wc -l
        sleep 0.2
    done | sort -n | head -n 1
}

soak() {
    limit $(($1 + 60)) node "$E2E_DIR/soak.mjs" "$XDG_RUNTIME_DIR/xoauth2/agent.sock" "$1" "$SOAK_CLIENTS" "$SOAK_PAUSE" \
        "${ALL[@]}" > "$T/counts" 2> "$T/wrong" || {
        cat "$T/counts"
        head -n 20 "$T/wrong"
        fail 'wrong answers'
    }
    cat "$T/counts"
}

test_provider_fails_now_and_then() {
    local memory files busy
    fault set "{\"access_ttl\": $TOKEN_SECONDS}"
    make_accounts
    fault set "{\"failing\": 20, \"ways\": $FAILING_WAYS}"
    start_agent
    mark_requests
    soak "$WARM_SECONDS"
    [ "$(token_requests)" -ge "$SOAK_ACCOUNTS" ] || fail "only $(token_requests) renewals before growth is counted"
    memory=$(own_memory)
    files=$(descriptors)
    soak $((SOAK_SECONDS - WARM_SECONDS))
    busy=$(($(ticks) / SOAK_SECONDS))
    echo "memory $memory KB, then $(own_memory) KB; requests: $(token_requests), failed: $(requests '.status != 200'); $busy % of a core"
    [ $(($(own_memory) - memory)) -le "$GROWTH_KB" ] || fail 'the memory grows'
    [ "$(descriptors)" -le "$files" ] || fail "descriptors: $files before, and more now"
    [ "$busy" -le "$BUSY_PERCENT" ] || fail "the agent is busy $busy % of the time"
    [ "$(requests '.status != 200')" -gt 0 ] || fail 'the provider did not fail'
    # Each login is still the one that was made, for all the rotation.
    fault set '{"failing": 0}'
    kill "$AGENT"
    wait "$AGENT" || fail "the agent ended with $?"
    for ME in "${ALL[@]}"; do
        status 0 xoauth2 refresh "$ME"
    done
}

run_tests
