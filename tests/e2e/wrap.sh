# shellcheck shell=bash
# Running the programs under a checker. E2E_WRAP is empty, `valgrind` or `asan` (the stage was then built with the
# sanitizers). Only faults in our own code count: mail programs have leaks of their own.

# Fills CLIENT_WRAP, the words before a mail program's command, and CLIENT_LIMIT, the seconds it has.
wrap_client() {
    CLIENT_WRAP=(env "LD_PRELOAD=$E2E_WORK/watch-client.so" "E2E_SYSLOG=$T/syslog")
    CLIENT_LIMIT=$CLIENT_SECONDS
    case ${E2E_WRAP:-} in
        valgrind)
            CLIENT_LIMIT=$((CLIENT_SECONDS * 6))
            CLIENT_WRAP+=(valgrind -q --trace-children=no --leak-check=full --keep-debuginfo=yes --fullpath-after=
                --num-callers=40 "--log-file=$T/valgrind.client.%p")
            ;;
        asan)
            CLIENT_LIMIT=$((CLIENT_SECONDS * 3))
            CLIENT_WRAP+=("LD_PRELOAD=$(gcc -print-file-name=libasan.so):$E2E_WORK/watch-client.so"
                "ASAN_OPTIONS=detect_leaks=0:log_path=$T/asan" "UBSAN_OPTIONS=log_path=$T/ubsan:print_stacktrace=1")
            ;;
    esac
}

# client COMMAND...: a mail program, which ends or has failed.
client() {
    wrap_client
    limit "$CLIENT_LIMIT" "${CLIENT_WRAP[@]}" "$@"
}

# Fills OWN_WRAP, the words before a command of ours.
wrap_own() {
    OWN_WRAP=(env)
    case ${E2E_WRAP:-} in
        valgrind)
            OWN_WRAP=(valgrind -q --trace-children=yes "--trace-children-skip=*/node,*/browser,*/env,*/sh"
                --leak-check=full --errors-for-leak-kinds=definite "--log-file=$T/valgrind.own.%p")
            ;;
        asan)
            OWN_WRAP=(env "ASAN_OPTIONS=log_path=$T/asan" "UBSAN_OPTIONS=log_path=$T/ubsan:print_stacktrace=1")
            ;;
    esac
}

# xoauth2 ARGUMENT...: ours, without a terminal, so everything counts.
xoauth2() {
    wrap_own
    setsid -w timeout -k 2 "$OWN_SECONDS" "${OWN_WRAP[@]}" "$E2E_STAGE/bin/xoauth2" "$@"
}

# start_xoauth2 ARGUMENT...: the same in the background. Sets OWN_PID, whose status is the command's; it heeds Ctrl-C.
start_xoauth2() {
    rm -f "$T/out" "$T/err" # nobody is to see there what an earlier one wrote
    wrap_own
    setsid timeout -k 2 "$OWN_SECONDS" "${OWN_WRAP[@]}" env --default-signal=INT "$E2E_STAGE/bin/xoauth2" "$@" \
        > "$T/out" 2> "$T/err" < /dev/null &
    OWN_PID=$!
    kill_later "$OWN_PID"
}

# Fails when a checker found something in the test that has just ended.
wrap_verdict() {
    local file bad=0
    for file in "$T"/asan.* "$T"/ubsan.* "$T"/valgrind.own.*; do
        [ -s "$file" ] || continue
        echo "FAILED: $(basename "$file"):"
        cat "$file"
        bad=1
    done
    for file in "$T"/valgrind.client.*; do
        grep -qsE 'libsasl2-xoauth2|/(plugin|common)/[a-z_]+\.c:' "$file" || continue
        echo "FAILED: $(basename "$file"):"
        cat "$file"
        bad=1
    done
    return $bad
}
