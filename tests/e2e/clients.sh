# shellcheck shell=bash
# Each mail program as one function with the same face: PROGRAM MECHANISM; it tries to log $ME in and leaves what a
# person would see in $T/shown. Status 0: logged in.

# shellcheck source=/dev/null
. "$E2E_RUN/dovecot/ports"
CYRUS=/usr/lib/cyrus/bin

# give_mail [COUNT]: puts messages into the mailbox of $ME, as the mail server's user.
give_mail() {
    local folder=$E2E_RUN/dovecot/mail/$ME/new number
    mkdir -p "$folder" "$folder/../cur" "$folder/../tmp"
    for number in $(seq "${1:-3}"); do
        printf 'From: a@example.org\nTo: %s\nSubject: message %s\nMessage-ID: <%s.%s@example.org>\n\nText %s.\n' \
            "$ME" "$number" "$number" "$RANDOM" "$number" > "$folder/17000000$number.M$number.test"
    done
    [ "$(id -u)" -ne 0 ] || chown -R dovecot "$E2E_RUN/dovecot/mail/$ME"
}

# write_mbsyncrc LINE...: settings of the account, beside user and server.
write_mbsyncrc() {
    mkdir -p "$T/mail"
    {
        printf 'IMAPAccount server\nHost localhost\nUser %s\n' "$ME"
        printf '%s\n' "$@"
        printf '\nIMAPStore far\nAccount server\n'
        printf '\nMaildirStore near\nPath %s/mail/\nInbox %s/mail/INBOX\n' "$T" "$T"
        printf '\nChannel all\nFar :far:\nNear :near:\nCreate Near\nSyncState *\n'
    } > "$HOME/.mbsyncrc"
}

run_mbsync() {
    client mbsync all > "$T/shown" 2>&1 < /dev/null
}

mbsync_login() {
    write_mbsyncrc "Port $IMAP_PORT" 'SSLType None' "AuthMechs $1"
    run_mbsync
}

# How many messages mbsync has fetched.
synced() {
    find "$T/mail/INBOX" -type f -path '*/[cn]*/*' 2> /dev/null | wc -l
}

sample_login() {
    wrap_client
    limit "$CLIENT_LIMIT" node "$E2E_DIR/sasl-session.mjs" "$IMAP_PORT" "$1" "${CLIENT_WRAP[@]}" \
        sasl-sample-client -p "$SASL_PATH" -s imap -n 127.0.0.1 -m "$1" -u "$ME" -a "$ME" > "$T/shown" 2>&1 < /dev/null
}

# cyrus PROGRAM PORT MECHANISM: these go on after a failed login, so what they print decides. At the end of their
# input they log out by themselves; a command of ours as well would race with that.
cyrus() {
    local rc=0
    client "$CYRUS/$1" -m "$3" -u "$ME" -a "$ME" -p "$2" 127.0.0.1 > "$T/shown" 2>&1 < /dev/null || rc=$?
    [ "$rc" -ne 124 ] || return 124
    grep -q '^Authenticated\.' "$T/shown"
}

imtest_login() {
    cyrus imtest "$IMAP_PORT" "$1"
}

pop3test_login() {
    cyrus pop3test "$POP3_PORT" "$1"
}

smtptest_login() {
    cyrus smtptest "$SMTP_PORT" "$1"
}

etpan_login() {
    client "$E2E_WORK/imap-client" 127.0.0.1 "$IMAP_PORT" "$1" "$ME" > "$T/shown" 2>&1 < /dev/null
}

# neomutt uses no libsasl2 on Debian; it asks a command for the token. It wants a terminal, which script(1) gives.
neomutt_login() {
    local logins
    logins=$(server_logins)
    cat > "$HOME/neomuttrc" << END
set ssl_ca_certificates_file = "$E2E_RUN/tls/ca.pem"
set ssl_verify_dates = no
set imap_user = "$ME"
set imap_authenticators = "${1,,}"
set imap_oauth_refresh_command = "$E2E_STAGE/bin/xoauth2 token $ME 2>>$T/command.err"
set folder = "imaps://localhost:$IMAPS_PORT/"
set spoolfile = "+INBOX"
push <exit>
END
    TERM=xterm limit "$CLIENT_SECONDS" script -qec "neomutt -n -F $HOME/neomuttrc -d 2 -l $T/neomutt.secret" /dev/null \
        > "$T/shown" 2>&1 < /dev/null || return $?
    # The mail server's log comes by a process of its own, and neomutt says nothing.
    for _ in {1..50}; do
        [ "$(server_logins)" -eq "$logins" ] || return 0
        sleep 0.1
    done
    return 1
}

# How often the mail server let $ME in.
server_logins() {
    grep -cF "Login: user=<$ME>" "$E2E_RUN/dovecot/log" || true
}

server_let_in() {
    [ "$(server_logins)" -ge 1 ]
}
