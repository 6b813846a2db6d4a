# shellcheck shell=bash
set -eu
# Builds the source outside of the source tree and installs it below E2E_STAGE, as a package would be, but with all
# its system folders in there too.

E2E_STAGE=${E2E_STAGE:-$E2E_WORK/stage}
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
    mkdir -p "$build"
    [ -x "$top/configure" ] || (cd "$top" && autoreconf -fi) > "$E2E_WORK/autoreconf.log" 2>&1
    [ "$build/config.status" -nt "$top/configure" ] || configure_stage "$top" "$build"
    make -C "$build" -j2 -s > "$E2E_WORK/make.log" 2>&1 || {
        cat "$E2E_WORK/make.log"
        return 1
    }
    rm -rf "$E2E_STAGE"
    make -C "$build" -s install > "$E2E_WORK/install.log" 2>&1 || {
        cat "$E2E_WORK/install.log"
        return 1
    }
    build_clients
}
