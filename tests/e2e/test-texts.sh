# shellcheck shell=bash
# The exact text that a person sees, in mbsync, sasl-sample-client and imtest, for each way in which a login can fail.
# Each says what to do. imtest shows only the library's words for the kind of failure; ours is in its log.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# everywhere KIND TEXT CODE: all three programs fail with our TEXT, and the library's words for the KIND of failure.
everywhere() {
    local kind=$1 text code=$3 rc
    for program in mbsync sample imtest; do
        for mechanism in XOAUTH2 OAUTHBEARER; do
            rc=0
            text=${2//SERVER/$(server_of "$program")}
            rm -f "$T/syslog"
            "${program}_login" "$mechanism" || rc=$?
            case $rc in
                0) fail "$program logged in" ;;
                124) fail "$program hangs" ;;
            esac
            case $program in
                mbsync)
                    has_line "$T/shown" "Error performing SASL authentication step: SASL($code): $kind: $text"
                    ;;
                sample)
                    has_line "$T/shown" "client: error was SASL($code): $kind: $text"
                    ;;
                imtest)
                    has_line "$T/shown" "Authentication failed. $kind"
                    has "$T/syslog" "$text"
                    ;;
            esac
            [[ $text == *"$(remedy)"* ]] || fail "no remedy in: $text"
        done
    done
}

# Each program connects by this name.
server_of() {
    if [ "$1" = mbsync ]; then echo localhost; else echo 127.0.0.1; fi
}

# What every such text has: a command, a key to change or a permission to mend.
remedy() {
    echo "${REMEDY:-xoauth2 login $ME}"
}

test_nobody_has_logged_in() {
    everywhere 'user not found' "$(no_account)" -13
}

test_the_login_has_ended() {
    login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    status 77 xoauth2 token "$ME"
    everywhere 'passphrase expired, has to be reset' "$(sed 's/^xoauth2: //' "$T/err")" -18
}

test_the_provider_is_down() {
    login_faults_expired
    fault always '{"status": 503}'
    status 75 xoauth2 token "$ME"
    REMEDY=again everywhere 'remote authentication server unavailable' "$(sed 's/^xoauth2: //' "$T/err")" -24
}

test_the_server_is_not_the_accounts() {
    login
    printf 'hosts: imap.example.org\n' >> "$ACCOUNTS/$ME.conf"
    REMEDY="$ACCOUNTS/$ME.conf" everywhere 'authorization failure' \
        "the token of $ME is not for SERVER: add it to 'hosts:' in $ACCOUNTS/$ME.conf if it is right" -14
}

test_the_account_file_is_wrong() {
    login
    printf 'no_such_key: 1\n' >> "$ACCOUNTS/$ME.conf"
    status 1 xoauth2 token "$ME"
    has "$T/err" "$ACCOUNTS/$ME.conf:"
    REMEDY="$ACCOUNTS/$ME.conf" everywhere 'error when parsing configuration file' "$(sed 's/^xoauth2: //' "$T/err")" -100
}

test_the_account_file_is_readable_by_others() {
    login
    chmod 644 "$ACCOUNTS/$ME.conf"
    status 1 xoauth2 token "$ME"
    REMEDY='chmod' everywhere 'error when parsing configuration file' "$(sed 's/^xoauth2: //' "$T/err")" -100
}

test_the_state_file_is_readable_by_others() {
    login
    chmod 640 "$STATES/$ME.json"
    status 1 xoauth2 token "$ME"
    REMEDY='chmod' everywhere 'error when parsing configuration file' "$(sed 's/^xoauth2: //' "$T/err")" -100
    chmod 600 "$STATES/$ME.json"
}

# The server's answer is the reason, and the program shows it; our text is in the log and with the next status.
test_the_server_refuses_the_token() {
    login
    oauth revoke-access "{\"account\": \"$ME\"}"
    ! mbsync_login XOAUTH2 || fail 'logged in'
    has "$T/shown" 'returned an error: NO [AUTHENTICATIONFAILED] Authentication failed.'
    [ -e "$T/syslog" ] || fail 'nothing was logged'
    has "$T/syslog" "the mail server refused the token of $ME as invalid: it was dropped, try again; if that goes on, \
run 'xoauth2 login $ME'"
}

run_tests
