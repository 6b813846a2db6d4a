#!/bin/sh
# The module file: what it needs, what it exports, how it is hardened.
set -u
module=.libs/libsasl2-xoauth2.so
failures=0

# expect WHAT ACTUAL EXPECTED
expect() {
    if [ "$2" = "$3" ]; then
        echo "ok: $1"
    else
        echo "FAIL: $1: '$2' instead of '$3'"
        failures=$((failures + 1))
    fi
}

# A sanitizer brings libraries and symbols of its own; its build is not the one that is installed.
if nm -D "$module" | grep -q __asan_; then
    echo "built with a sanitizer: not the file that is installed"
    exit 77
fi

dynamic=$(LC_ALL=C readelf -dW "$module") || exit 1
headers=$(LC_ALL=C readelf -lW "$module") || exit 1
symbols=$(LC_ALL=C nm -D --defined-only "$module") || exit 1

expect "needs libc alone" "$(echo "$dynamic" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')" libc.so.6
expect "exports its entry point alone" "$(echo "$symbols" | awk '{ print $3 }')" sasl_client_plug_init
expect "no search path inside" "$(echo "$dynamic" | grep -c 'RPATH\|RUNPATH')" 0
expect "relocations become read-only" "$(echo "$headers" | grep -c GNU_RELRO)" 1
expect "and all of them, at load" "$(echo "$dynamic" | grep -c 'BIND_NOW\|(FLAGS).*NOW')" 1
expect "no text relocations" "$(echo "$dynamic" | grep -c TEXTREL)" 0
expect "no executable stack" "$(echo "$headers" | grep GNU_STACK | grep -c 'RWE')" 0
exit "$failures"
