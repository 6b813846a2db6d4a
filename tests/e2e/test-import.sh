#!/bin/bash
# Accounts from other programs' token files, and from another machine.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# A refresh token of the OAuth server, as another program has it: a login whose traces are removed.
foreign_tokens() {
    login
    REFRESH=$(state refresh_token)
    rm -rf "$STATES" "$ACCOUNTS"
}

# imports WANTED ARGUMENT...: no secret of the file is shown, and the file stays as it was.
imports() {
    local wanted=$1
    shift
    local before
    before=$(cat "$T"/tokens* 2> /dev/null | sha256sum)
    status "$wanted" xoauth2 import "$@"
    equals "$(cat "$T"/tokens* 2> /dev/null | sha256sum)" "$before"
    has_not "$T/out" "${REFRESH:-nothing-to-hide}"
    has_not "$T/err" "${REFRESH:-nothing-to-hide}"
}

# The imported account gets a token.
works() {
    equals "$(stat -c %a "$ACCOUNTS/$ME.conf")" 600
    equals "$(stat -c %a "$STATES/$ME.json")" 600
    status 0 xoauth2 token "$ME"
    mv "$T/out" "$T/token.secret"
    [ "$(wc -c < "$T/token.secret")" -gt 20 ] || fail 'no token'
    status 0 xoauth2 refresh "$ME"
}

# However it is written, it is neither taken for the name of a file nor shown.
test_secret_on_the_command_line_is_taken() {
    local option
    echo '{}' > "$T/tokens.secret"
    for option in --client-secret --client-secret= --client-s= --clientsecret=; do
        local words=("$option" "$T/hush-hush")
        [ "${option%=}" = "$option" ] || words=("$option$T/hush-hush")
        status 2 xoauth2 import "${words[@]}" "$T/tokens.secret"
        has_line "$T/err" "xoauth2 import: every user of this machine can read a command line: put the secret into a file\
 of mode 0600 and give --client-secret-file. See 'xoauth2 import --help'."
        has_not "$T/err" hush
    done
}

test_sasl_xoauth2_is_not_taken() {
    foreign_tokens
    jq -n --arg refresh "$REFRESH" --arg user "$ME" --arg url "$ISSUER/token" '{access_token: "old", expiry: "1000000000",
        refresh_token: $refresh, user: $user, token_endpoint: $url}' > "$T/tokens.secret"
    echo '{"client_id": "desktop", "log_to_syslog_on_failure": "yes", "refresh_window": 20}' > "$T/sasl-xoauth2.conf"
    imports 0 --config "$T/sasl-xoauth2.conf" "$T/tokens.secret"
    has "$T/out" "$ME: from sasl-xoauth2: the refresh token, the client. Settings: $ACCOUNTS/$ME.conf"
    works
    has_line "$ACCOUNTS/$ME.conf" "token_endpoint: $ISSUER/token"
    has_line "$ACCOUNTS/$ME.conf" 'client_id: desktop'
}

test_name_of_the_file_is_not_the_account() {
    foreign_tokens
    mkdir "$T/tokens.d"
    jq -n --arg refresh "$REFRESH" --arg url "$ISSUER/token" \
        '{refresh_token: $refresh, token_endpoint: $url, client_id: "desktop"}' > "$T/tokens.d/$ME"
    mv "$T/tokens.d" "$T/tokens.d.secret"
    status 0 xoauth2 import "$T/tokens.d.secret/$ME"
    works
    rm -r "$T/tokens.d.secret"
}

test_microsoft_and_google_are_not_known() {
    echo '{"refresh_token": "r1", "user": "a@contoso.com", "client_id": "c", "client_secret": "hush-hush",
        "token_endpoint": "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"}' > "$T/tokens.1.secret"
    echo '{"refresh_token": "r2", "user": "b@gmail.com", "client_id": "c", "client_secret": "hush-hush"}' > "$T/tokens.2.secret"
    imports 0 "$T/tokens.1.secret" "$T/tokens.2.secret"
    has_not "$T/out" hush
    has_line "$ACCOUNTS/a@contoso.com.conf" 'provider: microsoft'
    has_line "$ACCOUNTS/a@contoso.com.conf" 'tenant: contoso.com'
    has_line "$ACCOUNTS/b@gmail.com.conf" 'provider: google'
    has_line "$ACCOUNTS/b@gmail.com.conf" 'client_secret: hush-hush'
}

test_mutt_oauth2_is_not_taken() {
    local end
    end=$(date -d '+1000 seconds' '+%Y-%m-%dT%H:%M:%S.123456')
    jq -n --arg user "$ME" --arg stop "$end" '{registration: "google", authflow: "authcode", email: $user, access_token: "kept.token",
        access_token_expiration: $stop, refresh_token: "r3", client_id: "c", client_secret: ""}' > "$T/tokens.secret"
    xoauth2 import < "$T/tokens.secret" > "$T/out" 2> "$T/err" || fail "$(cat "$T/err")"
    has "$T/out" "$ME: from mutt_oauth2.py: the refresh token, an access token, the client"
    status 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" kept.token
    equals "$(state refresh_token)" r3
    has_not "$ACCOUNTS/$ME.conf" client_secret
}

test_oama_is_not_taken() {
    local end
    end=$(date -u -d '+1000 seconds' '+%Y-%m-%d %H:%M UTC')
    jq -n --arg user "$ME" --arg stop "$end" '{email: {unEmailAddress: $user}, service: "microsoft", scope: "s", refresh_token: "r4",
        access_token: "oama.token", token_type: "Bearer", exp_date: $stop, expires_in: 3599}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" "$T/tokens.secret: oama keeps the client in ~/.config/oama/config.yaml, under 'services' and 'microsoft'"
    imports 0 --client-id c "$T/tokens.secret"
    has_line "$ACCOUNTS/$ME.conf" 'provider: microsoft'
    has_line "$ACCOUNTS/$ME.conf" 'scope: s offline_access'
    status 0 xoauth2 token "$ME"
    equals "$(cat "$T/out")" oama.token
}

test_bad_file_is_taken() {
    printf '{"refresh_token": "half' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" "$T/tokens.secret is not a whole JSON object"
    has_not "$T/err" half
    printf '\x85\x01\x0c' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" "if it is encrypted, run 'gpg --decrypt FILE | xoauth2 import'"
    echo '{"hello": "world"}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" 'is no token file of'
    echo '{"refresh_token": "r", "client_id": "c"}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" 'give --account ADDRESS'
    echo '{"refresh_token": "r", "user": "a@b.org"}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" 'does not tell the client: give its id with --client-id'
    echo '{"refresh_token": "r", "user": "a@b.org", "client_id": "c", "token_endpoint": "http://b.org/t"}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" "$T/tokens.secret: "
    has "$T/err" "'token_endpoint' must be an address with https://"
    echo '{"registration": "nowhere", "email": "a@b.org", "refresh_token": "r", "client_id": "c"}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" "$T/tokens.secret: "
    has "$T/err" 'there is no provider file nowhere.conf'
    echo '{"refresh_token": "r", "user": "a@b.org", "client_id": "c"}' > "$T/tokens.secret"
    printf '{"client_id": "half' > "$T/sasl.conf"
    imports 1 --config "$T/sasl.conf" "$T/tokens.secret"
    has "$T/err" "$T/sasl.conf is not a whole JSON object"
    printf '%s\n' '{"refresh_token": "r", "user": "a@b.org", "client_id": "c\nclient_secret: x"}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" 'line break'
    imports 1 "$T/missing"
    [ ! -e "$ACCOUNTS" ] || equals "$(ls "$ACCOUNTS")" ''
}

test_existing_account_is_overwritten() {
    login
    local before
    before=$(state refresh_token)
    jq -n --arg user "$ME" '{refresh_token: "other", user: $user, client_id: "c"}' > "$T/tokens.secret"
    imports 1 "$T/tokens.secret"
    has "$T/err" '--force replaces it'
    equals "$(state refresh_token)" "$before"
    imports 0 --force "$T/tokens.secret"
    equals "$(state refresh_token)" other
}

# The same account with another home.
elsewhere() {
    XDG_CONFIG_HOME=$T/other/config XDG_STATE_HOME=$T/other/state "$@"
}

test_dump_and_restore_lose_something() {
    login
    echo '# a comment of mine' >> "$ACCOUNTS/$ME.conf"
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/dump.err")
    has "$T/dump.err" 'on one machine alone'
    mkdir -p "$T/other"
    elsewhere xoauth2 restore < "$T/dump.secret" > "$T/out" 2> "$T/err"
    has_line "$T/out" "$ME: restored"
    cmp "$ACCOUNTS/$ME.conf" "$T/other/config/xoauth2/accounts/$ME.conf"
    equals "$(jq -S . "$STATES/$ME.json")" "$(jq -S . "$T/other/state/xoauth2/$ME.json")"
    elsewhere status 0 xoauth2 refresh "$ME"
    local got=0
    elsewhere xoauth2 restore < "$T/dump.secret" > "$T/out" 2> "$T/err" || got=$?
    equals "$got" 1
    has "$T/err" '--force replaces it'
    rm -rf "$T/other"
}

# A second run for what is missing must not put back a refresh token that the first has made and the server replaced.
test_restore_that_stops_half_way() {
    local me=$ME other=zz-$ME before
    login
    ME=$other login
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/dump.err")
    rm "$STATES/$other.json"
    (umask 077 && mkdir -p "$STATES/$other.json/in-the-way")
    local got=0
    xoauth2 restore --force < "$T/dump.secret" > "$T/out" 2> "$T/err" || got=$?
    equals "$got" 75
    has_line "$T/out" "$me: restored"
    has_not "$T/out" "$other"
    has "$T/err" "$other was not restored: "
    has "$T/err" "run 'xoauth2 restore --force $other' with the same input"
    status 0 xoauth2 refresh "$me"
    before=$(state refresh_token)
    rm -r "$STATES/$other.json"
    xoauth2 restore --force "$other" < "$T/dump.secret" > "$T/out" 2> "$T/err"
    equals "$(cat "$T/out")" "$other: restored"
    equals "$(state refresh_token)" "$before"
    status 0 xoauth2 refresh "$me"
    status 0 xoauth2 refresh "$other"
    got=0
    xoauth2 restore nobody@example.org < "$T/dump.secret" > "$T/out" 2> "$T/err" || got=$?
    equals "$got" 1
    has "$T/err" 'standard input has no account nobody@example.org'
}

# The tokens that are there stay, and go to nobody whom the new file names.
test_restored_account_of_another_provider() {
    login
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/dump.err")
    jq "del(.accounts[0].state) | .accounts[0].account = \"token_endpoint: $FAULTS/token\\nclient_id: desktop\\n\"" \
        "$T/dump.secret" > "$T/other.secret"
    xoauth2 restore --force < "$T/other.secret" > "$T/out" 2> "$T/err"
    has_line "$T/out" "$ME: restored, with the tokens that it had"
    mark_requests
    status 77 xoauth2 token "$ME"
    status 77 xoauth2 refresh "$ME"
    has "$T/err" 'was changed after the last login'
    equals "$(requests true)" 0
}

# The owner of the store, as whom the agent runs there, is not root: all is for him to read, or the person learns it.
test_restored_account_is_beyond_the_agent() {
    [ "$(id -u)" -eq 0 ] || skip 'only root can log the machine in'
    local owner=61234 store=$E2E_STAGE/var/lib/xoauth2 system=$E2E_STAGE/etc/xoauth2/accounts
    # shellcheck disable=SC2064 # with these values
    trap "rm -rf '$store' '$system'" EXIT
    login
    (umask 077; echo 'a-client-secret' > "$T/client.secret")
    echo "client_secret_file: $T/client.secret" >> "$ACCOUNTS/$ME.conf"
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/dump.err")
    rm -rf "$STATES" "$ACCOUNTS"
    install -d -m 755 "$E2E_STAGE/var" "$E2E_STAGE/var/lib"
    install -d -m 700 -o $owner -g $owner "$store"
    xoauth2 --system restore < "$T/dump.secret" > "$T/out" 2> "$T/err"
    has_line "$T/out" "$ME: restored"
    has "$T/err" "xoauth2: warning: $ME: 'client_secret_file': user id $owner, who owns $store and runs the agent, cannot"
    has "$T/err" "run 'chown $owner $T/client.secret'"
    equals "$(stat -c '%u %a' "$store/$ME.json")" "$owner 600"
    equals "$(stat -c '%u %g %a' "$system/$ME.conf")" "0 $owner 640"
    chown $owner "$T/client.secret"
    chmod 711 "$T"
    xoauth2 --system restore --force < "$T/dump.secret" > "$T/out" 2> "$T/err"
    [ ! -s "$T/err" ] || fail "wrote: $(cat "$T/err")"
    # That owner may write tokens, but no account files: the tokens that are there now stay.
    cp "$store/$ME.json" "$T/before.secret"
    jq '(.. | .refresh_token? // empty) = "older"' "$T/dump.secret" > "$T/older.secret"
    ! cmp -s "$T/older.secret" "$T/dump.secret" || fail 'the dump has no refresh token'
    local got=0
    setpriv --reuid $owner --regid $owner --clear-groups "$E2E_STAGE/bin/xoauth2" --system restore --force \
        < "$T/older.secret" > "$T/out" 2> "$T/err" || got=$?
    equals "$got" 1
    has "$T/err" "cannot write to the folder $system: Permission denied: run this as root"
    cmp "$store/$ME.json" "$T/before.secret"
}

# The texts about the machine's store are of that store, and those about one's own know of it.
test_dump_of_the_machine_speaks_of_ones_own_accounts() {
    [ "$(id -u)" -eq 0 ] || skip 'only root can log the machine in'
    local store=$E2E_STAGE/var/lib/xoauth2 system=$E2E_STAGE/etc/xoauth2/accounts verb
    # shellcheck disable=SC2064 # with these values
    trap "rm -rf '$store' '$system'" EXIT
    login
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/err")
    has "$T/err" "'xoauth2 logout --local ACCOUNT'"
    rm -rf "$STATES" "$ACCOUNTS"
    xoauth2 --system restore < "$T/dump.secret" > "$T/out" 2> "$T/err"
    echo "ca_path: $T" >> "$system/$ME.conf"
    (umask 077 && xoauth2 --system dump > "$T/second.secret" 2> "$T/err")
    has "$T/err" "'xoauth2 --system logout --local ACCOUNT'"
    has "$T/err" "copy the folder $T yourself ('ca_path')"
    install -m 644 /dev/null "$T/third.secret"
    status_of 2 xoauth2 --system dump > "$T/third.secret"
    has "$T/err" "'xoauth2 --system dump | ssh HOST xoauth2 --system restore'"
    install -m 600 /dev/null "$T/private.secret"
    for verb in dump logout; do
        status_of 1 xoauth2 "$verb" "$ME" > "$T/private.secret"
        has "$T/err" "no account $ME of your own, but the system has one: run 'xoauth2 --system $verb $ME'"
        status_of 1 xoauth2 "$verb" none@example.org > "$T/private.secret"
        has "$T/err" "no account none@example.org: 'xoauth2 list' shows those there are"
        status_of 1 xoauth2 --system "$verb" none@example.org > "$T/private.secret"
        has "$T/err" "no account none@example.org: 'xoauth2 --system list' shows those there are"
    done
}

# status_of STATUS COMMAND...: the standard output is the caller's.
status_of() {
    local got=0
    "${@:2}" 2> "$T/err" || got=$?
    equals "$got" "$1"
}

test_dump_goes_to_a_terminal() {
    login
    local got=0
    limit "$OWN_SECONDS" script -qec "xoauth2 dump $ME" "$T/typescript" > /dev/null < /dev/null || got=$?
    equals "$got" 2
    has "$T/typescript" 'not for a terminal'
}

# waits_for_input TEXT COMMAND: on a terminal, it says what it reads and how that ends.
waits_for_input() {
    local got=0
    limit "$OWN_SECONDS" script -qec "$2" "$T/typescript" > /dev/null < /dev/null || got=$?
    equals "$got" 1
    has "$T/typescript" "xoauth2: reading $1 from standard input: paste it, and end with Ctrl-D"
}

test_input_from_a_terminal() {
    waits_for_input "what 'xoauth2 dump' has written" 'xoauth2 restore'
    waits_for_input 'the token file of another program' 'xoauth2 import'
    waits_for_input 'the token file of another program' 'xoauth2 import -'
    ! xoauth2 restore < /dev/null > "$T/out" 2>&1 || fail 'nothing was restored'
    has_not "$T/out" 'reading'
}

# dumps_into FILE STATUS
dumps_into() {
    local got=0
    xoauth2 dump "$ME" > "$1" 2> "$T/err" || got=$?
    equals "$got" "$2"
}

test_dump_goes_to_a_file_for_all() {
    local mode
    login
    for mode in 0644 0620 0602; do
        rm -f "$T/dump.secret"
        install -m "$mode" /dev/null "$T/dump.secret"
        dumps_into "$T/dump.secret" 2
        has "$T/err" "(mode $mode): remove it, run 'umask 077' and write it again, or write the tokens to a pipe"
        [ ! -s "$T/dump.secret" ] || fail 'the tokens are there'
    done
    chmod 0600 "$T/dump.secret"
    dumps_into "$T/dump.secret" 0
    equals "$(jq -r '.accounts[].name' "$T/dump.secret")" "$ME"
    equals "$(xoauth2 dump "$ME" 2> "$T/err" | jq -r '.accounts[].name')" "$ME"
}

test_half_a_dump_is_restored() {
    login
    (umask 077 && xoauth2 dump "$ME" > "$T/dump.secret" 2> "$T/err")
    head -c 300 "$T/dump.secret" > "$T/half.secret"
    rm -rf "$STATES" "$ACCOUNTS"
    local got=0
    xoauth2 restore < "$T/half.secret" > "$T/out" 2> "$T/err" || got=$?
    equals "$got" 1
    has "$T/err" "not the whole output of 'xoauth2 dump'"
    jq '.accounts += [{name: "../evil", account: "provider: google"}]' "$T/dump.secret" > "$T/evil.secret"
    got=0
    xoauth2 restore < "$T/evil.secret" > "$T/out" 2> "$T/err" || got=$?
    equals "$got" 1
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'something was restored'
    jq '.accounts[0].account = "nonsense: yes"' "$T/dump.secret" > "$T/evil.secret"
    got=0
    xoauth2 restore < "$T/evil.secret" > "$T/out" 2> "$T/err" || got=$?
    equals "$got" 1
    has "$T/err" "unknown key 'nonsense'"
}

run_tests
