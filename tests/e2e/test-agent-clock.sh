# shellcheck shell=bash
# A user's own agent on a machine whose clock is set, which libfaketime plays.
# shellcheck disable=SC2119 # the agent takes what options there are
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/agent.sh"

# The agent alone believes that somebody set the clock to OFFSET, such as +2h.
set_clock() {
    echo "$1" > "$T/clock.new"
    mv "$T/clock.new" "$T/clock"
}

start_agent_with_a_clock() {
    set_clock +0
    FAKETIME_TIMESTAMP_FILE=$T/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
        LD_PRELOAD=$(dpkg-query -L libfaketime | grep '/libfaketimeMT\.so') start_agent
}

test_agent_clock_is_set() {
    local offset before after
    login
    start_agent_with_a_clock
    for offset in +2h -1d; do
        before=$(xoauth2 token "$ME")
        mark_requests
        set_clock "$offset"
        after=$(xoauth2 token "$ME")
        [ "$after" != "$before" ] || fail "at $offset the old token"
        equals "$(xoauth2 token "$ME")" "$after"
        equals "$(token_requests)" 1
    done
}

run_tests
