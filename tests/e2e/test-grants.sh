#!/bin/bash
# Tokens without a person: client credentials by secret, certificate, key and federated token; service accounts; managed
# identities. Every assertion is verified by the server (assertion-server.mjs).
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/assertions.sh"

# account TEXT: writes the account file of $ME.
account() {
    mkdir -p "$ACCOUNTS"
    printf '%s\n' "$1" > "$ACCOUNTS/$ME.conf"
    chmod 600 "$ACCOUNTS/$ME.conf"
}

# token_of USER WORDS: a token comes, and it is this one.
token_of() {
    status 0 xoauth2 token "$1"
    grep -qE "^token\.$2\." "$T/out" || fail "$(sed 's/^/out: /' "$T/out") is not for $2"
    mv "$T/out" "$T/token.secret"
}

# refuses WORDS...: no token comes, and the words are in the one line on standard error.
refuses() {
    local got=0
    xoauth2 token "$ME" > "$T/out" 2> "$T/err" < /dev/null || got=$?
    [ "$got" -ne 0 ] || fail 'a token came'
    [ ! -s "$T/out" ] || fail 'something was written'
    equals "$(wc -l < "$T/err")" 1
    local words
    for words in "$@"; do has "$T/err" "$words"; done
}

test_app_with_a_secret_gets_no_token() {
    account "provider: entra
tenant: contoso.com
client_id: app
client_secret: the-app-secret
grant: client_credentials"
    token_of "$ME" app
    equals "$(assertion_requests '.by == "secret" and .tenant == "contoso.com"')" 1
    token_of "$ME" app
    equals "$(assertion_requests true)" 1
    status 0 xoauth2 status "$ME"
    has "$T/out" 'refresh token  not needed'
    has "$T/out" 'client_credentials'
    has_not "$T/out" 'the-app-secret'
}

test_app_with_a_certificate_gets_no_token() {
    account "provider: entra
tenant: contoso.com
client_id: app
client_key_file: $KEYS/client.key
client_certificate_file: $KEYS/client.crt
grant: client_credentials"
    token_of "$ME" app
    equals "$(assertion_requests '.by == "certificate"')" 1
    status 0 xoauth2 refresh "$ME"
    equals "$(assertion_requests '.by == "certificate"')" 2
}

test_app_with_a_federated_token_gets_no_token() {
    account "provider: entra
tenant: contoso.com
client_id: app
client_assertion_file: $T/federated/token
grant: client_credentials"
    mkdir "$T/federated" "$T/federated/..first" "$T/federated/..second"
    echo federated.token.one > "$T/federated/..first/token"
    printf federated.token.two > "$T/federated/..second/token"
    chmod 644 "$T"/federated/..*/token
    ln -s ..first "$T/federated/..data"
    ln -s ..data/token "$T/federated/token"
    token_of "$ME" app
    equals "$(assertion_requests '.by == "federation (one)"')" 1
    ln -sfn ..second "$T/federated/..data"
    status 0 xoauth2 refresh "$ME"
    equals "$(assertion_requests '.by == "federation (two)"')" 1
    rm "$T/federated/token"
    status 1 xoauth2 refresh "$ME"
    has "$T/err" "$ACCOUNTS/$ME.conf:4: 'client_assertion_file': the file $T/federated/token is missing"
}

test_one_account_serves_nobody_else() {
    ME=robot@contoso.com
    account "provider: entra
tenant: contoso.com
client_id: app
client_secret: the-app-secret
grant: client_credentials
users: *@contoso.com"
    token_of a@contoso.com app
    token_of B@contoso.com app
    equals "$(assertion_requests true)" 1
    status 1 xoauth2 token c@fabrikam.com
}

# A standard server: each way in which a client can prove itself.
standard() {
    account "issuer: $ASSERTIONS
scope: mail
grant: client_credentials
client_id: $1
$2"
    status 0 xoauth2 token "$ME"
    [ "$(wc -c < "$T/out")" -gt 20 ] || fail 'no token'
    mv "$T/out" "$T/token.secret"
    equals "$(assertion_requests ".client == \"$1\" and .ok")" 1
    # The endpoint is known now, so the metadata are not asked for again.
    status 0 xoauth2 refresh "$ME"
    equals "$(state token_endpoint)" "$ASSERTIONS/token"
}

test_secret_in_the_form_is_refused() {
    standard by-post 'client_secret: post-secret-0123456789'
}

test_secret_in_the_header_is_refused() {
    standard by-basic 'client_secret: basic+secret/0123:456789
client_authentication: basic'
}

# Nobody has logged in who could have written it into the account file.
test_server_that_takes_the_header_alone_is_forgotten() {
    fault set '{"basic": true, "metadata": {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}}'
    account "issuer: $FAULTS
client_id: app
client_secret: a-secret
grant: client_credentials"
    gets_token
    status 0 xoauth2 refresh "$ME"
    equals "$(requests '.grant_type == "client_credentials" and .status == 200')" 2
    status 0 xoauth2 login --set client_id=app "$ME"
    has_line "$ACCOUNTS/$ME.conf" 'client_authentication: basic'
}

test_rsa_key_is_refused() {
    standard by-rsa "client_key_file: $KEYS/client.key
client_key_id: client.key"
}

test_rs256_is_refused() {
    standard by-rs256 "client_key_file: $KEYS/client.key
signing_algorithm: RS256"
}

test_ec_key_is_refused() {
    standard by-ec "client_key_file: $KEYS/ec.key"
}

# service_account LINE: whose tokens it gets.
service_account() {
    account "provider: workspace
service_account_file: $KEYS/service.json
grant: jwt_bearer
$1"
}

test_service_account_gets_no_token() {
    ME=robot@contoso.com
    service_account 'users: *@contoso.com'
    token_of anna@contoso.com anna.contoso.com
    token_of Bert@contoso.com bert.contoso.com
    token_of anna@contoso.com anna.contoso.com
    equals "$(assertion_requests '.sub == "anna@contoso.com"')" 1
    equals "$(assertion_requests '.sub == "bert@contoso.com"')" 1
    equals "$(assertion_requests true)" 2
    status 0 xoauth2 status "$ME"
    has "$T/out" 'anna@contoso.com, access token until'
    has "$T/out" 'bert@contoso.com, access token until'
    status 0 xoauth2 logout "$ME"
    equals "$(find "$STATES" -name '*.json')" ''
}

test_failure_of_one_mailbox_is_not_shown() {
    ME=robot@contoso.com
    service_account 'users: *@contoso.com'
    local name
    token_of anna@contoso.com anna.contoso.com
    status 1 xoauth2 token nobody@contoso.com
    for name in "$ME" nobody@contoso.com; do
        status 1 xoauth2 status "$name"
        has "$T/out" 'Invalid email or User ID'
        xoauth2 doctor --json "$name" > "$T/out" || true
        jq -e '.findings[] | select(.check == "login" and .level == "problem" and .subject == "nobody@contoso.com")
            | .message | contains("Invalid email or User ID")' "$T/out" > "$T/found" || fail "$(cat "$T/out")"
    done
    status 1 xoauth2 status --json
    equals "$(jq -c '.[0] | [.state, (.users[] | .user, .state)]' "$T/out")" \
        '["ok","anna@contoso.com","ok","nobody@contoso.com","config"]'
    status 0 xoauth2 status anna@contoso.com
    has_not "$T/out" nobody@contoso.com
    xoauth2 doctor --json anna@contoso.com > "$T/out" || true
    equals "$(jq -c '[.findings[] | select(.subject == "anna@contoso.com" and .level != "ok")]' "$T/out")" '[]'
    echo '{' > "$STATES/$ME anna@contoso.com.json"
    status 1 xoauth2 status "$ME"
    has "$T/out" "move it away and run 'xoauth2 token anna@contoso.com'"
    xoauth2 doctor --json "$ME" > "$T/out" || true
    has "$T/out" "move it away and run 'xoauth2 token anna@contoso.com'"
    mv "$STATES/$ME anna@contoso.com.json" "$T/"
    token_of anna@contoso.com anna.contoso.com
}

# What single mailboxes have is not in a dump: it is fetched again.
test_dump_of_a_service_account_is_of_no_use() {
    ME=robot@contoso.com
    service_account 'users: *@contoso.com'
    token_of anna@contoso.com anna.contoso.com
    (umask 077 && xoauth2 dump > "$T/dump.secret" 2> "$T/err")
    has "$T/err" "copy the file $KEYS/service.json yourself ('service_account_file')"
    rm -r "$ACCOUNTS" "$STATES"
    xoauth2 restore < "$T/dump.secret" > "$T/out" 2> "$T/err" || fail "$(cat "$T/err")"
    has_line "$T/out" "$ME: restored, without tokens"
    token_of anna@contoso.com anna.contoso.com
    equals "$(assertion_requests '.sub == "anna@contoso.com"')" 2
}

test_subject_of_a_service_account_is_another() {
    service_account 'subject: shared@contoso.com'
    token_of "$ME" shared.contoso.com
    equals "$(ls "$STATES")" "$ME.json
$ME.lock"
}

test_refusal_of_a_service_account_asks_for_a_login() {
    service_account 'subject: nobody@contoso.com'
    refuses 'Invalid email or User ID' "no login is needed for $ME" "$ACCOUNTS/$ME.conf"
    has_not "$T/err" 'xoauth2 login'
}

test_users_at_the_same_time_spoil_each_other() {
    ME=robot@contoso.com
    service_account 'users: *@contoso.com'
    local i
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        xoauth2 token "u$((i % 3))@contoso.com" > "$T/$i.secret" 2> "$T/$i.err" &
    done
    wait
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        grep -q "^token\.u$((i % 3))\.contoso\.com\." "$T/$i.secret" || fail "$i: $(cat "$T/$i.err")"
    done
    equals "$(assertion_requests true)" 3
}

test_managed_identity_gets_no_token() {
    account "provider: entra
grant: managed_identity
identity_endpoint: $ASSERTIONS/imds
client_id: 11111111-2222"
    token_of "$ME" imds
    equals "$(assertion_requests '.by == "imds" and .client == "11111111-2222"')" 1
    local left=$(($(state expires_at) - $(date +%s)))
    [ "$left" -gt 3500 ] || fail "it expires in $left s"
}

test_app_service_gets_no_token() {
    account "scope: https://outlook.office365.com/.default
grant: managed_identity"
    IDENTITY_ENDPOINT=$ASSERTIONS/app-service IDENTITY_HEADER=the-identity-header token_of "$ME" app-service
    local left=$(($(state expires_at) - $(date +%s)))
    [[ $left -gt 3500 && $left -le 3600 ]] || fail "it expires in $left s"
    IDENTITY_ENDPOINT=$ASSERTIONS/app-service IDENTITY_HEADER=wrong status 1 xoauth2 refresh "$ME"
    has "$T/err" 'X-IDENTITY-HEADER'
    has_not "$T/err" 'wrong'
}

# The address that virtual machines have; in a network of the test's own.
test_virtual_machine_is_not_asked() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root for a network namespace'
    account "provider: entra
grant: managed_identity"
    # shellcheck disable=SC2016 # for the inner shell
    status 0 unshare -n bash -euc '
        ip link set lo up
        ip addr add 169.254.169.254/32 dev lo
        node "$1/imds-server.mjs" & pid=$!
        trap "kill $pid" EXIT
        for i in $(seq 100); do
            curl -s -o /dev/null --max-time 1 http://169.254.169.254/ && break
            sleep 0.1
        done
        xoauth2 token "$2"' bash "$E2E_DIR" "$ME"
    has_line "$T/out" 'token.of-the-machine'
}

test_token_that_expires_is_not_renewed() {
    assertion_set '{"ttl": 2}'
    account "provider: entra
tenant: contoso.com
client_id: app
client_secret: the-app-secret
grant: client_credentials"
    token_of "$ME" app
    assertion_set '{"ttl": 3600}'
    wait_for has_expired
    token_of "$ME" app
    equals "$(assertion_requests true)" 2
}

test_rejected_token_is_handed_out_again() {
    account "provider: entra
tenant: contoso.com
client_id: app
client_secret: the-app-secret
grant: client_credentials"
    token_of "$ME" app
    local token
    token=$(cat "$T/token.secret")
    printf 'reject\nversion=1\nuser=%s\ntoken=%s\nchallenge=%s\n\n' "$ME" "$token" \
        "$(printf '{"status":"401"}' | base64 -w0)" > "$T/request.secret"
    xoauth2 helper < "$T/request.secret" > "$T/answer.secret"
    has_line "$T/answer.secret" ok
    token_of "$ME" app
    has_not "$T/token.secret" "$token"
}

test_provider_in_trouble_is_fatal() {
    assertion_set '{"status": 503}'
    account "provider: entra
tenant: contoso.com
client_id: app
client_secret: the-app-secret
grant: client_credentials"
    status 75 xoauth2 token "$ME"
    assertion_set '{"status": 0}'
    status 0 xoauth2 refresh "$ME"
}

test_login_asks_a_person() {
    status 0 xoauth2 login --provider entra --tenant contoso.com --client-id app --set grant=client_credentials \
        --set "client_key_file=$KEYS/client.key" --set "client_certificate_file=$KEYS/client.crt" "$ME"
    has "$T/err" 'needs nobody who logs in'
    equals "$(assertion_requests '.by == "certificate"')" 1
    token_of "$ME" app
    equals "$(assertion_requests true)" 1
    has_line "$ACCOUNTS/$ME.conf" 'grant: client_credentials'
}

# example NAME: the command line that the guides show, for the accounts of this test's own and its servers.
example() {
    sed -e 's/--system //' -e "s,/etc/xoauth2/mail\.,$KEYS/client.,g" -e "s,/etc/xoauth2/robot\.json,$KEYS/service.json," \
        -e 's/--client-id ID/--client-id app/; s/example\.org/contoso.com/g' \
        -e 's/--provider google/--provider workspace/; s/--provider microsoft/--provider entra/' "$E2E_DIR/examples/$1" \
        > "$T/example"
    status 0 bash -e "$T/example"
}

test_example_of_an_app_does_not_run() {
    example login-microsoft-app
    equals "$(assertion_requests '.by == "certificate" and .tenant == "contoso.com"')" 1
    token_of anna@contoso.com app
}

test_example_of_a_service_account_does_not_run() {
    example login-google-app
    token_of anna@contoso.com anna.contoso.com
}

test_failed_login_leaves_an_account() {
    echo wrong-secret > "$T/secret"
    chmod 600 "$T/secret"
    status 1 xoauth2 login --provider entra --tenant contoso.com --client-id app --set grant=client_credentials \
        --client-secret-file "$T/secret" "$ME"
    has "$T/err" AADSTS7000215
    has_not "$T/err" 'wrong-secret'
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'the account file was written'
}

test_set_takes_nonsense() {
    status 2 xoauth2 login --provider entra --set grnt=client_credentials "$ME"
    has "$T/err" "did you mean 'grant'?"
    status 2 xoauth2 login --provider entra --set client_secret=abc "$ME"
    has "$T/err" 'can read a command line'
    has_not "$T/err" 'abc'
    status 1 xoauth2 login --provider entra --client-id app --set grant=password "$ME"
    has "$T/err" "'grant' must be 'authorization_code', 'client_credentials', 'jwt_bearer' or 'managed_identity'"
}

# Each mistake names the file and the field.
test_mistake_is_not_named() {
    local app="provider: entra
tenant: contoso.com
client_id: app
grant: client_credentials"
    account "$app
client_key_file: $T/missing.key"
    refuses "$ME.conf:5: 'client_key_file': the file $T/missing.key is missing"
    account "$app
client_key_file: $KEYS/locked.key"
    refuses "'client_key_file': $KEYS/locked.key has a private key with a passphrase" 'openssl pkey'
    account "$app
client_key_file: $KEYS/ed25519.key"
    refuses "'client_key_file': $KEYS/ed25519.key is of a kind that cannot sign here"
    cp "$KEYS/client.key" "$T/open.key"
    chmod 644 "$T/open.key"
    account "$app
client_key_file: $T/open.key"
    refuses "'client_key_file': $T/open.key may be accessed by others" "chmod 0600 $T/open.key"
    rm "$T/open.key"
    account "$app
client_key_file: $KEYS/client.key
client_certificate_file: $KEYS/old.crt"
    refuses "$ME.conf:6: 'client_certificate_file': the certificate in $KEYS/old.crt ended on 2020-"
    account "$app
client_key_file: $KEYS/client.key
client_certificate_file: $KEYS/other.crt"
    refuses "'client_certificate_file': the certificate in $KEYS/other.crt does not belong to the private key"
    account "$app
client_certificate_file: $KEYS/client.crt"
    refuses "$ME.conf:5: 'client_certificate_file' needs 'client_key_file' too"
    account "$app
client_secret: a
client_key_file: $KEYS/client.key"
    refuses "$ME.conf:6: 'client_secret' and 'client_key_file' are both given"
    account "provider: entra
client_id: app
client_secret: the-app-secret
grant: client_credentials"
    refuses "$ME.conf:4: 'grant' without a person needs 'tenant' here"
    account "provider: workspace
grant: jwt_bearer"
    refuses "$ME.conf:2: 'grant: jwt_bearer' needs 'service_account_file' or 'client_key_file'"
    printf '{"client_email": "a' > "$T/half.json"
    chmod 600 "$T/half.json"
    account "provider: workspace
grant: jwt_bearer
service_account_file: $T/half.json"
    refuses "$ME.conf:3: 'service_account_file': $T/half.json is not a whole JSON object"
    printf '{"client_email": "a@b"}' > "$T/half.json"
    refuses "'service_account_file': $T/half.json has no 'private_key'"
    account "provider: workspace
grant: jwt_bearer
service_account_file: $T/missing.json"
    refuses "$ME.conf:3: 'service_account_file': the file $T/missing.json is missing"
    jq -n --rawfile key "$KEYS/ec.key" '{client_email: "a@b", private_key: $key}' > "$T/half.json"
    account "provider: workspace
grant: jwt_bearer
service_account_file: $T/half.json"
    refuses "$ME.conf:3: 'service_account_file': 'private_key' in $T/half.json is not of the kind RSA"
    rm "$T/half.json"
    account "$app
client_secret_file: $T/missing.secret"
    refuses "'client_secret_file'" "$T/missing.secret"
    account "$app
client_assertion_file: $T/missing.jwt"
    refuses "$ME.conf:5: 'client_assertion_file': the file $T/missing.jwt is missing"
    account "provider: entra
grant: managed_identity
identity_endpoint: http://example.org/imds"
    refuses "$ME.conf:3: 'identity_endpoint' must be an address with https://"
    provider entra-odd "token_endpoint: $ASSERTIONS/entra/{tenant}/token
app_scop: x"
    account 'provider: entra-odd'
    refuses "providers/entra-odd.conf:2: unknown key 'app_scop': did you mean 'app_scope'?"
    rm "$E2E_STAGE/etc/xoauth2/providers/entra-odd.conf"
    account "provider: entra
subject: a@b.org"
    refuses "$ME.conf:2: 'subject' goes with 'grant: jwt_bearer' alone"
}

test_issuer_that_differs_is_believed() {
    account "issuer: ${ASSERTIONS/127.0.0.1/localhost}
scope: mail
grant: client_credentials
client_id: by-post
client_secret: post-secret-0123456789"
    refuses "names another issuer, $ASSERTIONS" "'issuer' in $ACCOUNTS/$ME.conf"
    equals "$(assertion_requests true)" 0
}

run_tests
finish_assertions
