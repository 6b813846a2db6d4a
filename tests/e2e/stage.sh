# shellcheck shell=bash
set -eu
# Builds the source outside of the source tree and installs it below E2E_STAGE, as a package would be, but with all
# its system folders in there too.

is_own_folder() {
    [ -d "$1" ] && [ -O "$1" ] && [ ! -L "$1" ]
}

# The stage has a place of its own for the time of the tests, not in the work folder: a mail host's agent and mail server
# run as users of their own, who must get to it, and a socket in it, seen from outside of a jail, has a path of at most
# 107 characters, wherever the source lies.
choose_stage() {
    mkdir -p "$E2E_WORK"
    E2E_STAGE=/tmp/xoauth2-stage.$(printf %s "$E2E_WORK" | sha256sum | cut -c 1-8)
    # Somebody else could have made it first.
    mkdir -m 755 "$E2E_STAGE" 2> /dev/null || is_own_folder "$E2E_STAGE" || {
        echo "$E2E_STAGE is somebody else's: remove it" >&2
        exit 1
    }
}

leave_stage() {
    rm -rf "$E2E_STAGE"
}

[ -n "${E2E_STAGE:-}" ] || choose_stage
export E2E_STAGE

configure_stage() {
    local top=$1 build=$2
    # shellcheck disable=SC2086 # a list of arguments
    (
        cd "$build" || exit 1
        "$top/configure" --quiet --prefix="$E2E_STAGE" --sysconfdir="$E2E_STAGE/etc" --localstatedir="$E2E_STAGE/var" \
            --runstatedir="$E2E_STAGE/run" --with-plugindir="$E2E_STAGE/lib/sasl2" \
            ${E2E_CFLAGS:+"CFLAGS=$E2E_CFLAGS"} ${E2E_CONFIGURE:-}
    )
}

# build_one OUTPUT SOURCE ARGUMENT...
build_one() {
    local output=$E2E_WORK/$1 source=$E2E_DIR/$2
    shift 2
    [ "$output" -nt "$source" ] || cc -O1 -Wall -Wextra -Werror -o "$output" "$source" "$@"
}

# Programs of the tests themselves.
build_clients() {
    build_one imap-client imap-client.c -isystem "$E2E_WORK/libetpan/usr/include" \
        "$(pkg-config --variable=libdir libsasl2)"/libetpan.so.20
    build_one watch-client.so watch-client.c -shared -fPIC
}

build_stage() {
    local top build=$E2E_WORK/build
    top=$(cd "$E2E_DIR/../.." && pwd)
    # What is compiled knows the stage's paths.
    [ "$(cat "$build/stage-folder" 2> /dev/null)" = "$E2E_STAGE" ] || rm -rf "$build"
    mkdir -p "$build"
    [ -z "${E2E_DOWNLOADS:-}" ] || ln -sfn "$E2E_DOWNLOADS/npm" "$E2E_DOWNLOADS/libetpan" "$E2E_WORK"
    echo "$E2E_STAGE" > "$build/stage-folder"
    [ -x "$top/configure" ] || (cd "$top" && autoreconf -fi) > "$E2E_WORK/autoreconf.log" 2>&1
    [ "$build/config.status" -nt "$top/configure" ] || configure_stage "$top" "$build"
    make -C "$build" -j2 -s > "$E2E_WORK/make.log" 2>&1 || {
        cat "$E2E_WORK/make.log"
        return 1
    }
    rm -rf "${E2E_STAGE:?}"/*
    make -C "$build" -s install > "$E2E_WORK/install.log" 2>&1 || {
        cat "$E2E_WORK/install.log"
        return 1
    }
    build_clients
}
