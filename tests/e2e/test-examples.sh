# shellcheck shell=bash
# The examples that README.md shows are the files in examples/; here they run, with the address, the server and its
# port replaced by those of the test.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

EXAMPLES=$E2E_DIR/examples

# adapt NAME SED-COMMAND...: the example with the replacements.
adapt() {
    local name=$1 script=()
    shift
    for command in "s/me@gmail\.com/$ME/g" "$@"; do
        script+=(-e "$command")
    done
    sed "${script[@]}" "$EXAMPLES/$name"
}

must_have_logged_in() {
    [ "$(server_logins)" -ge 1 ] || {
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

test_neomuttrc() {
    login
    give_mail 1
    {
        printf 'set ssl_ca_certificates_file = "%s"\nset ssl_verify_dates = no\n' "$E2E_RUN/tls/ca.pem"
        adapt neomuttrc "s,imaps://imap.gmail.com/,imaps://localhost:$IMAPS_PORT/,"
        printf 'push <exit>\n'
    } > "$HOME/neomuttrc"
    TERM=xterm limit "$CLIENT_SECONDS" script -qec "neomutt -n -F $HOME/neomuttrc" /dev/null > "$T/shown" 2>&1 \
        < /dev/null || true
    must_have_logged_in
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

run_tests
