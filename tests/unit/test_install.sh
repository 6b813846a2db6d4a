#!/bin/sh
# What `make install` puts where, and that `make uninstall` takes all of it away again.
set -u
folder=$(mktemp -d "${TMPDIR:-/tmp}/xoauth2-install.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
failures=0
unset MAKEFLAGS MFLAGS DESTDIR # those of the `make check` around us

# expect WHAT ACTUAL EXPECTED
expect() {
    if [ "$2" = "$3" ]; then
        echo "ok: $1"
    else
        echo "FAIL: $1: '$2' instead of '$3'"
        failures=$((failures + 1))
    fi
}

# The value of one of make's variables.
variable() {
    sed -n "s/^$1 = //p" "$folder/variables"
}

# install_all UMASK
install_all() {
    (umask "$1" && ${MAKE:-make} -s install DESTDIR="$folder/root") > "$folder/log" 2>&1 || {
        cat "$folder/log"
        exit 1
    }
}

{
    echo 'include Makefile'
    echo 'show:'
    for name in plugindir bindir pkglibexecdir pkgproviderdir mandir; do
        printf "\t@echo '%s = \$(%s)'\n" "$name" "$name"
    done
} > "$folder/show.mk"
${MAKE:-make} -s -f "$folder/show.mk" show > "$folder/variables" || exit 1

install_all 022
plugins=$folder/root$(variable plugindir)
expect "the module alone is in the plugin folder" "$(ls -A "$plugins")" libsasl2-xoauth2.so
expect "and it is no link" "$(find "$plugins" -type l)" ""
expect "no .la and no .a anywhere" "$(find "$folder/root" -name '*.la' -o -name '*.a')" ""
expect "the command" "$(ls -A "$folder/root$(variable bindir)")" xoauth2
expect "the programs that it starts" "$(find "$folder/root$(variable pkglibexecdir)" -type f -name '[lr]*' | sed 's/.*\///' |
    LC_ALL=C sort | tr '\n' ' ')" "login logout refresh restore "
for provider in google microsoft; do
    expect "provider $provider" "$(test -s "$folder/root$(variable pkgproviderdir)/$provider.conf" && echo yes)" yes
done
for page in man1/xoauth2.1 man5/xoauth2.conf.5 man7/xoauth2-protocol.7; do
    expect "$page" "$(test -s "$folder/root$(variable mandir)/$page" && echo yes)" yes
done
expect "nobody else may write" "$(find "$folder/root" ! -type l -perm /022)" ""
expect "no set-uid and no set-gid" "$(find "$folder/root" -type f -perm /6000)" ""

"$folder/root$(variable bindir)/xoauth2" --version > "$folder/out" 2>&1
expect "the installed command runs" "$(cut -d ' ' -f 1 "$folder/out")" xoauth2

${MAKE:-make} -s uninstall DESTDIR="$folder/root" > "$folder/log" 2>&1 || cat "$folder/log"
expect "uninstall leaves nothing" "$(find "$folder/root" ! -type d)" ""

rm -rf "$folder/root"
install_all 077
expect "installed by a careful root, everybody may read it" "$(find "$folder/root" -type f ! -perm -044)" ""
exit "$failures"
