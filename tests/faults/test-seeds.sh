# shellcheck shell=bash
# Whatever writes the store, with calls that fail by a seed (see README): nothing crashes, leaks or hangs, no success
# is a wrong one, and no refresh token is lost.
#
#   SEEDS   how many (default 20), from FIRST (1) on; SEED: this one alone
# shellcheck source-path=SCRIPTDIR/../e2e
. "$E2E_DIR/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
PRELOAD=$E2E_WORK/faults.so
WARNINGS='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wformat=2 -Werror'
XOAUTH2=$E2E_STAGE/bin/xoauth2
SOCKET_WAIT=1500 # times 20 ms for an agent that may never come

# Without the sanitizers, which are behind it.
build_preload() {
    # shellcheck disable=SC2086 # a list
    cc -std=gnu17 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer $WARNINGS -shared -fPIC -ftls-model=initial-exec \
        -o "$PRELOAD" "$HERE/chance.c" "$HERE/calls.c"
}

seeds() {
    if [ -n "${SEED:-}" ]; then echo "$SEED"; else seq "${FIRST:-1}" $((${FIRST:-1} + ${SEEDS:-20} - 1)); fi
}

# wrap_faulty [host]: fills FAULTY, the words before a command. A host, a program that is not ours, needs the
# checker's library, and has leaks of its own.
wrap_faulty() {
    local libraries=$PRELOAD leaks=
    [ -z "${1:-}" ] || leaks=:detect_leaks=0
    [ "${E2E_WRAP:-}${1:-}" != asanhost ] || libraries+=:$(gcc -print-file-name=libasan.so)
    FAULTY=(env "XFAULT_SEED=$CASE" "XFAULT_ROOT=$E2E_STAGE" "XFAULT_LOG=$T/faults" "XFAULT_CLASSES=$CLASSES"
        "LD_PRELOAD=$libraries" "UBSAN_OPTIONS=log_path=$T/ubsan:print_stacktrace=1"
        "ASAN_OPTIONS=verify_asan_link_order=0:fast_unwind_on_malloc=0:log_path=$T/asan$leaks"
        "LSAN_OPTIONS=print_suppressions=0:suppressions=$HERE/leaks-of-others")
}

# faulty [-host] COMMAND...: it ends, in time and by itself, and says why it fails. Its status is RC, what it wrote is
# in $T/got.secret and $T/said.
faulty() {
    local host=
    [ "$1" != -host ] || { host=host; shift; }
    RC=0
    wrap_faulty $host
    setsid -w timeout -k 2 "$OWN_SECONDS" "${FAULTY[@]}" "$@" > "$T/got.secret" 2> "$T/said" \
        < "${INPUT:-/dev/null}" || RC=$?
    case $RC in
        0) ;;
        1 | 2 | 75 | 77) [ -s "$T/said" ] || blame 'it failed and said nothing' ;;
        *) blame "status $RC" ;;
    esac
}

# How to see it again.
blame() {
    sed 's/^/said: /' "$T/said"
    tail -n 40 "$T/faults"
    fail "SEED=$CASE ($CLASSES): $*"
}

# Whether the text is one line, an access token that the server gave.
is_token() {
    [ "$(wc -l < "$1")" -eq 1 ] && grep -qxF -f "$1" "$E2E_RUN/fault/secrets" && grep -q '^fault-access-' "$1"
}

newest_is_on_disk() {
    [ "$(grep '^fault-refresh-' "$E2E_RUN/fault/secrets" | tail -n 1)" = "$(state refresh_token)" ]
}

# A fault while the reply was on its way: in the library that takes it from the network, or in time, which ran out.
reply_was_lost() {
    grep -qE '^(refresh|agent)\[.* (in libcurl|forth)' "$T/faults"
}

renews() {
    xoauth2 refresh "$ME" > "$T/out" 2> "$T/err" < /dev/null
}

# After the faults: the login works, or its newest token was in a reply that never came, and the person learns it.
still_works() {
    local rc=0
    # An exchange goes on when nobody waits for it any more.
    flock -w 60 "$STATES/$ME.lock" true || blame 'a process stays'
    wait_for no_refresh # which has let the lock go, and is looked at when it ends
    wrap_verdict || blame 'see above'
    state_is_whole
    renews || rc=$?
    if [ "$rc" -eq 75 ]; then # a failure that was kept on disk is news to the first to come
        rc=0
        renews || rc=$?
    fi
    [ "$rc" -ne 0 ] || return 0
    cat "$T/err"
    { [ "$rc" -eq 77 ] && reply_was_lost; } || blame "the login was lost, status $rc"
    has "$T/err" "run 'xoauth2 login $ME'"
    state_is_whole
    LOST=$((LOST + 1))
    login_faults
}

# for_seeds SCENARIO: with each seed, from a login that works. The even ones leave the network and the clocks alone:
# then nothing may be lost.
for_seeds() {
    LOST=0 DONE=0 GOOD=0 STRUCK=0
    build_preload
    export BROWSER=$HERE/browser
    # A device tries for as long as its code is good, and after each fault waits for longer.
    fault set "{\"device_ttl\": 30, \"metadata\": {\"device_authorization_endpoint\": \"$FAULTS/device\",
        \"revocation_endpoint\": \"$FAULTS/revoke\", \"registration_endpoint\": \"$FAULTS/register\"}}"
    login_faults --browser
    for CASE in $(seeds); do
        : > "$T/faults"
        CLASSES=memory,files,processes
        [ $((CASE % 2)) -eq 0 ] || CLASSES+=,network,clock
        "$1"
        DONE=$((DONE + 1))
        [ ! -s "$T/faults" ] || STRUCK=$((STRUCK + 1))
        [ "$RC" -ne 0 ] || GOOD=$((GOOD + 1))
    done
    echo "# $1: $DONE seeds, $STRUCK with faults, $GOOD that succeeded all the same, $LOST replies lost" >&3
    [ "$DONE" -lt 10 ] || [ "$STRUCK" -gt 0 ] || fail 'not one fault'
}

# A mail host's command asks for a token, which has to be renewed.
token() {
    expire_on_disk
    faulty "$XOAUTH2" token "$ME"
    [ "$RC" -ne 0 ] || is_token "$T/got.secret" || blame 'a wrong token'
    still_works
}

# A program with the plugin: what it would send to the mail server, which does not like it: the token is dropped.
plugin() {
    expire_on_disk
    printf 'S: %s\n' "$(printf XOAUTH2 | base64)" "$(printf '{"status":"401"}' | base64)" > "$T/input"
    INPUT=$T/input faulty -host sasl-sample-client -p "$SASL_PATH" -s imap -n 127.0.0.1 -m XOAUTH2 -u "$ME" -a "$ME"
    sed -n 's/^C: //p' "$T/got.secret" | head -n 1 | base64 -d 2> /dev/null | tr '\001' '\n' \
        | sed -n 's/^auth=Bearer //p' > "$T/sent.secret"
    RC=1
    [ ! -s "$T/sent.secret" ] || RC=0
    [ "$RC" -ne 0 ] || is_token "$T/sent.secret" || blame 'a wrong token'
    still_works
}

# The agent starts, renews, answers, and stops when it is told to.
agent() {
    local number=0 pid rc=0 socket=$XDG_RUNTIME_DIR/xoauth2/agent.sock
    expire_on_disk
    wrap_faulty
    rm -f "$socket"
    timeout -k 30 "$OWN_SECONDS" "${FAULTY[@]}" "$XOAUTH2" agent --foreground > "$T/said" 2>&1 < /dev/null &
    pid=$!
    kill_later "$pid"
    until [ -S "$socket" ] || [ "$number" -ge "$SOCKET_WAIT" ] || ! kill -0 "$pid" 2> /dev/null; do
        number=$((number + 1))
        sleep 0.02
    done
    RC=0
    limit "$OWN_SECONDS" "$XOAUTH2" token "$ME" > "$T/got.secret" 2> "$T/err" < /dev/null || RC=$?
    [ "$RC" -ne 0 ] || is_token "$T/got.secret" || blame 'a wrong token'
    [ "$RC" -eq 0 ] || [ -s "$T/err" ] || blame 'no token, and nothing said'
    kill "$pid" 2> /dev/null || true
    wait "$pid" || rc=$?
    case $rc in
        0) ;;
        1 | 75 | 143) [ -s "$T/said" ] || blame "the agent ended with $rc and said nothing" ;;
        *) blame "the agent ended with $rc" ;;
    esac
    still_works
}

logs_in() {
    faulty "$XOAUTH2" login --issuer "$FAULTS" --client-id desktop --scope 'offline_access mail' "$@" "$ME"
    [ "$RC" -ne 0 ] || newest_is_on_disk || blame 'logged in without the tokens'
    still_works
}

login_browser() {
    logs_in --browser
}

login_device() {
    logs_in --device
}

# At a server where nobody has registered a client, for the first time: as with what is left of a try that failed.
login_unregistered() {
    local at_server=(--issuer "$FAULTS" --scope 'offline_access mail' --browser "$ME")
    status 0 xoauth2 logout --forget "$ME"
    rm -rf "$STATES/registrations"
    faulty "$XOAUTH2" login "${at_server[@]}"
    if [ "$RC" -eq 0 ]; then
        newest_is_on_disk || blame 'logged in without the tokens'
    else
        status 0 xoauth2 login "${at_server[@]}"
    fi
    still_works
}

# brings_in COMMAND...: it takes a newer login than the one here. What is here goes on working where it fails.
brings_in() {
    jq --arg old "$1" '.refresh_token = $old' "$STATES/$ME.json" > "$T/state.secret"
    cp "$T/state.secret" "$STATES/$ME.json"
    shift
    faulty "$@"
    [ "$RC" -ne 0 ] || newest_is_on_disk || blame 'done without the tokens'
    still_works
}

# The same account once more, from the dump of a fresh login.
restore() {
    local before
    before=$(state refresh_token)
    login_faults
    (umask 077 && xoauth2 dump "$ME" > "$T/dump.secret" 2> "$T/err")
    INPUT=$T/dump.secret brings_in "$before" "$XOAUTH2" restore --force
}

# The same from another program's file.
import() {
    local before
    before=$(state refresh_token)
    login_faults --set token_endpoint=
    jq --arg user "$ME" --arg url "$FAULTS/token" '{access_token: "old", expiry: "1000000000", user: $user,
        refresh_token: .refresh_token, token_endpoint: $url}' "$STATES/$ME.json" > "$T/foreign.secret"
    echo '{"client_id": "desktop"}' > "$T/sasl-xoauth2.conf"
    brings_in "$before" "$XOAUTH2" import --force --config "$T/sasl-xoauth2.conf" "$T/foreign.secret"
}

# Done, or not done: then it can be done.
logout() {
    faulty "$XOAUTH2" logout "$ME"
    if [ "$RC" -eq 0 ]; then
        [ ! -e "$STATES/$ME.json" ] || blame 'logged out with the tokens'
        [ "$(tail -n 1 "$E2E_RUN/fault/requests.log" | jq -r .endpoint)" = revoke ] || blame 'nothing was revoked'
    elif [ -e "$STATES/$ME.json" ]; then
        status 0 xoauth2 logout "$ME"
        [ ! -e "$STATES/$ME.json" ] || blame 'logged out with the tokens'
    fi
    login_faults
    still_works
}

test_token() { for_seeds token; }
test_plugin() { for_seeds plugin; }
test_agent() { for_seeds agent; }
test_login_in_a_browser() { for_seeds login_browser; }
test_login_on_another_device() { for_seeds login_device; }
test_login_that_registers() { for_seeds login_unregistered; }
test_restore() { for_seeds restore; }
test_import() { for_seeds import; }
test_logout() { for_seeds logout; }

run_tests 3>&1
