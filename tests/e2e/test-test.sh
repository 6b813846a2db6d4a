# shellcheck shell=bash
# xoauth2 test: logins at the mail servers, and what it says when they fail.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/postfix.sh"

IMAP=imap://127.0.0.1:$IMAP_PORT
IMAPS=imaps://127.0.0.1:$IMAPS_PORT
POP3=pop3://127.0.0.1:$POP3_PORT

account_line() {
    echo "$1" >> "$ACCOUNTS/$ME.conf"
}

# result SERVER MECHANISM: of the JSON in $T/out.
result() {
    jq -r --arg server "$1" --arg mechanism "$2" \
        '.[] | select(.server == $server and .mechanism == $mechanism) | .result' "$T/out"
}

test_each_server_and_mechanism() {
    login
    account_line "servers: $IMAP $POP3 $IMAPS"
    account_line "ca_file: $E2E_RUN/tls/ca.pem"
    status 0 xoauth2 test "$ME"
    equals "$(grep -c ' ok$' "$T/out")" 6
    has_line "$T/out" "$IMAP  XOAUTH2      ok"
    has_line "$T/out" "$IMAPS  OAUTHBEARER  ok"
    [ ! -s "$T/err" ] || fail "wrote: $(cat "$T/err")"
    status 0 xoauth2 test --json "$ME"
    equals "$(jq length "$T/out")" 6
    equals "$(jq -c '[.[] | .result, .answer, .message] | unique' "$T/out")" '[null,"ok"]'
}

test_submission() {
    login
    # Dovecot's relay has nobody behind it, and Dovecot tells that after the login.
    status 75 xoauth2 test --json "$ME" "smtp://127.0.0.1:$SMTP_PORT"
    equals "$(jq -r '.[].result' "$T/out" | sort -u)" unreachable
}

# odd_server GREETING PROGRAM: a mail server that answers a line by this expression of node's, in which `session` lasts as
# long as the connection. Sets `submission`.
odd_server() {
    rm -f "$T/submission"
    node -e '
        const [, place, greeting, program] = process.argv;
        const answer = new Function("line", "session", "return " + program);
        const server = require("net").createServer((client) => {
            const session = {};
            client.on("error", () => {});
            client.write(greeting + "\r\n");
            client.on("data", (data) => client.write(answer(String(data), session) + "\r\n"));
        });
        server.listen(0, "127.0.0.1", () => require("fs").writeFileSync(place, String(server.address().port)));
    ' "$T/submission" "$1" "$2" < /dev/null &
    kill_later $!
    wait_for test -s "$T/submission"
    submission=smtp://127.0.0.1:$(cat "$T/submission")
}

# submission_server AUTH COMMAND: one that answers so to a login and to the command behind it.
submission_server() {
    odd_server '220 hello' '((token) => {
        session.token = !token && /^AUTH [A-Z0-9]+\r/.test(line);
        return session.token ? "334 " : token || line.startsWith("AUTH") ? "'"$1"'"
            : line.startsWith("EHLO") ? "250-hello\r\n250 AUTH XOAUTH2 OAUTHBEARER"
            : line.startsWith("QUIT") ? "221 bye" : "'"$2"'";
    })(session.token)'
}

# judged STATUS RESULT TEXT: of the submission server's answer, whoever logs in.
judged() {
    local way
    for way in '' --through-sasl; do
        # shellcheck disable=SC2086 # one word or none
        status "$1" xoauth2 test --json $way "$ME" "$submission"
        equals "$(jq -r '.[].result' "$T/out" | sort -u)" "$2"
        has "$T/out" "$3"
    done
}

test_submission_that_is_out_of_order() {
    login
    submission_server '454 4.7.0 Temporary authentication failure' '250 ok'
    judged 75 unreachable 'does not serve us now (454 4.7.0 Temporary authentication failure): try again later'
    submission_server '235 welcome' '421 4.3.2 closing'
    judged 75 unreachable 'does not serve us now (421 4.3.2 closing): try again later'
    submission_server '235 welcome' '550 5.1.1 nobody'
    judged 1 no-mailbox 'refused the first command (550 5.1.1 nobody)'
    submission_server '535 5.7.8 no' '250 ok'
    judged 1 refused '535 5.7.8 no'
}

# No token was sent, so none was taken.
test_server_without_a_login() {
    login
    odd_server '220 hello' '/^EHLO/.test(line) ? "250-hello\r\n250 SIZE" : /^QUIT/.test(line) ? "221 bye" : "250 ok"'
    judged 1 not-offered 'does not have the mechanism'
    odd_server '220 hello' '/^EHLO/.test(line) ? "502 what?" : /^QUIT/.test(line) ? "221 bye" : "250 ok"'
    judged 1 not-offered 'does not have the mechanism'
    odd_server '* PREAUTH [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR] hello' \
        '(/CAPABILITY/.test(line) ? "* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR\r\n" : "") + line.split(" ")[0] + " OK done"'
    status 1 xoauth2 test --json "$ME" "imap${submission#smtp}"
    equals "$(jq -r '.[].result' "$T/out" | sort -u)" not-offered
    has "$T/out" 'wants no login at port'
}

# A token can be as short as a word that is shown.
test_short_token_that_a_server_repeats() {
    local token=kX81bVq0aZ3mD5eT7uYw2sR9pLc4Gh
    mkdir -p "$ACCOUNTS"
    printf 'token_command: /bin/echo %s\n' "$token" > "$ACCOUNTS/$ME.conf"
    chmod -R go= "$ACCOUNTS"
    odd_server '220 hello' '/^EHLO/.test(line) ? "250-hello\r\n250 AUTH XOAUTH2 OAUTHBEARER"
        : /^QUIT/.test(line) ? "221 bye" : /^AUTH \w+\r/.test(line) ? "334 " : "535 token '"$token"' refused"'
    status 1 xoauth2 test "$ME" "$submission"
    has "$T/out" 'refused'
    has_not "$T/out" "$token"
    has_not "$T/err" "$token"
}

test_one_server_instead_of_the_accounts() {
    login
    account_line "servers: imaps://mail.example.org"
    status 0 xoauth2 test --json "$ME" "$IMAP/"
    equals "$(jq -r '.[].server' "$T/out" | sort -u)" "$IMAP"
}

test_no_server_known() {
    login
    status 1 xoauth2 test "$ME"
    has "$T/err" "add 'servers:' to its account file"
}

test_address_that_is_none() {
    local url
    login
    for url in https://127.0.0.1 imap://127.0.0.1/INBOX imap://me@127.0.0.1 imaps:// '' imap; do
        status 1 xoauth2 test "$ME" "$url"
        has "$T/err" "that is no mail server's address"
    done
}

test_wrong_user() {
    login
    account_line "users: other@example.org"
    status 1 xoauth2 test --json other@example.org "$IMAP"
    equals "$(result "$IMAP" XOAUTH2)" refused
    equals "$(result "$IMAP" OAUTHBEARER)" refused
    status 1 xoauth2 test other@example.org "$IMAP"
    has "$T/out" "127.0.0.1 refused the token for other@example.org"
    has "$T/out" "'xoauth2 login $ME' shows who"
}

test_shared_mailbox() {
    login
    account_line "users: ${ME%@*}@shared.example.com"
    status 0 xoauth2 test "${ME%@*}@shared.example.com" "$IMAP"
}

test_token_that_was_revoked() {
    login
    oauth revoke-access "{\"account\": \"$ME\"}"
    status 1 xoauth2 test "$ME" "$POP3"
    has "$T/out" refused
    has "$T/out" "run 'xoauth2 refresh $ME' and test again"
    status 0 xoauth2 refresh "$ME"
    status 0 xoauth2 test "$ME" "$POP3"
}

test_login_that_has_ended() {
    login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    status 77 xoauth2 test "$ME" "$IMAP"
    has "$T/err" "xoauth2 login $ME"
    [ ! -s "$T/out" ] || fail 'a server was tried'
}

test_nobodys_account() {
    status 1 xoauth2 test "$ME" "$IMAP"
    has "$T/err" "xoauth2 login $ME"
}

test_server_that_is_down() {
    login
    status 75 xoauth2 test --json "$ME" imaps://127.0.0.1:1
    equals "$(jq -r '.[].result' "$T/out")" unreachable
    status 75 xoauth2 test "$ME" imaps://127.0.0.1:1
    has "$T/out" 'no connection to 127.0.0.1 at port 1'
}

# A login of our own would go to a server that somebody else has put there.
test_certificate_that_is_nobodys() {
    login
    status 1 xoauth2 test "$ME" "$IMAPS"
    has "$T/out" not-trusted
    has "$T/out" 'the certificate of 127.0.0.1 cannot be trusted'
}

# For an address that is not known to be this machine's, STARTTLS is not left out.
test_plain_connection_to_another_machine() {
    login
    account_line "ca_file: $E2E_RUN/tls/ca.pem"
    status 1 xoauth2 test --json "$ME" "imap://0.0.0.0:$IMAP_PORT"
    equals "$(jq -r '.[].result' "$T/out")" not-trusted
}

test_server_the_token_is_not_for() {
    login
    account_line "hosts: imap.example.org"
    status 1 xoauth2 test "$ME" "$IMAP"
    has "$T/out" not-allowed
    has "$T/out" "add it to 'hosts:'"
}

# In hosts: an IPv6 address has brackets or none, whatever it has elsewhere.
test_address_in_another_notation() {
    login
    account_line "hosts: [2001:db8::1] ::1"
    account_line "servers: imaps://[2001:db8::1] imaps://[::1]:1"
    xoauth2 doctor --json "$ME" > "$T/doctor.json" 2> "$T/err" || true
    equals "$(jq -c '[.findings[] | select(.check == "account-servers")]' "$T/doctor.json")" '[]'
    ask_for() { printf 'get\nversion=1\nuser=%s\nhost=%s\n\n' "$ME" "$1" | xoauth2 helper > "$T/out"; }
    ask_for 2001:db8::1
    has_line "$T/out" ok
    ask_for 2001:db8::2
    has_line "$T/out" code=wrong-host
    equals "$(xoauth2 test --json "$ME" "imaps://[::1]:1" | jq -r '.[].result')" unreachable
}

# --- through libsasl2 -----------------------------------------------------------------------------------------------

through() {
    xoauth2 test --through-sasl "$@"
}

test_through_sasl_each_server_and_mechanism() {
    login
    account_line "servers: $IMAP $POP3 $IMAPS"
    account_line "ca_file: $E2E_RUN/tls/ca.pem"
    status 0 through --json "$ME"
    equals "$(jq length "$T/out")" 6
    equals "$(jq -c '[.[] | .result, .answer, .message] | unique' "$T/out")" '[null,"ok"]'
}

# The plugin asks the helper, which gets the token.
test_through_sasl_expired_token() {
    login_expired
    mark_requests
    status 0 through "$ME" "$IMAP"
    equals "$(token_requests)" 1
}

# The server's challenge goes through the plugin, which drops the token.
test_through_sasl_token_that_was_revoked() {
    login
    oauth revoke-access "{\"account\": \"$ME\"}"
    status 1 through --json "$ME" "$IMAP"
    equals "$(result "$IMAP" XOAUTH2)" refused
    has "$T/out" 'status 401'
    equals "$(result "$IMAP" OAUTHBEARER)" ok
    oauth revoke-access "{\"account\": \"$ME\"}"
    status 1 through --json "$ME" "$POP3"
    equals "$(result "$POP3" XOAUTH2)" refused
}

test_through_sasl_wrong_user() {
    login
    account_line "users: other@example.org"
    status 1 through --json other@example.org "$IMAP"
    equals "$(result "$IMAP" XOAUTH2)" refused
    equals "$(result "$IMAP" OAUTHBEARER)" refused
}

test_through_sasl_no_plugin() {
    login
    SASL_PATH=$multiarch/sasl2 status 1 through --json "$ME" "$IMAP"
    equals "$(jq -r '.[].result' "$T/out")" no-plugin
    SASL_PATH=$multiarch/sasl2 status 1 through "$ME" "$IMAP"
    has "$T/out" 'libsasl2-xoauth2.so must be in the folder'
    SASL_PATH=$multiarch/sasl2 status 0 xoauth2 test "$ME" "$IMAP"
}

test_through_sasl_another_plugin_beside() {
    login
    mkdir "$T/plugins"
    cp "$E2E_STAGE/lib/sasl2/libsasl2-xoauth2.so" "$T/plugins/libotherone.so"
    SASL_PATH=$T/plugins status 1 through --json "$ME" "$IMAP"
    equals "$(jq -r '.[].result' "$T/out")" no-plugin
    has "$T/out" 'another plugin, otherone:'
}

test_through_sasl_plugin_without_its_helper() {
    login
    mkdir "$T/sasl"
    echo 'xoauth2_helper: /nowhere/xoauth2' > "$T/sasl/xoauth2.conf"
    SASL_CONF_PATH=$T/sasl status 1 through --json "$ME" "$IMAP"
    equals "$(jq -r '.[].result' "$T/out")" no-token
    has "$T/out" '/nowhere/xoauth2'
}

test_through_sasl_server_that_is_down() {
    login
    status 75 through --json "$ME" imaps://127.0.0.1:1
    equals "$(jq -r '.[].result' "$T/out")" unreachable
}

# --- a mail server that takes mail ----------------------------------------------------------------------------------

test_smtp() {
    local way
    smtp_server
    login
    account_line "ca_file: $E2E_RUN/tls/ca.pem"
    account_line "servers: smtp://127.0.0.1:$FIRST_PORT smtps://localhost:$SECOND_PORT"
    for way in '' --through-sasl; do
        status 0 xoauth2 test --json $way "$ME"
        equals "$(jq -c '[.[] | .protocol, .result] | unique' "$T/out")" '["ok","smtp"]'
        equals "$(jq length "$T/out")" 4
    done
    oauth revoke-access "{\"account\": \"$ME\"}"
    status 1 xoauth2 test --through-sasl "$ME" "smtp://127.0.0.1:$FIRST_PORT"
    has "$T/out" '535 5.7.8'
}

# --- on a terminal --------------------------------------------------------------------------------------------------

# shown NAME=VALUE... COMMAND...: what it shows on a terminal, in $T/screen.
shown() {
    local words
    words=$(printf '%q ' "$@")
    limit "$OWN_SECONDS" script -qefc "stty cols 100; env $words" /dev/null < /dev/null > "$T/screen" 2>&1 || true
}

OWN=$E2E_STAGE/bin/xoauth2
ESCAPE=$'\033['

test_colours_on_a_terminal_alone() {
    login
    shown TERM=xterm "$OWN" test "$ME" "$IMAP"
    has "$T/screen" "XOAUTH2      ${ESCAPE}32mok${ESCAPE}0m"
    for setting in NO_COLOR=1 TERM=dumb; do
        shown TERM=xterm "$setting" "$OWN" test "$ME" "$IMAP"
        has "$T/screen" 'XOAUTH2      ok'
        has_not "$T/screen" "$ESCAPE"
    done
    TERM=xterm status 0 xoauth2 test "$ME" "$IMAP"
    has_not "$T/out" "$ESCAPE"
    oauth revoke-access "{\"account\": \"$ME\"}"
    shown TERM=xterm "$OWN" test "$ME" "$IMAP"
    has "$T/screen" "${ESCAPE}31mrefused"
    mv "$STATES/$ME.json" "$T/kept.secret"
    shown TERM=xterm "$OWN" status
    has "$T/screen" "${ESCAPE}31m$ME is not logged in"
}

test_long_wait_shows_progress() {
    login
    oauth set '{"token_delay_ms": 3000}'
    shown TERM=xterm "$OWN" refresh "$ME"
    has "$T/screen" " s  waiting for a token of $ME${ESCAPE}K"
    has "$T/screen" $'\r'"${ESCAPE}K$ME: new access token"
    shown TERM=xterm "E2E_BROWSER_USER=$ME" "$OWN" login "$ME"
    has "$T/screen" ' s  waiting for 127.0.0.1'
    # Whoever runs the command for what it prints has a screen of its own.
    shown TERM=xterm sh -c "$OWN refresh $ME | cat"
    has_not "$T/screen" 'waiting'
}

run_tests
