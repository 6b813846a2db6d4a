# shellcheck shell=bash
# Where a secret could leak to that no file of a test shows: command lines and environments, core files, the memory of the
# agent after a logout. And whether the hunt that follows every test can fail.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/matrix.sh"

CLIENT_SECRET='secret of the desktop: +%&='

# start_agent [WORD...]: the words before its command.
start_agent() {
    "$@" "$E2E_STAGE/bin/xoauth2" agent --foreground >> "$T/agent.log" 2>&1 < /dev/null &
    AGENT=$!
    kill_later "$AGENT"
    wait_for grep -qF 'serving ' "$T/agent.log"
}

login_with_client_secret() {
    (umask 077 && echo "$CLIENT_SECRET" > "$T/client.secret")
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --issuer "$ISSUER" --client-id desktop-secret \
        --client-secret-file "$T/client.secret" --scope 'openid offline_access email mail' "$@" "$ME"
}

must_be_found() {
    ! hunt_secrets > "$T/verdict" || fail "not found: $(cat "$T/planted")"
    rm "$T/planted"
}

test_hunt_finds_what_is_planted() {
    local token
    login_with_client_secret
    token=$(xoauth2 token "$ME")
    hunt_secrets
    for planted in "$token" "a$(state refresh_token)b" "$CLIENT_SECRET" 'secret+of+the+desktop%3a+%2b%25%26%3d' \
        "$(jq -rn --arg t "$CLIENT_SECRET" '$t | @uri')" "$(printf 'user=x\001auth=Bearer %s\001\001' "$token" | base64 -w0)" \
        "$(printf 'a%s' "$token" | base64 -w0)" "$(printf 'ab%s' "$token" | base64 -w0 | tr +/ -_)"; do
        printf 'before %s after\n' "$planted" > "$T/planted"
        must_be_found
    done
    printf '\0\377%s\0' "$token" > "$T/planted"
    must_be_found
}

# dump_memory PID...: all that these processes may write to, as it is now, into $T/memory.secret.
dump_memory() {
    rm -f "$T/memory.secret"
    # shellcheck disable=SC2016 # it is not for the shell
    node -e '
        const fs = require("fs");
        const [output, ...pids] = process.argv.slice(1);
        for (const pid of pids) {
            const memory = fs.openSync(`/proc/${pid}/mem`);
            for (const line of fs.readFileSync(`/proc/${pid}/maps`, "latin1").split("\n")) {
                const [, begin, end] = /^(\w+)-(\w+) rw/.exec(line) ?? [];
                if (!begin) continue;
                const bytes = Buffer.alloc(parseInt(end, 16) - parseInt(begin, 16));
                fs.readSync(memory, bytes, 0, bytes.length, parseInt(begin, 16));
                fs.appendFileSync(output, bytes);
            }
        }' "$T/memory.secret" "$@"
}

# With the process that starts others for it.
dump_agent() {
    # shellcheck disable=SC2046 # a list of numbers
    dump_memory "$AGENT" $(pgrep -P "$AGENT" || true)
}

# From all that has passed through the agent: requests and replies over TLS, the state file, the client's secret.
test_agent_forgets_what_was_logged_out() {
    [ "$(id -u)" -eq 0 ] || skip 'only root may look into the memory of the agent'
    start_tls_server
    oauth() { NODE_TLS_REJECT_UNAUTHORIZED='' curl -sS --cacert "$E2E_RUN/tls/ca.pem" -o /dev/null --data-binary "$2" "$ISSUER/control/$1"; }
    oauth set '{"access_ttl": 1}'
    login_with_client_secret --ca-file "$E2E_RUN/tls/ca.pem"
    oauth set '{"access_ttl": 3600}'
    wait_for has_expired
    start_agent
    xoauth2 token "$ME" > "$T/token.secret"
    equals "$(xoauth2 status --json "$ME" | jq '.[0].agent.served')" 1
    dump_agent
    grep -qaFf "$T/token.secret" "$T/memory.secret" || fail 'the search finds nothing even in an agent that serves the token'
    status 0 xoauth2 logout "$ME"
    status 77 xoauth2 token "$ME"
    dump_agent
    equals "$(hunt "$T/memory.secret")" ''
}

# The program holds its message with the token and waits for the server's answer; the helper has just renewed the token for it.
test_mail_program_has_no_more_than_its_token() {
    local secret old
    [ "$(id -u)" -eq 0 ] || skip 'only root may look into the memory of other programs'
    oauth set '{"access_ttl": 1}'
    login_with_client_secret
    oauth set '{"access_ttl": 3600}'
    wait_for has_expired
    old=$(state refresh_token)
    mkfifo "$T/in"
    wrap_client
    "${CLIENT_WRAP[@]}" stdbuf -oL sasl-sample-client -p "$SASL_PATH" -s imap -n 127.0.0.1 -m XOAUTH2 -u "$ME" -a "$ME" \
        < "$T/in" > "$T/shown.secret" 2>&1 &
    kill_later $!
    exec 3> "$T/in"
    echo 'S: WE9BVVRIMg==' >&3
    wait_for grep -q '^C: .' "$T/shown.secret"
    dump_memory $!
    state access_token > "$T/token.secret"
    grep -qaFf "$T/token.secret" "$T/memory.secret" || fail 'the search does not find even the token that the program sends'
    for secret in "$old" "$(state refresh_token)" "$CLIENT_SECRET"; do
        ! grep -qaF -e "$secret" "$T/memory.secret" || fail 'the mail program has more than its token'
    done
}

# crash PID: as a fault of its own would end it. Leaves in $T/said what the shell says of that.
crash() {
    kill -SEGV "$1"
    { wait "$1" || true; } 2> "$T/said"
}

# The program has got so far that it forbids core files.
ended_startup() {
    grep -qE '^Max core file size +0 ' "/proc/$1/limits"
}

has_core() {
    [ -n "$(find "$T" -name 'core*')" ]
}

# A program that holds secrets is killed in a folder where it could write a core file, with none forbidden by its caller.
test_killed_programs_leave_no_core_file() {
    local program
    ulimit -c unlimited 2> /dev/null || skip 'core files are forbidden on this machine'
    sleep 60 &
    crash $!
    grep -qF 'core dumped' "$T/said" || skip "this machine makes no core files: $(cat "$T/said")"
    find "$T" -name 'core*' -delete
    login_with_client_secret
    start_agent
    xoauth2 token "$ME" > "$T/token.secret"
    mkfifo "$T/in"
    "$E2E_STAGE/bin/xoauth2" helper < "$T/in" > "$T/out" 2> "$T/err" &
    exec 3> "$T/in"
    wait_for ended_startup $!
    for program in "$AGENT" $!; do
        crash "$program"
        has "$T/said" 'Segmentation fault'
        has_not "$T/said" 'core dumped'
    done
    oauth set '{"token_delay_ms": 60000}'
    "$E2E_STAGE/bin/xoauth2" refresh "$ME" > "$T/out" 2> "$T/err" < /dev/null &
    wait_for refresh_pids
    kill -SEGV "$(refresh_pids)"
    ! wait $! || fail 'the exchange was not killed'
    oauth_defaults
    ! has_core || fail 'a core file'
}

# Somebody with the same user id looks into a running program: at its environment, memory and descriptors.
test_no_other_program_of_the_user_looks_inside() {
    local as=(env) file
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    mkfifo "$T/in"
    chmod 711 "$T"
    "${as[@]}" "$E2E_STAGE/bin/xoauth2" helper < "$T/in" > "$T/reply" &
    exec 3> "$T/in"
    kill_later $!
    printf 'get\n\n' >&3
    wait_for test -s "$T/reply"
    "${as[@]}" sleep 60 &
    kill_later $!
    wait_for "${as[@]}" head -c 1 "/proc/$!/environ"
    for file in environ mem maps; do
        ! "${as[@]}" head -c 1 "/proc/$(jobs -p %1)/$file" > "$T/inside" 2>&1 || fail "$file can be read"
    done
}

# From here on each program that is run, however deep below ours and the mail programs', tells its command line and its
# environment, for the hunt.
# shellcheck disable=SC2317 # lib.sh and clients.sh call what is defined here
trace_programs() {
    command -v strace > /dev/null || skip 'needs strace'
    TRACE=(strace -qqq -ff -v -s 1000000 -e 'trace=execve,execveat' -o "$T/exec")
    wrap_own() {
        OWN_WRAP=("${TRACE[@]}")
    }
    wrap_client() {
        CLIENT_LIMIT=$((CLIENT_SECONDS * 3))
        CLIENT_WRAP=("${TRACE[@]}" env "LD_PRELOAD=$E2E_WORK/watch-client.so" "E2E_SYSLOG=$T/syslog")
    }
}

# How many programs were run that have this in their command line.
ran() {
    cat "$T"/exec.* | grep -cF "execve(\"$1" || true
}

test_what_is_run_learns_no_secret() {
    trace_programs
    oauth set '{"access_ttl": 1}'
    login_with_client_secret
    oauth set '{"access_ttl": 3600}'
    wait_for has_expired
    mbsync_login XOAUTH2
    printf 'client_secret_command: cat %s\n' "$T/client.secret" >> "$ACCOUNTS/$ME.conf"
    sed -i '/^client_secret_file/d' "$ACCOUNTS/$ME.conf"
    status 0 xoauth2 refresh "$ME"
    xoauth2 token "$ME" > "$T/token.secret"
    status 0 xoauth2 test "$ME" "imap://127.0.0.1:$IMAP_PORT"
    (umask 077 && xoauth2 dump > "$T/dump.secret")
    xoauth2 restore --force < "$T/dump.secret"
    xoauth2 import < "$T/dump.secret" > "$T/out" 2>&1 || true
    printf 'store_read: cat %s\nstore_write: tee %s\n' "$T/store.secret" "$T/store.secret" >> "$ACCOUNTS/$ME.conf"
    status 0 xoauth2 refresh "$ME"
    must_log_in sample OAUTHBEARER
    oauth revoke-access "{\"account\": \"$ME\"}"
    must_be_refused sample OAUTHBEARER
    # The agent itself serves an account without commands.
    sed -i '/^store_/d; s/^client_secret_command: cat /client_secret_file: /' "$ACCOUNTS/$ME.conf"
    printf 'notify_command: touch %s\n' "$T/notified" >> "$ACCOUNTS/$ME.conf"
    cp "$T/store.secret" "$STATES/$ME.json"
    start_agent "${TRACE[@]}"
    kill_later "$(pgrep -P "$AGENT")"
    must_log_in sample OAUTHBEARER
    oauth revoke-grant "{\"account\": \"$ME\"}"
    must_be_refused sample OAUTHBEARER
    must_be_refused sample OAUTHBEARER
    wait_for test -e "$T/notified"
    status 0 xoauth2 logout --local "$ME"
    for program in bin/xoauth2 libexec/xoauth2/{login,refresh,test,dump,restore,import,logout}; do
        [ "$(ran "$E2E_STAGE/$program")" -gt 0 ] || fail "$program was not run"
    done
    [ "$(ran /usr/bin/tee)" -gt 0 ] || fail 'store_write was not run'
}

test_hunt_finds_an_environment() {
    login
    trace_programs
    PLANTED=$(xoauth2 token "$ME") xoauth2 list > "$T/out"
    ! hunt_secrets > "$T/verdict" || fail 'not found'
    rm "$T"/exec.*
}

run_tests
