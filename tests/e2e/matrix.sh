# shellcheck shell=bash
# What must hold for every mail program and mechanism. `matrix PROGRAM MECHANISM...` makes the test functions; the
# program's PROGRAM_login is in clients.sh.

matrix() {
    local program=$1 mechanism
    shift
    for mechanism in "$@"; do
        eval "test_${program}_${mechanism,,}_logs_in() { matrix_logs_in $program $mechanism; }
              test_${program}_${mechanism,,}_expired_token() { matrix_expired $program $mechanism; }
              test_${program}_${mechanism,,}_revoked_token() { matrix_revoked $program $mechanism; }
              test_${program}_${mechanism,,}_dead_refresh_token() { matrix_dead $program $mechanism; }"
    done
}

shown() {
    sed 's/^/shown: /' "$T/shown"
}

must_log_in() {
    local rc=0
    "$1_login" "$2" || rc=$?
    [ "$rc" -eq 0 ] || {
        shown
        fail "$1 with $2 did not log in (status $rc)"
    }
}

must_be_refused() {
    local rc=0
    "$1_login" "$2" || rc=$?
    [ "$rc" -ne 0 ] || {
        shown
        fail "$1 with $2 logged in"
    }
    [ "$rc" -ne 124 ] || {
        shown
        fail "$1 with $2 hangs"
    }
}

# The cached token is used: no request at all.
matrix_logs_in() {
    login
    mark_requests
    must_log_in "$1" "$2"
    equals "$(token_requests)" 0
    wait_for server_let_in
    equals "$(server_logins)" 1
}

# The token is refreshed unseen, once.
matrix_expired() {
    login_expired
    mark_requests
    must_log_in "$1" "$2"
    equals "$(token_requests)" 1
    must_log_in "$1" "$2"
    equals "$(token_requests)" 1
}

# The server's challenge is answered, nothing hangs; the plugin drops the token, so the next try works.
matrix_revoked() {
    login
    must_log_in "$1" "$2"
    oauth revoke-access "{\"account\": \"$ME\"}"
    mark_requests
    must_be_refused "$1" "$2"
    [ "$1" != neomutt ] || status 0 xoauth2 refresh "$ME" # nobody tells the helper of the server's answer
    must_log_in "$1" "$2"
    equals "$(token_requests)" 1
}

# The person learns what to do: from the program itself where it shows the mechanism's text, else from the log.
matrix_dead() {
    login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    must_be_refused "$1" "$2"
    case $1 in
        mbsync | sample) has "$T/shown" "$(login_again)" ;;
        neomutt) has "$T/command.err" "$(login_again)" ;;
        imtest | pop3test | smtptest)
            has "$T/shown" 'Authentication failed. passphrase expired, has to be reset'
            has "$T/syslog" "$(login_again)"
            ;;
        *) has "$T/syslog" "$(login_again)" ;;
    esac
    login
    must_log_in "$1" "$2"
}
