# shellcheck shell=bash
# xoauth2 test: logins at the mail servers, and what it says when they fail.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source=/dev/null
. "$E2E_RUN/dovecot/ports"

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
    status 1 xoauth2 test --json "$ME" "smtp://127.0.0.1:$SMTP_PORT"
    equals "$(jq -r '.[].result' "$T/out" | sort -u)" no-mailbox
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

run_tests
