# shellcheck shell=bash
# The shells complete every verb and option that --help shows, and no other.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

SHARE=$E2E_STAGE/share

verbs() {
    xoauth2 --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'
}

options() {
    xoauth2 "$1" --help | grep -oE '^ +--[a-z-]+' | tr -d ' '
    echo --version # some verbs have it without saying so
}

# completed LINE: what bash offers at the end of the line, one a line.
completed() {
    (
        # shellcheck source=/dev/null
        . "$SHARE/bash-completion/completions/xoauth2"
        COMP_LINE=$1 COMP_POINT=${#1}
        _xoauth2
        [ "${#COMPREPLY[@]}" -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
    )
}

same() {
    diff <(sort -u <<< "$2") <(sort -u <<< "$3") || fail "$1: '<' is what --help shows, '>' what is completed"
}

test_bash_verbs_and_options() {
    local verb
    same verbs "$(verbs; echo help)" "$(completed 'xoauth2 ')"
    for verb in $(verbs); do
        same "$verb" "$(options "$verb")" "$(completed "xoauth2 --system $verb --")"
    done
}

# The lines of one verb, from its name to ';;'.
zsh_options() {
    sed -n "/^    $1)\$/,/;;/p" "$SHARE/zsh/site-functions/_xoauth2" | grep -oE -e "'[*]?--[a-z-]+" | tr -d "'*"
    sed -n '/^common=/,/^)/p' "$SHARE/zsh/site-functions/_xoauth2" | grep -oE -e '--[a-z-]+'
}

test_zsh_verbs_and_options() {
    local verb file=$SHARE/zsh/site-functions/_xoauth2
    same verbs "$(verbs; echo help)" "$(sed -n "/^verbs=/,/^)/s/^    '\([a-z]*\):.*/\1/p" "$file")"
    for verb in $(verbs); do
        same "$verb" "$(options "$verb")" "$(zsh_options "$verb")"
    done
}

fish_options() {
    sed -nE -e "s/^complete -c xoauth2 -n '__fish_seen_subcommand_from $1' -l ([a-z-]+).*/--\1/p" \
        -e 's/^complete -c xoauth2 -l ([a-z-]+).*/--\1/p' "$SHARE/fish/vendor_completions.d/xoauth2.fish"
}

test_fish_verbs_and_options() {
    local verb file=$SHARE/fish/vendor_completions.d/xoauth2.fish
    same verbs "$(verbs; echo help)" "$(sed -nE 's/^complete .* -a ([a-z]+) -d .*/\1/p' "$file")"
    for verb in $(verbs); do
        same "$verb" "$(options "$verb")" "$(fish_options "$verb")"
    done
}

test_bash_accounts() {
    login
    equals "$(completed "xoauth2 token ${ME:0:3}")" "$ME"
    # '@' breaks words: readline keeps what is in front of it.
    equals "$(completed "xoauth2 token ${ME%@*}@ex")" "${ME#*@}"
    equals "$(completed "xoauth2 token nobody")" ''
}

test_bash_providers_and_files() {
    touch "$T/client secret" "$T/client.secret"
    completed 'xoauth2 login --provider g' > "$T/out"
    has_line "$T/out" google
    completed "xoauth2 login --client-secret-file $T/client.s" > "$T/out"
    has_line "$T/out" "$T/client.secret"
}

test_bash_names_that_are_commands() {
    cd "$T"
    # shellcheck disable=SC2016 # that is the point
    touch 'a$(touch owned)' 'a`touch owned`'
    completed 'xoauth2 import a' > "$T/out"
    equals "$(wc -l < "$T/out")" 2
    [ ! -e owned ] || fail 'the name of a file was run'
}

run_tests
