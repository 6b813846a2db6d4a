# shellcheck shell=bash
# xoauth2 token, refresh, status, list, logout, helper: what they print and their exit status.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# What the mail server would find out about a token (RFC 7662).
is_active() {
    curl -sS --max-time 10 -u mailserver:mailserver-secret --data-urlencode "token=$1" "$ISSUER/token/introspection" \
        | jq -r .active
}

test_token_alone_on_stdout() {
    login
    xoauth2 token "$ME" > "$T/token.secret" 2> "$T/err" < /dev/null
    equals "$(wc -l < "$T/token.secret")" 1
    [ ! -s "$T/err" ] || fail "wrote: $(cat "$T/err")"
    equals "$(is_active "$(cat "$T/token.secret")")" true
}

test_token_of_nobody() {
    status 1 xoauth2 token "$ME"
    [ ! -s "$T/out" ] || fail 'wrote to standard output'
    has "$T/err" "xoauth2 login $ME"
}

test_token_of_an_expired_account() {
    login_expired
    mark_requests
    xoauth2 token "$ME" > "$T/token.secret"
    equals "$(is_active "$(cat "$T/token.secret")")" true
    xoauth2 token "$ME" > "$T/again.secret"
    cmp "$T/token.secret" "$T/again.secret" || fail 'another token at the second time'
    equals "$(token_requests)" 1
}

test_token_with_a_dead_refresh_token() {
    login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    mark_requests
    status 77 xoauth2 token "$ME"
    [ ! -s "$T/out" ] || fail 'wrote to standard output'
    has "$T/err" "xoauth2 login $ME"
    equals "$(token_requests)" 1
    status 77 xoauth2 token "$ME"
    equals "$(token_requests)" 1 # a known death is not asked about again
}

test_refresh_gets_a_new_token() {
    login
    xoauth2 token "$ME" > "$T/one.secret"
    mark_requests
    status 0 xoauth2 refresh "$ME"
    equals "$(token_requests)" 1
    xoauth2 token "$ME" > "$T/two.secret"
    ! cmp -s "$T/one.secret" "$T/two.secret" || fail 'the same token'
    equals "$(is_active "$(cat "$T/two.secret")")" true
}

test_status_tells_no_secret() {
    login
    status 0 xoauth2 status
    has "$T/out" "$ME"
    cp "$T/out" "$T/status-all"
    status 0 xoauth2 status "$ME"
    cp "$T/out" "$T/status-one"
    status 0 xoauth2 status --json "$ME"
    jq . "$T/out" > /dev/null || fail 'no JSON'
    has "$T/out" "$ME"
}

test_status_shows_the_last_error() {
    login_expired
    oauth revoke-grant "{\"account\": \"$ME\"}"
    status 77 xoauth2 token "$ME"
    xoauth2 status "$ME" > "$T/status" || true
    has "$T/status" "xoauth2 login $ME"
}

test_status_without_an_account() {
    status 0 xoauth2 status
    has_line "$T/err" "xoauth2: there is no account: run 'xoauth2 login ADDRESS'"
    status 0 xoauth2 status --json
    equals "$(jq -c . "$T/out")" '[]'
    [ ! -s "$T/err" ] || fail "wrote: $(cat "$T/err")"
}

test_status_of_nobody() {
    status 1 xoauth2 status "$ME"
    has "$T/err" "xoauth2 login $ME"
}

test_list() {
    status 0 xoauth2 list
    [ ! -s "$T/out" ] || fail 'there is an account'
    login
    status 0 xoauth2 list
    has "$T/out" "$ME"
}

test_logout_revokes_and_removes() {
    login
    xoauth2 token "$ME" > "$T/token.secret"
    mark_requests
    status 0 xoauth2 logout "$ME"
    [ "$(requests '.endpoint == "revocation" and .status == 200')" -ge 1 ] || fail 'nothing was revoked'
    [ ! -e "$STATES/$ME.json" ] || fail 'the state is still there'
    equals "$(is_active "$(cat "$T/token.secret")")" false
    status 77 xoauth2 token "$ME"
    has "$T/err" "$ME is not logged in: run 'xoauth2 login $ME'"
}

test_logout_of_nobody() {
    status 1 xoauth2 logout "$ME"
}

test_helper_answers_on_its_standard_output() {
    login
    printf 'get\nversion=1\nuser=%s\n\n' "$ME" | xoauth2 helper > "$T/reply.secret"
    equals "$(head -n 1 "$T/reply.secret")" ok
    xoauth2 token "$ME" > "$T/token.secret"
    has_line "$T/reply.secret" "token=$(cat "$T/token.secret")"
    printf 'get\nversion=1\nuser=nobody-%s\n\n' "$ME" | xoauth2 helper > "$T/reply"
    equals "$(head -n 1 "$T/reply")" error
    has_line "$T/reply" 'code=no-account'
}

test_mistyped_verb() {
    status 2 xoauth2 tokn "$ME"
    has "$T/err" "did you mean"
    has "$T/err" "token"
}

test_help_and_version_everywhere() {
    local verb verbs
    status 0 xoauth2 --version
    has "$T/out" 'xoauth2'
    status 0 xoauth2 --help
    verbs=$(sed -n 's/^  \([a-z][a-z]*\)  *.*/\1/p' "$T/out")
    for verb in login token refresh status doctor logout list helper agent import dump restore; do
        grep -qx "$verb" <<< "$verbs" || fail "--help does not tell of $verb"
    done
    for verb in $verbs; do
        status 0 xoauth2 "$verb" --help
        has "$T/out" "Usage: xoauth2"
        [ ! -s "$T/err" ] || fail "$verb --help wrote: $(cat "$T/err")"
        status 0 xoauth2 help "$verb"
        status 0 xoauth2 "$verb" --version
        grep -qE '^xoauth2 [0-9.]+$' "$T/out" || fail "$verb --version wrote: $(cat "$T/out")"
        status 2 xoauth2 "$verb" --no-such-option
        has "$T/err" 'no-such-option'
        [ ! -s "$T/out" ] || fail "$verb wrote to standard output: $(cat "$T/out")"
    done
}

test_no_argument() {
    local verb
    status 2 xoauth2
    for verb in login token refresh logout; do
        status 2 xoauth2 "$verb"
    done
}

test_hostile_account_names() {
    local name
    for name in ../../etc/passwd .hidden "a b@example.org" $'a\tb@example.org' ''; do
        status "${BAD_NAME_STATUS:-1}" xoauth2 token "$name"
    done
}

test_xdg_folders_move_with_the_variables() {
    login
    [ -e "$T/home/.config/xoauth2/accounts/$ME.conf" ] || fail 'no account file'
    mkdir -m 700 "$T/config" "$T/state"
    mv "$T/home/.config/xoauth2" "$T/config/"
    mv "$T/home/.local/state/xoauth2" "$T/state/"
    XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state gets_token
    status 1 xoauth2 token "$ME"
    mv "$T/state/xoauth2" "$STATES" # where the hunt for secrets expects them
}

# The first login of a machine: what it makes is the agent's.
test_store_of_the_agent_is_made_for_root() {
    [ "$(id -u)" -eq 0 ] || skip 'only root can log the machine in'
    local system=$E2E_STAGE/etc/xoauth2/accounts store=$E2E_STAGE/var/lib/xoauth2
    # shellcheck disable=SC2064 # with these values
    trap "rm -rf '$system' '$store'" EXIT
    { cat /etc/passwd; echo 'xoauth2:x:61236:61237::/nonexistent:/usr/sbin/nologin'; } > "$T/passwd"
    unshare -m true 2> /dev/null || skip 'no name spaces for mounts'
    # shellcheck disable=SC2016 # its own variables
    E2E_BROWSER_USER=$ME status 0 unshare -m sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$T/passwd" \
        xoauth2 --system login --issuer "$ISSUER" --client-id desktop --scope 'openid offline_access email mail' "$ME"
    has "$T/err" "Next: name in 'allow:' of that file who may have the tokens, such as postfix, and start the agent"
    has "$T/err" "To look at the login: xoauth2 status --system $ME"
    equals "$(stat -c '%u %g %a' "$store")" '61236 61237 700'
    equals "$(stat -c '%u %a' "$store/$ME.json")" '61236 600'
    equals "$(stat -c '%u %g %a' "$system")" '0 61237 750'
    equals "$(stat -c '%u %g %a' "$system/$ME.conf")" '0 61237 640'
}

# The machine's store, in the stage's own folders, which are removed afterwards.
system_store() {
    local system=$E2E_STAGE/etc/xoauth2/accounts store=$E2E_STAGE/var/lib/xoauth2
    E2E_BROWSER_USER=$ME status 0 xoauth2 --system login --issuer "$ISSUER" --client-id desktop \
        --scope 'openid offline_access email mail' "$ME"
    equals "$(stat -c %a "$system/$ME.conf")" 640
    equals "$(stat -c %a "$store/$ME.json")" 600
    [ ! -e "$ACCOUNTS" ] || fail "there is $ACCOUNTS"
    [ ! -e "$STATES" ] || fail "there is $STATES"
    status 0 xoauth2 --system refresh "$ME"
    status 0 xoauth2 refresh --system "$ME"
    equals "$(requests '.grant_type == "refresh_token" and .status == 200')" 2
    status 0 xoauth2 --system list
    has_line "$T/out" "$ME"
    status 0 xoauth2 list --system
    has_line "$T/out" "$ME"
    status 0 xoauth2 --system status "$ME"
    has_line "$T/out" "$ME (system)"
    xoauth2 --system token "$ME" > "$T/one.secret" || fail 'no token'
    xoauth2 token "$ME" --system > "$T/two.secret" || fail 'no token'
    cmp "$T/one.secret" "$T/two.secret" || fail 'not the same token'
    # Whoever has no account of his own uses the machine's, where he may read it.
    xoauth2 token "$ME" > "$T/three.secret" || fail 'no token'
    cmp "$T/one.secret" "$T/three.secret" || fail 'not the same token'
    status 0 xoauth2 logout --system "$ME"
    status 77 xoauth2 --system token "$ME"
    has "$T/err" "run 'xoauth2 --system login $ME'"
    [ ! -e "$store/$ME.json" ] || fail 'there is a state file'
    E2E_BROWSER_USER=$ME status 0 xoauth2 login "$ME" --system
    oauth revoke-grant "{\"account\": \"$ME\"}"
    status 77 xoauth2 --system refresh "$ME"
    has "$T/err" "run 'xoauth2 login --system $ME'"
    status 0 xoauth2 --system logout --local --forget "$ME"
    [ ! -e "$system/$ME.conf" ] || fail 'there is an account file'
}

test_system_before_or_after_each_verb() {
    local rc=0
    (set -e; system_store) || rc=$?
    rm -rf "$E2E_STAGE/etc/xoauth2/accounts" "$E2E_STAGE/var/lib/xoauth2"
    return "$rc"
}

test_home_from_the_password_database() {
    (
        unset HOME XDG_CONFIG_HOME XDG_STATE_HOME
        status 1 xoauth2 token "$ME"
    )
    has "$T/err" "xoauth2 login $ME"
}

run_tests
