# shellcheck shell=bash
# Logging in with nothing but an address: what the domain publishes, an OAuth server that takes registrations, a mail
# server.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/open-world.sh"
[ -n "${E2E_WORLD:-}" ] || enter_world "$0"

# All that the domains of the tests publish.
publish_all() {
    document "$AUTH" imap.good.test | publish good.test
    document "$AUTH" imap.digest.test | publish digest.test "$(printf other | openssl dgst -sha256 -binary | base64)"
    echo '{"protocols": {' | publish garbage.test
    document http://auth.test imap.insecure.test | publish insecure.test
    document "$AUTH" imap.moved.test | publish moved.test
    document https://hang.test imap.hang.test | publish hang.test
    document "$AUTH" imap.foreign.example | publish foreign.test
    publish password.test <<< '{"protocols": {"imap": {"host": "imap.password.test"}}, "authentication": {}}'
    echo 'mx-host=company.test,aspmx.l.google.com,10' >> "$E2E_RUN/dns/dnsmasq.conf"
    echo 'server=/truncated.example/127.0.0.4' >> "$E2E_RUN/dns/dnsmasq.conf"
    metadata liar.test <<< "{\"issuer\": \"$AUTH\", \"token_endpoint\": \"$AUTH/token\"}"
    metadata plain.test <<< '{"issuer": "https://plain.test", "token_endpoint": "https://plain.test/token",
        "authorization_endpoint": "https://plain.test/auth"}'
    metadata local.test <<< '{"issuer": "https://local.test", "token_endpoint": "http://127.0.0.1:25/token",
        "authorization_endpoint": "https://local.test/auth", "registration_endpoint": "https://local.test/reg"}'
    metadata slow.test <<< '{"issuer": "https://slow.test", "token_endpoint": "https://hang.test/token",
        "authorization_endpoint": "https://hang.test/auth", "registration_endpoint": "https://hang.test/reg"}'
    metadata named.test <<< '{"issuer": "https://named.test", "token_endpoint": "https://named.test/token",
        "authorization_endpoint": "https://named.test/auth", "registration_endpoint": "https://named.test/reg",
        "protected_resources": ["imap://imap.named.test", "https://jmap.named.test/session"]}'
}

# shifting TOKEN-ENDPOINT: the metadata of an issuer that uses the OAuth server of another, for now.
shifting() {
    metadata shift.test << END
{"issuer": "https://shift.test", "token_endpoint": "$1", "registration_endpoint": "$AUTH/reg",
    "device_authorization_endpoint": "$AUTH/device/auth", "revocation_endpoint": "$AUTH/token/revocation", "scopes_supported": ["offline_access"]}
END
}

start_world publish_all
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/terminal.sh"

CA=$E2E_RUN/tls/ca.pem
SOURCE=/.well-known/user-agent-configuration.json
REGISTRATION=$(printf %s "$AUTH" | sha256sum | cut -d ' ' -f 1)

before_test() {
    oauth set '{"vanish": 0, "registration": null}'
    oauth forget-clients '{}'
    ME=me@good.test
}

registrations() {
    requests '.endpoint == "registration"'
}

# The id of the kept client.
kept_client() {
    jq -r .client_id "$STATES/registrations/$REGISTRATION.json"
}

# login_open STATUS [OPTION...]: of $ME, without a client id and without a terminal.
login_open() {
    status "$1" xoauth2 login --ca-file "$CA" "${@:2}" "$ME"
}

# The same at the issuer, where nothing has to be found or asked.
login_issuer() {
    login_open 0 --issuer "$AUTH" --set hosts=imap.good.test "$@"
}

nothing_is_written() {
    local found
    [ ! -e "$ACCOUNTS" ] || equals "$(find "$ACCOUNTS" ! -type d)" ''
    found=$(find "$T/home" -name '*.json*')
    equals "$found" ''
}

# refused DOMAIN TEXT...: an address there gets an error with these texts, and nothing is written.
refused() {
    local text
    ME=me@$1
    login_open "${STATUS:-1}"
    for text in "${@:2}"; do has "$T/err" "$text"; done
    nothing_is_written
}

mbsync_at() {
    write_mbsyncrc "Port $IMAP_PORT" 'SSLType None' 'AuthMechs XOAUTH2'
    sed -i "s/^Host localhost/Host $1/" "$HOME/.mbsyncrc"
    run_mbsync
}

# A sign-in that is not kept is ended at the server, too, as long as that cannot end another login with the client.
test_login_of_somebody_else_stays_alive() {
    local options=(--issuer "$AUTH" --set hosts=imap.good.test)
    export E2E_BROWSER_USER=other@good.test
    login_open 1 "${options[@]}"
    has "$T/err" 'signed in as other@good.test, not as me@good.test'
    has_not "$T/err" 'are thrown away'
    equals "$(requests '.endpoint == "revocation" and .status == 200')" 1
    equals "$(find "$ACCOUNTS" -name '*.conf')" ''
    ME=other@good.test login_open 0 "${options[@]}"
    mark_requests
    login_open 1 "${options[@]}"
    has "$T/err" 'the provider still counts it as a login'
    equals "$(requests '.endpoint == "revocation"')" 0
}

test_address_alone() {
    on_terminal xoauth2 login --ca-file "$CA" "$ME"
    wait_for grep -q 'Go on with these' "$T/screen.secret"
    type_in y
    terminal_ends 0
    has "$T/screen" "good.test tells mail programs at https://ua-auto-config.good.test$SOURCE:"
    has "$T/screen" "where you would sign in:      $AUTH"
    has "$T/screen" 'to which a token would go:    imap.good.test'
    has "$T/screen" "Registering this program at $AUTH."
    has_line "$ACCOUNTS/$ME.conf" "issuer: $AUTH"
    has_line "$ACCOUNTS/$ME.conf" 'hosts: imap.good.test'
    has_line "$ACCOUNTS/$ME.conf" 'servers: imaps://imap.good.test:993,smtps://imap.good.test:465'
    has_line "$ACCOUNTS/$ME.conf" 'scope: openid offline_access urn:ietf:params:oauth:scope:mail'
    has_not "$ACCOUNTS/$ME.conf" client_id
    equals "$(state client_id)" "$(kept_client)"
    equals "$(stat -c %a "$STATES/registrations" "$STATES/registrations/$REGISTRATION.json" | tr '\n' ' ')" '700 600 '
    equals "$(registrations)" 1
    give_mail
    mbsync_at imap.good.test || fail "$(cat "$T/shown")"
    equals "$(synced)" 3
    ! mbsync_at localhost || fail 'the token went elsewhere'
    has "$T/shown" "'hosts:'"
    status 0 xoauth2 refresh "$ME"
    status 0 xoauth2 logout "$ME"
}

test_declined() {
    on_terminal xoauth2 login --ca-file "$CA" "$ME"
    wait_for grep -q 'Go on with these' "$T/screen.secret"
    type_in n
    terminal_ends 1
    has "$T/screen" 'nothing was done'
    nothing_is_written
    equals "$(registrations)" 0
}

test_nobody_to_ask() {
    local command
    login_open 1
    has "$T/err" "good.test names at https://ua-auto-config.good.test$SOURCE the OAuth server $AUTH and"
    nothing_is_written
    command=$(sed -n "s/.*if you do, run '\(.*\)'/\1/p" "$T/err")
    # shellcheck disable=SC2086 # it is a command
    status 0 $command
    has_line "$ACCOUNTS/$ME.conf" 'hosts: imap.good.test'
    gets_token
}

test_found_servers_of_another_domain() {
    ME=me@foreign.test
    on_terminal xoauth2 login --ca-file "$CA" "$ME"
    wait_for grep -q 'Go on with these' "$T/screen.secret"
    type_in n
    terminal_ends 1
    has "$T/screen" 'cannot be told by their names: go on only if you know it'
}

test_second_account_uses_the_same_registration() {
    login_issuer
    ME=other@good.test
    login_issuer
    equals "$(registrations)" 1
    equals "$(state client_id)" "$(kept_client)"
}

test_two_logins_at_once_register_once() {
    local pids=() pid user
    for user in a b c; do
        ME=$user@good.test
        xoauth2 login --ca-file "$CA" --issuer "$AUTH" "$ME" > "$T/$user.log" 2>&1 < /dev/null &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || fail "$(cat "$T"/?.log)"; done
    equals "$(registrations)" 1
}

test_vanished_client_is_registered_anew() {
    local first
    login_issuer
    first=$(kept_client)
    oauth forget-clients '{}'
    status 77 xoauth2 refresh "$ME"
    has "$T/err" "auth.test no longer knows the client that this program registered there: run 'xoauth2 login $ME'"
    status 0 xoauth2 login "$ME"
    has "$T/err" "$AUTH no longer knows this program."
    equals "$(registrations)" 2
    [ "$(kept_client)" != "$first" ] || fail 'it is the old one'
    equals "$(state client_id)" "$(kept_client)"
    status 0 xoauth2 refresh "$ME"
}

test_client_that_vanishes_during_the_login() {
    oauth set '{"vanish": 1}'
    login_issuer
    has "$T/err" "$AUTH no longer knows this program."
    equals "$(registrations)" 2
    equals "$(state client_id)" "$(kept_client)"
    status 0 xoauth2 refresh "$ME"
}

test_client_that_vanishes_again_and_again() {
    oauth set '{"vanish": 9}'
    login_open 1 --issuer "$AUTH"
    has "$T/err" 'auth.test refused the login (invalid_client'
    equals "$(registrations)" 2
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'there is an account'
}

test_more_scope_than_was_registered() {
    login_issuer
    login_issuer --scope 'openid offline_access email mail'
    equals "$(registrations)" 2
}

test_registration_that_is_damaged() {
    login_issuer
    echo '{"issuer":' > "$STATES/registrations/$REGISTRATION.json"
    login_open 1
    has "$T/err" "$REGISTRATION.json is damaged: remove it, then log in again"
}

# login_shifting [OPTION...]: at that issuer, by a device login.
login_shifting() {
    local code
    shifting "$AUTH/token"
    unset BROWSER
    start_xoauth2 login --ca-file "$CA" --issuer https://shift.test "$@" "$ME"
    wait_for grep -qE '[B-Z]{4}-[B-Z]{4}' "$T/err"
    code=$(grep -oE '[B-Z]{4}-[B-Z]{4}' "$T/err" | head -n 1)
    E2E_BROWSER_USER=$ME "$E2E_DIR/browser" "$AUTH/device?user_code=$code"
    wait "$OWN_PID" || fail "status $?: $(cat "$T/err")"
}

test_token_endpoint_that_changes_after_the_device_login() {
    login_shifting
    shifting https://named.test/token
    status 0 xoauth2 refresh "$ME"
    equals "$(state token_endpoint)" "$AUTH/token"
    equals "$(requests '.grant_type == "refresh_token"')" 1
}

# A real server that takes the secret in the header alone, and whose metadata does not tell (RFC 8414, section 2).
test_client_secret_where_the_metadata_does_not_say_how() {
    (umask 077 && echo 'secret of the desktop: +%&=' > "$T/client.secret")
    login_shifting --client-id desktop-basic --client-secret-file "$T/client.secret"
    has_line "$ACCOUNTS/$ME.conf" 'client_authentication: basic'
    status 0 xoauth2 refresh "$ME"
    status 0 xoauth2 logout "$ME"
    equals "$(requests '.client == "desktop-basic" and .status == 200 and .endpoint == "token"')" 2
    equals "$(requests '.client == "desktop-basic" and .status == 200 and .endpoint == "device_authorization"')" 1
    [ "$(requests '.client == "desktop-basic" and .status == 200 and .endpoint == "revocation"')" -ge 1 ] || fail 'nothing was revoked'
}

test_registration_of_the_system() {
    local store=$E2E_STAGE/var/lib/xoauth2
    status 0 xoauth2 --system login --ca-file "$CA" --issuer "$AUTH" "$ME"
    equals "$(jq -r .client_id "$store/registrations/$REGISTRATION.json")" "$(jq -r .client_id "$store/$ME.json")"
    equals "$(stat -c '%a %U' "$store/registrations/$REGISTRATION.json")" "600 $(stat -c %U "$store")"
    [ ! -e "$STATES" ] || fail "there is $STATES"
    status 0 xoauth2 --system logout --forget "$ME"
    rm -r "$store" "$E2E_STAGE/etc/xoauth2/accounts"
}

test_refused_registration() {
    oauth set '{"registration": {"status": 400, "body": {"error": "invalid_thing", "error_description": "not here"}}}'
    login_open 1 --issuer "$AUTH"
    has "$T/err" 'auth.test refused to register this program (invalid_thing: not here): ask who runs it for a client'
    has "$T/err" "then run 'xoauth2 login --issuer $AUTH --ca-file $CA --client-id ID $ME'"
    nothing_is_written
    oauth set '{"registration": {"status": 401, "body": "who are you?"}}'
    login_open 1 --issuer "$AUTH"
    has "$T/err" 'auth.test refused to register this program (HTTP 401): ask who runs it for a client id, then run'
    oauth set '{"registration": {"status": 307, "body": "elsewhere"}}'
    login_open 1 --issuer "$AUTH"
    has "$T/err" 'auth.test refused to register this program (HTTP 307, a redirect): ask who runs it for a client id, then run'
    oauth set '{"registration": {"status": 503, "body": "later"}}'
    login_open 75 --issuer "$AUTH"
    has "$T/err" 'auth.test cannot register this program now (HTTP 503): try again later'
    nothing_is_written
}

test_registration_with_a_strange_answer() {
    oauth set '{"registration": {"status": 201, "body": "<html>welcome</html>"}}'
    login_open 1 --issuer "$AUTH"
    has "$T/err" 'auth.test gave no answer to the registration that can be used'
    oauth set '{"registration": {"status": 201, "body": {"client_id": "x", "client_secret": "s"}}}'
    login_open 1 --issuer "$AUTH"
    has "$T/err" 'auth.test registers this program only with a secret'
    nothing_is_written
}

test_registration_without_an_answer() {
    login_open 75 --issuer https://slow.test
    has "$T/err" 'hang.test did not answer in time'
    nothing_is_written
}

test_issuer_without_registration() {
    login_open 1 --issuer https://plain.test
    has "$T/err" "no client id for $ME: register a native (public) client"
    nothing_is_written
}

test_issuer_that_cannot_be_believed() {
    login_open 1 --issuer https://liar.test
    has "$T/err" "the metadata of https://liar.test names another issuer, $AUTH"
    login_open 1 --issuer https://moved.test
    has "$T/err" 'https://moved.test redirects the request for its OAuth metadata to another host (HTTP 301)'
    login_open 1 --issuer https://local.test
    has "$T/err" "address for token_endpoint that is not https"
    login_open 1 --issuer https://named.test --set hosts=imap.good.test
    has "$T/err" 'lists the servers that its tokens are for, and imap.good.test is none of them'
    nothing_is_written
}

# An error for servers or a client that were found; who has named both is warned.
test_servers_that_the_tokens_are_not_for() {
    local text='servers that its tokens are for, and imap.good.test is none of them'
    login_open 1 --issuer https://named.test --set hosts=imap.named.test,imap.good.test
    has "$T/err" "lists the $text: no token must go there"
    nothing_is_written
    login_open 1 --issuer https://named.test --client-id desktop --set hosts=imap.named.test,imap.good.test --device
    has "$T/err" "warning: the metadata of https://named.test lists $text"
    has "$T/err" 'no device login'
    login_open 1 --issuer https://named.test --client-id desktop --set hosts=imap.named.test,*.good.test --device
    has_not "$T/err" 'none of them'
}

test_settings_that_cannot_be_used() {
    refused digest.test 'digest.test announces settings for mail programs' \
        'not the document that the TXT record in DNS vouches for'
    refused garbage.test 'it is not a JSON object'
    refused insecure.test 'its issuer is no plain https address'
    refused moved.test 'it redirects to another host (HTTP 301), which is not followed' '--issuer URL'
    STATUS=75 refused hang.test 'ua-auto-config.hang.test did not answer in time'
}

test_domain_that_publishes_nothing_of_use() {
    refused password.test 'which provider is me@password.test at?'
    refused nothing.test 'which provider is me@nothing.test at?'
    refused live.nothing.test 'which provider is me@live.nothing.test at?'
}

# A name server whose answers are cut, to be asked for again by TCP, where it says nothing.
start_truncating_server() {
    cat > "$T/truncate.cjs" << 'END'
const server = require("dgram").createSocket("udp4");
server.on("message", (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const answer = Buffer.concat([question.subarray(0, 2), Buffer.from("83800001000000000000", "hex"), question.subarray(12, end)]);
    server.send(answer, from.port, from.address);
});
server.bind(53, "127.0.0.4");
require("net").createServer(() => {}).listen(53, "127.0.0.4", () => console.log("ready"));
END
    node "$T/truncate.cjs" > "$T/truncate.out" 2>&1 < /dev/null &
    kill_later $!
    wait_for grep -q ready "$T/truncate.out"
}

test_name_server_holds_the_login() {
    start_truncating_server
    ME=me@truncated.example
    status 1 limit 20 xoauth2 login --ca-file "$CA" "$ME"
    has "$T/err" "which provider is $ME at? Neither the address nor its mail server (DNS gives no answer) tells:"
    nothing_is_written
}

test_provider_that_the_mail_exchanger_tells() {
    refused company.test 'The mail of me@company.test goes to aspmx.l.google.com, which is Google: taking --provider google.' \
        'If that is wrong, stop with Ctrl-C and give --provider NAME or --issuer URL.' 'no client id for me@company.test at Google'
}

test_server_that_names_its_own_configuration() {
    login_issuer
    oauth revoke-access "{\"account\": \"$ME\"}"
    status 1 xoauth2 test "$ME" "imaps://imap.good.test:$IMAPS_PORT"
    has "$T/out" "The server names as its OAuth server the one of $AUTH/.well-known/openid-configuration"
    ! mbsync_at imap.good.test || fail 'logged in'
    has "$T/syslog" "The server names as its OAuth server the one of $AUTH/.well-known/openid-configuration: if"
}

run_tests
