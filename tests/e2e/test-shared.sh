# shellcheck shell=bash
# A shared mailbox, opened with the token of a person who may use it, by a program with one user name only.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# Who may use it: in the tests all with the same local part, see servers.sh.
share() {
    login --set 'users=*@shared.example.org'
    PERSON=$ME
    ME=${ME%@*}@shared.example.org
}

test_shared_mailbox_is_not_opened_by_mbsync() {
    share
    local mechanism
    for mechanism in XOAUTH2 OAUTHBEARER; do
        mbsync_login $mechanism || fail "$mechanism: $(cat "$T/shown")"
        status 0 xoauth2 refresh "$PERSON"
    done
}

test_token_is_kept_twice() {
    share
    status 0 xoauth2 token "$ME"
    mv "$T/out" "$T/shared.secret"
    status 0 xoauth2 token "$PERSON"
    mv "$T/out" "$T/own.secret"
    cmp "$T/shared.secret" "$T/own.secret"
    equals "$(find "$STATES" -name '*.json')" "$STATES/$PERSON.json"
}

test_mailbox_of_others_is_opened() {
    share
    ME=somebody@else.example.org
    ! mbsync_login XOAUTH2 || fail 'mbsync logged in'
    has "$T/shown" 'no account for somebody@else.example.org'
}

run_tests
