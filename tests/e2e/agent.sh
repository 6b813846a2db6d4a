# shellcheck shell=bash
# A user's own agent, for the tests, and what is none.

# launch_agent ARGUMENT...: does not wait until it serves.
launch_agent() {
    wrap_own
    "${OWN_WRAP[@]}" "$E2E_STAGE/bin/xoauth2" agent --foreground "$@" >> "$T/agent.log" 2>&1 < /dev/null &
    AGENT=$!
    kill_later "$AGENT"
}

start_agent() {
    launch_agent "$@"
    wait_for grep -qF 'serving ' "$T/agent.log"
}

# false_agent SOCKET mute|garbage|enemy [COMMAND...]: see false-agent.mjs; run by COMMAND, who may not be able to read
# this folder.
false_agent() {
    local socket=$1 kind=$2
    shift 2
    "$@" node --input-type=module - "$socket" "$kind" > "$T/false-agent.log" 2>&1 < "$E2E_DIR/false-agent.mjs" &
    AGENT=$!
    kill_later "$AGENT"
    wait_for test -S "$socket"
}
