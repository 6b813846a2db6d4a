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

# with_certificates COMMAND...: in a place where $T/certs stands for the system's certificates.
with_certificates() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount bash -euc 'mount --bind "$1/certs" /etc/ssl/certs; shift; exec "$@"' bash "$T" "$@"
}

# Nobody who has certificates in both would notice, but for 20 ms in each connection.
test_bundle_is_read_where_the_hashed_folder_will_do() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root for a mount namespace'
    start_tls_server
    mkdir "$T/certs"
    cp "$CA" "$T/certs/$(openssl x509 -hash -noout -in "$CA").0"
    echo 'not a certificate' > "$T/certs/ca-certificates.crt"
    login_tls 0 "$ISSUER" --ca-file "$CA"
    sed -i '/^ca_file/d' "$ACCOUNTS/$ME.conf"
    status 0 with_certificates xoauth2 refresh "$ME"
}

test_certificate_that_only_the_bundle_has() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root for a mount namespace'
    start_tls_server
    mkdir "$T/certs"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$T/other.key" -out "$T/other.pem" 2> /dev/null
    mv "$T/other.pem" "$T/certs/$(openssl x509 -hash -noout -in "$T/other.pem").0"
    cp "$CA" "$T/certs/ca-certificates.crt"
    login_tls 0 "$ISSUER" --ca-file "$CA"
    sed -i '/^ca_file/d' "$ACCOUNTS/$ME.conf"
    status 0 with_certificates xoauth2 refresh "$ME"
}

test_plain_http_elsewhere_is_refused() {
    login_tls 2 http://login.example.org
    has "$T/err" 'https'
}

run_tests
