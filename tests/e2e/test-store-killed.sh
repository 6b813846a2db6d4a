# shellcheck shell=bash
# Whatever writes the store is killed before each of its system calls, which is after the one before; and a machine
# that loses its power loses what was not synced. The old or the new state is there, whole, and works at a server that
# rotates refresh tokens and ends the login on the reuse of an old one. The one exception: from the request until the
# answer is in the temporary file the new refresh token is in memory alone; whoever is killed then has to log in
# again, and is told so. (The agent is killed at any instant, too: see test-agent-killed.)
#
#   EVERY_CALL   not empty: before every call from the lock on, also those that change nothing
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

export ASAN_OPTIONS=detect_leaks=0 # which traces, too: only one can

# What others can see, here or at the server: before and after each of these is everywhere. An openat counts where it
# makes a file.
CHANGES='openat|mkdir|flock|fallocate|connect|sendto|recvfrom|pwrite64|write|fsync|fdatasync|rename|renameat|unlink|'
CHANGES+='unlinkat|ftruncate|fchown|exit_group'
NETWORK=$E2E_STAGE/libexec/xoauth2 # the programs that write

# trace COMMAND...: one whole run under strace. $T/calls gets its calls from the lock on, as NAME ORDINAL.
trace() {
    local status=0
    limit "$OWN_SECONDS" strace -qq -o "$T/trace.secret" "$@" > "$T/out" 2> "$T/err" < "${INPUT:-/dev/null}" || status=$?
    ! grep -q ptrace "$T/err" || skip 'strace may not trace here'
    [ "$status" -eq 0 ] || fail "status $status: $(cat "$T/err")"
    sed -n 's/^\([a-z0-9_]*\)(/\1 /p' "$T/trace.secret" | awk -v every="${EVERY_CALL:-}" -v changes="^($CHANGES)\$" '
        { number[$1]++ }
        /\.lock"/ { locked = 1 }
        locked && (every != "" || ($1 ~ changes && ($1 != "openat" || /O_CREAT/))) { print $1, number[$1] }
    ' > "$T/calls"
    [ "$(wc -l < "$T/calls")" -ge 5 ] || fail 'not one call was seen'
}

# killed_before NAME ORDINAL COMMAND...
killed_before() {
    local name=$1 number=$2 rc=0
    shift 2
    echo "killed before $name $number"
    { # with what the shell says of it
        limit "$OWN_SECONDS" strace -qq -o "$T/trace.secret" -e "inject=$name:signal=KILL:when=$number" "$@" \
            < "${INPUT:-/dev/null}" || rc=$?
    } > "$T/out" 2> "$T/err"
    [ "$rc" -eq 137 ] || fail "it was not: status $rc"
}

# for_each_call PREPARE CHECK COMMAND...: CHECK after each kill of the command, PREPARE before.
for_each_call() {
    local name number prepare=$1 check=$2
    shift 2
    "$prepare"
    trace "$@"
    while read -r name number; do
        "$prepare"
        killed_before "$name" "$number" "$@"
        "$check"
    done < "$T/calls"
}

# The login works, and nothing is left of what was killed.
works() {
    local rc=0
    state_is_whole
    xoauth2 refresh "$ME" > "$T/out" 2> "$T/err" < /dev/null || rc=$?
    [ "$rc" -eq 0 ] || fail "$(cat "$T/err")"
    equals "$(find "$STATES" -type f ! -name "$ME.json" ! -name '*.lock' | wc -l)" 0
}

# did CALL: whether it was done before the kill; with several threads a line can be in two parts.
did() {
    grep -qE "^([0-9]+ +)?($1\(|<\.\.\. $1 resumed>).*\) += [1-9]" "$T/trace.secret"
}

# Unless the run was killed while the new refresh token was in its memory alone.
works_or_is_lost() {
    all_is_handled
    if did sendto && ! did pwrite64 && [ "$(token_requests)" -gt 0 ]; then
        LOST=$((LOST + 1))
        status 77 xoauth2 refresh "$ME"
        has "$T/err" "run 'xoauth2 login $ME'"
        state_is_whole
        login_faults
    else
        works
    fi
}

test_refresh() {
    LOST=0
    login_faults
    for_each_call mark_requests works_or_is_lost "$NETWORK/refresh" --force "$ME"
    echo "$(wc -l < "$T/calls") kills, $LOST with the answer in memory"
    [ "$LOST" -gt 0 ] || fail 'no kill came between the request and the file'
}

with_login_command() {
    LOGIN=("$NETWORK/login" --issuer "$FAULTS" --client-id desktop --scope 'offline_access mail' --browser "$ME")
}

# The account file will be another one, too.
login_in_another_way() {
    rm -f "$ACCOUNTS/$ME.conf"
    login_faults
}

test_login() {
    with_login_command
    for_each_call login_in_another_way works "${LOGIN[@]}"
}

# Tokens of a login of its own at the server, as other machines or programs have them.
new_tokens() {
    curl -sS --fail --max-time 10 -d grant_type=authorization_code "$FAULTS/token" > "$T/tokens.secret"
}

make_dump() {
    new_tokens
    jq -n --arg me "$ME" --rawfile account "$ACCOUNTS/$ME.conf" --slurpfile old "$STATES/$ME.json" \
        --slurpfile new "$T/tokens.secret" '{xoauth2_dump: 1, accounts: [{name: $me, account: $account,
            state: ($old[0] + {access_token: $new[0].access_token, refresh_token: $new[0].refresh_token})}]}' \
        > "$T/dump.secret"
}

test_restore() {
    local INPUT=$T/dump.secret
    login_faults
    for_each_call make_dump works "$NETWORK/restore" --force
}

make_foreign() {
    new_tokens
    jq --arg user "$ME" --arg url "$FAULTS/token" '{access_token: "old", expiry: "1000000000", user: $user,
        refresh_token: .refresh_token, token_endpoint: $url}' "$T/tokens.secret" > "$T/foreign.secret"
    echo '{"client_id": "desktop"}' > "$T/sasl-xoauth2.conf"
}

test_import() {
    login_faults
    for_each_call make_foreign works "$NETWORK/import" --force --config "$T/sasl-xoauth2.conf" "$T/foreign.secret"
}

# Whoever was told, or whose server was told, can log out again; everybody else is still logged in.
is_out_or_works() {
    if [ -e "$STATES/$ME.json" ]; then
        state_is_whole
        if ! did sendto; then
            works
            return
        fi
        status 0 xoauth2 logout "$ME"
    fi
    equals "$(find "$STATES" -type f ! -name '*.lock' | wc -l)" 0
    login_faults
}

is_logged_in() {
    [ -e "$STATES/$ME.json" ] || login_faults
}

test_logout() {
    fault set "{\"metadata\": {\"revocation_endpoint\": \"$FAULTS/revoke\"}}"
    for_each_call is_logged_in is_out_or_works "$NETWORK/logout" "$ME"
}

end_tracees() {
    local tracee
    for tracee in $(pgrep -P "$1" || true); do
        kill "$tracee" 2> /dev/null || true
    done
}

# agent_killed_before NAME ORDINAL: false where it made no such call until its renewal was on disk.
agent_killed_before() {
    local pid tries rc=0
    echo "killed before $1 $2"
    strace -f -qq -o "$T/trace.secret" -e "inject=$1:signal=KILL:when=$2" \
        "$E2E_STAGE/bin/xoauth2" agent --foreground > "$T/agent.log" 2>&1 < /dev/null &
    pid=$!
    kill_later "$pid"
    for ((tries = 0; tries < 200; tries++)); do
        kill -0 "$pid" 2> /dev/null || break
        [ "$(state expires_at)" -lt "$(date +%s)" ] || break
        sleep 0.02
    done
    end_tracees "$pid"
    wait "$pid" 2> /dev/null || rc=$?
    [ "$rc" -eq 137 ]
}

# It writes in a thread of its own.
test_agent() {
    local name number kills=0
    LOST=0
    login_faults
    for name in fallocate sendto recvfrom pwrite64 fsync renameat ftruncate; do
        for number in 1 2; do
            expire_on_disk
            mark_requests
            ! agent_killed_before "$name" "$number" || kills=$((kills + 1))
            works_or_is_lost
        done
    done
    [ "$kills" -ge 7 ] || fail "only $kills kills"
}

# lost_power [gone] COMMAND...: what the disk may hold after each call of the command if the power fails then (see
# unsynced.mjs). The server does not rotate, so that each of these can be tried.
lost_power() {
    local folder gone='' POWER=$E2E_RUN/power # not among what is searched for secrets
    [ "$1" != gone ] || { gone=gone; shift; }
    fault set '{"rotate": false}'
    rm -rf "$POWER"
    mkdir -p "$POWER"
    cp -a "$STATES" "$POWER/before"
    limit "$OWN_SECONDS" strace -qq -y -xx -s 400000 -o "$T/trace.secret" -e trace=%file,write,pwrite64,fsync,fdatasync,ftruncate,close \
        "$@" > "$T/out" 2> "$T/err" < "${INPUT:-/dev/null}" || fail "$(cat "$T/err")"
    node "$E2E_DIR/unsynced.mjs" "$T/trace.secret" "$STATES" "$POWER/before" "$POWER/after" "$ME.json" $gone \
        || fail 'lost'
    for folder in "$POWER/after"/*; do
        [ -e "$folder/$ME.json" ] || continue
        rm -f "$STATES"/* "$STATES"/.??*
        cp -a "$folder/." "$STATES"
        works
    done
    echo "$(find "$POWER/after" -mindepth 1 -maxdepth 1 | wc -l) states of the disk"
}

test_power_lost_in_refresh() {
    login_faults
    lost_power "$NETWORK/refresh" --force "$ME"
}

test_power_lost_in_login() {
    with_login_command
    login_faults
    lost_power "${LOGIN[@]}"
}

test_power_lost_in_restore() {
    local INPUT=$T/dump.secret
    login_faults
    make_dump
    lost_power "$NETWORK/restore" --force
}

test_power_lost_in_import() {
    login_faults
    make_foreign
    lost_power "$NETWORK/import" --force --config "$T/sasl-xoauth2.conf" "$T/foreign.secret"
}

# The server knows of no end here, so that each state still works.
test_power_lost_in_logout() {
    login_faults
    lost_power gone "$NETWORK/logout" "$ME"
}

run_tests
