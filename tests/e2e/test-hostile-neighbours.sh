# shellcheck shell=bash
# Other users of the machine: what they put in the place of files, and what they give to a program with raised privileges.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/agent.sh"

ENEMY=65534   # whose program it is
RAISED=61235  # whose rights it gets

# --- in place of files ----------------------------------------------------------------------------------------------------

# put KIND FILE: something else is there; the file is kept.
put() {
    mv "$2" "$2.kept.secret"
    case $1 in
        link) ln -s "$T/victim" "$2" ;;
        dangling) ln -s "$T/missing" "$2" ;;
        hard-link) ln "$T/victim" "$2" ;;
        fifo) mkfifo -m 600 "$2" ;;
        folder) mkdir -m 700 "$2" ;;
        device) mknod -m 600 "$2" c 1 5 ;;
        socket)
            { node -e 'require("net").createServer().listen("s", () => process.kill(process.pid, "SIGKILL"))' || true; } 2> /dev/null
            mv s "$2"
            ;;
    esac
}

# take_away FILE: what was there before.
take_away() {
    rm -rf "$1"
    mv "$1.kept.secret" "$1"
}

# refused_in_place_of FILE COMMAND...: with anything but its own file there the command ends with a failure that names it, and what
# a link leads to is as it was.
refused_in_place_of() {
    local file=$1 kind rc
    shift
    (umask 077 && echo 'not yours' > "$T/victim")
    for kind in ${KINDS:-link dangling hard-link fifo folder device socket}; do
        [ "$kind" != device ] || [ "$(id -u)" -eq 0 ] || continue
        put "$kind" "$file"
        rc=0
        OWN_SECONDS=20 "$@" > "$T/out" 2> "$T/err" < /dev/null || rc=$?
        [[ $rc -ne 0 && $rc -lt 124 ]] || fail "$kind in place of $file: status $rc: $(cat "$T/err")"
        has "$T/err" "$(basename "$file")"
        equals "$(cat "$T/victim") $(stat -c %a "$T/victim")" 'not yours 600'
        [ ! -e "$T/missing" ] || fail "$kind in place of $file: a file was made"
        take_away "$file"
    done
    "$@" > "$T/out" 2> "$T/err" < /dev/null || fail "it does not work without that: $(cat "$T/err")"
}

test_in_place_of_the_account() {
    login_faults
    refused_in_place_of "$ACCOUNTS/$ME.conf" xoauth2 refresh "$ME"
}

test_in_place_of_the_state() {
    login_faults
    refused_in_place_of "$STATES/$ME.json" xoauth2 refresh "$ME"
}

# A hard link to an empty file of one's own is a lock like any other.
test_in_place_of_the_lock() {
    local kind rc
    login_faults
    status 0 xoauth2 refresh "$ME"
    (umask 077 && echo 'not yours' > "$T/victim")
    for kind in link dangling fifo folder device socket; do
        [ "$kind" != device ] || [ "$(id -u)" -eq 0 ] || continue
        put "$kind" "$STATES/$ME.lock"
        mark_requests
        rc=0
        OWN_SECONDS=20 xoauth2 refresh "$ME" > "$T/out" 2> "$T/err" < /dev/null || rc=$?
        [[ $rc -ne 0 && $rc -lt 124 ]] || fail "$kind: status $rc"
        has "$T/err" "$ME.lock"
        equals "$(token_requests)" 0
        [ ! -e "$T/missing" ] || fail "$kind: a file was made"
        take_away "$STATES/$ME.lock"
    done
    status 0 xoauth2 refresh "$ME"
}

test_in_place_of_the_client_secret() {
    (umask 077 && echo 'the-client-secret' > "$T/client.secret")
    login_faults --client-secret-file "$T/client.secret"
    sed -i 's/^issuer:.*/token_endpoint: '"${FAULTS//\//\\/}"'\/token/' "$ACCOUNTS/$ME.conf"
    # Any file may have a secret in its first line.
    KINDS='link dangling fifo folder device socket' refused_in_place_of "$T/client.secret" xoauth2 refresh "$ME"
}

test_in_place_of_the_provider() {
    local folder=$E2E_STAGE/etc/xoauth2/providers
    mkdir -p "$folder"
    trap 'rm -rf "$E2E_STAGE/etc/xoauth2/providers"/hostile.conf*' EXIT
    printf 'token_endpoint: %s/token\nauthorization_endpoint: %s/authorize\nscope: mail\n' "$FAULTS" "$FAULTS" > "$folder/hostile.conf"
    status 0 xoauth2 login --provider hostile --client-id desktop "$ME"
    refused_in_place_of "$folder/hostile.conf" xoauth2 refresh "$ME"
}

asks_plugin() {
    SASL_CONF_PATH=$T/conf client sasl-sample-client -p "$SASL_PATH" -s imap -n 127.0.0.1 -m XOAUTH2 -u "$ME" -a "$ME" \
        <<< 'S: WE9BVVRIMg==' > "$T/shown.secret" 2>&1 || true
    cat "$T/shown.secret" >&2
    grep -q '^C: ' "$T/shown.secret"
}

# A link is what Debian's alternatives and the like make of it.
test_in_place_of_the_options() {
    login_faults
    mkdir "$T/conf"
    echo 'xoauth2_timeout: 20' > "$T/conf/xoauth2.conf"
    asks_plugin 2> "$T/err" || fail "$(cat "$T/err")"
    for kind in fifo folder device socket; do
        [ "$kind" != device ] || [ "$(id -u)" -eq 0 ] || continue
        put "$kind" "$T/conf/xoauth2.conf"
        ! asks_plugin 2> "$T/err" || fail "$kind in place of the options"
        has "$T/err" 'xoauth2.conf'
        take_away "$T/conf/xoauth2.conf"
    done
}

test_folders_that_others_may_write_to() {
    login_faults
    chmod 777 "$ACCOUNTS"
    status 1 xoauth2 token "$ME"
    has "$T/err" "run 'chmod go-w $ACCOUNTS'"
    chmod 700 "$ACCOUNTS"
    chmod 777 "$STATES"
    status 1 xoauth2 token "$ME"
    has "$T/err" "run 'chmod 0700 $STATES'"
    chmod 700 "$STATES"
    gets_token
}

# Such as /tmp in the place of the user's own runtime folder: who is first there must not become his agent.
test_in_place_of_the_agent() {
    local shared=$T/shared
    [ "$(id -u)" -eq 0 ] || skip 'needs root, to be somebody else'
    login_faults
    mkdir "$T/conf"
    chmod 711 "$T"
    mkdir -m 1777 "$shared"
    as_enemy mkdir "$shared/xoauth2"
    false_agent "$shared/xoauth2/agent.sock" enemy as_enemy
    XDG_RUNTIME_DIR=$shared asks_plugin 2> "$T/err" || fail "$(cat "$T/err")"
    XDG_RUNTIME_DIR=$shared status 0 xoauth2 status "$ME"
    XDG_RUNTIME_DIR=$shared gets_token
    [ ! -e "$shared/xoauth2/heard" ] || fail "the enemy was asked: $(cat "$shared/xoauth2/heard")"
}

# --- programs with raised privileges -------------------------------------------------------------------------------------

# raise PROGRAM NAME: a copy of it that runs as somebody else.
raise() {
    cp "$1" "$T/$2"
    chown "$RAISED" "$T/$2"
    chmod 4755 "$T/$2"
}

need_raised_privileges() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root, to make a program set-user-ID'
    chmod 711 "$T"
    raise /usr/bin/id raised-id
    [ "$(as_enemy "$T/raised-id" -u)" = "$RAISED" ] || skip 'no program of this file system may be set-user-ID'
}

as_enemy() {
    (cd / && limit "$OWN_SECONDS" setpriv --reuid "$ENEMY" --regid "$ENEMY" --clear-groups "$@")
}

test_none_of_our_programs_runs_set_uid() {
    local program
    need_raised_privileges
    for program in "$E2E_STAGE/bin/xoauth2" "$E2E_STAGE"/libexec/xoauth2/*; do
        raise "$program" raised
        status 1 as_enemy "$T/raised" --help
        has "$T/err" 'set-uid'
        [ ! -s "$T/out" ] || fail "$program went on"
    done
}

# All that a caller may choose leads to a trap: a program, an agent, accounts, options and a library.
set_traps() {
    local trap=$T/traps
    mkdir -p "$trap"/{bin,conf,run/xoauth2,config/xoauth2/accounts}
    printf '#!/bin/sh\ntouch %s/sprung/xoauth2\nprintf "ok\\nversion=1\\ntoken=of-the-enemy\\n\\n"\n' "$trap" > "$trap/bin/xoauth2"
    chmod 755 "$trap/bin/xoauth2"
    mkdir -m 777 "$trap/sprung"
    echo "xoauth2_helper: $trap/bin/xoauth2" > "$trap/conf/xoauth2.conf"
    printf '#include <fcntl.h>\n__attribute__((constructor)) static void spring(void) { creat("%s/sprung/library", 0666); }\n' "$trap" \
        | cc -shared -fPIC -x c -o "$trap/library.so" - 2> "$T/cc.log"
    chown -R "$ENEMY" "$trap"
    false_agent "$trap/run/xoauth2/agent.sock" enemy as_enemy
}

# springs PROGRAM: a login with it, by the enemy, into $T/shown.
springs() {
    local trap=$T/traps
    as_enemy env -i "PATH=$trap/bin:$PATH" "LD_PRELOAD=$trap/library.so" "LD_LIBRARY_PATH=$trap" "HOME=$trap" \
        "XDG_CONFIG_HOME=$trap/config" "XDG_RUNTIME_DIR=$1" "XDG_STATE_HOME=$trap" "SASL_CONF_PATH=$trap/conf" "SASL_PATH=$SASL_PATH" \
        "XOAUTH2_HELPER=$trap/bin/xoauth2" "XOAUTH2_AGENT_SOCKET=$trap/run/xoauth2/agent.sock" "GLIBC_TUNABLES=glibc.malloc.check=3" \
        "${@:2}" -p "$SASL_PATH" -s imap -n 127.0.0.1 -m XOAUTH2 -u "$ME" -a "$ME" <<< 'S: WE9BVVRIMg==' > "$T/shown" 2>&1 || true
}

test_set_uid_mail_program() {
    local sample enemys
    [ "${E2E_WRAP:-}" != asan ] || skip 'a program that loads what the sanitizers made has to preload their library alone'
    need_raised_privileges
    set_traps
    sample=$(command -v sasl-sample-client)
    enemys=$(printf 'XOAUTH2\0user=%s\001auth=Bearer of-the-enemy\001\001' "$ME" | base64 -w0)
    raise "$sample" sample
    # The traps are good: without the privileges the program goes into each.
    springs "$T/traps/run" "$sample"
    has "$T/shown" "$enemys"
    springs / "$sample"
    has "$T/shown" "$enemys"
    equals "$(cd "$T/traps/sprung" && echo ./*)" './library ./xoauth2'
    rm "$T"/traps/sprung/*
    springs "$T/traps/run" "$T/sample"
    has "$T/shown" 'since a program with raised privileges asks no other source of tokens'
    has_not "$T/shown" "$enemys"
    equals "$(find "$T/traps/sprung" -type f)" ''
}

run_tests
