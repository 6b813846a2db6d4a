# shellcheck shell=bash
# shellcheck disable=SC2016 # names in single quotes are Postfix's
# xoauth2 doctor: a set-up that works is found healthy; each of the mistakes below is planted into it, alone, and must
# be found, by its name, with what mends it.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/agent.sh"
# shellcheck source=/dev/null
. "$E2E_RUN/dovecot/ports"

SYSTEM_ACCOUNTS=$E2E_STAGE/etc/xoauth2/accounts
STORE=$E2E_STAGE/var/lib/xoauth2
SOCKET=$E2E_STAGE/run/xoauth2/agent.sock
POSTFIX=$E2E_STAGE/etc/postfix
STORE_ID=61234 # the owner of the machine's store, without a name

# --- tools ----------------------------------------------------------------------------------------------------------

# doctor [ARGUMENT...]: what it says, as JSON in $T/out.
doctor() {
    local rc=0
    [ ! -e "$POSTFIX/main.cf" ] || age_postfix
    xoauth2 doctor --json "$@" > "$T/out" 2> "$T/err" < /dev/null || rc=$?
    [ "$rc" -le 1 ] || fail "status $rc: $(cat "$T/err")"
    equals "$rc" "$(jq 'if .problems > 0 then 1 else 0 end' "$T/out")"
}

# says LEVEL CHECK TEXT: one finding has all of these.
says() {
    jq -e --arg level "$1" --arg check "$2" --arg text "$3" \
        'any(.findings[]; .level == $level and .check == $check and (.message | contains($text)))' "$T/out" \
        > /dev/null || {
        jq -c '.findings[] | select(.level != "ok")' "$T/out"
        fail "no $1 of $2 with: $3"
    }
}

# only CHECK...: nothing else is found fault with. That no token comes of it is no fault of its own.
only() {
    local others
    others=$(jq -r --args '.findings[] | select(.level != "ok") | .check | select(IN($ARGS.positional[]) | not)' \
        "$@" token < "$T/out" | sort -u)
    [ -z "$others" ] || {
        jq -c '.findings[] | select(.level != "ok")' "$T/out"
        fail "found as well: $others"
    }
}

# silent_about CHECK: no finding is of it.
silent_about() {
    equals "$(jq -c --arg check "$1" '[.findings[] | select(.check == $check)]' "$T/out")" '[]'
}

# healthy [ARGUMENT...]: nothing is found fault with.
healthy() {
    doctor "$@"
    equals "$(jq -c '[.problems, .warnings, [.findings[] | select(.level != "ok")]]' "$T/out")" '[0,0,[]]'
}

# keep: the home as it is now is the healthy one. fresh: it is so again.
keep() {
    tar -C "$T" -cf "$T/healthy.secret" home
}

fresh() {
    rm -rf "$HOME"
    tar -C "$T" -xpf "$T/healthy.secret"
}

# each PREFIX [COMMAND]: runs every function PREFIX_WHAT on a fresh copy of the home, after the command. It plants one
# mistake and sets `expected`, the level, the check and the text that names it, with other checks that cannot but
# complain too, and if need be `arguments` of the command.
each() {
    local function expected arguments count=0
    while read -r function; do
        fresh
        "${@:2}"
        arguments=()
        expected=()
        "$function"
        (
            doctor "${arguments[@]}"
            says "${expected[@]}"
            only "${expected[1]}" "${expected[@]:3}"
        ) || fail "$function"
        ! declare -F "mend_$function" > /dev/null || "mend_$function"
        count=$((count + 1))
    done < <(compgen -A function "$1_")
    echo "$count mistakes of '$1' found"
    fresh
}

# A home with an account that works, a plugin folder and an options file of its own.
make_home() {
    login
    mkdir -p "$HOME/plugins" "$HOME/conf"
    cp "$E2E_STAGE/lib/sasl2/libsasl2-xoauth2.so" "$HOME/plugins/"
    chmod 755 "$HOME/plugins" "$HOME/plugins/"* "$HOME/conf"
    export SASL_PATH=$HOME/plugins:$multiarch/sasl2 SASL_CONF_PATH=$HOME/conf
    keep
}

add_line() {
    echo "$1" >> "$ACCOUNTS/$ME.conf"
}

# change_state EXPRESSION: of jq.
change_state() {
    jq "$1" "$STATES/$ME.json" > "$T/state.secret"
    cat "$T/state.secret" > "$STATES/$ME.json"
}

needs_root() {
    [ "$(id -u)" -eq 0 ] || skip 'only root can be somebody else'
}

# --- accounts and their files ---------------------------------------------------------------------------------------

account_none() {
    rm "$ACCOUNTS/$ME.conf"
    expected=(problem account-found "there is no account: run 'xoauth2 login ADDRESS'")
}

account_unknown() {
    arguments=("nobody-$ME")
    expected=(problem account-found "xoauth2 login nobody-$ME")
}

account_mistyped_key() {
    add_line 'host: *'
    expected=(problem account-file "unknown key 'host': did you mean 'hosts'?")
}

account_readable_by_others() {
    chmod 644 "$ACCOUNTS/$ME.conf"
    expected=(problem account-file "run 'chmod 0600 $ACCOUNTS/$ME.conf'")
}

account_folder_for_all() {
    chmod 777 "$ACCOUNTS"
    expected=(problem account-file "$ACCOUNTS")
}

account_link() {
    mv "$ACCOUNTS/$ME.conf" "$HOME/elsewhere"
    ln -s "$HOME/elsewhere" "$ACCOUNTS/$ME.conf"
    expected=(problem account-file 'is a symbolic link')
}

account_capital_letters() {
    cp "$ACCOUNTS/$ME.conf" "$ACCOUNTS/Me@Example.org.conf"
    expected=(warning account-ignored 'Me@Example.org.conf is no account')
}

account_unknown_provider() {
    sed -i 's/^issuer:.*/provider: gogle/' "$ACCOUNTS/$ME.conf"
    expected=(problem account-file 'there is no provider file gogle.conf')
}

account_two_with_one_user() {
    add_line 'users: team@example.com'
    cp "$ACCOUNTS/$ME.conf" "$ACCOUNTS/second.conf"
    cp "$STATES/$ME.json" "$STATES/second.json"
    expected=(problem account-users "team@example.com matches the 'users:' of")
}

# share_user HOSTS HOSTS: two accounts that have one user, each for these servers.
share_user() {
    add_line 'users: team@example.com'
    cp "$ACCOUNTS/$ME.conf" "$ACCOUNTS/second.conf"
    cp "$STATES/$ME.json" "$STATES/second.json"
    add_line "hosts: $1"
    echo "hosts: $2" >> "$ACCOUNTS/second.conf"
}

account_two_with_one_user_and_one_host() {
    share_user '*.example.com imap.example.org' 'imap.example.org imap.example.net'
    expected=(problem account-users "team@example.com matches the 'users:' of")
}

account_two_with_one_user_and_a_pattern() {
    share_user '*.example.com' 'imap.example.com'
    arguments=("$ME")
    expected=(problem account-users "team@example.com matches the 'users:' of")
}

account_user_with_a_broken_account() {
    add_line 'users: team@example.com'
    echo 'host: *' > "$ACCOUNTS/team@example.com.conf"
    chmod 600 "$ACCOUNTS/team@example.com.conf"
    arguments=("$ME")
    expected=(problem account-users "unknown key 'host'")
}

account_server_not_among_hosts() {
    add_line 'hosts: imap.example.com'
    add_line 'servers: imaps://imap.example.net'
    expected=(problem account-servers 'imap.example.net of')
}

account_no_client_secret_file() {
    add_line "client_secret_file: $HOME/client.secret"
    expected=(problem account-client "the file $HOME/client.secret is missing")
}

account_client_secret_for_all() {
    echo s3cret > "$HOME/client.secret"
    chmod 644 "$HOME/client.secret"
    add_line "client_secret_file: $HOME/client.secret"
    expected=(problem account-client "run 'chmod 0600 $HOME/client.secret'")
}

account_key_is_none() {
    echo 'no key' > "$HOME/client.secret"
    add_line "client_key_file: $HOME/client.secret"
    expected=(problem account-client "$HOME/client.secret")
}

account_state_for_all() {
    chmod 644 "$STATES/$ME.json"
    expected=(problem state "run 'chmod 0600 $STATES/$ME.json'")
}

account_state_folder_for_all() {
    chmod 755 "$STATES"
    expected=(problem state "run 'chmod 0700 $STATES'")
}

account_state_damaged() {
    echo '{"access_token":' > "$STATES/$ME.json"
    expected=(problem state 'is damaged')
}

account_store_not_written() {
    add_line 'store_read: cat /dev/null'
    add_line 'store_write: false'
    expected=(problem state "'store_write' in")
}

account_not_logged_in() {
    rm "$STATES/$ME.json"
    expected=(problem login "run 'xoauth2 login $ME'")
}

account_moved_to_another_client() {
    sed -i 's/^client_id: .*/client_id: another/' "$ACCOUNTS/$ME.conf"
    expected=(problem login 'the client id of')
}

account_login_ended() {
    change_state '.last_error = {code: "login-needed", message: "run it again", at: 5}'
    expected=(problem login 'run it again')
}

account_trouble_at_the_provider() {
    change_state '.last_error = {code: "unreachable", message: "in trouble", at: 5}'
    expected=(warning login 'in trouble')
}

account_refresh_token_ended() {
    change_state '.refresh_expires_at = 1000'
    expected=(problem refresh-token "run 'xoauth2 login $ME'")
}

account_refresh_token_ends_soon() {
    change_state '.refresh_expires_at = (now | floor) + 86400'
    expected=(warning refresh-token "run 'xoauth2 refresh $ME'")
}

account_clock_set_back() {
    change_state '.obtained_at = (now | floor) + 1000'
    expected=(warning access-token 'comes from the future')
}

test_accounts() {
    make_home
    healthy
    healthy "$ME"
    each account
    # The server decides.
    share_user '*.example.com' 'imap.example.org'
    healthy
    # The account of that name goes before both.
    fresh
    share_user '*.example.com' '*.example.com'
    cp "$ACCOUNTS/$ME.conf" "$ACCOUNTS/team@example.com.conf"
    cp "$STATES/$ME.json" "$STATES/team@example.com.json"
    healthy
}

# finds_no_room ERRNO-TEXT [WRAPPER...]: that the next tokens cannot be written, and nothing else.
finds_no_room() {
    status 1 "${@:2}" "$E2E_STAGE/bin/xoauth2" doctor --json "$ME"
    says problem store-room "cannot write $STATES/$ME.json: $1"
    only store-room
    equals "$(find "$STATES" -name '.*.json.*')" ''
}

test_store_that_cannot_be_written() {
    local mortal=()
    make_home
    healthy
    says ok store-room "$STATES"
    [ "$(id -u)" -ne 0 ] || mortal=(setpriv --bounding-set "-dac_override,-dac_read_search")
    chmod 500 "$STATES"
    finds_no_room 'Permission denied: make its folder writable' "${mortal[@]}"
    status 1 "${mortal[@]}" "$E2E_STAGE/bin/xoauth2" refresh "$ME"
    has "$T/err" 'Permission denied'
    chmod 700 "$STATES"
    healthy
}

test_store_on_a_full_disk() {
    needs_root
    mkdir -p "${STATES%/*}"
    mkdir -m 700 "$STATES"
    mount -t tmpfs -o size=1m,mode=0700 tmpfs "$STATES" 2> "$T/mount" || skip 'mount is not permitted here'
    trap 'umount --lazy "$STATES"' EXIT
    make_home
    healthy
    dd if=/dev/zero of="$STATES/filler" bs=4k status=none 2> /dev/null || true
    finds_no_room 'No space left on device: free some space'
    rm "$STATES/filler"
    healthy
}

# A renewal that is under way is none of the doctor's business.
test_store_in_use() {
    make_home
    (
        exec 9>> "$STATES/$ME.lock"
        flock 9
        healthy
    )
    has_not "$T/out" store-room
}

# --- the way to the provider ----------------------------------------------------------------------------------------

# endpoint URL: the account's provider is there, where its tokens came from, and none has to be fetched.
endpoint() {
    sed -i '/^issuer:/d' "$ACCOUNTS/$ME.conf"
    add_line "token_endpoint: $1"
    change_state ".token_endpoint = \"$1\""
}

way_no_network() {
    endpoint http://127.0.0.1:1/token
    expected=(warning provider 'without the network neither')
}

way_no_ca_file() {
    add_line "ca_file: $HOME/none.pem"
    expected=(problem ca "$HOME/none.pem, the 'ca_file' of the account, cannot be read")
}

way_untrusted_certificate() {
    endpoint "https://localhost:$IMAPS_PORT/token"
    expected=(problem ca 'cannot be trusted')
}

way_dead_proxy() {
    endpoint https://login.example.org/token
    add_line 'proxy: http://127.0.0.1:1'
    expected=(problem proxy "the proxy 127.0.0.1:1, from 'proxy' in the account file")
}

way_dead_proxy_of_the_environment() {
    endpoint https://localhost:1/token
    export https_proxy=http://someone:Pr0xyPassw0rd@127.0.0.1:1
    expected=(problem proxy 'the proxy 127.0.0.1:1, from https_proxy')
}

mend_way_dead_proxy_of_the_environment() {
    has_not "$T/out" Pr0xyPassw0rd
    no_proxy=example.org,.localhost doctor
    says warning provider localhost # nobody is there
    unset https_proxy
}

# clock_server DATE: a provider that has this time.
clock_server() {
    rm -f "$T/clock"
    node -e '
        const server = require("http").createServer((q, a) => { a.setHeader("Date", process.argv[2]); a.end("{}"); });
        server.listen(0, "127.0.0.1",
            () => require("fs").writeFileSync(process.argv[1], String(server.address().port)));
    ' "$T/clock" "$1" < /dev/null &
    kill_later $!
    wait_for test -s "$T/clock"
    endpoint "http://127.0.0.1:$(cat "$T/clock")/token"
}

way_clock_behind() {
    clock_server "$(LC_ALL=C date -u -d '1 hour' '+%a, %d %b %Y %T GMT')"
    expected=(problem clock 's behind that of 127.0.0.1')
}

way_clock_ahead() {
    clock_server "$(LC_ALL=C date -u -d '2 minutes ago' '+%a, %d %b %Y %T GMT')"
    expected=(warning clock 's ahead of that of 127.0.0.1')
}

test_way_to_the_provider() {
    make_home
    each way
    healthy
    says ok clock 127.0.0.1
}

# --- the plugin and its options -------------------------------------------------------------------------------------

plugin_nowhere() {
    rm "$HOME/plugins/libsasl2-xoauth2.so"
    expected=(problem plugin-found "run 'ln -s $E2E_STAGE/lib/sasl2/libsasl2-xoauth2.so $HOME/plugins/'")
}

plugin_truncated() {
    truncate -s 10 "$HOME/plugins/libsasl2-xoauth2.so"
    expected=(problem plugin-loads "libsasl2 cannot load $HOME/plugins/libsasl2-xoauth2.so")
}

plugin_la_left_over() {
    echo "dlname='libsasl2-xoauth2.so'" > "$HOME/plugins/libsasl2-xoauth2.la"
    echo "libdir='/nowhere'" >> "$HOME/plugins/libsasl2-xoauth2.la"
    expected=(problem plugin-la "run 'rm $HOME/plugins/libsasl2-xoauth2.la'")
}

plugin_rival() {
    cp "$HOME/plugins/libsasl2-xoauth2.so" "$HOME/plugins/libxoauth2.so"
    expected=(problem plugin-alone "run 'rm $HOME/plugins/libxoauth2.so'")
}

plugin_twice() {
    mkdir "$HOME/more"
    chmod 755 "$HOME/more"
    cp "$HOME/plugins/libsasl2-xoauth2.so" "$HOME/more/"
    SASL_PATH=$HOME/plugins:$HOME/more
    expected=(warning plugin-alone 'there are 2 copies of the plugin')
}

mend_plugin_twice() {
    SASL_PATH=$HOME/plugins:$multiarch/sasl2
}

plugin_that_crashes() {
    printf '#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { abort(); }\n' \
        | cc -shared -o "$HOME/plugins/libbroken.so" -x c -
    chmod 755 "$HOME/plugins/libbroken.so"
    expected=(problem plugin-loads "run 'rm $HOME/plugins/libbroken.so'")
}

plugin_writable_by_others() {
    chmod 777 "$HOME/plugins"
    expected=(problem plugin-files "chmod go-w $HOME/plugins'")
}

options_mistyped() {
    echo 'xoauth2_timout: 10' > "$HOME/conf/xoauth2.conf"
    expected=(problem options-file "did you mean 'xoauth2_timeout'?")
}

options_wrong_value() {
    echo 'xoauth2_timeout: soon' > "$HOME/conf/xoauth2.conf"
    expected=(problem options-file 'must be a number of seconds')
}

options_writable_by_others() {
    touch "$HOME/conf/xoauth2.conf"
    chmod 666 "$HOME/conf/xoauth2.conf"
    expected=(problem options-file "run 'chmod 0644 $HOME/conf/xoauth2.conf'")
}

options_password() {
    echo 'xoauth2_token_source: password' > "$HOME/conf/xoauth2.conf"
    expected=(warning options-source 'so that no account is used')
}

options_socket_without_agent() {
    echo "xoauth2_agent_socket: $HOME/none.sock" > "$HOME/conf/xoauth2.conf"
    expected=(problem agent-user "there is no socket $HOME/none.sock: run 'xoauth2 agent --socket $HOME/none.sock'")
}

options_no_helper() {
    echo "xoauth2_helper: $HOME/none" > "$HOME/conf/xoauth2.conf"
    expected=(problem helper "the helper $HOME/none cannot be run")
}

options_shadowed() {
    mkdir "$HOME/second"
    echo 'xoauth2_timeout: 10' | tee "$HOME/conf/xoauth2.conf" > "$HOME/second/xoauth2.conf"
    SASL_CONF_PATH=$HOME/conf:$HOME/second
    expected=(warning options-shadowed "$HOME/second/xoauth2.conf is not read")
}

mend_options_shadowed() {
    SASL_CONF_PATH=$HOME/conf
}

test_plugin_and_options() {
    make_home
    umask 022
    healthy
    says ok plugin-found "$HOME/plugins/libsasl2-xoauth2.so"
    says ok plugin-loads XOAUTH2
    each plugin
    each options
}

# --- agents ---------------------------------------------------------------------------------------------------------

agent_gone() {
    mkdir -p "$XDG_RUNTIME_DIR/xoauth2"
    false_agent "$XDG_RUNTIME_DIR/xoauth2/agent.sock" mute
    kill -9 "$AGENT"
    wait "$AGENT" || true
    local start='xoauth2 agent'
    [ ! -d /run/systemd/system ] || start='systemctl --user start xoauth2-agent.socket'
    expected=(problem agent-user "/xoauth2/agent.sock any more: run '$start'")
}

# A machine that systemd has started, on which the unit is what starts the agent.
mend_agent_gone() {
    [ "$(id -u)" -eq 0 ] || return 0
    local script='mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system; exec "$@"'
    local under_systemd=(unshare --mount sh -euc "$script" sh)
    "${under_systemd[@]}" true 2> "$T/mount" || return 0
    status 1 "${under_systemd[@]}" "$E2E_STAGE/bin/xoauth2" doctor --json
    says problem agent-user "any more: run 'systemctl --user start xoauth2-agent.socket'"
}

agent_mute() {
    rm -f "$XDG_RUNTIME_DIR/xoauth2/agent.sock"
    false_agent "$XDG_RUNTIME_DIR/xoauth2/agent.sock" mute
    echo 'xoauth2_timeout: 1' > "$HOME/conf/xoauth2.conf"
    expected=(problem agent-user 'does not answer')
}

mend_agent_mute() {
    kill "$AGENT"
    wait "$AGENT" || true
    rm -f "$XDG_RUNTIME_DIR/xoauth2/agent.sock"
}

agent_no_agent() {
    false_agent "$XDG_RUNTIME_DIR/xoauth2/agent.sock" garbage
    expected=(problem agent-user 'is no agent')
}

mend_agent_no_agent() {
    mend_agent_mute
}

test_agents() {
    make_home
    each agent
    xoauth2 agent > "$T/agent.out" 2>&1
    kill_later "$(xoauth2_agent_pid)"
    healthy
    says ok agent-user 'answers at'
    says ok token "the user's agent"
}

test_no_place_for_an_agent() {
    make_home
    [ ! -d "/run/user/$(id -u)" ] || skip 'this user has a folder for it'
    status 0 env -u XDG_RUNTIME_DIR "$E2E_STAGE/bin/xoauth2" doctor --json
    says ok agent-user "XDG_RUNTIME_DIR is not set, and there is no folder /run/user/$(id -u) for this user alone"
    local long
    long=$T/$(printf '%0120d' 0)
    mkdir -m 700 "$long"
    status 0 env "XDG_RUNTIME_DIR=$long" "$E2E_STAGE/bin/xoauth2" doctor --json
    says warning agent-user 'XDG_RUNTIME_DIR is too long for the path of a socket'
}

test_runtime_folder_of_others() {
    make_home
    [ ! -d "/run/user/$(id -u)" ] || skip 'this user has a folder for it'
    chmod 1777 "$XDG_RUNTIME_DIR"
    status 0 xoauth2 doctor --json
    says warning agent-user "others may write in $XDG_RUNTIME_DIR, which XDG_RUNTIME_DIR names"
    says warning agent-user "run 'chmod go-w $XDG_RUNTIME_DIR'"
    chmod go-w "$XDG_RUNTIME_DIR"
    status 0 xoauth2 doctor --json
    says ok agent-user "none at $XDG_RUNTIME_DIR/"
    status 0 env "XDG_RUNTIME_DIR=$T/none" "$E2E_STAGE/bin/xoauth2" doctor --json
    says warning agent-user "XDG_RUNTIME_DIR names $T/none, which is no folder of this user's"
    status 0 env -u XDG_RUNTIME_DIR "$E2E_STAGE/bin/xoauth2" doctor --json
    says ok agent-user 'none is looked for'
}

xoauth2_agent_pid() {
    printf 'status\nversion=1\n\n' | socket_exchange "$XDG_RUNTIME_DIR/xoauth2/agent.sock" | sed -n 's/^pid=//p'
}

socket_exchange() {
    node -e 'process.stdin.pipe(require("net").connect(process.argv[1])).pipe(process.stdout)' "$1"
}

# --- the machine's accounts, as others see them ---------------------------------------------------------------------

make_machine() {
    needs_root
    export LSAN_OPTIONS=detect_leaks=0 # it needs /proc, which no jail has
    trap remove_machine EXIT
    remove_machine # what another file has left
    install -d -m 755 "$E2E_STAGE/etc" "$E2E_STAGE/etc/xoauth2" "$E2E_STAGE/var" "$E2E_STAGE/var/lib" "$E2E_STAGE/run"
    install -d -m 700 -o $STORE_ID -g $STORE_ID "$STORE"
    install -d -m 755 "$(dirname "$SOCKET")"
    E2E_BROWSER_USER=$ME status 0 xoauth2 --system login --issuer "$ISSUER" --client-id desktop \
        --scope 'openid offline_access email mail' "$ME"
    keep
}

remove_machine() {
    rm -rf "$SYSTEM_ACCOUNTS" "$STORE" "$(dirname "$SOCKET")" "$POSTFIX" "$E2E_STAGE/etc/client.secret"
}

# start_agent SOCKET: the machine's, there and nowhere else. Sets `agent`.
start_agent() {
    chown $STORE_ID "$(dirname "$1")"
    setpriv --reuid $STORE_ID --regid $STORE_ID --clear-groups "$E2E_STAGE/bin/xoauth2" --system agent --foreground \
        --socket "$1" >> "$T/agent.log" 2>&1 < /dev/null &
    agent=$!
    kill_later "$agent"
    wait_for test -S "$1"
}

stop_agent() {
    kill "$agent"
    wait "$agent" || true
}

machine_state_of_root() {
    chown root "$STORE/$ME.json"
    arguments=(--system)
    expected=(problem store-owner "run 'chown $STORE_ID $STORE/$ME.json'")
}

mend_machine_state_of_root() {
    chown $STORE_ID "$STORE/$ME.json"
}

machine_account_of_root_alone() {
    chgrp root "$SYSTEM_ACCOUNTS/$ME.conf"
    arguments=(--system)
    expected=(problem store-owner "run 'chgrp $STORE_ID $SYSTEM_ACCOUNTS/$ME.conf")
}

mend_machine_account_of_root_alone() {
    chgrp $STORE_ID "$SYSTEM_ACCOUNTS/$ME.conf"
}

machine_secret_of_root_alone() {
    (umask 077; echo 'a-client-secret' > "$E2E_STAGE/etc/client.secret")
    echo "client_secret_file: $E2E_STAGE/etc/client.secret" >> "$SYSTEM_ACCOUNTS/$ME.conf"
    arguments=(--system "$ME")
    expected=(problem store-owner "run 'chown $STORE_ID $E2E_STAGE/etc/client.secret'")
}

mend_machine_secret_of_root_alone() {
    chown $STORE_ID "$E2E_STAGE/etc/client.secret"
}

machine_authorities_of_root_alone() {
    mkdir -m 700 "$E2E_STAGE/etc/authorities"
    echo "ca_path: $E2E_STAGE/etc/authorities" >> "$SYSTEM_ACCOUNTS/$ME.conf"
    arguments=(--system "$ME")
    expected=(problem store-owner "run 'chmod a+rx $E2E_STAGE/etc/authorities'")
}

mend_machine_authorities_of_root_alone() {
    status 1 xoauth2 --system login "$ME"
    has "$T/err" "'ca_path': user id $STORE_ID, who owns $STORE and runs the agent, cannot read the folder"
    chmod a+rx "$E2E_STAGE/etc/authorities"
    doctor --system "$ME"
    says ok account-client 'can be read'
    silent_about store-owner
    chmod 700 "$E2E_STAGE/etc/xoauth2" # a folder above is closed
    sed -i '/^ca_path:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
    mkdir -m 755 "$E2E_STAGE/etc/xoauth2/authorities"
    echo "ca_path: $E2E_STAGE/etc/xoauth2/authorities" >> "$SYSTEM_ACCOUNTS/$ME.conf"
    doctor --system "$ME"
    says problem store-owner "cannot get at $E2E_STAGE/etc/xoauth2/authorities: put the folder into"
    chmod 755 "$E2E_STAGE/etc/xoauth2"
    rmdir "$E2E_STAGE/etc/xoauth2/authorities" "$E2E_STAGE/etc/authorities"
    sed -i '/^ca_path:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
}

machine_account_of_somebody() {
    chown nobody "$SYSTEM_ACCOUNTS/$ME.conf"
    arguments=(--system)
    expected=(problem account-file 'belongs to user id')
}

mend_machine_account_of_somebody() {
    chown root "$SYSTEM_ACCOUNTS/$ME.conf"
}

machine_allows_nobody_known() {
    echo 'allow: postfx' >> "$SYSTEM_ACCOUNTS/$ME.conf"
    arguments=(--system "$ME")
    expected=(problem account-allow "'allow:' names postfx")
}

mend_machine_allows_nobody_known() {
    sed -i '/^allow:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
}

# From here on somebody looks who has no rights of his own; his libsasl2 does not know the stage.
machine_no_agent_for_others() {
    arguments=(--as nobody "$ME")
    expected=(problem agent-system "there is no socket $SOCKET" plugin-found)
}

machine_no_agent_in_the_jail() {
    start_agent "$SOCKET" # outside
    mkdir -p "$T/jail"
    arguments=(--as nobody --chroot "$T/jail" "$ME")
    expected=(problem agent-system "run 'systemctl enable --now xoauth2-agent-postfix.socket'" plugin-found)
}

mend_machine_no_agent_in_the_jail() {
    doctor --as nobody "$ME"
    says ok agent-system "answers at $SOCKET"
    stop_agent
}

machine_socket_locked() {
    start_agent "$SOCKET"
    chmod 700 "$(dirname "$SOCKET")"
    arguments=(--as nobody "$ME")
    expected=(problem agent-system "run 'chmod a+x $(dirname "$SOCKET")'" plugin-found)
}

mend_machine_socket_locked() {
    chmod 755 "$(dirname "$SOCKET")"
    chmod 600 "$SOCKET"
    doctor --as nobody "$ME"
    says problem agent-system "run 'chmod 0666 $SOCKET'"
    stop_agent
}

machine_socket_of_somebody() {
    mkdir "$T/planted"
    false_agent "$T/planted/agent.sock" garbage
    mv "$T/planted/agent.sock" "$SOCKET"
    kill "$AGENT"
    wait "$AGENT" || true
    rm -f "$SOCKET"
    chmod 711 "$T"
    install -d -o $STORE_ID "$T/planted"
    false_agent "$T/planted/agent.sock" mute setpriv --reuid $STORE_ID --clear-groups
    chmod 666 "$T/planted/agent.sock"
    chown root "$(dirname "$SOCKET")"
    mv "$T/planted/agent.sock" "$SOCKET"
    arguments=(--as nobody "$ME")
    expected=(problem agent-system "is served by user id $STORE_ID, who is not trusted" plugin-found)
}

mend_machine_socket_of_somebody() {
    rm "$SOCKET"
    chmod 700 "$T"
}

test_machine() {
    make_machine
    healthy --system
    each machine
}

# What others may have is found out inside of the jail, with their ids.
test_jail() {
    make_machine
    mkdir -p "$T/jail$(dirname "$SOCKET")"
    chmod 711 "$T"
    start_agent "$T/jail$SOCKET"
    doctor --as nobody --chroot "$T/jail" "$ME"
    says ok agent-system "answers at $SOCKET"
    says problem token "$ME"
    echo 'allow: nobody' >> "$SYSTEM_ACCOUNTS/$ME.conf"
    doctor --as nobody --chroot "$T/jail" "$ME"
    says ok token "the machine's agent"
    stop_agent
}

# --- Postfix --------------------------------------------------------------------------------------------------------

# Postfix's programs wait until their file is two seconds old.
age_postfix() {
    touch -d '1 minute ago' "$POSTFIX/main.cf"
}

write_postfix() {
    mkdir -p "$POSTFIX" "$T/queue$(dirname "$SOCKET")"
    chmod 711 "$T"
    {
        sed "s,/etc/postfix,$POSTFIX," "$E2E_DIR/examples/postfix-main.cf"
        echo "queue_directory = $T/queue"
        echo 'compatibility_level = 3.6'
    } > "$POSTFIX/main.cf"
    age_postfix
    printf '%s\n' 'smtp unix - - y - - smtp' 'relay unix - - y - - smtp' 'pickup unix n - n 60 1 pickup' \
        > "$POSTFIX/master.cf"
    sed "s/me@gmail\.com/$ME/" "$E2E_DIR/examples/postfix-sasl_passwd" > "$POSTFIX/sasl_passwd"
    chmod 600 "$POSTFIX/sasl_passwd"
    postmap -c "$POSTFIX" "$POSTFIX/sasl_passwd"
}

# set_postfix LINE: in main.cf.
set_postfix() {
    sed -i "/^${1%% *} /d" "$POSTFIX/main.cf"
    echo "$1" >> "$POSTFIX/main.cf"
}

postfix_noplaintext() {
    set_postfix 'smtp_sasl_security_options = noplaintext, noanonymous'
    expected=(problem postfix-noplaintext
        "run \"postconf -c $POSTFIX -e 'smtp_sasl_security_options = noanonymous'\"")
}

postfix_noplaintext_of_one_service() {
    sed -i '1a\    -o smtp_sasl_tls_security_options=noplaintext' "$POSTFIX/master.cf"
    expected=(problem postfix-noplaintext
        "run \"postconf -c $POSTFIX -P 'smtp/unix/smtp_sasl_tls_security_options = noanonymous'\"")
}

postfix_noplaintext_by_a_name_of_its_own() {
    echo 'my_options = noplaintext' >> "$POSTFIX/main.cf"
    set_postfix 'smtp_sasl_security_options = $my_options, noanonymous'
    expected=(problem postfix-noplaintext
        "run \"postconf -c $POSTFIX -e 'smtp_sasl_security_options = noanonymous'\"")
}

postfix_noplaintext_by_a_name_in_one_service() {
    echo 'my_options = noplaintext' >> "$POSTFIX/main.cf"
    sed -i '1a\    -o smtp_sasl_tls_security_options=$my_options' "$POSTFIX/master.cf"
    expected=(problem postfix-noplaintext
        "run \"postconf -c $POSTFIX -P 'smtp/unix/smtp_sasl_tls_security_options = noanonymous'\"")
}

postfix_no_source_by_the_folder_of_the_file() {
    set_postfix 'smtp_sasl_password_maps = hash:${config_directory}/nowhere'
    expected=(problem postfix-passwords "$POSTFIX/nowhere of smtp_sasl_password_maps is missing")
}

postfix_no_filter() {
    set_postfix 'smtp_sasl_mechanism_filter ='
    expected=(warning postfix-mechanisms "postconf -c $POSTFIX -e 'smtp_sasl_mechanism_filter = xoauth2'")
}

postfix_auth_cache() {
    set_postfix 'smtp_sasl_auth_cache_name = proxy:btree:/var/lib/postfix/sasl_auth_cache'
    expected=(problem postfix-auth-cache "postconf -c $POSTFIX -e 'smtp_sasl_auth_cache_name ='")
}

postfix_no_tls() {
    set_postfix 'smtp_tls_security_level = may'
    expected=(problem postfix-tls "postconf -c $POSTFIX -e 'smtp_tls_security_level = secure'")
}

postfix_no_login() {
    set_postfix 'smtp_sasl_auth_enable = no'
    expected=(problem postfix-login "postconf -c $POSTFIX -e 'smtp_sasl_auth_enable = yes'")
}

postfix_other_library() {
    set_postfix 'smtp_sasl_type = dovecot'
    expected=(problem postfix-login "postconf -c $POSTFIX -e 'smtp_sasl_type = cyrus'")
}

postfix_no_table() {
    set_postfix 'smtp_sasl_password_maps ='
    expected=(problem postfix-passwords 'nothing tells who logs in')
}

postfix_no_source() {
    rm "$POSTFIX/sasl_passwd"
    expected=(problem postfix-passwords 'is missing')
}

postfix_no_index() {
    rm "$POSTFIX/sasl_passwd.db"
    expected=(problem postfix-passwords "run 'postmap hash:$POSTFIX/sasl_passwd'")
}

postfix_old_index() {
    touch -d '1 hour ago' "$POSTFIX/sasl_passwd.db"
    expected=(problem postfix-passwords 'was changed after')
}

postfix_passwords_for_all() {
    chmod 644 "$POSTFIX/sasl_passwd"
    expected=(warning postfix-passwords "run 'chmod 0600 $POSTFIX/sasl_passwd")
}

postfix_no_socket_in_the_jail() {
    mv "$T/queue$SOCKET" "$T/queue$SOCKET.moved"
    expected=(problem postfix-agent "run 'systemctl enable --now xoauth2-agent-postfix.socket'")
}

mend_postfix_no_socket_in_the_jail() {
    mv "$T/queue$SOCKET.moved" "$T/queue$SOCKET"
}

postfix_not_allowed() {
    sed -i '/^allow:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
    expected=(problem postfix-allowed "echo 'allow: postfix' >> $SYSTEM_ACCOUNTS/$ME.conf")
}

# A second line of that name would break the account for everybody.
postfix_not_among_those_allowed() {
    sed -i '/^allow:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
    echo 'allow: nobody' >> "$SYSTEM_ACCOUNTS/$ME.conf"
    expected=(problem postfix-allowed
        "add postfix to 'allow:' in line $(wc -l < "$SYSTEM_ACCOUNTS/$ME.conf") of $SYSTEM_ACCOUNTS/$ME.conf")
}

mend_postfix_not_among_those_allowed() {
    sed -i '/^allow:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
}

postfix_not_allowed_by_another_address() {
    sed -i '/^allow:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
    echo 'users: team@example.org' >> "$SYSTEM_ACCOUNTS/$ME.conf"
    sed -i "s/$ME/Team@example.org/" "$POSTFIX/sasl_passwd"
    postmap -c "$POSTFIX" "$POSTFIX/sasl_passwd"
    expected=(problem postfix-allowed "echo 'allow: postfix' >> $SYSTEM_ACCOUNTS/$ME.conf")
}

mend_postfix_not_allowed_by_another_address() {
    sed -i '/^users:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
}

restore_postfix() {
    write_postfix
    grep -q '^allow:' "$SYSTEM_ACCOUNTS/$ME.conf" \
        || cat "$E2E_DIR/examples/postfix-allow" >> "$SYSTEM_ACCOUNTS/$ME.conf"
}

test_postfix() {
    make_machine
    restore_postfix
    start_agent "$T/queue$SOCKET"
    healthy
    says ok postfix-agent "answers at $SOCKET"
    says ok postfix-allowed 'postfix gets the token'
    # Names of one's own, and those of Postfix.
    printf 'my_%s\n' 'maps = hash:${config_directory}/sasl_passwd' 'filter = xoauth2' 'level = secure' \
        >> "$POSTFIX/main.cf"
    set_postfix 'smtp_sasl_password_maps = $my_maps'
    set_postfix 'smtp_sasl_mechanism_filter = $my_filter'
    set_postfix 'smtp_tls_security_level = ${my_level}'
    healthy
    says ok postfix-passwords "$POSTFIX/sasl_passwd"
    says ok postfix-allowed 'postfix gets the token'
    each postfix restore_postfix
    stop_agent
}

# Other programs of this machine may have accounts, too. Where Postfix's table cannot be read, any may be Postfix's.
test_postfix_others() {
    make_machine
    restore_postfix
    start_agent "$T/queue$SOCKET"
    printf 'token_command: printf of.another\n' > "$SYSTEM_ACCOUNTS/other@example.org.conf"
    chgrp $STORE_ID "$SYSTEM_ACCOUNTS/other@example.org.conf"
    chmod 640 "$SYSTEM_ACCOUNTS/other@example.org.conf"
    doctor other@example.org
    silent_about postfix-allowed
    doctor
    says ok postfix-allowed 'postfix gets the token'
    set_postfix 'smtp_sasl_password_maps = static:other@example.org:'
    doctor other@example.org
    says problem postfix-allowed "echo 'allow: postfix' >> $SYSTEM_ACCOUNTS/other@example.org.conf"
    write_postfix
    echo '[imap.example.org] other@example.org:' >> "$POSTFIX/sasl_passwd"
    postmap -c "$POSTFIX" "$POSTFIX/sasl_passwd"
    doctor
    says ok postfix-allowed 'postfix gets the token'
    says problem postfix-allowed "echo 'allow: postfix' >> $SYSTEM_ACCOUNTS/other@example.org.conf"
    stop_agent
}

# Services that log in with passwords, and hosts without an account, are left alone.
test_postfix_with_passwords() {
    mkdir -p "$POSTFIX"
    trap 'rm -rf "$POSTFIX"' EXIT
    make_home
    printf 'smtp_sasl_auth_enable = yes\nsmtp_sasl_mechanism_filter = plain\n' > "$POSTFIX/main.cf"
    printf 'smtp unix - - y - - smtp\n' > "$POSTFIX/master.cf"
    healthy
    echo 'smtp_sasl_mechanism_filter =' >> "$POSTFIX/main.cf"
    healthy
    echo 'compatibility_level = nonsense' >> "$POSTFIX/main.cf"
    echo 'smtp unix' > "$POSTFIX/master.cf"
    doctor
    says warning postfix-read "run 'postconf -c $POSTFIX -n'"
}

# --- mbsync ---------------------------------------------------------------------------------------------------------

# mbsyncrc LINE...: an account with a user, a host and these lines.
mbsyncrc() {
    add_line 'hosts: imap.example.org'
    {
        printf '# comment\n\nIMAPAccount one\nUser "%s"\n' "$ME"
        printf '%s\n' "$@"
        printf '\nIMAPStore far\nAccount one\n'
    } > "$HOME/.mbsyncrc"
}

isync_password_mechanism() {
    mbsyncrc 'Host imap.example.org' 'AuthMechs LOGIN'
    expected=(problem mbsync-mechanism "make it 'AuthMechs XOAUTH2'")
}

isync_any_mechanism() {
    mbsyncrc 'Host imap.example.org'
    expected=(warning mbsync-mechanism "add 'AuthMechs XOAUTH2'")
}

isync_password() {
    mbsyncrc 'Host imap.example.org' 'AuthMechs XOAUTH2' 'Pass Tr0ub4dor'
    expected=(warning mbsync-password '.mbsyncrc:7: a password')
}

mend_isync_password() {
    has_not "$T/out" Tr0ub4dor
}

isync_no_tls() {
    mbsyncrc 'Host imap.example.org' 'AuthMechs XOAUTH2' 'SSLType None'
    expected=(problem mbsync-tls "make it 'SSLType IMAPS'")
}

isync_no_tls_with_a_blank_behind() {
    mbsyncrc 'Host imap.example.org' 'AuthMechs XOAUTH2' 'SSLType None '
    expected=(problem mbsync-tls '.mbsyncrc:7: the token would go')
}

isync_no_tls_with_a_comment_behind() {
    mbsyncrc 'Host imap.example.org' 'AuthMechs XOAUTH2 # LOGIN' $'\tSSLType\t"None" # for now\r'
    expected=(problem mbsync-tls '.mbsyncrc:7: the token would go')
}

isync_mechanism_in_a_comment() {
    mbsyncrc 'Host imap.example.org' 'AuthMechs LOGIN PLAIN # XOAUTH2'
    expected=(problem mbsync-mechanism "make it 'AuthMechs XOAUTH2'")
}

isync_other_host() {
    mbsyncrc 'Host imap.example.net' 'AuthMechs XOAUTH2'
    expected=(problem mbsync-host 'imap.example.net is not among')
}

isync_no_account() {
    mbsyncrc 'Host imap.example.org' 'User you@example.org' 'AuthMechs XOAUTH2'
    expected=(problem mbsync-account 'xoauth2 login you@example.org')
}

test_mbsync() {
    make_home
    each isync
    mbsyncrc 'Host imap.example.org' 'AuthMechs XOAUTH2'
    healthy
    says ok mbsync-mechanism XOAUTH2
    # What is behind a value.
    fresh
    mbsyncrc 'Host imap.example.org # there' "User $ME # mine" '  # nothing' 'AuthMechs XOAUTH2 "OAUTHBEARER" # both' \
        'SSLType IMAPS # not None'
    healthy
    says ok mbsync-mechanism '.mbsyncrc:3: XOAUTH2 OAUTHBEARER'
    # The server tells which of two accounts it is.
    fresh
    share_user imap.example.org imap.example.net
    printf 'IMAPAccount one\nHost imap.example.net\nUser team@example.com\nAuthMechs XOAUTH2\n' > "$HOME/.mbsyncrc"
    healthy
    says ok mbsync-mechanism XOAUTH2
    # Somebody else's password login is none of our business.
    fresh
    mbsyncrc 'Host imap.example.org' 'User you@example.org' 'AuthMechs LOGIN' 'Pass x'
    healthy
}

# --- the command itself ---------------------------------------------------------------------------------------------

# A helper that tells who it is and what its environment is.
spying_helper() {
    printf '#!/bin/sh\n{ id -u; id -g; id -G; env; } > %s/spy/seen\n' "$T"
}

test_as_becomes_the_user_first() {
    needs_root
    local doctor=$E2E_STAGE/libexec/xoauth2/doctor
    mkdir -m 777 "$T/spy"
    chmod 777 "$T/spy"
    chmod 711 "$T"
    login
    mv "$E2E_STAGE/bin/xoauth2" "$E2E_STAGE/bin/xoauth2.moved"
    trap 'mv -f "$E2E_STAGE/bin/xoauth2.moved" "$E2E_STAGE/bin/xoauth2"' EXIT
    spying_helper > "$E2E_STAGE/bin/xoauth2"
    chmod 755 "$E2E_STAGE/bin/xoauth2"
    PLANTED=planted setpriv --groups 0,12345 "$doctor" --json --as nobody "$ME" > "$T/out" || true
    equals "$(head -n 1 "$T/spy/seen")" "$(id -u nobody)"
    equals "$(sed -n 2p "$T/spy/seen")" "$(id -g nobody)"
    equals "$(sed -n 3p "$T/spy/seen")" "$(id -G nobody)"
    has_not "$T/spy/seen" planted
    has_not "$T/spy/seen" "$T/home"
    has_not "$T/spy/seen" SASL_PATH
    has_line "$T/spy/seen" USER=nobody
    # The accounts of whoever ran it are not his.
    says problem account-found "xoauth2 login $ME"
}

test_only_root_is_somebody_else() {
    needs_root
    chmod 711 "$T"
    status 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$E2E_STAGE/bin/xoauth2" doctor --as root
    has "$T/err" 'use sudo'
    status 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$E2E_STAGE/bin/xoauth2" doctor --chroot /
    has "$T/err" 'use sudo'
    status 1 xoauth2 doctor --as nosuchuser
    has "$T/err" "there is no user 'nosuchuser'"
    status 1 xoauth2 doctor --chroot "$T/none"
    has "$T/err" "$T/none is no folder"
}

test_lines_for_people() {
    login
    status 0 xoauth2 doctor
    grep -qE '^ok       plugin-found: ' "$T/out" || fail "$(cat "$T/out")"
    has_line "$T/out" '0 problems, 0 warnings'
    chmod 644 "$STATES/$ME.json"
    status 1 xoauth2 doctor "$ME"
    has "$T/out" "problem  state: $ME: $STATES/$ME.json may be accessed by others"
    chmod 600 "$STATES/$ME.json"
    status 2 xoauth2 doctor one two
    status 2 xoauth2 doctor --as
    ! xoauth2 doctor > /dev/full 2> "$T/err" || fail 'nobody could read it'
    has "$T/err" 'cannot write to standard output'
}

# --- what a stranger may read ---------------------------------------------------------------------------------------

# Two marks: in what is secret, and in what is only nobody's business.
SECRET=Tr0ub4dor-and-3
PRIVATE=m1ss-M4rple-and-2

# Every place from which something could find its way into the report.
plant_marks() {
    local broken=$ACCOUNTS/broken-${PRIVATE,,}@example.org.conf
    add_line "client_secret: $SECRET-client"
    add_line "users: $PRIVATE@example.net"
    add_line "hosts: $PRIVATE.example.net"
    add_line "refresh_margin: 77"
    add_line "userinfo_endpoint: https://$PRIVATE.example.net/$PRIVATE"
    add_line "notify_command: echo $SECRET"
    printf 'issuer: https://%s.example.org\n%s: %s\n' "$PRIVATE" "$SECRET" "$SECRET" > "$broken"
    chmod 600 "$broken"
    change_state ".refresh_token = \"$SECRET-refresh\" | .signed_in_as = \"$PRIVATE\" | .scope = \"$PRIVATE\"
        | .other = \"$SECRET\" | .last_error = {code: \"unreachable\", error: \"$PRIVATE\", at: 5,
            message: \"AADSTS50173: $PRIVATE of AADSTS123456\"}"
    echo "xoauth2_helper: $HOME/$PRIVATE" > "$HOME/conf/xoauth2.conf"
    mkdir "$HOME/plugins-$PRIVATE"
    SASL_PATH=$SASL_PATH:$HOME/plugins-$PRIVATE
    printf 'IMAPAccount %s\nUser %s\nHost %s\nPass %s\nAuthMechs XOAUTH2 %s\n' \
        "$PRIVATE" "$ME" "$PRIVATE" "$SECRET" "$PRIVATE" > "$HOME/.mbsyncrc"
    mkdir -p "$POSTFIX"
    {
        echo "smtp_sasl_mechanism_filter = xoauth2 $PRIVATE"
        echo "smtp_sasl_password_maps = hash:$POSTFIX/sasl_passwd-$PRIVATE"
        echo "relayhost = $PRIVATE"
    } > "$POSTFIX/main.cf"
    printf 'smtp unix - - n - - smtp\n' > "$POSTFIX/master.cf"
    echo "host me:$SECRET" > "$POSTFIX/sasl_passwd-$PRIVATE"
    export https_proxy=http://$PRIVATE:$SECRET@127.0.0.1:1 ALL_PROXY=http://$PRIVATE:$SECRET@127.0.0.1:1
    export SOME_SECRET=$SECRET
}

# forms TEXT: the text, and what base64 makes of its inside wherever it begins, hexadecimal, and for an URL.
forms() {
    local before
    echo "$1"
    for before in '' a ab; do
        printf '%s%s' "$before" "$1" | base64 -w 0 \
            | cut -c "$((${#before} > 0 ? 5 : 1))-$((${#1} * 4 / 3 / 4 * 4 - 4))"
    done
    printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
    echo
    tr 'A-Za-z' 'N-ZA-Mn-za-m' <<< "$1"
}

# is_free_of TEXT FILE: in every form, of either case.
is_free_of() {
    local form
    while read -r form; do
        [ "${#form}" -ge 8 ] || fail "the form '$form' is too short to mean anything"
        ! grep -qiF -e "$form" "$2" || {
            cat "$2"
            fail "$(basename "$2") has $1, as $form"
        }
    done < <(forms "$1")
}

test_report_for_strangers() {
    local option
    trap 'rm -rf "$POSTFIX"' EXIT
    make_home
    plant_marks
    # These marks would be seen: what the owner is shown has the private one.
    status 1 xoauth2 doctor
    cp "$T/out" "$T/plain.secret"
    has "$T/plain.secret" "$PRIVATE"
    echo "c2VjcmV0IG9mIA$(printf %s "xx$SECRET" | base64)" > "$T/encoded.secret"
    (is_free_of "$SECRET" "$T/encoded.secret") > /dev/null && fail 'base64 is not seen'
    for option in '' --json; do
        # shellcheck disable=SC2086 # one word or none
        status 1 xoauth2 doctor --report $option
        cat "$T/err" >> "$T/out"
        cp "$T/out" "$T/report"
        is_free_of "$SECRET" "$T/report"
        is_free_of "$PRIVATE" "$T/report"
        is_free_of "$ME" "$T/report"
        is_free_of "$(state access_token)" "$T/report"
        has_not "$T/report" example
        has_not "$T/report" 123456
        has_not "$T/report" "$HOME"
    done
    # The rest of it is of use, though.
    jq -e '.report.versions.libsasl2' "$T/report" > /dev/null
    jq -e '.report.accounts[] | select(.settings.client_secret == "set" and .settings.refresh_margin == 77)' \
        "$T/report" > "$T/account"
    equals "$(jq -c '.last_error | [.code, .error, .aadsts]' "$T/account")" '["unreachable","other",50173]'
    equals "$(jq '[.findings[] | select(.check == "account-file" and .level == "problem")] | length' "$T/report")" 1
    status 1 xoauth2 doctor --report
    has "$T/out" 'whether the account file is right'
    # Of secrets the owner is shown none either; a key that he took for a value he has to see.
    sed -i "s/'$SECRET'//" "$T/plain.secret"
    is_free_of "$SECRET" "$T/plain.secret"
}

run_tests
