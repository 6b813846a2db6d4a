# shellcheck shell=bash
# A user's own agent: what programs get from it, what it does unasked, how it starts and ends.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/agent.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/matrix.sh"

SOCKET_NAME=xoauth2/agent.sock

# end_agent SIGNAL WANTED-STATUS
end_agent() {
    local got=0
    kill "-$1" "$AGENT"
    wait "$AGENT" || got=$?
    equals "$got" "$2"
    : > "$T/agent.log.old"
    cat "$T/agent.log" >> "$T/agent.log.old"
    : > "$T/agent.log"
}

# A member of the agent's part of the status.
agent_says() {
    xoauth2 status --json "$ME" | jq -r ".[0].agent.$1"
}

# ask REQUEST: with \n for line breaks; the reply.
ask() {
    printf '%b' "$1" | limit 20 node -e '
        const s = require("net").connect(process.argv[1]);
        process.stdin.pipe(s, { end: false });
        let text = "";
        s.on("data", (d) => { text += d; if (text.endsWith("\n\n")) { process.stdout.write(text); s.destroy(); } });
    ' "$XDG_RUNTIME_DIR/$SOCKET_NAME"
}

token_is_new() {
    [ "$(xoauth2 token "$ME")" != "$1" ]
}

test_agent_programs_get_their_tokens_there() {
    login
    start_agent
    mark_requests
    must_log_in mbsync XOAUTH2
    must_log_in sample OAUTHBEARER
    xoauth2 token "$ME" > "$T/token.secret"
    equals "$(agent_says served)" 3
    equals "$(token_requests)" 0
    end_agent TERM 0
    [ ! -e "$XDG_RUNTIME_DIR/$SOCKET_NAME" ] || fail 'the socket was left'
}

test_agent_takes_a_whole_answer_without_its_end() {
    login_faults_expired
    fault next '[{"unended": "chunks"}]'
    mark_requests
    start_agent
    gets_token
    equals "$(token_requests)" 1
    status 0 xoauth2 refresh "$ME"
}

test_agent_renews_before_anybody_asks() {
    login_expired
    mark_requests
    start_agent
    wait_for grep -qF "$ME: the token was renewed" "$T/agent.log"
    equals "$(token_requests)" 1
    must_log_in mbsync XOAUTH2
    equals "$(token_requests)" 1
}

test_agent_revoked_token() {
    login
    start_agent
    must_log_in mbsync XOAUTH2
    oauth revoke-access "{\"account\": \"$ME\"}"
    mark_requests
    must_be_refused mbsync XOAUTH2
    must_log_in mbsync XOAUTH2
    equals "$(token_requests)" 1
}

test_agent_dead_login() {
    login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    start_agent
    must_be_refused mbsync XOAUTH2
    has "$T/shown" "run 'xoauth2 login $ME'"
    status 77 xoauth2 token "$ME"
    has "$T/agent.log" "run 'xoauth2 login $ME'"
    login
    must_log_in mbsync XOAUTH2
}

test_agent_login_and_logout_are_seen_at_once() {
    start_agent
    status 1 xoauth2 token "$ME"
    login
    must_log_in mbsync XOAUTH2
    equals "$(agent_says served)" 1
    status 0 xoauth2 logout "$ME"
    must_be_refused mbsync XOAUTH2
}

test_agent_takes_over_what_a_command_renewed() {
    login
    start_agent
    xoauth2 token "$ME" > "$T/one.secret"
    status 0 xoauth2 refresh "$ME"
    token_is_new "$(cat "$T/one.secret")" || fail 'the old token'
    must_log_in mbsync XOAUTH2
}

# A file system whose changes may come from elsewhere, unheard, as a network's do: the files themselves are looked at.
test_agent_folders_that_cannot_be_watched() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root for a mount namespace'
    export T ME ACCOUNTS STATES SOCKET_NAME
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount bash -euc '
        . "$E2E_DIR/lib.sh"
        . "$E2E_DIR/agent.sh"
        . "$E2E_DIR/matrix.sh"
        mount -t ramfs -o mode=700 none "$HOME"
        '"$(declare -f agent_says token_is_new watches end_agent test_agent_login_and_logout_are_seen_at_once \
        test_agent_takes_over_what_a_command_renewed)"'
        test_agent_login_and_logout_are_seen_at_once
        ! watches || fail "it waits to be told"
        end_agent TERM 0
        test_agent_takes_over_what_a_command_renewed
        echo "users: other-$ME" >> "$ACCOUNTS/$ME.conf"
        status 0 xoauth2 token "other-$ME"
        mv "$T/out" "$T/token.secret"
        equals "$(agent_says served)" 4
        end_agent TERM 0'
    login
    start_agent
    watches || fail 'nor does it where they can be'
}

# Whether the agent is told of changes.
watches() {
    find "/proc/$AGENT/fd" -lname 'anon_inode:inotify' | grep -q .
}

test_agent_killed_and_started_anew() {
    local i
    login
    for i in 1 2 3 4 5; do
        start_agent
        xoauth2 token "$ME" > "$T/token$i.secret"
        end_agent KILL 137
        status 0 xoauth2 refresh "$ME" # the server ends the login if a refresh token comes twice
    done
    start_agent
    must_log_in mbsync XOAUTH2
}

# The new refresh token is on disk when the agent has ended.
test_agent_ends_during_an_exchange() {
    login_faults_expired
    fault always '{"delay_ms": 1500}'
    mark_requests
    start_agent
    wait_for has_request
    end_agent TERM 0
    fault always '{}'
    equals "$(token_requests)" 1
    xoauth2 token "$ME" > "$T/token.secret"
    status 0 xoauth2 refresh "$ME"
    equals "$(token_requests)" 2
}

test_agent_many_programs_at_expiry() {
    local i pids=()
    login_expired
    oauth set '{"token_delay_ms": 1000}'
    mark_requests
    start_agent
    for i in $(seq 16); do
        xoauth2 token "$ME" > "$T/token$i.secret" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i" || fail 'a program got no token'
    done
    equals "$(sort -u "$T"/token*.secret | wc -l)" 1
    equals "$(token_requests)" 1
    oauth_defaults
}

test_agent_in_the_background() {
    login
    # The sanitizers want to be loaded first. The folder is the one that the agent may write in.
    [ -n "${E2E_WRAP:-}" ] || export LD_PRELOAD=$E2E_WORK/watch-client.so E2E_SYSLOG=$STATES/syslog
    status 0 xoauth2 agent
    unset LD_PRELOAD
    equals "$(wc -c < "$T/out")$(wc -c < "$T/err")" 00
    [ -n "${E2E_WRAP:-}" ] || has "$STATES/syslog" "serving 1 accounts of $ACCOUNTS"
    local pid
    pid=$(ask 'status\n\n' | sed -n 's/^pid=//p')
    kill_later "$pid"
    has_token
    status 1 xoauth2 agent
    has "$T/err" "another agent serves the store $STATES (process $pid): run 'kill $pid' first"
    kill "$pid"
    wait_for test ! -e "$XDG_RUNTIME_DIR/$SOCKET_NAME"
}

has_token() {
    ask "get\nuser=$ME\n\n" > "$T/reply.secret"
    grep -q '^token=' "$T/reply.secret" || fail 'no token'
}

test_agent_chosen_sockets() {
    login
    start_agent --socket "$T/deep/down/one.sock" --socket "$T/two.sock"
    [ -S "$T/deep/down/one.sock" ] || fail 'no socket in folders that were missing'
    [ -S "$T/two.sock" ] || fail 'no second socket'
    equals "$(stat -c %a "$T/deep/down")" 700
    [ ! -e "$XDG_RUNTIME_DIR/$SOCKET_NAME" ] || fail 'the default socket too'
}

# Where others could make its folder first, it is not served.
test_agent_without_a_folder_of_its_own() {
    [ ! -d "/run/user/$(id -u)" ] || skip 'this user has a folder for it'
    chmod 1777 "$XDG_RUNTIME_DIR"
    status 1 xoauth2 agent
    has "$T/err" 'set XDG_RUNTIME_DIR to a folder of mode 0700 that belongs to this user, or use --socket'
    [ ! -e "$XDG_RUNTIME_DIR/xoauth2" ] || fail 'a folder in it'
}

# With what this systemd does not know the agent would go without its own confinement, or not start.
test_agent_units_that_systemd_does_not_understand() {
    local folder=$E2E_STAGE/lib/systemd
    status 0 systemd-analyze --man=no verify "$folder"/system/xoauth2-agent*
    equals "$(cat "$T/err")" ''
    status 0 systemd-analyze --user --man=no verify "$folder"/user/xoauth2-agent*
    has_not "$T/err" xoauth2-agent # of others it says what it likes
    status 0 systemd-analyze --offline=true --threshold=20 security "$folder/system/xoauth2-agent.service"
}

test_agent_usage() {
    status 2 xoauth2 agent --sockets x
    has "$T/err" "unknown option --sockets: see 'xoauth2 agent --help'"
    status 2 xoauth2 agent -xy
    has "$T/err" 'unknown option -x:'
    status 2 xoauth2 agent --socket
    has "$T/err" 'a value is missing after --socket'
    status 2 xoauth2 agent "$ME"
    has "$T/err" "one argument too many: $ME"
    status 0 xoauth2 agent --help
    has "$T/out" '--foreground'
    status 1 xoauth2 agent --foreground --socket relative.sock
    has "$T/err" 'relative.sock is no absolute path of a socket'
}

run_tests
