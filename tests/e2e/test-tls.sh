# shellcheck shell=bash
# An OAuth server behind TLS, with an authority that only --ca-file knows.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

CA=$E2E_RUN/tls/ca.pem

login_tls() {
    E2E_BROWSER_USER=$ME status "$1" xoauth2 login --issuer "$2" --client-id desktop --scope 'openid offline_access' \
        "${@:3}" "$ME"
}

test_login_and_refresh_with_a_ca_file() {
    start_tls_server
    login_tls 0 "$ISSUER" --ca-file "$CA"
    has_line "$ACCOUNTS/$ME.conf" "ca_file: $CA"
    status 0 xoauth2 refresh "$ME"
    gets_token
    status 0 xoauth2 logout "$ME"
}

test_relative_ca_file_is_kept_as_an_absolute_path() {
    start_tls_server
    cp "$CA" "$T/own-ca.pem"
    login_tls 0 "$ISSUER" --ca-file own-ca.pem
    has_line "$ACCOUNTS/$ME.conf" "ca_file: $T/own-ca.pem"
}

test_unknown_authority_is_refused() {
    start_tls_server
    login_tls 75 "$ISSUER"
    has "$T/err" 'certificate'
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'there is an account file'
}

test_missing_ca_file() {
    start_tls_server
    login_tls 1 "$ISSUER" --ca-file "$T/missing.pem"
    has "$T/err" "$T/missing.pem"
}

test_plain_http_elsewhere_is_refused() {
    login_tls 2 http://login.example.org
    has "$T/err" 'https'
}

run_tests
