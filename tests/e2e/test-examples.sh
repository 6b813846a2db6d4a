# shellcheck shell=bash
# The examples that the guides show are the files in examples/; here they run, with the address, the server and its
# port replaced by those of the test. Those for Postfix run in test-postfix-relay.sh, and in test-grants.sh those without
# a person.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/postfix.sh"

# adapt NAME SED-COMMAND...: the example with the replacements.
adapt() {
    local name=$1 script=()
    shift
    for command in "s/me@gmail\.com/$ME/g" "$@"; do
        script+=(-e "$command")
    done
    sed "${script[@]}" "$EXAMPLES/$name"
}

# run_example NAME SED-COMMAND...: a command line, in a shell that has our command.
run_example() {
    adapt "$@" > "$T/example"
    status 0 bash -e -o pipefail "$T/example"
}

must_have_logged_in() {
    (wait_for server_let_in) || {
        sed 's/^/shown: /' "$T/shown"
        fail 'not logged in'
    }
}

test_mbsyncrc() {
    login
    give_mail 2
    mkdir -p "$HOME/Mail"
    adapt mbsyncrc "s/^Host .*/Host localhost\nPort $IMAPS_PORT\nCertificateFile ${E2E_RUN//\//\\/}\/tls\/ca.pem/" \
        > "$HOME/.mbsyncrc"
    client mbsync gmail > "$T/shown" 2>&1 < /dev/null || fail "$(cat "$T/shown")"
    equals "$(find "$HOME/Mail/Inbox" -type f -path '*/[cn]*/*' | wc -l)" 2
}

# Both take the same file, for reading and for sending. Neither says when the login has failed.
mutt_reads_and_sends() {
    login
    smtp_server
    {
        printf 'set ssl_ca_certificates_file = "%s"\nset ssl_verify_dates = no\n' "$E2E_RUN/tls/ca.pem"
        adapt muttrc "s,imaps://imap.gmail.com/,imaps://localhost:$IMAPS_PORT/," \
            "s,@smtp.gmail.com/,@localhost:$SECOND_PORT/,"
    } > "$HOME/muttrc"
    echo 'push <exit>' > "$HOME/exit"
    TERM=xterm limit "$CLIENT_SECONDS" script -qec "$1 -n -F $HOME/muttrc -e 'source $HOME/exit'" /dev/null \
        > "$T/shown" 2>&1 < /dev/null || true
    must_have_logged_in
    echo Hello. | limit "$CLIENT_SECONDS" "$1" -n -F "$HOME/muttrc" -s "from $1" you@example.com > "$T/shown" 2>&1 \
        || fail "$(cat "$T/shown")"
    must_arrive "from $1"
    login_of "$ME" sasl_method=XOAUTH2
}

test_muttrc_with_mutt() {
    mutt_reads_and_sends mutt
}

test_muttrc_with_neomutt() {
    mutt_reads_and_sends neomutt
}

test_msmtprc() {
    login
    smtp_server
    adapt msmtprc 's/^host .*/host localhost/' "s/^port .*/port $FIRST_PORT/" \
        "s,^tls_trust_file .*,tls_trust_file $E2E_RUN/tls/ca.pem," > "$HOME/.msmtprc"
    chmod 600 "$HOME/.msmtprc"
    printf 'From: %s\nSubject: from msmtp\n\nHello.\n' "$ME" \
        | limit "$CLIENT_SECONDS" msmtp you@example.com > "$T/shown" 2>&1 || fail "$(cat "$T/shown")"
    must_arrive 'from msmtp'
    login_of "$ME" sasl_method=XOAUTH2
}

test_curl() {
    login
    give_mail 1
    run_example curl "s,imaps://imap.gmail.com,--cacert $E2E_RUN/tls/ca.pem imaps://localhost:$IMAPS_PORT,"
    has "$T/out" INBOX
    must_have_logged_in
}

# Without a token curl would log in with an empty password.
test_curl_without_a_token() {
    mkdir "$T/bin"
    printf '#!/bin/sh\necho run > %s/curl\n' "$T" > "$T/bin/curl"
    chmod 755 "$T/bin/curl"
    adapt curl > "$T/example"
    ! PATH=$T/bin:$PATH bash "$T/example" > "$T/out" 2>&1 || fail 'it ends as if all were well'
    has "$T/out" "run 'xoauth2 login $ME'"
    [ ! -e "$T/curl" ] || fail 'curl was run'
    login
    PATH=$T/bin:$PATH bash "$T/example" > "$T/out" 2>&1
    [ -e "$T/curl" ] || fail 'curl was not run'
}

test_imtest() {
    local command
    login
    command=$(adapt imtest "s/imap\.gmail\.com/-p $IMAPS_PORT 127.0.0.1/")
    # shellcheck disable=SC2086 # a command with its arguments
    client $command > "$T/shown" 2>&1 < /dev/null || true
    must_have_logged_in
}

# Given the server's mechanisms in base64, it prints base64 of "XOAUTH2", a NUL and the bytes for the server.
test_sasl_sample_client() {
    local command
    login
    command=$(adapt sasl-sample-client)
    # shellcheck disable=SC2086 # a command with its arguments
    client $command -p "$SASL_PATH" > "$T/shown.secret" 2>&1 \
        < <(printf 'S: %s\n' "$(printf XOAUTH2 | base64)") || true
    sed -n 's/^C: //p' "$T/shown.secret" | head -n 1 | base64 -d | tr '\0\1' '|#' > "$T/message.secret"
    grep -q "^XOAUTH2|user=$ME#auth=Bearer " "$T/message.secret" || fail "$(sed 's/C: .*/C: .../' "$T/shown.secret")"
}

# --- logging in -----------------------------------------------------------------------------------------------------

# provider_is_ours NAME: a provider file of the machine's own, for the OAuth server of the tests.
provider_is_ours() {
    mkdir -p "$E2E_STAGE/etc/xoauth2/providers"
    # shellcheck disable=SC2064 # the name is known now
    trap "rm '$E2E_STAGE/etc/xoauth2/providers/$1.conf'" EXIT
    printf '%s\n' "issuer: $ISSUER" 'scope: openid offline_access email mail' "${@:2}" \
        > "$E2E_STAGE/etc/xoauth2/providers/$1.conf"
}

test_login_google() {
    provider_is_ours google 'client_secret_needed: yes'
    mkdir -p "$XDG_CONFIG_HOME/xoauth2"
    printf '%s\n' 'secret of the desktop: +%&=' > "$XDG_CONFIG_HOME/xoauth2/google.secret"
    chmod 600 "$XDG_CONFIG_HOME/xoauth2/google.secret"
    E2E_BROWSER_USER=$ME run_example login-google 's/ ID / desktop-secret /'
    gets_token
    rm "$XDG_CONFIG_HOME/xoauth2/google.secret"
}

test_login_microsoft() {
    provider_is_ours microsoft
    E2E_BROWSER_USER=$ME run_example login-microsoft 's/ ID / desktop /' "s/me@example\.org/$ME/"
    gets_token
}

test_login_device() {
    provider_is_ours microsoft
    adapt login-device 's/ ID / desktop /' "s/me@example\.org/$ME/" > "$T/example"
    timeout "$OWN_SECONDS" setsid bash -e "$T/example" > "$T/out" 2> "$T/err" < /dev/null &
    kill_later $!
    wait_for grep -qoE '[B-Z]{4}-[B-Z]{4}' "$T/err"
    E2E_BROWSER_USER=$ME "$E2E_DIR/browser" "$ISSUER/device?user_code=$(grep -oE '[B-Z]{4}-[B-Z]{4}' "$T/err" | head -n 1)"
    wait $! || fail "$(cat "$T/err")"
    gets_token
}

test_login_issuer() {
    E2E_BROWSER_USER=$ME run_example login-issuer 's/ ID / desktop /' "s,https://login.example.net,$ISSUER," \
        "s/me@example\.net/$ME/"
    gets_token
}

# --- moving in ------------------------------------------------------------------------------------------------------

# stand_in NAME: a program that prints what decrypts, or is kept, elsewhere.
stand_in() {
    mkdir -p "$T/bin"
    printf '#!/bin/sh\ncat "%s"\n' "$T/tokens.secret" > "$T/bin/$1"
    chmod 755 "$T/bin/$1"
    PATH=$T/bin:$PATH
}

test_import_sasl_xoauth2() {
    jq -n --arg user "$ME" --arg url "$ISSUER/token" '{access_token: "old", expiry: "1000000000", refresh_token: "r1",
        user: $user, token_endpoint: $url}' > "$T/tokens.secret"
    echo '{"client_id": "desktop"}' > "$T/sasl-xoauth2.conf"
    run_example import-sasl-xoauth2 "s,/etc/sasl-xoauth2\.conf,$T/sasl-xoauth2.conf," "s,/etc/tokens/[^ ]*,$T/tokens.secret,"
    equals "$(state refresh_token)" r1
}

test_import_mutt_oauth2() {
    jq -n --arg user "$ME" '{registration: "google", authflow: "authcode", email: $user, access_token: "",
        access_token_expiration: "", refresh_token: "r2", client_id: "c", client_secret: ""}' > "$T/tokens.secret"
    stand_in gpg
    run_example import-mutt-oauth2
    equals "$(state refresh_token)" r2
}

test_import_oama() {
    jq -n --arg user "$ME" '{email: {unEmailAddress: $user}, service: "google", scope: "s", refresh_token: "r3",
        access_token: "a", token_type: "Bearer", exp_date: "2026-01-01 10:00 UTC", expires_in: 3599}' > "$T/tokens.secret"
    echo x > "$T/client.secret"
    chmod 600 "$T/client.secret"
    stand_in secret-tool
    run_example import-oama 's/ ID / desktop /' "s, FILE$, $T/client.secret,"
    equals "$(state refresh_token)" r3
}

test_dump_and_restore() {
    login
    mkdir -p "$T/bin"
    printf '#!/bin/sh\nshift\nunset XDG_CONFIG_HOME XDG_STATE_HOME\nHOME=%s exec "$@"\n' "$T/other" > "$T/bin/ssh"
    chmod 755 "$T/bin/ssh"
    mkdir -m 700 "$T/other"
    PATH=$T/bin:$PATH run_example dump-restore
    cmp "$ACCOUNTS/$ME.conf" "$T/other/.config/xoauth2/accounts/$ME.conf"
    rm -r "$T/other"
}

# The program's password is the token, as with cyrus-sasl-xoauth2.
test_token_source_password() {
    login
    mkdir "$T/sasl"
    adapt token-source-password > "$T/sasl/xoauth2.conf"
    write_mbsyncrc "Port $IMAP_PORT" 'SSLType None' 'AuthMechs XOAUTH2' "PassCmd \"$E2E_STAGE/bin/xoauth2 token $ME\""
    SASL_CONF_PATH=$T/sasl run_mbsync || fail "$(cat "$T/shown")"
    must_have_logged_in
}

# A token script goes on, behind the helper.
test_token_command() {
    login
    printf '#!/bin/sh\ncat %s/token.secret\n' "$T" > "$T/get-token"
    chmod 755 "$T/get-token"
    gets_token
    xoauth2 logout --local --forget "$ME"
    mkdir -p "$ACCOUNTS"
    adapt token-command "s,/usr/local/bin/get-token,$T/get-token," > "$ACCOUNTS/$ME.conf"
    chmod 600 "$ACCOUNTS/$ME.conf"
    mbsync_login XOAUTH2 || fail "$(cat "$T/shown")"
}

run_tests
