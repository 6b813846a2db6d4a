# shellcheck shell=bash disable=SC2119,SC2120,SC2153
# A mail host: Postfix as a relaying host whose smtp(8) gets its tokens from the system's agent, and a second
# Postfix as its provider's server, which lets people in whom Dovecot and the OAuth server know. All of it belongs
# to one test, lies in $E2E_RUN, and ends with the test.

RELAY=$E2E_RUN/relay       # configuration, data and log of the relaying host
JAIL=$E2E_RUN/q            # its queue, in which smtp(8) is locked up; short, since a socket's path is
PROVIDER=$E2E_RUN/provider # the same of the provider's server, with its queue and what it has got
RUNTIME=$E2E_STAGE/run/xoauth2
STORE=$E2E_STAGE/var/lib/xoauth2
SYSTEM_ACCOUNTS=$E2E_STAGE/etc/xoauth2/accounts
AGENT_ID=61234 # the uid and gid of the agent, of nobody else, without a name
EXAMPLES=$E2E_DIR/examples

# --- the provider's server ------------------------------------------------------------------------------------------

# What both servers have in common: write_main FOLDER QUEUE.
write_main() {
    cat << END
compatibility_level = 3.6
queue_directory = $2
data_directory = $1/data
maillog_file = $1/log
maillog_file_prefixes = $E2E_RUN
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks =
alias_maps =
alias_database =
END
}

write_master() {
    cat << END
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
END
}

make_instance() {
    local folder=$1 queue=$2
    mkdir -p "$folder/conf" "$folder/data" "$queue"
    chown postfix "$folder/data"
    write_main "$folder" "$queue" > "$folder/conf/main.cf"
    write_master > "$folder/conf/master.cf"
}

# start_instance FOLDER QUEUE
start_instance() {
    postfix -c "$1/conf" start > "$1/start" 2>&1 || {
        cat "$1/start" "$1/log" || true
        fail "Postfix did not start: $1"
    }
    wait_for test -s "$2/pid/master.pid"
    awk '{ print $1 }' "$2/pid/master.pid" > "$1/pid"
}

stop_instance() {
    [ -s "$1/pid" ] || return 0
    postfix -c "$1/conf" stop > "$1/stop" 2>&1 || true
    rm -f "$1/pid"
}

choose_ports() {
    read -r FIRST_PORT SECOND_PORT < <(
        # shellcheck source-path=SCRIPTDIR
        . "$E2E_DIR/servers.sh"
        free_ports 2
    )
}

# It takes mail from those alone who have logged in, over TLS, at either of two ports. Everything ends in one mailbox.
make_provider() {
    make_instance "$PROVIDER" "$PROVIDER/queue"
    mkdir -p "$PROVIDER/mail"
    chown postfix "$PROVIDER/mail"
    cat >> "$PROVIDER/conf/main.cf" << END
myhostname = mail.example.org
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = $E2E_RUN/dovecot/run/auth-smtpd
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = $E2E_RUN/tls/server.pem
smtpd_tls_key_file = $E2E_RUN/tls/server.key
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all/
virtual_mailbox_base = $PROVIDER/mail
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u postfix)
virtual_gid_maps = static:$(id -g postfix)
END
    cat >> "$PROVIDER/conf/master.cf" << END
127.0.0.1:$FIRST_PORT inet n - n - - smtpd
    -o syslog_name=postfix/first
127.0.0.1:$SECOND_PORT inet n - n - - smtpd
    -o syslog_name=postfix/second
END
}

# smtp_server: the provider's server alone; FIRST_PORT has STARTTLS but does not insist on it, SECOND_PORT has TLS.
smtp_server() {
    [ "$(id -u)" -eq 0 ] || skip 'only root can run Postfix'
    choose_ports
    trap 'stop_instance "$PROVIDER"; rm -rf "$PROVIDER"' EXIT
    make_provider
    sed -i 's/^smtpd_tls_auth_only.*/smtpd_tls_auth_only = no/; s/^\(smtpd_tls_security_level\).*/\1 = may/' \
        "$PROVIDER/conf/main.cf"
    echo '    -o smtpd_tls_wrappermode=yes' >> "$PROVIDER/conf/master.cf"
    start_instance "$PROVIDER" "$PROVIDER/queue"
}

# --- the relaying host ----------------------------------------------------------------------------------------------

# adapt NAME: the example, with this host's files, the servers of the test and the addresses of the test. Its first
# relay is FIRST_PORT, the other ones are SECOND_PORT.
adapt() {
    sed -e "s/me@gmail\.com/$ME/g; s/me@example\.org/second-$ME/g; s/me@example\.net/password-$ME/g" \
        -e "s/team@example\.com/$TEAM/g" \
        -e "s/\[smtp\.gmail\.com\]:587/[127.0.0.1]:$FIRST_PORT/g" \
        -e "s/\[\(smtp\.office365\.com\|mail\.example\.net\)\]:587/[127.0.0.1]:$SECOND_PORT/g" \
        -e "s,/etc/postfix,$RELAY/conf,g; s,/etc/ssl/certs/ca-certificates\.crt,$E2E_RUN/tls/ca.pem,g" \
        -e "s/^password unix - - y/password unix - - $CHROOT/" "$EXAMPLES/$1"
}

# The plugin lies in the stage, so that libsasl2 has to be told; and the certificate names no address.
make_relay() {
    make_instance "$RELAY" "$JAIL"
    {
        printf 'myhostname = relay.example.org\n'
        printf 'import_environment = %s SASL_PATH=%s\n' "$(postconf -dh import_environment)" "$SASL_PATH"
        printf 'smtp_tls_secure_cert_match = localhost\n'
        adapt postfix-main.cf
    } >> "$RELAY/conf/main.cf"
    printf 'smtp unix - - %s - - smtp\n' "$CHROOT" >> "$RELAY/conf/master.cf"
    use_table sasl_passwd postfix-sasl_passwd
}

# set_main EXAMPLE: its parameters, in place of those that have been given before. A parameter that is there twice is a
# warning of each process, and too many of those before Postfix's log is written block it for ever.
set_main() {
    adapt "$1" | xargs -d '\n' postconf -c "$RELAY/conf" -e
}

# use_table NAME EXAMPLE: the table becomes the example's.
use_table() {
    adapt "$2" > "$RELAY/conf/$1"
    postmap -c "$RELAY/conf" "hash:$RELAY/conf/$1"
}

# The agent's folders, as the system's tmpfiles make them: in the jail, too.
make_store() {
    install -d -m 755 "$E2E_STAGE/run"
    install -d -m 755 -o $AGENT_ID -g $AGENT_ID "$RUNTIME"
    install -d -m 755 "$E2E_STAGE/var" "$E2E_STAGE/var/lib"
    install -d -m 700 -o $AGENT_ID -g $AGENT_ID "$STORE"
    mkdir -p "$JAIL$RUNTIME"
    chown $AGENT_ID:$AGENT_ID "$JAIL$RUNTIME"
}

remove_store() {
    rm -rf "$RUNTIME" "$STORE" "$SYSTEM_ACCOUNTS"
}

start_agent() {
    wrap_own
    setpriv --reuid $AGENT_ID --regid $AGENT_ID --clear-groups "${OWN_WRAP[@]}" "$E2E_STAGE/bin/xoauth2" --system \
        agent --foreground --socket "$RUNTIME/agent.sock" --socket "$JAIL$RUNTIME/agent.sock" \
        >> "$T/agent.log" 2>&1 < /dev/null &
    echo $! > "$RELAY/agent.pid"
    kill_later $!
    wait_for test -S "$JAIL$RUNTIME/agent.sock"
}

# --- all of it ------------------------------------------------------------------------------------------------------

# mail_host y|n: smtp(8) runs in the jail, or not.
mail_host() {
    [ "$(id -u)" -eq 0 ] || skip 'only root can run Postfix'
    CHROOT=$1
    TEAM=${ME%@*}@shared.example.org # a mailbox of all in the domain, see servers.sh
    choose_ports
    trap end_mail_host EXIT
    make_provider
    make_relay
    make_store
    start_instance "$PROVIDER" "$PROVIDER/queue"
    start_instance "$RELAY" "$JAIL"
}

# Also after a failure: what is needed to understand it is kept, and the hunt for secrets finds it.
end_mail_host() {
    local status=$?
    stop_instance "$RELAY"
    stop_instance "$PROVIDER"
    if [ -s "$RELAY/agent.pid" ]; then
        kill "$(cat "$RELAY/agent.pid")" 2> /dev/null || true
        wait "$(cat "$RELAY/agent.pid")" || true
    fi
    cp "$RELAY/log" "$T/relay.log" || true
    cp "$PROVIDER/log" "$T/provider.log" || true
    if [ "$status" -ne 0 ] && [ ! -f "$T/skipped" ]; then
        tail -n 40 "$T/relay.log" "$T/provider.log" "$T/agent.log" || true
    fi
    if [ -d "$STORE" ] && [ -n "$(find "$STORE" -perm /077)" ]; then
        find "$STORE" -perm /077 -exec echo 'FAILED: readable by others:' {} +
        status=1
    fi
    rm -rf "$RELAY" "$PROVIDER" "$JAIL"
    remove_store
    exit "$status"
}

# system_login [ACCOUNT]: a person logs the machine's account in, and Postfix may have its tokens.
system_login() {
    local account=${1:-$ME} file
    file=$SYSTEM_ACCOUNTS/$account.conf
    E2E_BROWSER_USER=$account status 0 xoauth2 --system login --issuer "$ISSUER" --client-id desktop \
        --scope 'openid offline_access email mail' "$account"
    grep -q '^allow:' "$file" || cat "$EXAMPLES/postfix-allow" >> "$file"
}

# system_login_expired: the access token is of no use any more.
system_login_expired() {
    oauth set '{"access_ttl": 1}'
    system_login
    oauth set '{"access_ttl": 3600}'
    wait_for system_expired
}

# system_expired [ACCOUNT]
system_expired() {
    [ "$(date +%s)" -ge "$(jq .expires_at "$STORE/${1:-$ME}.json")" ]
}

# send SUBJECT [FROM]: a message on its way. The mark in the log is set before.
send() {
    mark_log
    printf 'From: %s\nTo: you@example.com\nSubject: %s\n\nHello.\n' "${2:-$ME}" "$1" \
        | sendmail -C "$RELAY/conf" -f "${2:-$ME}" you@example.com
}

mark_log() {
    LOG_BEFORE=$(wc -l < "$RELAY/log")
}

# logged TEXT...: one line of the relaying host since the mark has all of these.
logged() {
    local lines text
    lines=$(tail -n "+$((LOG_BEFORE + 1))" "$RELAY/log")
    for text in "$@"; do
        lines=$(grep -F -e "$text" <<< "$lines") || return 1
    done
}

# The queue is tried again, now: the message is in it a moment after the log has said so.
next_attempt() {
    wait_for is_deferred
    mark_log
    postqueue -c "$RELAY/conf" -f
}

is_deferred() {
    [ -n "$(find "$JAIL/deferred" -type f)" ]
}

arrived() {
    grep -rqxF "Subject: $1" "$PROVIDER/mail/all/new" "$PROVIDER/mail/all/cur"
}

# login_of ADDRESS [PATTERN]: the provider's server let this user in, and the line about it has this, too. The log is
# written by a process of its own.
login_of() {
    wait_for let_in "$1" "${2:-}"
}

let_in() {
    grep -F "sasl_username=$1" "$PROVIDER/log" | grep -qE "$2"
}

must_arrive() {
    wait_for arrived "$1"
}

# must_be_deferred TEXT...: an attempt has ended so, and a line about it has these texts.
must_be_deferred() {
    wait_for logged status=deferred
    logged "$@" || fail "the mail log does not have, in one line: $*"
}

# attempts_until_arrived SUBJECT: the queue is tried every second.
attempts_until_arrived() {
    local end=$((SECONDS + 60))
    until arrived "$1"; do
        [ "$SECONDS" -lt "$end" ] || fail "'$1' did not arrive within 60 s"
        postqueue -c "$RELAY/conf" -f
        sleep 1
    done
}
