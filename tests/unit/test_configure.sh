#!/bin/sh
# What configure chooses for the usual machines, and what it says where something is missing.
set -u
top=$(cd "${srcdir:-.}" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/xoauth2-configure.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
failures=0
# Nothing of the `make check` around us, and no site's defaults.
unset MAKEFLAGS MFLAGS CC CFLAGS CPPFLAGS LDFLAGS PKG_CONFIG_PATH
export CONFIG_SITE=/dev/null HIDDEN=

# A copy of what configure needs, since it refuses to work beside a tree that is built in place.
mkdir -p "$folder/source/plugin" "$folder/build" || exit 1
cp -R "$top/configure" "$top/build-aux" "$folder/source/" && cp "$top/plugin/plugin.c" "$folder/source/plugin/" || exit 1
cat > "$folder/pkg-config" << 'END'
#!/bin/sh
# The machine's pkg-config, without the package $HIDDEN.
for word; do
    [ -z "$HIDDEN" ] || [ "${word%% *}" != "$HIDDEN" ] || exit 1
done
exec pkg-config "$@"
END
chmod 755 "$folder/pkg-config"

# run ARGUMENT...: configure, as far as its summary.
run() {
    (cd "$folder/build" && "$folder/source/configure" -n -C PKG_CONFIG="$folder/pkg-config" "$@") > "$folder/out" 2>&1
}

# says LINE
says() {
    if grep -qxF -e "$1" "$folder/out"; then
        echo "ok: $1"
    else
        echo "FAIL: does not say '$1':"
        tail -n 20 "$folder/out"
        failures=$((failures + 1))
    fi
}

# works ARGUMENT...
works() {
    echo "configure $*"
    run "$@" || {
        cat "$folder/out"
        exit 1
    }
}

# lacks PACKAGE DEBIAN-NAME [ARGUMENT...]: configure ends, and says what to install.
lacks() {
    HIDDEN=$1
    package=$2
    shift 2
    if run "$@"; then
        echo "FAIL: goes on without $HIDDEN"
        failures=$((failures + 1))
    fi
    if grep -q "^configure: error: .*: apt-get install $package\$" "$folder/out"; then
        echo "ok: $HIDDEN is missing: $package"
    else
        echo "FAIL: $HIDDEN is missing, and it says:"
        tail -n 5 "$folder/out"
        failures=$((failures + 1))
    fi
    HIDDEN=
}

system_libdir=$(pkg-config --variable=libdir libsasl2)
[ "$(pkg-config --variable=prefix libsasl2)" = /usr ] || {
    echo "libsasl2 is not in /usr: its folder cannot be the default of --prefix=/usr"
    exit 77
}

works --prefix=/usr
says "  plugin folder   $system_libdir/sasl2"
says '  system accounts /etc/xoauth2/accounts'
says '  system state    /var/lib/xoauth2'
says '  system socket   /run/xoauth2/agent.sock'
works --prefix=/usr --sysconfdir=/etc --localstatedir=/var
says '  system socket   /run/xoauth2/agent.sock'
works
says '  plugin folder   /usr/local/lib/sasl2'
says "The system's libsasl2 looks for plugins in $system_libdir/sasl2. To install there, configure with --prefix=/usr or"
works --prefix=/usr --libdir=/usr/lib64 --sysconfdir=/e --localstatedir=/v --runstatedir=/r
says '  plugin folder   /usr/lib64/sasl2'
says '  system accounts /e/xoauth2/accounts'
says '  system state    /v/lib/xoauth2'
says '  system socket   /r/xoauth2/agent.sock'
works --with-plugindir=/p
says '  plugin folder   /p'

# Without it there are no unit tests, and no more than that.
HIDDEN=cmocka
works
says '  unit tests      no (apt-get install libcmocka-dev for yes)'
HIDDEN=
if pkg-config --exists cmocka; then
    works
    says '  unit tests      yes'
fi

lacks libsasl2 libsasl2-dev
lacks libcurl libcurl4-openssl-dev
lacks json-c libjson-c-dev
lacks libcrypto libssl-dev
lacks libqrencode libqrencode-dev --with-qrencode
exit "$failures"
