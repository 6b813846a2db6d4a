# shellcheck shell=bash
# A person at a terminal.

# on_terminal COMMAND...: in the background, on a terminal of its own. What `type_in` gets is typed; what it shows goes
# to $T/screen.secret (a pasted URL is echoed there). The terminal is of the kind E2E_TERM. TERMINAL_PID ends with the command's status.
on_terminal() {
    rm -f "$T/keyboard" "$T/screen.secret" # nobody is to see there what an earlier one showed
    mkfifo "$T/keyboard"
    {
        echo 'stty cols 120 rows 60'
        printf '%q ' "$@"
    } > "$T/command"
    TERM=${E2E_TERM-xterm} timeout -k 2 "$OWN_SECONDS" script -qefc "sh $T/command" /dev/null \
        < "$T/keyboard" > "$T/screen.secret" 2>&1 &
    TERMINAL_PID=$!
    kill_later "$TERMINAL_PID"
    exec 8> "$T/keyboard"
}

type_in() {
    printf '%s\r' "$1" >&8
}

# terminal_ends STATUS: what was shown, without the codes that the test itself pasted, is hunted for tokens like everything else.
terminal_ends() {
    local got=0
    wait "$TERMINAL_PID" || got=$?
    [ "$got" -eq "$1" ] || fail "status $got instead of $1: $(cat "$T/screen.secret")"
    tr -d '\r' < "$T/screen.secret" | sed 's/code=[^& ]*/code=PASTED/g' > "$T/screen"
}
