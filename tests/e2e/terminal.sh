# shellcheck shell=bash
# A person at a terminal.

# on_terminal COMMAND...: in the background, on a terminal of its own. What `type_in` gets is typed; what it shows goes
# to $T/screen.secret (a pasted URL is echoed there). The terminal is of the kind E2E_TERM. TERMINAL_PID ends with the command's status.
on_terminal() {
    mkfifo "$T/keyboard"
    {
        echo 'stty cols 120 rows 60'
        printf '%q ' "$@"
    } > "$T/command"
    TERM=${E2E_TERM-xterm} script -qefc "sh $T/command" /dev/null < "$T/keyboard" > "$T/screen.secret" 2>&1 &
    TERMINAL_PID=$!
    kill_later "$TERMINAL_PID"
    exec 8> "$T/keyboard"
}

type_in() {
    printf '%s\r' "$1" >&8
}

# What was shown, without the codes that the test itself pasted, is hunted for tokens like everything else.
keep_screen() {
    tr -d '\r' < "$T/screen.secret" | sed 's/code=[^& ]*/code=PASTED/g' > "$T/screen"
}
