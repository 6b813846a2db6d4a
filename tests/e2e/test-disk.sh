# shellcheck shell=bash
# A full or read-only disk: nothing is lost, no refresh token is spent, and the person learns why.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

# The state folder on a small disk of its own.
small_disk() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root to mount a small disk'
    mkdir -p "${STATES%/*}"
    mkdir -m 700 "$STATES"
    mount -t tmpfs -o size=1m,mode=0700 tmpfs "$STATES" 2> "$T/mount" || skip 'mount is not permitted here'
    trap 'umount --lazy "$STATES"' EXIT # an agent may be using it still
}

fill_disk() {
    dd if=/dev/zero of="$STATES/filler" bs=4k status=none 2> /dev/null || true
}

test_full_disk_spends_no_refresh_token() {
    small_disk
    login_expired
    fill_disk
    sha256sum "$STATES/$ME.json" > "$T/sum"
    mark_requests
    status 75 xoauth2 token "$ME"
    has "$T/err" 'No space left on device'
    equals "$(token_requests)" 0
    sha256sum -c --quiet "$T/sum" || fail 'the state has changed'
    rm "$STATES/filler"
    gets_token
}

test_full_disk_with_a_fresh_token() {
    small_disk
    login
    fill_disk
    gets_token
}

test_read_only_disk() {
    small_disk
    login_expired
    mount -o remount,ro "$STATES"
    mark_requests
    status 1 xoauth2 token "$ME"
    has "$T/err" 'Read-only file system'
    equals "$(token_requests)" 0
    mount -o remount,rw "$STATES"
    gets_token
}

test_login_on_a_full_disk() {
    small_disk
    fill_disk
    E2E_BROWSER_USER=$ME status 75 xoauth2 login --issuer "$ISSUER" --client-id desktop --scope 'openid offline_access' "$ME"
    has "$T/err" 'No space left on device'
    [ ! -e "$ACCOUNTS/$ME.conf" ] || fail 'there is an account file'
}

# Whatever room there is, it does for all or for nothing.
test_disk_that_is_almost_full() {
    local pages rc
    small_disk
    login_faults
    for pages in 0 1 2 60 61 62 63 64 65 66 67 70; do
        dd if=/dev/zero of="$STATES/room" bs=4k count="$pages" status=none
        fill_disk
        rm "$STATES/room"
        mark_requests
        rc=0
        xoauth2 refresh "$ME" > "$T/out" 2> "$T/err" < /dev/null || rc=$?
        if [ "$rc" -eq 0 ]; then
            equals "$(token_requests)" 1
        else
            equals "$rc" 75
            has "$T/err" 'No space left on device'
            equals "$(token_requests)" 0
        fi
        rm "$STATES/filler"
    done
    equals "$rc" 0
    status 0 xoauth2 refresh "$ME"
}

# nothing_is_lost STATUS TEXT COMMAND...: it fails, the state stays as it was, and the server hears nothing.
nothing_is_lost() {
    local wanted=$1 text=$2
    shift 2
    sha256sum "$STATES/$ME.json" > "$T/sum"
    mark_requests
    status "$wanted" "$@"
    has "$T/err" "$text"
    sha256sum -c --quiet "$T/sum" || fail "the state has changed: $*"
    equals "$(requests true)" 0
}

# What the other writers read: the same login, from a dump and from another program's file.
make_inputs() {
    (umask 077 && xoauth2 dump "$ME" > "$T/dump.secret" 2> "$T/err")
    jq --arg user "$ME" --arg url "$FAULTS/token" '{access_token: "old", expiry: "1000000000", user: $user,
        refresh_token: .refresh_token, token_endpoint: $url}' "$STATES/$ME.json" > "$T/foreign.secret"
    echo '{"client_id": "desktop"}' > "$T/sasl-xoauth2.conf"
}

restores() {
    "$E2E_STAGE/bin/xoauth2" restore --force < "$T/dump.secret"
}

imports() {
    xoauth2 import --force --config "$T/sasl-xoauth2.conf" "$T/foreign.secret"
}

logs_in() {
    xoauth2 login --issuer "$FAULTS" --client-id desktop --scope 'offline_access mail' "$ME"
}

test_other_writers_on_a_full_disk() {
    small_disk
    login_faults
    make_inputs
    fill_disk
    nothing_is_lost 75 'No space left on device' restores
    nothing_is_lost 75 'No space left on device' imports
    nothing_is_lost 75 'No space left on device' logs_in
    rm "$STATES/filler"
    restores > "$T/out"
    fill_disk
    status 0 xoauth2 logout "$ME" # which needs no room
    [ ! -e "$STATES/$ME.json" ] || fail 'the tokens are still there'
}

test_agent_on_a_full_disk() {
    small_disk
    login_faults_expired
    fill_disk
    "$E2E_STAGE/bin/xoauth2" agent --foreground > "$T/agent.log" 2>&1 < /dev/null &
    kill_later $!
    wait_for test -S "$XDG_RUNTIME_DIR/xoauth2/agent.sock"
    nothing_is_lost 75 'No space left on device' xoauth2 token "$ME"
    rm "$STATES/filler"
    status 0 xoauth2 refresh "$ME"
    gets_token
}

test_folder_mounted_read_only() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root to mount'
    login_faults_expired
    make_inputs
    { mount --bind "$STATES" "$STATES" && mount -o remount,bind,ro "$STATES"; } 2> "$T/mount" \
        || skip 'mount is not permitted here'
    trap 'umount --lazy "$STATES"' EXIT # an agent may be using it still
    nothing_is_lost 1 'Read-only file system' xoauth2 token "$ME"
    nothing_is_lost 1 'Read-only file system' restores
    nothing_is_lost 1 'Read-only file system' imports
    nothing_is_lost 1 'Read-only file system' logs_in
    nothing_is_lost 1 'Read-only file system' xoauth2 logout "$ME"
    mount -o remount,bind,rw "$STATES"
    gets_token
}

run_tests
