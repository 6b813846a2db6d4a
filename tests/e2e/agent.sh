# shellcheck shell=bash
# A user's own agent, for the tests.

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
