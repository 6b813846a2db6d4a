# shellcheck shell=bash
# The table of the benchmarks, and what both of them need.

need_tools() {
    local tool
    for tool in "$@"; do
        command -v "$tool" > /dev/null || {
            echo "bench: $tool was not found. Run tests/install-deps" >&2
            exit 1
        }
    done
}

heading() {
    printf '\n%s\n' "$1"
    printf '  %-52s %12s %12s %8s %10s\n' '' value floor ratio target
}

# row WHAT UNIT VALUE FLOOR LIMIT: LIMIT is what value/floor may be; empty for none.
row() {
    awk -v what="$1" -v unit="$2" -v value="$3" -v floor="$4" -v limit="$5" 'BEGIN {
        ratio = value / floor
        verdict = limit == "" ? "" : ratio <= limit + 0 ? "ok" : "over"
        printf "  %-52s %12.1f %12.1f %8.2f %10s  %s\n", what " (" unit ")", value, floor, ratio,
            limit == "" ? "-" : "<= " limit, verdict
    }'
}

# row_above WHAT UNIT VALUE FLOOR LIMIT: LIMIT is what value - floor may be.
row_above() {
    awk -v what="$1" -v unit="$2" -v value="$3" -v floor="$4" -v limit="$5" 'BEGIN {
        printf "  %-52s %12.1f %12.1f %8s %10s  %s\n", what " (" unit ")", value, floor,
            sprintf("+%.1f", value - floor), "<= +" limit, value - floor <= limit + 0 ? "ok" : "over"
    }'
}

# row_count WHAT VALUE FLOOR LIMIT: LIMIT is what the value may be.
row_count() {
    printf '  %-52s %12d %12s %8s %10s  %s\n' "$1" "$2" "$3" '' "<= $4" "$([ "$2" -le "$4" ] && echo ok || echo over)"
}

# row_limit WHAT UNIT VALUE FLOOR LIMIT: LIMIT is what the value may be.
row_limit() {
    awk -v what="$1" -v unit="$2" -v value="$3" -v floor="$4" -v limit="$5" 'BEGIN {
        printf "  %-52s %12.1f %12s %8s %10s  %s\n", what " (" unit ")", value, floor, "", "<= " limit,
            value <= limit + 0 ? "ok" : "over"
    }'
}

micro() {
    awk -v n="$1" 'BEGIN { print n / 1000 }'
}

milli() {
    awk -v n="$1" 'BEGIN { print n / 1000000 }'
}

median() {
    sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# wait_until COMMAND...: until it succeeds, twenty seconds at most.
wait_until() {
    local tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -le 400 ] || {
            echo "bench: waited in vain for: $*" >&2
            return 1
        }
        sleep 0.05
    done
}

# start_token_server FOLDER DELAY [CERTIFICATE KEY]: its process is in $server, its address in FOLDER/url.
start_token_server() {
    # shellcheck disable=SC2154 # $here is the folder of the script that reads this file
    node "$here/token-server.mjs" "$@" < /dev/null &
    # shellcheck disable=SC2034 # for that script
    server=$!
    wait_until test -s "$1/url"
}

# The last core that we may use; the token endpoint is left to run anywhere.
last_core() {
    taskset -cp $$ | sed 's/.*[ ,-]//'
}
