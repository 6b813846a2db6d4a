# shellcheck shell=bash
# Postfix relays with tokens of the system's agent, which runs under a uid of its own: smtp(8) in its chroot, as
# Debian has it, and without.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/postfix.sh"

relays() {
    mail_host "$1"
    system_login
    start_agent
    mark_requests
    send success
    must_arrive success
    login_of "$ME" postfix/first/
    equals "$(token_requests)" 0
}

test_chrooted_relays() {
    relays y
}

test_unchrooted_relays() {
    relays n
}

# The command that the mail log tells the administrator, with somebody to sign in.
run_what_is_logged() {
    local command
    command=$(grep -oE "run '[^']+'" "$RELAY/log" | head -n 1 | tr -d "'")
    command=${command#run xoauth2 }
    has <(echo "$command") "$ME"
    # shellcheck disable=SC2086 # a command with its arguments
    E2E_BROWSER_USER=$ME status 0 xoauth2 $command
}

# The administrator learns from the mail log what to run, and need do no more.
dead_refresh_token() {
    mail_host "$1"
    system_login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    start_agent
    send dead
    must_be_deferred status=deferred dsn=4.7.0
    run_what_is_logged
    next_attempt
    must_arrive dead
}

test_chrooted_dead_refresh_token() {
    dead_refresh_token y
}

test_unchrooted_dead_refresh_token() {
    dead_refresh_token n
}

no_agent() {
    mail_host "$1"
    system_login
    send 'no agent'
    must_be_deferred 'status=deferred'
    logged "$RUNTIME/agent.sock" || fail 'the mail log does not name the socket'
    start_agent
    next_attempt
    must_arrive 'no agent'
}

test_chrooted_no_agent() {
    no_agent y
}

test_unchrooted_no_agent() {
    no_agent n
}

test_expired_token() {
    mail_host y
    system_login_expired
    mark_requests
    start_agent
    send expired
    must_arrive expired
    login_of "$ME"
    equals "$(token_requests)" 1
}

# The agent renews ahead of expiry, so that nobody waits; here each message finds a token that is of use.
test_messages_while_tokens_expire() {
    local number
    mail_host y
    oauth set '{"access_ttl": 14}' # of use for 9 s, since 5 are for its way
    system_login
    mark_requests
    start_agent
    for number in 1 2 3 4 5 6; do
        send "number $number"
        must_arrive "number $number"
        sleep 2
    done
    [ "$(token_requests)" -ge 1 ] || fail 'nothing was renewed'
    has_not "$RELAY/log" status=deferred
}

# The server says no to a token that looks good: its text is in the mail log, and the next attempt has a new token.
test_revoked_token() {
    mail_host y
    system_login
    mark_requests
    start_agent
    oauth revoke-access "{\"account\": \"$ME\"}"
    send revoked
    must_be_deferred status=deferred dsn=4.7.8 'said: 535 5.7.8 Error: authentication failed'
    next_attempt
    must_arrive revoked
    equals "$(token_requests)" 1
}

test_provider_down() {
    mail_host y
    system_login_expired
    oauth set '{"token_status": 503}'
    start_agent
    send 'provider down'
    must_be_deferred status=deferred dsn=4.7.0
    logged 'is in trouble' || fail 'the mail log does not name the trouble'
    oauth set '{"token_status": 0}'
    attempts_until_arrived 'provider down'
}

# Who is not in `allow:` gets nothing; an edit is enough.
test_not_allowed() {
    mail_host y
    system_login
    sed -i '/^allow:/d' "$SYSTEM_ACCOUNTS/$ME.conf"
    start_agent
    send 'not allowed'
    must_be_deferred status=deferred dsn=4.7.0
    logged "user id $(id -u postfix) may not use $ME: add it to 'allow:'" \
        || fail 'the mail log does not say what to add'
    has "$T/agent.log" "refused $ME to user id $(id -u postfix)"
    cat "$EXAMPLES/postfix-allow" >> "$SYSTEM_ACCOUNTS/$ME.conf"
    next_attempt
    must_arrive 'not allowed'
}

test_two_relays_and_two_accounts() {
    local other=second-$ME
    mail_host y
    set_main postfix-two-main.cf
    use_table relayhost postfix-two-relayhost
    use_table sasl_passwd postfix-two-sasl_passwd
    postfix -c "$RELAY/conf" reload
    system_login
    system_login "$other"
    start_agent
    send one
    send two "$other"
    must_arrive one
    must_arrive two
    login_of "$ME" postfix/first/
    login_of "$other" postfix/second/
}

test_microsoft() {
    local other=second-$ME
    mail_host y
    set_main postfix-microsoft-main.cf
    use_table sasl_passwd postfix-microsoft-sasl_passwd
    postfix -c "$RELAY/conf" reload
    system_login "$other"
    start_agent
    send microsoft "$other"
    must_arrive microsoft
    login_of "$other" postfix/second/
}

# The OAuth server knows the application by its certificate.
register_application() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/mail.key" -out "$T/mail.crt" -subj /CN=app -days 30 \
        2> "$T/openssl.log"
    oauth application "$(node -e 'const { X509Certificate } = require("crypto");
        const { publicKey } = new X509Certificate(require("fs").readFileSync(process.argv[1]));
        console.log(JSON.stringify({ client_id: "app", jwks: { keys: [publicKey.export({ format: "jwk" })] } }));' \
        "$T/mail.crt")"
    oauth set "{\"mailbox\": \"$1\"}"
}

# As in the guide, at another server. What the agent cannot read is found out before it is needed.
application_login() {
    local command
    command=$(sed "s,--provider microsoft --tenant example.org --client-id ID,--issuer $ISSUER --client-id app --scope mail,
        s,/etc/xoauth2/mail\.,$T/mail.,g; s/mail@example\.org/app-$ME/" "$EXAMPLES/login-microsoft-app")
    eval "status 1 ${command//$T\/mail.key/\/home\/me\/mail.key}"
    has "$T/err" "cannot get at /home/me/mail.key: put the file into $E2E_STAGE/etc/xoauth2, not into a home"
    eval "status 1 $command"
    has "$T/err" "'client_key_file': user id $AGENT_ID, who owns $STORE and runs the agent, cannot read $T/mail.key:"
    has "$T/err" "run 'chown $AGENT_ID $T/mail.key'"
    chown $AGENT_ID "$T/mail.key"
    eval "status 1 $command"
    has "$T/err" "cannot get at $T/mail.key: put the file into $E2E_STAGE/etc/xoauth2, not into a home"
    chmod 711 "$T"
    [ ! -e "$SYSTEM_ACCOUNTS/app-$ME.conf" ] || fail 'something was written'
    eval "status 0 $command"
    cat "$EXAMPLES/postfix-allow" >> "$SYSTEM_ACCOUNTS/app-$ME.conf"
}

# Nobody logs in: the mailbox is one of those that the application may use.
test_application() {
    local mailbox=second-$ME
    mail_host y
    set_main postfix-microsoft-main.cf
    use_table sasl_passwd postfix-microsoft-sasl_passwd
    postfix -c "$RELAY/conf" reload
    register_application "$mailbox"
    oauth set '{"access_ttl": 1}'
    application_login
    oauth set '{"access_ttl": 3600}'
    wait_for system_expired "app-$ME"
    mark_requests
    start_agent
    send application "$mailbox"
    must_arrive application
    login_of "$mailbox" postfix/second/
    equals "$(requests '.grant_type == "client_credentials" and .client == "app" and .status == 200')" 1
}

# A transport of its own, so that neither relay is offered the other one's mechanisms.
test_password_relay_beside() {
    local other=password-$ME
    mail_host y
    set_main postfix-password-main.cf
    adapt postfix-password-master.cf >> "$RELAY/conf/master.cf"
    use_table transport postfix-password-transport
    use_table sasl_passwd postfix-password-sasl_passwd
    postfix -c "$RELAY/conf" reload
    system_login
    start_agent
    send one
    send two "$other"
    must_arrive one
    must_arrive two
    login_of "$ME" sasl_method=XOAUTH2
    login_of "$other" 'postfix/second/.* sasl_method=(PLAIN|LOGIN)'
}

# The mailbox of a team, with the token of one who may use it.
test_shared_mailbox() {
    mail_host y
    use_table sasl_passwd postfix-shared-sasl_passwd
    system_login
    adapt postfix-shared-users >> "$SYSTEM_ACCOUNTS/$ME.conf"
    start_agent
    send shared "$TEAM"
    must_arrive shared
    login_of "$TEAM" postfix/first/
}

run_tests
