#!/bin/bash
# shellcheck disable=SC2317 # the functions `kept` are called by name
# Commands of account files: tokens and client secrets from elsewhere, and states in gpg, pass and the keyring, with every
# promise about races and crashes.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/assertions.sh"

account() {
    mkdir -p "$ACCOUNTS"
    printf '%s\n' "$1" > "$ACCOUNTS/$ME.conf"
    chmod 600 "$ACCOUNTS/$ME.conf"
}

# script NAME TEXT: a program in $T, and its path on standard output.
script() {
    printf '#!/bin/sh\n%s\n' "$2" > "$T/$1"
    chmod 755 "$T/$1"
    echo "$T/$1"
}

# --- token_command ----------------------------------------------------------------------------------------------

test_first_line_is_not_the_token() {
    account "token_command: printf '%s\n%s\n' first.line 'second line'"
    status 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" first.line
    status 0 xoauth2 status "$ME"
    has "$T/out" token_command
    has "$T/out" 'refresh token  not needed'
}

test_json_is_not_understood() {
    account "token_command: $(script keeper "echo run >> $T/runs; echo '{\"access_token\": \"of.json\", \"expires_in\": 1800}'")"
    status 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" of.json
    status 0 xoauth2 token "$ME"
    equals "$(wc -l < "$T/runs")" 1
    local left=$(($(state expires_at) - $(date +%s)))
    [[ $left -gt 1700 && $left -le 1800 ]] || fail "it expires in $left s"
    account "token_command: $(script az 'echo "{\"accessToken\": \"of.az\", \"expires_on\": 4102444800}"')"
    status 0 xoauth2 refresh "$ME"
    status 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" of.az
}

test_many_at_once_run_the_command_each() {
    account "token_command: $(script keeper "echo run >> $T/runs; sleep 0.2; echo many.at.once")"
    local i
    for i in 1 2 3 4 5 6 7 8; do xoauth2 token "$ME" > "$T/$i.out" & done
    wait
    equals "$(cat "$T"/?.out | sort -u)" many.at.once
    equals "$(wc -l < "$T/runs")" 1
}

test_failure_of_the_command_is_not_told() {
    account "token_command: $(script keeper 'echo s3cret-output; echo s3cret-error >&2; exit 3')"
    status 1 xoauth2 token "$ME"
    has "$T/err" "$ACCOUNTS/$ME.conf:1: 'token_command': the command failed with status 3: run it by hand to see why"
    has_not "$T/err" s3cret
    has_not "$STATES/$ME.json" s3cret
    account 'token_command: true'
    status 1 xoauth2 token "$ME"
    has "$T/err" "'token_command': the command wrote nothing"
    account "token_command: $(script keeper 'echo "{\"access_token\": \"half"')"
    status 1 xoauth2 token "$ME"
    has "$T/err" 'the command wrote no token'
    has_not "$T/err" half
    account "token_command: printf 'not a\ttoken'"
    status 1 xoauth2 token "$ME"
    account 'token_command: no-such-keeper --token'
    status 1 xoauth2 token "$ME"
    has "$T/err" "the program 'no-such-keeper' is not in"
    account "token_command: $(script later 'exit 75')"
    status 75 xoauth2 token "$ME"
}

# All three at once, since each is waited for.
test_hanging_command_holds_the_program() {
    local command me=$ME got line
    for command in token_command client_secret_command store_read; do
        ME=$command@example.org
        script "$command" "echo \$\$ > $T/$command.pid; sleep 1000" > "$T/path"
        case $command in
            token_command) account "token_command: $(cat "$T/path")" ;;
            client_secret_command) account "provider: entra
tenant: contoso.com
client_id: app
grant: client_credentials
client_secret_command: $(cat "$T/path")" ;;
            store_read) account "provider: entra
client_id: app
store_read: $(cat "$T/path")
store_write: true" ;;
        esac
        (
            got=0
            limit 40 xoauth2 token "$ME" > "$T/$command.out" 2> "$T/$command.err" || got=$?
            echo $got > "$T/$command.status"
        ) &
    done
    wait
    ME=$me
    for line in token_command:1:20 client_secret_command:5:20 store_read:3:15; do
        IFS=: read -r command got line <<< "$line"
        equals "$(cat "$T/$command.status")" 75
        has "$T/$command.err" "$ACCOUNTS/$command@example.org.conf:$got: '$command': the command did not end within $line s"
        ! kill -0 "$(cat "$T/$command.pid")" 2> /dev/null || fail "$command is still there"
    done
}

test_command_that_writes_nothing_is_not_named() {
    account 'token_command: true'
    status 1 xoauth2 token "$ME"
    has "$T/err" "$ACCOUNTS/$ME.conf:1: 'token_command': the command wrote nothing"
    account "provider: entra
tenant: contoso.com
client_id: app
grant: client_credentials
client_secret_command: true"
    status 1 xoauth2 token "$ME"
    has "$T/err" "$ACCOUNTS/$ME.conf:5: 'client_secret_command': the first line of what it writes is not a client secret"
    rm -r "$STATES"
    account "provider: entra
client_id: app
store_read: true
store_write: true"
    status 1 xoauth2 token "$ME"
    has "$T/err" "$ACCOUNTS/$ME.conf:3: 'store_read': the command wrote nothing; if there was no login yet, run 'xoauth2 login"
}

test_command_of_another_user_is_run_by_root() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    local system=$E2E_STAGE/etc/xoauth2/accounts
    local store=$E2E_STAGE/var/lib/xoauth2
    mkdir -p "$system" "$store"
    chmod 700 "$store"
    chown nobody "$store"
    install -d -o nobody "$T/by"
    chmod 711 "$T"
    echo "token_command: touch $T/by/ran" > "$system/$ME.conf"
    chmod 640 "$system/$ME.conf"
    chown nobody "$system/$ME.conf"
    status 1 xoauth2 --system token "$ME"
    rm -rf "$system" "$store"
    equals "$(stat -c %U "$T/by/ran")" nobody
}

# --- the system's agent, for programs that cannot run a helper process -------------------------------------------

AGENT_ID=61235
CLIENT_ID=61236

# system_account NAME TEXT
system_account() {
    printf '%s\n' "$2" > "$E2E_STAGE/etc/xoauth2/accounts/$1.conf"
    chmod 640 "$E2E_STAGE/etc/xoauth2/accounts/$1.conf"
    chgrp $AGENT_ID "$E2E_STAGE/etc/xoauth2/accounts/$1.conf"
}

start_system_agent() {
    local store=$E2E_STAGE/var/lib/xoauth2
    mkdir -p "$E2E_STAGE/etc/xoauth2/accounts" "$store" "$E2E_STAGE/run/xoauth2"
    chmod 700 "$store"
    chown $AGENT_ID:$AGENT_ID "$store" "$E2E_STAGE/run/xoauth2"
    chgrp $AGENT_ID "$E2E_STAGE/etc/xoauth2/accounts"
    chmod 750 "$E2E_STAGE/etc/xoauth2/accounts"
    env -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR HOME=/nonexistent setpriv --reuid $AGENT_ID --regid $AGENT_ID \
        --clear-groups xoauth2 --system agent --foreground >> "$T/agent.log" 2>&1 < /dev/null &
    AGENT_PID=$!
    trap stop_system_agent EXIT
    wait_for test -S "$E2E_STAGE/run/xoauth2/agent.sock"
}

# Whose files in /proc are root's is open to nobody else, not even to others of the same user, and leaves no core.
must_be_closed() {
    local pid
    for pid in "$AGENT_PID" $(pgrep -P "$AGENT_PID"); do
        equals "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status") $(stat -c %u "/proc/$pid/environ")" "$AGENT_ID 0"
        equals "$(awk '/^Max core file size/ { print $5 }' "/proc/$pid/limits")" 0
    done
}

stop_system_agent() {
    kill "$AGENT_PID" 2> /dev/null || true
    wait "$AGENT_PID" || true
    rm -rf "$E2E_STAGE/etc/xoauth2/accounts" "$E2E_STAGE/var/lib/xoauth2" "$E2E_STAGE/run/xoauth2"
}

# as_client WANTED COMMAND...: as somebody who may read none of the system's files.
as_client() {
    local wanted=$1
    shift
    status "$wanted" env -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR HOME=/nonexistent \
        setpriv --reuid $CLIENT_ID --regid $CLIENT_ID --clear-groups "$@"
}

# What cannot be removed is named, and the account is forgotten all the same.
test_logout_with_a_store_that_takes_nothing() {
    login --set 'store_read=/bin/false' --set 'store_write=/bin/false'
    mark_requests
    status 1 xoauth2 logout "$ME"
    has "$T/err" "the login of $ME was ended at the provider, but the tokens are not removed: "
    has "$T/err" "'store_write': the command failed with status 1"
    equals "$(requests '.endpoint == "revocation" and .status == 200')" 2
    status 1 xoauth2 logout --local --forget "$ME"
    has "$T/err" "'store_write': the command failed with status 1"
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'the account is there'
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens are there'
}

# Root logs in, the agent goes on: what a command keeps is for the same user each time.
test_system_commands_run_as_root() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    local kept=$T/keep/state.secret
    start_system_agent
    install -d -m 700 -o $AGENT_ID -g $AGENT_ID "$T/keep"
    chmod 711 "$T"
    E2E_BROWSER_USER=$ME status 0 xoauth2 --system login --issuer "$ISSUER" --client-id desktop \
        --scope 'openid offline_access email mail' --set "store_read=sh -c 'cat $kept || true'" \
        --set "store_write=sh -c 'umask 077; cat > $kept; id -u > $T/keep/who; pwd >> $T/keep/who; echo \$HOME >> $T/keep/who'" "$ME"
    has_not "$T/err" warning
    equals "$(stat -c %u "$kept")" $AGENT_ID
    has_line "$T/keep/who" $AGENT_ID
    has_not "$T/keep/who" "$HOME"
    echo "allow: $CLIENT_ID" >> "$E2E_STAGE/etc/xoauth2/accounts/$ME.conf"
    as_client 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" "$(jq -r .access_token "$kept")"
    status 0 xoauth2 --system refresh "$ME"
    equals "$(stat -c %u "$kept")" $AGENT_ID
    as_client 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" "$(jq -r .access_token "$kept")"
    rm "$T/out"
    status 0 xoauth2 --system logout "$ME"
    equals "$(jq -c . "$kept")" '{}'
    sed -i 's/|| true/; exit 3/' "$E2E_STAGE/etc/xoauth2/accounts/$ME.conf"
    status 1 xoauth2 --system refresh "$ME"
    has "$T/err" "'store_read' (as user id $AGENT_ID): the command failed with status 3: run it by hand"
}

test_agent_does_not_serve_commands_and_users() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    start_system_agent
    must_be_closed
    mkdir -p "$E2E_STAGE/etc/xoauth2"
    cp "$KEYS/service.json" "$E2E_STAGE/etc/xoauth2/service.json"
    chown $AGENT_ID "$E2E_STAGE/etc/xoauth2/service.json"
    system_account robot@contoso.com "provider: workspace
grant: jwt_bearer
service_account_file: $E2E_STAGE/etc/xoauth2/service.json
users: *@contoso.com
allow: $CLIENT_ID"
    system_account keeper@example.org "token_command: printf of.the.keeper
hosts: imap.example.org
allow: $CLIENT_ID"
    system_account closed@example.org 'token_command: printf not.for.all'
    system_account app@fabrikam.com "provider: entra
tenant: fabrikam.com
client_id: app
client_secret: the-app-secret
grant: client_credentials
users: *@fabrikam.com
allow: $CLIENT_ID"
    as_client 0 xoauth2 token anna@contoso.com
    grep -q '^token\.anna\.contoso\.com\.' "$T/out" || fail "$(cat "$T/out")"
    as_client 0 xoauth2 token bert@contoso.com
    grep -q '^token\.bert\.contoso\.com\.' "$T/out" || fail "$(cat "$T/out")"
    as_client 0 xoauth2 token anna@contoso.com
    mv "$T/out" "$T/token.secret"
    equals "$(assertion_requests '.endpoint == "google"')" 2
    as_client 0 xoauth2 token carl@fabrikam.com
    grep -q '^token\.app\.' "$T/out" || fail "$(cat "$T/out")"
    as_client 0 xoauth2 token dora@fabrikam.com
    mv "$T/out" "$T/token.secret"
    equals "$(assertion_requests '.tenant == "fabrikam.com"')" 1
    as_client 0 xoauth2 token keeper@example.org
    equals "$(cat "$T/out")" of.the.keeper
    as_client 1 xoauth2 token closed@example.org
    has "$T/err" "user id $CLIENT_ID may not use closed@example.org: add it to 'allow:' in $E2E_STAGE/etc/xoauth2/accounts/closed"
    as_client 1 xoauth2 token nobody@example.org
    equals "$(cat "$T/err")" "xoauth2: no account for nobody@example.org: run 'xoauth2 login nobody@example.org'"
    # The same connection rules for every kind of account: the agent goes on after each.
    local i
    for i in 1 2 3 4 5 6 7 8 9 10; do
        as_client 0 xoauth2 token keeper@example.org
    done
    kill -0 "$AGENT_PID" || fail "$(cat "$T/agent.log")"
    rm "$E2E_STAGE/etc/xoauth2/service.json"
}

# Confined, it cannot make another: whoever started it does.
test_system_agent_that_loses_the_process_for_commands() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    local got=0
    start_system_agent
    wait_for grep -qF 'serving ' "$T/agent.log"
    pkill -KILL -P "$AGENT_PID"
    wait "$AGENT_PID" || got=$?
    equals "$got" 1
    has "$T/agent.log" 'the process that starts programs for the agent is lost, and the agent ends: start it anew'
    ! grep -L '^Restart=on-failure$' "$E2E_STAGE"/lib/systemd/*/xoauth2-agent.service | grep . || fail 'for good'
}

# For what the agent does not do for others, root is the one to ask, whether or not `allow:` has the user.
test_accounts_of_the_system_are_told_from_none() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    start_system_agent
    system_account keeper@example.org "token_command: printf of.the.keeper
users: team@example.org
allow: $CLIENT_ID"
    system_account closed@example.org 'token_command: printf not.for.all'
    local verb name
    for verb in status refresh test; do
        for name in Keeper@example.org team@example.org closed@example.org; do
            as_client 1 xoauth2 $verb $name
            grep -qi "^xoauth2: $name is an account of this machine, .* as root, run 'xoauth2 --system $verb $name'\$" "$T/err" \
                || fail "$verb $name: $(cat "$T/err")"
        done
        as_client 1 xoauth2 $verb nobody@example.org
        has "$T/err" "no account for nobody@example.org: run 'xoauth2 login nobody@example.org'"
    done
    as_client 0 xoauth2 token team@example.org
    kill "$AGENT_PID"
    wait "$AGENT_PID" || true
    as_client 75 xoauth2 token keeper@example.org
    has "$T/err" "no account for keeper@example.org of this user, and no agent answers at $E2E_STAGE/run/xoauth2/agent.sock"
    as_client 1 xoauth2 status keeper@example.org
    has "$T/err" "no account for keeper@example.org: run"
    status 1 xoauth2 token nobody@example.org
    has "$T/err" "no account for nobody@example.org: run"
}

# --- client_secret_command --------------------------------------------------------------------------------------

test_client_secret_of_a_command_is_not_sent() {
    account "provider: entra
tenant: contoso.com
client_id: app
client_secret_command: $(script secret 'echo the-app-secret; echo another line')
grant: client_credentials"
    status 0 xoauth2 token "$ME"
    equals "$(assertion_requests '.by == "secret"')" 1
    mv "$T/out" "$T/token.secret"
    account "provider: entra
tenant: contoso.com
client_id: app
client_secret_command: true
grant: client_credentials"
    status 1 xoauth2 refresh "$ME"
    has "$T/err" "$ME.conf:4: 'client_secret_command': the first line of what it writes is not a client secret"
}

# --- store_read, store_write ------------------------------------------------------------------------------------

# login_with READ WRITE: a login at the server that rotates refresh tokens, the state being kept by these.
login_with() {
    login --set "store_read=$1" --set "store_write=$2"
    has_not "$T/err" warning
    has "$T/err" "Settings: $ACCOUNTS/$ME.conf; tokens: where store_write keeps them"
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens are in the file too'
}

# All that an account does with its state; the function `kept` of each test writes the state.
use_store() {
    kept > "$T/first.secret"
    jq -e .refresh_token "$T/first.secret" > /dev/null
    status 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" "$(jq -r .access_token "$T/first.secret")"
    mv "$T/out" "$T/token.secret"
    mark_requests
    status 0 xoauth2 refresh "$ME"
    equals "$(token_requests)" 1
    kept > "$T/second.secret"
    [ "$(jq -r .refresh_token "$T/first.secret")" != "$(jq -r .refresh_token "$T/second.secret")" ] || fail 'not rotated'
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens are in the file too'
    status 0 xoauth2 refresh "$ME"
    status 0 xoauth2 status "$ME"
    has "$T/out" 'access token   (hidden), expires'
    status 0 xoauth2 logout "$ME"
    kept > "$T/last.secret"
    equals "$(jq -c . "$T/last.secret")" '{}'
    status 77 xoauth2 token "$ME"
}

# Many processes when the token has expired: one request, and the grant lives on.
race_on_store() {
    oauth set '{"access_ttl": 1}'
    status 0 xoauth2 refresh "$ME"
    oauth set '{"access_ttl": 3600}'
    wait_for has_expired_in_store
    mark_requests
    local i
    local -a pids=()
    for i in 1 2 3 4 5 6 7 8; do
        xoauth2 token "$ME" > "$T/race.$i.secret" 2> "$T/race.$i.err" &
        pids+=($!)
    done
    wait "${pids[@]}" # and not for the keyring
    equals "$(cat "$T"/race.?.secret | sort -u | wc -l)" 1
    equals "$(token_requests)" 1
    status 0 xoauth2 refresh "$ME"
}

has_expired_in_store() {
    [ "$(date +%s)" -ge "$(kept | jq -r .expires_at)" ]
}

make_gpg() {
    GNUPGHOME=$(mktemp -d /tmp/xoauth2-gpg.XXXXXX) # short: it has sockets
    export GNUPGHOME
    echo "$GNUPGHOME" >> "$T/gpg-homes"
    gpg --batch --quiet --passphrase '' --quick-generate-key me@example.org rsa2048 encr never 2> "$T/gpg.log"
}

end_gpg() {
    gpgconf --kill all
    rm -rf "$GNUPGHOME"
}

test_gpg_keeps_no_state() {
    make_gpg
    trap end_gpg EXIT
    kept() { gpg --batch --quiet --decrypt "$T/state.gpg" 2> "$T/gpg.log"; }
    login_with "gpg --batch --quiet --decrypt $T/state.gpg" \
        "gpg --batch --yes --quiet --trust-model always --recipient me@example.org --encrypt --output $T/state.gpg"
    race_on_store
    use_store
}

test_pass_keeps_no_state() {
    make_gpg
    trap end_gpg EXIT
    export PASSWORD_STORE_DIR=$T/passwords
    pass init me@example.org > "$T/pass.log" 2>&1
    kept() { pass show "xoauth2/$ME" 2> "$T/pass.log"; }
    login_with "pass show xoauth2/$ME" "pass insert --multiline --force xoauth2/$ME"
    race_on_store
    use_store
}

# A bus and a keyring of the test's own.
start_keyring() {
    local runtime
    runtime=$(mktemp -d /tmp/xoauth2-keyring.XXXXXX)
    export XDG_RUNTIME_DIR=$runtime XDG_DATA_HOME=$T/data
    mkdir -p "$XDG_DATA_HOME"
    dbus-daemon --session --fork --print-address=3 --print-pid=4 3> "$T/bus" 4> "$T/bus.pid" 2> "$T/bus.log"
    kill_later "$(cat "$T/bus.pid")"
    DBUS_SESSION_BUS_ADDRESS=$(cat "$T/bus")
    export DBUS_SESSION_BUS_ADDRESS
    printf 'passphrase' | gnome-keyring-daemon --foreground --unlock --components=secrets > "$T/keyring.log" 2>&1 &
    kill_later $!
    wait_for keyring_works
}

# Whoever asks for it too early makes the bus start a second one, which is locked.
keyring_works() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
        string:org.freedesktop.secrets | grep -q 'boolean true' || return 1
    echo x | timeout 5 secret-tool store --label=probe probe probe
}

test_keyring_keeps_no_state() {
    start_keyring
    kept() { secret-tool lookup xoauth2 "$ME"; }
    login_with "secret-tool lookup xoauth2 $ME" "secret-tool store --label='xoauth2 $ME' xoauth2 $ME"
    race_on_store
    use_store
    rm -rf "$XDG_RUNTIME_DIR"
}

# Scripts that keep the state in a file, and can be told to misbehave by a file `mode`.
make_store() {
    READ=$(script read "[ ! -e $T/broken ] && cat $T/state.secret")
    WRITE=$(script write "
case \$(cat $T/mode 2> /dev/null) in
fail) exit 1 ;;
truncate) : > $T/state.secret; exit 1 ;;
lie) exit 0 ;;
murder) : > $T/state.secret; kill -9 \$(cat $T/victim) ; kill -9 \$\$ ;;
esac
cat > $T/state.secret")
    # shellcheck disable=SC2317 # the tests call it
    kept() { cat "$T/state.secret"; }
}

# The new refresh token is somewhere safe although store_write failed in this way.
survives() {
    rm -f "$T/mode"
    login_with "$READ" "$WRITE"
    echo "$1" > "$T/mode"
    status 0 xoauth2 refresh "$ME"
    status 1 xoauth2 status "$ME"
    has "$T/out" "'store_write' in $ACCOUNTS/$ME.conf has not taken the tokens, which are in $STATES/$ME.json"
    status 0 xoauth2 token "$ME"
    equals "$(stat -c %a "$STATES/$ME.json")" 600
    rm "$T/mode"
    status 0 xoauth2 refresh "$ME"
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens stay in the file'
    status 0 xoauth2 status "$ME"
    status 0 xoauth2 refresh "$ME"
}

test_failing_store_loses_the_login() {
    make_store
    survives fail
    survives truncate
    survives lie
}

# Both the command and the process that started it die when the old state is gone and the new one is not there yet.
test_kill_while_storing_loses_the_login() {
    make_store
    login_with "$READ" "$WRITE"
    local i
    for i in 1 2 3; do
        echo murder > "$T/mode"
        # The parent of the command is the process that renews.
        sed -i "s|^murder).*|murder) : > $T/state.secret; kill -9 \$PPID; kill -9 \$\$ ;;|" "$T/write"
        xoauth2 refresh "$ME" > "$T/out" 2> "$T/err" || true
        rm "$T/mode"
        [ -e "$STATES/$ME.json" ] || fail 'the state is nowhere'
        status 0 xoauth2 token "$ME"
        mv "$T/out" "$T/token.secret"
        status 0 xoauth2 refresh "$ME"
        [ ! -e "$STATES/$ME.json" ] || fail 'the tokens stay in the file'
    done
}

test_store_that_cannot_be_read_is_taken_for_empty() {
    make_store
    login_with "$READ" "$WRITE"
    touch "$T/broken"
    status 1 xoauth2 token "$ME"
    has "$T/err" "'store_read': the command failed with status 1"
    has "$T/err" "if there was no login yet, run 'xoauth2 login $ME'"
    rm "$T/broken"
    status 0 xoauth2 refresh "$ME"
    printf '{"access_token": "ha' > "$T/state.secret"
    status 1 xoauth2 token "$ME"
    has "$T/err" "what 'store_read' gives is damaged (it is not a whole JSON object)"
    equals "$(cat "$T/state.secret")" '{"access_token": "ha'
}

test_state_file_is_not_moved_into_the_store() {
    make_store
    login
    [ -e "$STATES/$ME.json" ]
    printf 'store_read: %s\nstore_write: %s\n' "$READ" "$WRITE" >> "$ACCOUNTS/$ME.conf"
    status 0 xoauth2 token "$ME"
    mv "$T/out" "$T/token.secret"
    status 0 xoauth2 refresh "$ME"
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens stay in the file'
    status 0 xoauth2 refresh "$ME"
}

# The tokens are in a dump and come back into the store; where it does not take them, they wait in the file.
test_dump_of_a_store_loses_the_tokens() {
    make_store
    login_with "$READ" "$WRITE"
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/dump.err")
    rm -r "$ACCOUNTS" "$STATES" "$T/state.secret"
    xoauth2 restore < "$T/dump.secret" > "$T/out" 2> "$T/err" || fail "$(cat "$T/err")"
    has_line "$T/out" "$ME: restored"
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens are in the file'
    status 0 xoauth2 refresh "$ME"
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/dump.err")
    rm -r "$ACCOUNTS" "$STATES" "$T/state.secret"
    echo fail > "$T/mode"
    xoauth2 restore < "$T/dump.secret" > "$T/out" 2> "$T/err" || fail "$(cat "$T/err")"
    has_line "$T/out" "$ME: restored"
    has "$T/err" "warning: $ACCOUNTS/$ME.conf:"
    has "$T/err" "'store_write': the command failed with status 1"
    status 0 xoauth2 token "$ME"
    mv "$T/out" "$T/token.secret"
    rm "$T/mode"
    status 0 xoauth2 refresh "$ME"
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens stay in the file'
}

test_dump_of_a_store_that_cannot_be_read() {
    make_store
    login_with "$READ" "$WRITE"
    touch "$T/broken"
    local got=0
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/err") || got=$?
    equals "$got" 1
    [ ! -s "$T/dump.secret" ] || fail 'something was written'
    has "$T/err" "'store_read': the command failed with status 1"
}

run_tests
finish_assertions
