# shellcheck shell=bash
# xoauth2 login in a browser, at a real OAuth server and at one that misbehaves.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

nothing_written() {
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'there is an account file'
    [ ! -e "$STATES/$ME.json" ] || fail 'there is a state file'
}

# starts `xoauth2 login --no-open` in the background; sets OWN_PID and LOGIN_URL.
start_login() {
    start_xoauth2 login --issuer "$ISSUER" --client-id desktop --scope 'openid offline_access email mail' \
        --browser --no-open "$ME"
    wait_for grep -q "$ISSUER/auth?" "$T/err"
    LOGIN_URL=$(grep -o "$ISSUER/auth?[^ ]*" "$T/err" | head -n 1)
    LOGIN_PORT=$(sed -n 's/.*redirect_uri=http%3[Aa]%2[Ff]%2[Ff][^%]*%3[Aa]\([0-9]*\).*/\1/p' <<< "$LOGIN_URL")
}

test_account_and_state_are_written() {
    login
    [ ! -s "$T/out" ] || fail "wrote to standard output: $(cat "$T/out")"
    has "$T/err" "signed in as $ME"
    has_line "$ACCOUNTS/$ME.conf" "issuer: $ISSUER"
    has_line "$ACCOUNTS/$ME.conf" 'client_id: desktop'
    equals "$(stat -c %a "$ACCOUNTS/$ME.conf")" 600
    equals "$(stat -c %a "$STATES/$ME.json")" 600
    equals "$(stat -c %a "$STATES")" 700
    equals "$(token_requests)" 1
    equals "$(requests '.endpoint == "token" and .grant_type == "authorization_code"')" 1
}

test_the_address_is_lower_cased() {
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --issuer "$ISSUER" --client-id desktop "${ME^^}"
    [ -e "$ACCOUNTS/$ME.conf" ] || fail 'no account file under the lower-cased address'
    gets_token "${ME^}"
}

test_default_scope_has_offline_access() {
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --issuer "$ISSUER" --client-id desktop "$ME"
    [ "$(state refresh_token)" != null ] || fail 'no refresh token'
}

test_a_client_secret_is_sent_and_kept_private() {
    printf 'secret of the desktop: +%%&=\n' > "$T/client.secret"
    chmod 600 "$T/client.secret"
    oauth set '{"access_ttl": 1}'
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --issuer "$ISSUER" --client-id desktop-secret \
        --client-secret-file "$T/client.secret" --scope 'openid offline_access mail' "$ME"
    wait_for has_expired
    gets_token
    equals "$(requests '.endpoint == "token" and .client == "desktop-secret" and .status == 200')" 2
    has_not "$T/err" 'secret of the desktop'
}

test_refused_sign_in() {
    E2E_BROWSER_USER=$ME E2E_BROWSER_MODE=refuse status 77 xoauth2 login --issuer "$ISSUER" --client-id desktop "$ME"
    has "$T/err" 'refused the login (access_denied: End-User aborted interaction)'
    nothing_written
}

# There is no file yet whose line could be named; at an account that has one it is.
test_an_account_file_that_is_not_written_is_named() {
    local options=(--issuer "$ISSUER" --client-id desktop-secret --client-secret-file)
    status 1 xoauth2 login "${options[@]}" "$T/missing" "$ME"
    has_line "$T/err" "xoauth2: 'client_secret_file': the file $T/missing is missing"
    (umask 077 && echo wrong > "$T/client.secret")
    E2E_BROWSER_USER=$ME status 1 xoauth2 login "${options[@]}" "$T/client.secret" "$ME"
    has "$T/err" "in the account file. There is no account file yet: what it says are options of 'xoauth2 login', such as"
    login
    status 1 xoauth2 login --client-secret-file "$T/missing" "$ME"
    has "$T/err" "$ACCOUNTS/$ME.conf:"
}

test_wrong_user_without_a_terminal() {
    E2E_BROWSER_USER=other@example.org status 1 xoauth2 login --issuer "$ISSUER" --client-id desktop \
        --scope 'openid offline_access email' "$ME"
    has "$T/err" 'other@example.org'
    has "$T/err" '--allow-other-user'
    nothing_written
}

test_wrong_user_allowed() {
    E2E_BROWSER_USER=other@example.org login --allow-other-user
    has "$T/err" 'signed in as other@example.org'
    gets_token
}

test_no_refresh_token_is_a_warning() {
    oauth set '{"offline": false}'
    login
    has "$T/err" 'refresh token'
    gets_token
}

test_second_login_keeps_what_the_owner_wrote() {
    login
    sed -i '1i# my note' "$ACCOUNTS/$ME.conf"
    printf '\n# and another\nrefresh_margin: 42\n' >> "$ACCOUNTS/$ME.conf"
    cp "$ACCOUNTS/$ME.conf" "$T/before"
    E2E_BROWSER_USER=$ME status 0 xoauth2 login "$ME"
    cmp "$T/before" "$ACCOUNTS/$ME.conf" || fail 'the account file has changed'
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --scope 'openid offline_access' "$ME"
    diff <(grep -v '^scope:' "$T/before") <(grep -v '^scope:' "$ACCOUNTS/$ME.conf") || fail 'more than the scope changed'
    has_line "$ACCOUNTS/$ME.conf" 'scope: openid offline_access'
}

test_a_failed_second_login_changes_nothing() {
    login
    sha256sum "$ACCOUNTS/$ME.conf" "$STATES/$ME.json" > "$T/sums"
    E2E_BROWSER_USER=$ME E2E_BROWSER_MODE=refuse status 77 xoauth2 login --scope openid "$ME"
    sha256sum -c --quiet "$T/sums" || fail 'the files have changed'
}

test_foreign_requests_to_the_listener_do_not_end_the_wait() {
    local page
    start_login
    page=http://127.0.0.1:$LOGIN_PORT
    curl -sS --max-time 10 -o "$T/page" "$page/?code=stolen&state=wrong" || true
    curl -sS --max-time 10 -o "$T/page" "$page/favicon.ico" || true
    curl -sS --max-time 10 -o "$T/page" -H 'Host: evil.example' "$page/?code=x" || true
    curl -sS --max-time 10 -o "$T/page" --data-binary "@$E2E_DIR/package-lock.json" "$page/" || true
    kill -0 "$OWN_PID" || fail 'it has ended'
    E2E_BROWSER_USER=$ME "$E2E_DIR/browser" "$LOGIN_URL"
    wait "$OWN_PID" || fail "status $?: $(cat "$T/err")"
    gets_token
}

test_the_state_works_once() {
    start_login
    E2E_BROWSER_USER=$ME E2E_BROWSER_MODE=print E2E_BROWSER_OUTPUT=$T/redirect.secret "$E2E_DIR/browser" "$LOGIN_URL"
    curl -sS --max-time 10 -o "$T/page" "$(cat "$T/redirect.secret")"
    curl -sS --max-time 10 -o "$T/page" "$(cat "$T/redirect.secret")" || true
    wait "$OWN_PID" || fail "status $?: $(cat "$T/err")"
    equals "$(token_requests)" 1
}

test_ctrl_c_leaves_nothing() {
    local got=0
    start_login
    has "$T/err" "run this command on a terminal, where that page's address can be pasted"
    has_not "$T/err" 'paste it here'
    kill -INT "$OWN_PID"
    wait "$OWN_PID" || got=$?
    equals "$got" 130
    nothing_written
    equals "$(find "$HOME" -type f)" ''
}

# Nobody signs in for nothing.
test_folders_that_cannot_be_made_are_found_after_the_sign_in() {
    local variable folder
    for variable in XDG_STATE_HOME XDG_CONFIG_HOME; do
        folder=/proc/nowhere
        E2E_BROWSER_USER=$ME status 1 env "$variable=$folder" xoauth2 login --issuer "$ISSUER" --client-id desktop "$ME"
        has "$T/err" "$folder"
        has_not "$T/err" "$ISSUER/auth?"
    done
    equals "$(token_requests)" 0
    nothing_written
}

test_pkce_is_used() {
    start_login
    [[ $LOGIN_URL == *code_challenge_method=S256* ]] || fail "no S256 in $LOGIN_URL"
    [[ $LOGIN_URL == *state=* ]] || fail "no state in $LOGIN_URL"
}

test_answer_of_another_issuer() {
    fault set '{"redirect": {"iss": "https://evil.example"}}'
    status 1 xoauth2 login --issuer "$FAULTS" --client-id desktop --scope mail "$ME"
    nothing_written
    equals "$(token_requests)" 0
}

test_answer_without_the_promised_issuer() {
    fault set '{"redirect": {"iss": null}}'
    status 1 xoauth2 login --issuer "$FAULTS" --client-id desktop --scope mail "$ME"
    nothing_written
    equals "$(token_requests)" 0
}

test_metadata_of_another_issuer() {
    fault set '{"metadata": {"issuer": "https://evil.example"}}'
    status 1 xoauth2 login --issuer "$FAULTS" --client-id desktop --scope mail "$ME"
    nothing_written
}

test_endpoints_without_tls() {
    fault set '{"metadata": {"token_endpoint": "http://192.0.2.1/token"}}'
    status 1 xoauth2 login --issuer "$FAULTS" --client-id desktop --scope mail "$ME"
    nothing_written
}

test_a_server_that_takes_the_client_secret_in_the_header_alone() {
    (umask 077 && echo 'a secret' > "$T/client.secret")
    fault set '{"basic": true, "metadata": {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}}'
    fault set '{"access_ttl": 1}'
    login_faults --client-secret-file "$T/client.secret"
    has_line "$ACCOUNTS/$ME.conf" 'client_authentication: basic'
    wait_for has_expired
    gets_token
    equals "$(requests '.grant_type == "refresh_token" and .status == 200')" 1
    # What the file says counts.
    sed -i 's/^client_authentication: .*/client_authentication: post/' "$ACCOUNTS/$ME.conf"
    status 1 xoauth2 refresh "$ME"
    has "$T/err" 'invalid_client'
}

# RFC 8414, section 2: then it is the header.
test_a_server_that_does_not_list_how_it_takes_the_client_secret() {
    (umask 077 && echo 'a secret' > "$T/client.secret")
    fault set "{\"basic\": true, \"metadata\": {\"revocation_endpoint\": \"$FAULTS/revoke\",
        \"device_authorization_endpoint\": \"$FAULTS/device\"}}"
    login_faults --client-secret-file "$T/client.secret"
    has_line "$ACCOUNTS/$ME.conf" 'client_authentication: basic'
    status 0 xoauth2 refresh "$ME"
    status 0 xoauth2 logout --forget "$ME"
    equals "$(requests '.endpoint == "revoke" and .known')" 1
    login_faults --client-secret-file "$T/client.secret" --device
    has_line "$ACCOUNTS/$ME.conf" 'client_authentication: basic'
    # A public client has nothing to send.
    fault set '{"basic": false}'
    ME=other@example.org
    login_faults
    has_not "$ACCOUNTS/$ME.conf" client_authentication
    status 0 xoauth2 refresh "$ME"
}

# An account with addresses alone has no provider whose name could differ from the new one's.
test_addresses_of_another_server_get_a_code() {
    local options=(--issuer "$ISSUER") key mend keys=''
    mkdir -p "$ACCOUNTS" && chmod 700 "$XDG_CONFIG_HOME/xoauth2" "$ACCOUNTS"
    (umask 077 && cat > "$ACCOUNTS/$ME.conf") << END
authorization_endpoint: $FAULTS/authorize
token_endpoint: $FAULTS/token
client_id: desktop
client_secret: a secret
scope: offline_access mail
END
    status 0 xoauth2 login "$ME"
    equals "$(token_requests)" 1
    # As often as it says what to do: that, and again.
    for key in authorization_endpoint token_endpoint client_id client_secret scope; do
        status 1 xoauth2 login "${options[@]}" "$ME"
        has "$T/err" "'$key' belongs to the provider that the account has now: remove it with --set $key="
        mend=$(sed -n 's/.* or give \(--[a-z-]*\), and so .*/\1/p' "$T/err")
        keys="$keys$key:$mend "
        case $key in
            client_id) options+=(--client-id desktop) ;;
            scope) options+=(--scope 'openid offline_access email mail') ;;
            *) options+=(--set "$key=") ;;
        esac
    done
    equals "$keys" 'authorization_endpoint: token_endpoint: client_id:--client-id client_secret:--client-secret-file scope:--scope '
    equals "$(token_requests)" 1
    E2E_BROWSER_USER=$ME status 0 xoauth2 login "${options[@]}" "$ME"
    equals "$(state token_endpoint)" "$ISSUER/token"
    has_not "$ACCOUNTS/$ME.conf" "$FAULTS"
    gets_token
    ME=other@example.org
    (umask 077 && echo "token_endpoint: $FAULTS/token" > "$ACCOUNTS/$ME.conf")
    status 1 xoauth2 login --provider google --client-id c "$ME"
    has "$T/err" "$ME.conf:1: 'token_endpoint' belongs to the provider that the account has now"
}

test_without_a_browser_and_a_device_login_the_address_is_shown() {
    unset BROWSER
    start_xoauth2 login --issuer "$FAULTS" --client-id desktop --scope mail "$ME"
    wait_for grep -q "$FAULTS/authorize?" "$T/err"
    curl -sSL --max-time 10 -o "$T/page" "$(grep -o "$FAULTS/authorize?[^ ]*" "$T/err")"
    wait "$OWN_PID" || fail "status $?: $(cat "$T/err")"
    [ ! -s "$T/out" ] || fail "wrote to standard output: $(cat "$T/out")"
    has "$T/page" 'close'
    gets_token
}

test_a_failed_login_tells_the_whole_command() {
    fault set '{"redirect": {"iss": null}}'
    status 1 xoauth2 login --issuer "$FAULTS" --client-id desktop --scope 'offline_access mail' "$ME"
    has "$T/err" "Run 'xoauth2 login --issuer $FAULTS --client-id desktop --scope \"offline_access mail\" $ME' again"
    fault_defaults
    status 1 xoauth2 login --issuer "$FAULTS" --device --client-id desktop "$ME"
    has "$T/err" "run 'xoauth2 login --issuer $FAULTS --client-id desktop --browser $ME'"
    status 1 xoauth2 login --issuer "$FAULTS" "$ME"
    has "$T/err" "run 'xoauth2 login --issuer $FAULTS --client-id ID $ME'"
    status 1 xoauth2 login --provider google --client-id desktop "$ME"
    has "$T/err" "run 'xoauth2 login --provider google --client-id desktop --client-secret-file FILE $ME'"
}

# entra TID USER: the next answer has an id_token of Entra's, whose issuer for all tenants is a template.
entra() {
    local tenant=72f988bf-86f1-41af-91ab-2d7cd011db47 claims
    claims=$(jq -nc --arg iss "$FAULTS/$tenant/v2.0" --arg tid "$1" --arg user "$2" \
        '{iss: $iss, tid: $tid, aud: "desktop", sub: "opaque", preferred_username: $user}' | base64 -w 0 | tr '+/' '-_' | tr -d =)
    fault set "{\"redirect\": {\"iss\": null}, \"metadata\": {\"issuer\": \"$FAULTS/{tenantid}/v2.0\",
        \"authorization_response_iss_parameter_supported\": false}}"
    fault next "[{\"set\": {\"id_token\": \"e30.$claims.c2ln\"}}]"
}

test_who_signed_in_at_the_issuer_of_all_tenants() {
    local options=(--issuer "$FAULTS/common/v2.0" --client-id desktop --scope mail)
    entra 72f988bf-86f1-41af-91ab-2d7cd011db47 other@example.org
    status 1 xoauth2 login "${options[@]}" "$ME"
    has "$T/err" "signed in as other@example.org, not as $ME"
    nothing_written
    entra 72f988bf-86f1-41af-91ab-2d7cd011db47 "$ME"
    status 0 xoauth2 login "${options[@]}" "$ME"
    has "$T/err" "signed in as $ME"
    has_not "$T/err" 'id_token'
    entra 00000000-0000-0000-0000-000000000000 "$ME"
    status 0 xoauth2 login "${options[@]}" "$ME"
    has "$T/err" "the provider's id_token is not used: it comes from another issuer"
}

test_no_id_token_and_no_userinfo() {
    login_faults
    gets_token
}

run_tests
