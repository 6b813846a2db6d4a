# shellcheck shell=bash
# A small internet in a network of its own, where the system's resolver asks a name server of the tests and every host
# has the port that belongs to it: a name server, a web server with what domains publish, an OAuth server that lets
# anybody register, a mail server.
#
#   *.test       127.0.0.1: web server (443), mail server
#   auth.test    127.0.0.2: OAuth server (443), issuer https://auth.test
#   hang.test    127.0.0.3: takes connections at 443 and says nothing, and so does ua-auto-config.hang.test
set -eu

AUTH=https://auth.test
WEB=$E2E_RUN/web

# enter_world FILE: runs the file again, in the network.
enter_world() {
    [ "$(id -u)" -eq 0 ] || {
        echo "not ok - $(basename "$1" .sh) needs root for a network namespace"
        echo "failed $(basename "$1" .sh): needs root" >> "$E2E_RESULTS"
        exit 1
    }
    exec unshare --net --mount env E2E_WORLD=1 bash "$1"
}

# What the system reads about name servers, for this namespace alone.
use_own_resolver() {
    local folder=$E2E_RUN/resolver
    mkdir -p "$folder"
    ip link set lo up
    echo 'nameserver 127.0.0.1' > "$folder/resolv.conf"
    printf 'passwd: files\ngroup: files\nhosts: files dns\n' > "$folder/nsswitch.conf"
    mount --bind "$folder/resolv.conf" "$(readlink -f /etc/resolv.conf)"
    mount --bind "$folder/nsswitch.conf" /etc/nsswitch.conf
}

# publish DOMAIN [DIGEST]: announces by DNS the document that standard input gives, perhaps with another digest.
publish() {
    local host=ua-auto-config.$1 file digest
    file=$WEB/$host/.well-known/user-agent-configuration.json
    mkdir -p "$(dirname "$file")"
    cat > "$file"
    digest=${2:-$(openssl dgst -sha256 -binary "$file" | base64)}
    echo "txt-record=_$host,\"v=UAAC1; a=sha256; d=$digest\"" >> "$E2E_RUN/dns/dnsmasq.conf"
}

# metadata DOMAIN: what an issuer https://DOMAIN says of itself, from standard input.
metadata() {
    mkdir -p "$WEB/$1/.well-known"
    cat > "$WEB/$1/.well-known/oauth-authorization-server"
}

# document ISSUER HOST: a document of a domain with one mail server.
document() {
    jq -n --arg issuer "$1" --arg host "$2" '{
        protocols: {imap: {host: $host}, submit: {host: $host}, jmap: {url: "https://x.test/"}},
        authentication: {"oauth-public": {issuer: $issuer}, password: false}, info: {provider: {name: "Test"}}}'
}

start_name_server() {
    local folder=$E2E_RUN/dns
    cat >> "$folder/dnsmasq.conf" << 'END'
no-resolv
no-hosts
bind-interfaces
listen-address=127.0.0.1
local=/test/
address=/test/127.0.0.1
address=/auth.test/127.0.0.2
address=/hang.test/127.0.0.3
END
    /usr/sbin/dnsmasq --keep-in-foreground --conf-file="$folder/dnsmasq.conf" --pid-file= --user=root \
        > "$folder/out" 2>&1 &
    echo $! > "$folder/pid"
    wait_ready 'the name server' "$(cat "$folder/pid")" getent hosts auth.test
}

start_web_server() {
    local folder=$E2E_RUN/lighttpd
    mkdir -p "$folder"
    cat > "$folder/lighttpd.conf" << END
server.modules = ("mod_openssl", "mod_evhost", "mod_redirect", "mod_access")
server.document-root = "$WEB"
server.bind = "127.0.0.1"
server.port = 443
server.errorlog = "$folder/log"
ssl.engine = "enable"
ssl.pemfile = "$E2E_RUN/tls/server.pem"
ssl.privkey = "$E2E_RUN/tls/server.key"
evhost.path-pattern = "$WEB/%_/"
\$HTTP["host"] =~ "moved[.]test\$" { url.redirect = ("" => "https://evil.test\${url.path}") }
END
    cat "$E2E_RUN/tls/ca.pem" >> "$E2E_RUN/tls/server.pem"
    /usr/sbin/lighttpd -D -f "$folder/lighttpd.conf" > "$folder/out" 2>&1 &
    echo $! > "$folder/pid"
    wait_ready 'the web server' "$(cat "$folder/pid")" curl -sS --max-time 2 -o /dev/null https://x.test/
}

start_silent_server() {
    local folder=$E2E_RUN/silent
    mkdir -p "$folder"
    node -e 'require("net").createServer(() => {}).listen(443, "127.0.0.3")' > "$folder/out" 2>&1 &
    echo $! > "$folder/pid"
    wait_ready 'the silent server' "$(cat "$folder/pid")" bash -c ': 3<> /dev/tcp/127.0.0.3/443'
}

leave_world() {
    trap - EXIT
    stop_servers
    [ -n "${E2E_KEEP:-}" ] || rm -rf "$E2E_RUN"
}

# start_world FUNCTION: which publishes what the tests need.
start_world() {
    # shellcheck source-path=SCRIPTDIR
    . "$E2E_DIR/servers.sh"
    make_run_folder
    trap leave_world EXIT
    trap 'exit 130' INT TERM
    WEB=$E2E_RUN/web
    mkdir -p "$WEB/x.test" "$E2E_RUN/dns"
    E2E_TLS_NAMES=$(printf ',DNS:%s.test' auth imap.good x liar plain local named moved shift slow)
    E2E_TLS_NAMES+=$(printf ',DNS:ua-auto-config.%s.test' good digest garbage insecure moved foreign password)
    export E2E_TLS_NAMES E2E_OAUTH_HOST=auth.test E2E_OPENID_CONFIGURATION=$AUTH/.well-known/openid-configuration
    make_certificates
    export CURL_CA_BUNDLE=$E2E_RUN/tls/ca.pem NODE_EXTRA_CA_CERTS=$E2E_RUN/tls/ca.pem
    use_own_resolver
    "$1"
    start_name_server
    start_web_server
    start_silent_server
    start_oauth_server "$E2E_RUN/tls/server.pem" "$E2E_RUN/tls/server.key"
    start_fault_server
    start_dovecot
}
