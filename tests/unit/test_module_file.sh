#!/bin/sh
# The module file: what it needs, what it exports, how it is hardened; and how the programs are.
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

# Where configure was told not to, or the compiler cannot.
flags=$(sed -n 's/^HARDEN_CFLAGS = //p; s/^PIE_LDFLAGS = //p' Makefile)
case $flags in
    *-fstack-protector*-pie*) ;;
    *)
        echo "not hardened: $flags"
        exit "$failures"
        ;;
esac
for program in xoauth2 login refresh logout agent import dump restore; do
    dynamic=$(LC_ALL=C readelf -dW "$program") || exit 1
    headers=$(LC_ALL=C readelf -hlW "$program") || exit 1
    symbols=$(LC_ALL=C nm -D --undefined-only "$program") || exit 1
    expect "$program: position-independent" "$(echo "$headers" | sed -n 's/^ *Type: *\([A-Z]*\).*/\1/p')" DYN
    expect "$program: relocations become read-only" "$(echo "$headers" | grep -c GNU_RELRO)" 1
    expect "$program: and all of them, at load" "$(echo "$dynamic" | grep -c '(FLAGS).*BIND_NOW')" 1
    expect "$program: no executable stack" "$(echo "$headers" | grep GNU_STACK | grep -c 'RWE')" 0
    expect "$program: no search path inside" "$(echo "$dynamic" | grep -c 'RPATH\|RUNPATH')" 0
    expect "$program: stack protector" "$(echo "$symbols" | grep -c '__stack_chk_fail')" 1
    case $flags in
        *FORTIFY_SOURCE*) expect "$program: checked string functions" \
            "$(echo "$symbols" | grep -q '_chk@\|_chk$' && echo yes)" yes ;;
    esac
done
exit "$failures"
