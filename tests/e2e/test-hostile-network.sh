# shellcheck shell=bash
# What the unit tests of the HTTP client cannot play: other versions of HTTP, certificates of every kind, and a name server that
# never answers. The port of a browser login is that of test-login-browser.sh.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

CA=$E2E_RUN/tls/ca.pem

# certificate NAME SUBJECT-ALTERNATIVE-NAME [WORD...]: for the servers' key, by the tests' authority.
certificate() {
    local file=$HOSTILE/$1 name=$2
    shift 2
    openssl req -new -key "$E2E_RUN/tls/server.key" -subj '/CN=x' -out "$file.csr"
    "$@" openssl x509 -req -in "$file.csr" -CA "$CA" -CAkey "$E2E_RUN/tls/ca.key" -set_serial "$RANDOM" -days 2 \
        -extfile <(echo "subjectAltName=$name") -out "$file.pem"
}

start_hostile_server() {
    HOSTILE=$(mktemp -d "$E2E_RUN/hostile.XXXXXX")
    {
        certificate expired DNS:localhost,IP:127.0.0.1 faketime '2020-01-01 00:00:00'
        certificate other DNS:login.example.org
    } 2> "$HOSTILE/openssl.log"
    node "$E2E_DIR/hostile-server.mjs" "$HOSTILE" "$E2E_RUN/tls/server.pem" "$E2E_RUN/tls/server.key" "$HOSTILE/expired.pem" \
        "$HOSTILE/other.pem" > "$HOSTILE/out" 2>&1 < /dev/null &
    HOSTILE_PID=$!
    trap 'kill "$HOSTILE_PID" 2> /dev/null || true' EXIT
    wait_for test -s "$HOSTILE/ports"
    # shellcheck source=/dev/null
    . "$HOSTILE/ports"
}

# account_at ENDPOINT [LINE...]: $ME has logged in there, and has no access token any more.
account_at() {
    mkdir -p "$ACCOUNTS" "$STATES"
    chmod 700 "$ACCOUNTS" "$STATES"
    (
        umask 077
        printf '%s\n' "token_endpoint: $1" 'client_id: desktop' "${@:2}" > "$ACCOUNTS/$ME.conf"
        jq -n --arg url "$1" '{refresh_token: "the-hostile-refresh-token", client_id: "desktop", token_endpoint: $url, login_at: 1}' \
            > "$STATES/$ME.json"
    )
}

# no_token STATUS WORDS ENDPOINT [LINE...]
no_token() {
    account_at "${@:3}"
    status "$1" xoauth2 token "$ME"
    [ ! -s "$T/out" ] || fail "wrote to standard output: $(cat "$T/out")"
    has "$T/err" "$2"
    has_not "$T/err" the-hostile-refresh-token
}

test_http_2() {
    account_at "https://127.0.0.1:$H2_PORT/good" "ca_file: $CA"
    gets_token
}

test_http_2_that_breaks_off() {
    no_token 75 'no answer from 127.0.0.1' "https://127.0.0.1:$H2_PORT/cut" "ca_file: $CA"
    no_token 75 'no answer from 127.0.0.1' "https://127.0.0.1:$H2_PORT/away" "ca_file: $CA"
}

test_http_2_without_end() {
    no_token 75 'is too large' "https://127.0.0.1:$H2_PORT/endless" "ca_file: $CA"
}

test_http_1_0() {
    account_at "http://127.0.0.1:$RAW_PORT/old"
    gets_token
}

# It is 64 KiB that are no JSON.
test_gzip_bomb() {
    no_token 75 'gave no OAuth answer' "http://127.0.0.1:$RAW_PORT/bomb"
}

test_answers_without_end() {
    no_token 75 '127.0.0.1' "http://127.0.0.1:$RAW_PORT/headers"
    no_token 75 '127.0.0.1' "http://127.0.0.1:$RAW_PORT/chunks"
    no_token 75 '127.0.0.1' "http://127.0.0.1:$RAW_PORT/interim"
}

test_certificate_that_has_expired() {
    no_token 75 'the certificate of 127.0.0.1 cannot be trusted (SSL certificate problem: certificate has expired)' \
        "https://127.0.0.1:$EXPIRED_PORT/token" "ca_file: $CA"
}

test_certificate_of_another_host() {
    no_token 75 'the certificate of 127.0.0.1 cannot be trusted' "https://127.0.0.1:$OTHERS_PORT/token" "ca_file: $CA"
}

test_certificate_of_an_unknown_authority() {
    no_token 75 'the certificate of 127.0.0.1 cannot be trusted' "https://127.0.0.1:$H2_PORT/good"
}

# --- names ------------------------------------------------------------------------------------------------------------

# From here on our programs ask a name server that takes every question and answers none.
# shellcheck disable=SC2317 # lib.sh calls what is defined here
without_names() {
    local address=127.53.53.53
    [ "$(id -u)" -eq 0 ] || skip 'needs root, for a file system of its own'
    printf 'nameserver %s\noptions timeout:30 attempts:5\n' "$address" > "$T/resolv.conf"
    echo 'hosts: files dns' > "$T/nsswitch.conf"
    node -e '
        const server = require("dgram").createSocket("udp4");
        server.on("message", () => console.log("asked"));
        server.bind(53, process.argv[1], () => console.log("ready"));' "$address" > "$T/names" 2>&1 < /dev/null &
    kill_later $!
    wait_for grep -q ready "$T/names"
    # shellcheck disable=SC2016 # it is for the other shell
    wrap_own() {
        OWN_WRAP=(unshare --mount sh -c 'mount --bind "$0/resolv.conf" /etc/resolv.conf \
            && mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf && exec "$@"' "$T" env)
    }
    wrap_own
    "${OWN_WRAP[@]}" true 2> "$T/unshare" || skip "mount is not permitted here: $(cat "$T/unshare")"
}

test_silent_name_server() {
    account_at https://login.example.org/token
    without_names
    OWN_SECONDS=25 status 75 xoauth2 token "$ME"
    has "$T/err" 'login.example.org'
    grep -q asked "$T/names" || fail 'nobody asked the name server'
    [ "$(state refresh_token)" = the-hostile-refresh-token ] || fail 'the refresh token is lost'
}

# The agent goes on for everybody else.
test_silent_name_server_agent() {
    login
    cp -p "$ACCOUNTS/$ME.conf" "$T/conf.secret"
    cp -p "$STATES/$ME.json" "$T/state.secret"
    account_at https://login.example.org/token
    mv "$ACCOUNTS/$ME.conf" "$ACCOUNTS/slow-$ME.conf"
    mv "$STATES/$ME.json" "$STATES/slow-$ME.json"
    mv "$T/conf.secret" "$ACCOUNTS/$ME.conf"
    mv "$T/state.secret" "$STATES/$ME.json"
    without_names
    wrap_own
    "${OWN_WRAP[@]}" "$E2E_STAGE/bin/xoauth2" agent --foreground > "$T/agent.log" 2>&1 < /dev/null &
    AGENT=$!
    kill_later "$AGENT"

    wait_for grep -qF 'serving ' "$T/agent.log"
    wait_for grep -q asked "$T/names"
    xoauth2 status --json "slow-$ME" > "$T/status"
    equals "$(jq -r '.[0].agent.renewing' "$T/status")" true
    for _ in 1 2 3; do gets_token; done
    xoauth2 status --json "$ME" > "$T/status"
    equals "$(jq -r '.[0].agent.served' "$T/status")" 3
    kill -KILL "$AGENT" # else it would wait for the name
}

start_hostile_server
run_tests
