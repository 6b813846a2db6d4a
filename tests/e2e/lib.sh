# shellcheck shell=bash disable=SC2119,SC2120
# What every end-to-end test file uses: a fresh home for each test, assertions, waiting with an end, the hunt for
# secrets. A test file sources this, defines functions named test_WHAT_MUST_HOLD and ends with `run_tests`.
#
# Given by `run` in the environment: E2E_DIR (this folder), E2E_WORK (built things), E2E_STAGE (the installation
# under test), E2E_RUN (a temporary folder with the running servers), E2E_RESULTS (one line per test).
set -eu

CLIENT_SECONDS=${CLIENT_SECONDS:-20} # a mail program that takes longer hangs
OWN_SECONDS=${OWN_SECONDS:-60}       # so does a command of ours
WAIT_SECONDS=${WAIT_SECONDS:-20}     # longest wait for something that another process does
multiarch=$(pkg-config --variable=libdir libsasl2)
SASL_PATH=$E2E_STAGE/lib/sasl2:$multiarch/sasl2
export SASL_PATH PATH="$E2E_STAGE/bin:$PATH" LC_ALL=C.UTF-8

# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/wrap.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/clients.sh"
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/hunt.sh"

# --- assertions: each says what was wrong, and ends the test -------------------------------------------------

fail() {
    echo "FAILED: $*"
    exit 1
}

skip() {
    echo "$*" > "$T/skipped"
    exit 0
}

# status WANTED COMMAND...: runs it and keeps what it wrote in $T/out and $T/err.
status() {
    local wanted=$1 got=0
    shift
    "$@" > "$T/out" 2> "$T/err" < /dev/null || got=$?
    [ "$got" -eq "$wanted" ] || {
        sed 's/^/out: /' "$T/out"
        sed 's/^/err: /' "$T/err"
        fail "status $got instead of $wanted: $*"
    }
}

equals() {
    [ "$1" = "$2" ] || fail "'$1' instead of '$2'"
}

# has FILE TEXT: the fixed text is somewhere in the file.
has() {
    grep -qF -e "$2" "$1" || {
        sed 's/^/| /' "$1"
        fail "$(basename "$1") does not have: $2"
    }
}

has_not() {
    ! grep -qF -e "$2" "$1" || {
        sed 's/^/| /' "$1"
        fail "$(basename "$1") has: $2"
    }
}

# has_line FILE TEXT: one line is exactly this.
has_line() {
    grep -qxF -e "$2" "$1" || {
        sed 's/^/| /' "$1"
        fail "$(basename "$1") does not have the line: $2"
    }
}

# wait_for COMMAND...: until it succeeds.
wait_for() {
    local end=$((SECONDS + WAIT_SECONDS))
    until "$@" > /dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "waited $WAIT_SECONDS s in vain for: $*"
        sleep 0.05
    done
}

# limit SECONDS COMMAND...: a program that does not end is a failure of its own (status 124).
limit() {
    local seconds=$1
    shift
    timeout -k 2 "$seconds" "$@"
}

# --- the OAuth server -----------------------------------------------------------------------------------------

ISSUER=$(cat "$E2E_RUN/oauth/issuer")
FAULTS=$(cat "$E2E_RUN/fault/issuer")

# oauth ACTION JSON: changes a setting of the server or revokes something (see oauth-server.mjs).
oauth() {
    curl -sS --fail --max-time 10 -o /dev/null --data-binary "$2" "$ISSUER/control/$1"
}

oauth_defaults() {
    oauth set '{"access_ttl": 3600, "rotate": true, "offline": true, "token_delay_ms": 0, "token_status": 0}'
}

# From here on requests are counted.
mark_requests() {
    OAUTH_BEFORE=$(wc -l < "$E2E_RUN/oauth/requests.log")
    FAULT_BEFORE=$(wc -l < "$E2E_RUN/fault/requests.log")
}

# requests CONDITION: how many requests of that kind, a condition of jq, either server has had since the mark.
requests() {
    {
        tail -n "+$((OAUTH_BEFORE + 1))" "$E2E_RUN/oauth/requests.log"
        tail -n "+$((FAULT_BEFORE + 1))" "$E2E_RUN/fault/requests.log"
    } | jq -s "map(select($1)) | length"
}

token_requests() {
    requests '.endpoint == "token"'
}

# fault next|always|set JSON: how the fault server behaves (see fault-server.mjs).
fault() {
    curl -sS --fail --max-time 10 -o /dev/null --data-binary "$2" "$FAULTS/control/$1"
}

fault_defaults() {
    fault next '[]'
    fault always '{}'
    fault set '{"rotate": true, "access_ttl": 3600, "device_ttl": 600, "basic": false, "metadata": {}, "redirect": {}, "failing": 0}'
}

# What somebody sent who is dead by now is handled by the server before this.
all_is_handled() {
    fault set '{}'
}

has_request() {
    [ "$(token_requests)" -ge 1 ]
}

# --- one test ---------------------------------------------------------------------------------------------------

fresh_home() {
    T=$E2E_RUN/tests/$1
    rm -rf "$T"
    mkdir -p "$T/home" "$T/runtime"
    chmod 700 "$T" "$T/home" "$T/runtime"
    export TMPDIR=$T # what is left there is searched for secrets, too
    export HOME=$T/home XDG_CONFIG_HOME=$T/home/.config XDG_STATE_HOME=$T/home/.local/state XDG_RUNTIME_DIR=$T/runtime
    export E2E_BROWSER_OUTPUT=$T/browser.secret BROWSER=$E2E_DIR/browser
    unset E2E_BROWSER_USER E2E_BROWSER_MODE DISPLAY WAYLAND_DISPLAY XDG_DATA_HOME XDG_CACHE_HOME SASL_CONF_PATH NO_COLOR
    unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
    # shellcheck disable=SC2034 # for the test files
    ACCOUNTS=$XDG_CONFIG_HOME/xoauth2/accounts
    STATES=$XDG_STATE_HOME/xoauth2
    ME=$1@example.org
    ME=${ME,,}
    ME=${ME//_/-}
    cd "$T"
}

# login [OPTION...] of $ME at the OAuth server, with the stand-in for a browser.
login() {
    E2E_BROWSER_USER=${E2E_BROWSER_USER:-$ME} status 0 xoauth2 login --issuer "$ISSUER" --client-id desktop \
        --scope 'openid offline_access email mail' "$@" "$ME"
}

# A field of the state file of $ME.
state() {
    jq -r ".$1" "$STATES/$ME.json"
}

# age_on_disk SECONDS: the access token of $ME is so much older than the server knows.
age_on_disk() {
    jq --argjson age "$1" '.obtained_at -= $age | .expires_at -= $age' "$STATES/$ME.json" > "$T/state.secret"
    cp "$T/state.secret" "$STATES/$ME.json"
}

# It is too old, though the server would still take it.
expire_on_disk() {
    age_on_disk 7200
}

# Killed at any instant, a process leaves a whole file, for its owner alone.
state_is_whole() {
    jq -e .refresh_token "$STATES/$ME.json" > "$T/field.secret" || fail 'the state is not whole'
    equals "$(stat -c %a "$STATES/$ME.json")" 600
}

# login_faults [OPTION...] of $ME at the fault server.
login_faults() {
    status 0 xoauth2 login --issuer "$FAULTS" --client-id desktop --scope 'offline_access mail' "$@" "$ME"
}

# The same, with an access token that has expired already.
login_faults_expired() {
    fault set '{"access_ttl": 1}'
    login_faults
    fault set '{"access_ttl": 3600}'
    wait_for has_expired
}

# gets_token [ACCOUNT]: `xoauth2 token` gives one, into $T/token.secret, and says nothing else.
gets_token() {
    local rc=0
    xoauth2 token "${1:-$ME}" > "$T/token.secret" 2> "$T/err" < /dev/null || rc=$?
    [ "$rc" -eq 0 ] || fail "no token, status $rc: $(cat "$T/err")"
    grep -qE '^[A-Za-z0-9._~+/-]+=*$' "$T/token.secret" || fail 'that is no token'
    equals "$(wc -l < "$T/token.secret")" 1
    [ ! -s "$T/err" ] || fail "wrote: $(cat "$T/err")"
}

has_expired() {
    [ "$(date +%s)" -ge "$(state expires_at)" ]
}

# A login whose access token has expired already, so that the next program that asks has to get a new one.
login_expired() {
    oauth set '{"access_ttl": 1}'
    login
    oauth set '{"access_ttl": 3600}'
    wait_for has_expired
}

# A second OAuth server, behind TLS, with an authority that only $E2E_RUN/tls/ca.pem knows; sets ISSUER to it for this test.
start_tls_server() {
    local folder=$T/oauth.secret
    mkdir "$folder"
    : > "$folder/requests.log"
    E2E_NPM=$E2E_WORK/npm node "$E2E_DIR/oauth-server.mjs" "$folder" "$E2E_RUN/tls/server.pem" "$E2E_RUN/tls/server.key" \
        > "$folder/out" 2>&1 < /dev/null &
    kill_later $!
    wait_for test -s "$folder/issuer"
    ISSUER=$(cat "$folder/issuer")
    export NODE_EXTRA_CA_CERTS=$E2E_RUN/tls/ca.pem
}

# The texts that programs show.
no_account() {
    echo "no account for $ME: run 'xoauth2 login $ME', or restrict this program to PLAIN"
}

login_again() {
    echo "127.0.0.1 refused to renew the token (invalid_grant: grant request is invalid): the login has expired or" \
        "was revoked; run 'xoauth2 login $ME'"
}

# When a process was started, in the kernel's ticks: with its number that tells which one it is. '' of one that has ended.
start_of() {
    sed -n 's/.*) [^Z] //p' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 19
}

# kill_later PID: ended at the end of the test, whatever happens.
kill_later() {
    echo "$1 $(start_of "$1")" >> "$T/pids"
}

has_ended() {
    [ "$(start_of "$1")" != "$2" ]
}

# The program that talks to the provider, which may outlive whoever asked.
refresh_pids() {
    pgrep -f "$E2E_STAGE/libexec/xoauth2/refresh .*$ME\$"
}

no_refresh() {
    ! refresh_pids
}

# soon CONDITION...: a few seconds are given to it.
soon() {
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        ! "$@" > /dev/null || break
        sleep 0.05
    done
}

# Checkers have their say at the end of a process.
end_processes() {
    local pid start
    touch "$T/pids"
    while read -r pid start; do
        [ "$(start_of "$pid")" = "${start:-ended}" ] || continue
        kill "$pid" 2> /dev/null || true
        soon has_ended "$pid" "$start"
    done < "$T/pids"
    soon no_refresh
}

report_test() {
    local name=$1 result=$2 seconds=$3
    echo "$result $name" >> "$E2E_RESULTS"
    case $result in
        passed) echo "ok - $name (${seconds}s)" ;;
        skipped) echo "ok - $name # SKIP $(cat "$T/skipped")" ;;
        failed)
            echo "not ok - $name (${seconds}s)"
            sed 's/^/# /' "$T/log"
            [ ! -s "$T/agent.log" ] || tail -n 20 "$T/agent.log" | sed 's/^/# agent.log: /'
            ;;
    esac
}

one_test() {
    local function=$1 result=passed rc=0 start=$SECONDS
    fresh_home "$FILE-${function#test_}"
    oauth_defaults
    fault_defaults
    mark_requests
    ! declare -F before_test > /dev/null || before_test
    set +e
    (
        set -e
        "$function"
    ) > "$T/log" 2>&1 < /dev/null
    rc=$?
    set -e
    [ "$rc" -eq 0 ] || result=failed
    end_processes
    { hunt_secrets && hunt_modes && wrap_verdict; } >> "$T/log" 2>&1 || result=failed
    [ "$result" = failed ] || [ ! -f "$T/skipped" ] || result=skipped
    report_test "$FILE: ${function#test_}" "$result" $((SECONDS - start))
    cd "$E2E_RUN"
}

# Runs the test functions of the file; with E2E_ONLY those whose names match it.
run_tests() {
    local function
    FILE=$(basename "$0" .sh)
    FILE=${FILE#test-}
    while read -r function; do
        [[ -z ${E2E_ONLY:-} || $function =~ $E2E_ONLY ]] || continue
        one_test "$function"
    done < <(compgen -A function test_)
}
