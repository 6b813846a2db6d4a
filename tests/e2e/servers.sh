# shellcheck shell=bash disable=SC2119,SC2120
# Starting and stopping the real servers. Everything lies in $E2E_RUN; every server is stopped by its pid.
set -eu

# wait_ready WHAT PID COMMAND...: until the command succeeds; fails when the process ends before or after 20 s.
wait_ready() {
    local what=$1 pid=$2 end=$((SECONDS + 20))
    shift 2
    until "$@" > /dev/null 2>&1; do
        kill -0 "$pid" 2> /dev/null || {
            echo "$what ended before it was ready" >&2
            return 1
        }
        [ "$SECONDS" -lt "$end" ] || {
            echo "$what was not ready after 20 s" >&2
            return 1
        }
        sleep 0.05
    done
}

# start_oauth_server [CERTIFICATE KEY]
start_oauth_server() {
    local folder=$E2E_RUN/oauth
    mkdir -p "$folder"
    : > "$folder/requests.log"
    E2E_NPM=$E2E_WORK/npm node "$E2E_DIR/oauth-server.mjs" "$folder" "$@" > "$folder/out" 2>&1 < /dev/null &
    echo $! > "$folder/pid"
    wait_ready 'the OAuth server' "$(cat "$folder/pid")" test -s "$folder/issuer"
}

start_fault_server() {
    local folder=$E2E_RUN/fault
    mkdir -p "$folder"
    node "$E2E_DIR/fault-server.mjs" "$folder" > "$folder/out" 2>&1 < /dev/null &
    echo $! > "$folder/pid"
    wait_ready 'the fault server' "$(cat "$folder/pid")" test -s "$folder/issuer"
}

# N ports that were free a moment ago.
free_ports() {
    node -e '
        const servers = Array.from({ length: Number(process.argv[1]) }, () => require("net").createServer());
        Promise.all(servers.map((s) => new Promise((done) => { s.listen(0, "127.0.0.1", done); }))).then(() => {
            console.log(servers.map((s) => s.address().port).join(" "));
            servers.forEach((s) => s.close());
        });' "$1"
}

# Dovecot runs as one ordinary user: `dovecot` where root runs the tests, the tester otherwise.
dovecot_user() {
    if [ "$(id -u)" -eq 0 ]; then echo dovecot; else id -un; fi
}

write_dovecot_listener() {
    cat << END
service $1-login {
  chroot =
  inet_listener $1 {
    port = $2
  }
  inet_listener $3 {
    port = $4
    ssl = yes
  }
}
END
}

# write_dovecot_config FOLDER USER IMAP POP3 SUBMISSION IMAPS
write_dovecot_config() {
    local folder=$1 user=$2
    cat << END
base_dir = $folder/run
state_dir = $folder/state
log_path = $folder/log
auth_verbose = yes
protocols = imap pop3 submission
listen = 127.0.0.1
ssl = yes
ssl_cert = <$E2E_RUN/tls/server.pem
ssl_key = <$E2E_RUN/tls/server.key
disable_plaintext_auth = no
default_internal_user = $user
default_internal_group = $(id -gn "$user")
default_login_user = $user
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_username_format = %Lu
mail_location = maildir:$folder/mail/%u
first_valid_uid = 1
submission_host = 127.0.0.1
submission_relay_host = 127.0.0.1
submission_relay_port = 9
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $folder/oauth2.conf
}
passdb {
  driver = static
  mechanisms = plain login
  args = password=app-password
}
userdb {
  driver = static
  args = uid=$(id -u "$user") gid=$(id -g "$user") home=$folder/mail/%u allow_all_users=yes
}
service auth {
  unix_listener auth-smtpd {
    mode = 0666
  }
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
END
    write_dovecot_listener imap "$3" imaps "$6"
    write_dovecot_listener pop3 "$4" pop3s 0
    write_dovecot_listener submission "$5" submissions 0
}

# The mail server asks the OAuth server about every token (RFC 7662). NAME@example.org may use the mailboxes NAME@ANY
# other domain, too: these are the shared mailboxes.
write_dovecot_oauth2() {
    local issuer
    issuer=$(cat "$E2E_RUN/oauth/issuer")
    cat << END
introspection_mode = post
introspection_url = ${issuer%%://*}://mailserver:mailserver-secret@${issuer#*://}/token/introspection
tls_ca_cert_file = $E2E_RUN/tls/ca.pem
${E2E_OPENID_CONFIGURATION:+openid_configuration_url = $E2E_OPENID_CONFIGURATION}
force_introspection = yes
username_attribute = email
active_attribute = active
active_value = true
username_format = %n@example.org
END
}

# A certificate authority for this run, and a certificate for 127.0.0.1 and localhost.
make_certificates() {
    local folder=$E2E_RUN/tls
    mkdir -p "$folder"
    (
        cd "$folder"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Authority of the tests' -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1%s\n' "${E2E_TLS_NAMES:-}" > extensions
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.pem
    ) > "$folder/log" 2>&1
    chmod 644 "$folder/server.key"
}

# One attempt with ports that may have been taken meanwhile.
try_dovecot() {
    local folder=$E2E_RUN/dovecot user ports as=(env)
    user=$(dovecot_user)
    ports=$(free_ports 4)
    # Both replace themselves by Dovecot, so that $! is its pid.
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid "$user" --regid "$(id -gn "$user")" --clear-groups)
    # shellcheck disable=SC2086 # four words
    write_dovecot_config "$folder" "$user" $ports > "$folder/dovecot.conf"
    "${as[@]}" /usr/sbin/dovecot -F -c "$folder/dovecot.conf" > "$folder/out" 2>&1 < /dev/null &
    echo $! > "$folder/pid"
    # shellcheck disable=SC2086
    printf 'IMAP_PORT=%s\nPOP3_PORT=%s\nSMTP_PORT=%s\nIMAPS_PORT=%s\n' $ports > "$folder/ports"
    wait_ready Dovecot "$(cat "$folder/pid")" bash -c "exec 3<>/dev/tcp/127.0.0.1/${ports%% *} && read -r -t 5 _ <&3"
}

start_dovecot() {
    local folder=$E2E_RUN/dovecot attempt
    mkdir -p "$folder/mail"
    write_dovecot_oauth2 > "$folder/oauth2.conf"
    [ "$(id -u)" -ne 0 ] || chown -R "$(dovecot_user)" "$folder"
    for attempt in 1 2 3 4 5; do
        ! try_dovecot || return 0
        echo "Dovecot, attempt $attempt:" >&2
        cat "$folder/out" >&2
        kill "$(cat "$folder/pid")" 2> /dev/null || true
    done
    return 1
}

# make_run_folder: not in TMPDIR, because the path of a socket has at most 107 characters.
make_run_folder() {
    E2E_RUN=$(mktemp -d /tmp/xoauth2-e2e.XXXXXX)
    chmod 755 "$E2E_RUN" # Dovecot's user has to get to its own folder
    mkdir "$E2E_RUN/tests"
    export E2E_RUN
}

start_servers() {
    make_certificates
    start_oauth_server
    start_fault_server
    start_dovecot
}

stop_server() {
    local pid end=$((SECONDS + 10))
    [ -f "$1" ] || return 0
    pid=$(cat "$1")
    kill "$pid" 2> /dev/null || return 0
    while kill -0 "$pid" 2> /dev/null; do
        [ "$SECONDS" -lt "$end" ] || {
            kill -9 "$pid" 2> /dev/null || true
            break
        }
        sleep 0.05
    done
}

# All that a test has left running, too.
stop_servers() {
    local file
    for file in "$E2E_RUN"/*/pid; do
        stop_server "$file"
    done
}
