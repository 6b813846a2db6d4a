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
    trap 'umount "$STATES"' EXIT
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

run_tests
