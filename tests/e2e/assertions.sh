# shellcheck shell=bash
# The server that verifies assertions, its keys, and provider files that point to it; for the test files that source this. It
# ends with the test file.
set -eu

KEYS=$(mktemp -d "$E2E_RUN/assertions.XXXXXX") # each test file has a server of its own

make_keys() {
    local rsa='-algorithm RSA -pkeyopt rsa_keygen_bits:2048'
    # shellcheck disable=SC2086 # a list of arguments
    {
        openssl genpkey -quiet $rsa -out "$KEYS/client.key"
        openssl genpkey -quiet $rsa -out "$KEYS/service.key"
        openssl genpkey -quiet $rsa -aes256 -pass pass:x -out "$KEYS/locked.key"
    }
    openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$KEYS/ec.key"
    openssl genpkey -quiet -algorithm ED25519 -out "$KEYS/ed25519.key"
    openssl req -x509 -key "$KEYS/client.key" -subj /CN=app -days 30 -out "$KEYS/client.crt"
    openssl req -x509 -key "$KEYS/service.key" -subj /CN=other -days 30 -out "$KEYS/other.crt"
    faketime '2020-01-01 00:00:00' openssl req -x509 -key "$KEYS/client.key" -subj /CN=app -days 30 -out "$KEYS/old.crt"
    jq -n --rawfile key "$KEYS/service.key" '{type: "service_account", client_email: "robot@project.iam.example.com",
        private_key: $key, private_key_id: "service-key-id", token_uri: "https://token.example.com/"}' > "$KEYS/service.json"
    chmod 600 "$KEYS"/*
}

# provider NAME TEXT
provider() {
    mkdir -p "$E2E_STAGE/etc/xoauth2/providers"
    printf '%s\n' "$2" > "$E2E_STAGE/etc/xoauth2/providers/$1.conf"
}

start_assertions() {
    make_keys 2> "$KEYS/openssl.log" || {
        cat "$KEYS/openssl.log"
        return 1
    }
    : > "$KEYS/requests.log"
    E2E_NPM=$E2E_WORK/npm node "$E2E_DIR/assertion-server.mjs" "$KEYS" > "$KEYS/out" 2>&1 < /dev/null &
    ASSERTION_PID=$!
    trap finish_assertions EXIT
    wait_for test -s "$KEYS/issuer"
    ASSERTIONS=$(cat "$KEYS/issuer")
    provider entra "token_endpoint: $ASSERTIONS/entra/{tenant}/token
scope: https://outlook.office.com/IMAP.AccessAsUser.All offline_access
app_scope: https://outlook.office365.com/.default"
    provider workspace "token_endpoint: $ASSERTIONS/google/token
scope: https://mail.google.com/ openid email
app_scope: https://mail.google.com/
client_secret_needed: yes"
}

finish_assertions() {
    trap - EXIT
    kill "$ASSERTION_PID" 2> /dev/null || true
    rm -f "$E2E_STAGE/etc/xoauth2/providers/entra.conf" "$E2E_STAGE/etc/xoauth2/providers/workspace.conf"
}

assertion_set() {
    curl -sS --fail --max-time 10 -o /dev/null --data-binary "$1" "$ASSERTIONS/control/set"
}

# assertion_requests CONDITION: how many requests of that kind there were in this test.
assertion_requests() {
    tail -n "+$((ASSERTIONS_BEFORE + 1))" "$KEYS/requests.log" | jq -s "map(select($1)) | length"
}

# lib.sh calls this before each test.
before_test() {
    assertion_set '{"ttl": 3600, "status": 0}'
    ASSERTIONS_BEFORE=$(wc -l < "$KEYS/requests.log")
}

start_assertions
