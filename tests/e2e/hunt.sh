# shellcheck shell=bash
# The hunt for secrets after each test. Every secret that a server of the tests gives or gets is planted by that: the
# servers write them into files called `secrets`, and what base64 and percent-encoding make of them into files called
# `secrets.encoded`.

# hunt FILE...: those in which a secret is, in any form.
hunt() {
    local list
    local -a lists=()
    [ $# -gt 0 ] || return 0
    for list in {"$E2E_RUN","$T"}/*/secrets{,.encoded}; do
        [ ! -s "$list" ] || lists+=(-f "$list")
    done
    LC_ALL=C grep -alF "${lists[@]}" -- "$@" || true
}

# All that a test kept is searched. The state files hold secrets by design, and files called *.secret are the test's
# own. What a mail program itself writes may have base64 in it: some print the whole message that failed.
hunt_secrets() {
    local found file
    local -a files plain lists=()
    mapfile -d '' files < <(find "$T" -type f ! -path '*.secret*' ! -path "$STATES/*" ! -name 'shown*' -print0)
    mapfile -d '' plain < <(find "$T" -type f -name 'shown*' -print0)
    found=$(hunt "${files[@]}")
    for file in "$E2E_RUN"/*/secrets; do lists+=(-f "$file"); done
    [ "${#plain[@]}" -eq 0 ] || found+=$(grep -alF "${lists[@]}" -- "${plain[@]}") || true
    [ -z "$found" ] || {
        echo "FAILED: a secret in $found"
        return 1
    }
}

# Whatever the helper stored is its owner's alone, and nothing has dumped its memory.
hunt_modes() {
    local found folder
    for folder in "$STATES" "$E2E_STAGE/var/lib/xoauth2"; do
        [ -d "$folder" ] || continue
        found=$(find "$folder" \( -type f -perm /077 \) -o \( -type d -perm /077 \))
        [ -z "$found" ] || {
            echo "FAILED: readable by others: $found"
            return 1
        }
    done
    found=$(find "$T" -type f -name 'core*')
    [ -z "$found" ] || {
        echo "FAILED: a core file: $found"
        return 1
    }
}
