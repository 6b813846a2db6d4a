#include "config.h"

#include "store.h"

#include "clock.h"
#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct state s;
static struct report why;

static int setup(void **state)
{
    state_init(&s);
    why = (struct report){0};
    return store_folder_setup(state);
}

static int teardown(void **state)
{
    (void)state;
    state_free(&s);
    return 0;
}

static void fill(const char *access_token)
{
    assert_true(state_set(&s.access_token, access_token));
    assert_true(state_set(&s.refresh_token, "rt"));
    s.obtained_at = 1000;
    s.expires_at = 4600;
}

static void save(void)
{
    if (!state_save(&s, &paths, "me@x.org", &why))
        fail_msg("%s", why.text);
}

static void load(void)
{
    state_free(&s);
    if (state_load(&s, &paths, "me@x.org", &why) != READFILE_OK)
        fail_msg("%s", why.text);
}

/* Refused with these words, and the file is as it was. */
static void refused(const char *words)
{
    struct stat before;
    struct stat after;
    const char *path = folder_path("state/me@x.org.json");
    assert_int_equal(lstat(path, &before), 0);
    state_free(&s);
    assert_int_equal(state_load(&s, &paths, "me@x.org", &why), READFILE_REFUSED);
    assert_int_equal(why.code, FAILURE_CONFIG);
    if (!strstr(why.text, words) || !strstr(why.text, "state"))
        fail_msg("'%s' does not say '%s'", why.text, words);
    assert_int_equal(lstat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_size, after.st_size);
}

static void everything_comes_back(void **state)
{
    (void)state;
    fill("at");
    s.refresh_obtained_at = 7;
    s.refresh_expires_at = 8;
    s.login_at = 9;
    assert_true(state_set(&s.signed_in_as, "m\xc3\xa4@x.org"));
    assert_true(state_set(&s.scope, "a \"b\" \\c"));
    assert_true(state_set(&s.issuer, "https://x.org/"));
    assert_true(state_set(&s.client_id, "c"));
    assert_true(state_set(&s.token_endpoint, "https://x.org/t"));
    assert_true(state_set(&s.revocation_endpoint, "https://x.org/r"));
    assert_true(state_set(&s.userinfo_endpoint, "https://x.org/u"));
    assert_true(state_set(&s.client_authentication, "basic"));
    s.last_error = (struct state_error){.code = FAILURE_LOGIN_NEEDED, .at = 5, .retry_at = 6};
    assert_true(state_set(&s.last_error.error, "invalid_grant"));
    assert_true(state_set(&s.last_error.message, "log in"));
    save();
    load();
    assert_string_equal(s.access_token, "at");
    assert_string_equal(s.refresh_token, "rt");
    assert_int_equal(s.obtained_at, 1000);
    assert_int_equal(s.expires_at, 4600);
    assert_int_equal(s.refresh_obtained_at, 7);
    assert_int_equal(s.refresh_expires_at, 8);
    assert_int_equal(s.login_at, 9);
    assert_string_equal(s.signed_in_as, "m\xc3\xa4@x.org");
    assert_string_equal(s.scope, "a \"b\" \\c");
    assert_string_equal(s.issuer, "https://x.org/");
    assert_string_equal(s.client_id, "c");
    assert_string_equal(s.token_endpoint, "https://x.org/t");
    assert_string_equal(s.revocation_endpoint, "https://x.org/r");
    assert_string_equal(s.userinfo_endpoint, "https://x.org/u");
    assert_string_equal(s.client_authentication, "basic");
    assert_int_equal(s.last_error.code, FAILURE_LOGIN_NEEDED);
    assert_string_equal(s.last_error.error, "invalid_grant");
    assert_string_equal(s.last_error.message, "log in");
    assert_int_equal(s.last_error.at, 5);
    assert_int_equal(s.last_error.retry_at, 6);
}

static void saved_file_is_private_whatever_the_umask(void **state)
{
    (void)state;
    struct stat st;
    fill("at");
    mode_t old = umask(0);
    save();
    umask(old);
    assert_int_equal(stat(folder_path("state/me@x.org.json"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(st.st_blocks * 512 < STATE_SIZE_MAX); /* what was reserved is given back */
    assert_int_equal(store_folder_count(), 1);
}

static void members_of_a_newer_version_stay(void **state)
{
    (void)state;
    store_folder_state("me@x.org", "{\"access_token\":\"at\",\"future\":{\"a\":[1,\"x\"]},\"other\":null}\n");
    load();
    s.expires_at = 5;
    save();
    const char *text = store_folder_read(folder_path("state/me@x.org.json"));
    assert_non_null(strstr(text, "\"future\""));
    assert_non_null(strstr(text, "\"x\""));
    assert_non_null(strstr(text, "\"other\""));
    load();
    assert_string_equal(s.access_token, "at");
    assert_int_equal(s.expires_at, 5);
}

static void two_full_tokens_fit_whatever_else_there_is(void **state)
{
    (void)state;
    enum { JUNK = 250000 };
    char *token = malloc(STATE_TOKEN_MAX + 1);
    char *text = malloc(JUNK + 100);
    assert_non_null(token);
    assert_non_null(text);
    memset(token, '"', STATE_TOKEN_MAX); /* doubled by JSON */
    token[STATE_TOKEN_MAX] = '\0';
    int len = sprintf(text, "{\"future\":\"");
    memset(text + len, 'x', JUNK);
    strcpy(text + len + JUNK, "\"}");
    store_folder_state("me@x.org", text);
    load();
    assert_true(state_set(&s.access_token, token));
    assert_true(state_set(&s.refresh_token, token));
    save();
    load();
    assert_string_equal(s.refresh_token, token);
    free(token);
    free(text);
}

static void missing_file_and_folder_are_no_error(void **state)
{
    (void)state;
    assert_int_equal(state_load(&s, &paths, "me@x.org", &why), READFILE_MISSING);
    assert_int_equal(rmdir(paths.state), 0);
    assert_int_equal(state_load(&s, &paths, "me@x.org", &why), READFILE_MISSING);
    assert_string_equal(why.text, "");
}

static void readable_by_others_is_refused(void **state)
{
    (void)state;
    chmod(store_folder_state("me@x.org", "{}"), 0640);
    refused("may be accessed by others (mode 0640): run 'chmod 0600 ");
}

static void foreign_owner_is_refused(void **state)
{
    (void)state;
    const char *path = store_folder_state("me@x.org", "{}");
    store_folder_disown(path);
    refused("run 'chown ");
}

static void unreadable_is_told(void **state)
{
    (void)state;
    const char *path = store_folder_state("me@x.org", "{}");
    store_folder_sink();
    if (getuid() != 0)
        chmod(path, 0);
    enum readfile_result result = state_load(&s, &paths, "me@x.org", &why);
    store_folder_rise();
    assert_int_equal(result, READFILE_UNREADABLE);
    assert_non_null(strstr(why.text, "me@x.org.json: permission denied"));
}

static void symbolic_link_is_refused(void **state)
{
    (void)state;
    const char *real = store_folder_state("real", "{}");
    assert_int_equal(symlink(real, folder_path("state/me@x.org.json")), 0);
    refused("is a symbolic link");
}

static void oversized_is_refused(void **state)
{
    (void)state;
    assert_int_equal(truncate(store_folder_state("me@x.org", "{}"), STATE_SIZE_MAX + 1), 0);
    refused("larger than");
}

static void what_is_no_such_json_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "", " \n", "{", "{\"access_token\":\"at\",\"refresh_token\":\"r", "[]", "null", "1", "\"x\"", "{} {}", "{}x",
        "{'access_token':'a'}", "{\"a\":1,}", "/* c */ {}", "{\"a\":\"\xff\"}",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        store_folder_state("me@x.org", BAD[i]);
        refused("is damaged (it is not a whole JSON object): move it away and run 'xoauth2 login me@x.org'");
    }
}

static void wrong_members_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const BAD[][2] = {
        {"{\"access_token\":5}", "'access_token' is not a string"},
        {"{\"refresh_token\":[\"x\"]}", "'refresh_token' is not a string"},
        {"{\"expires_at\":\"5\"}", "'expires_at' is not a whole number"},
        {"{\"expires_at\":5.5}", "'expires_at' is not a whole number"},
        {"{\"expires_at\":-1}", "'expires_at' is not a time"},
        {"{\"obtained_at\":9223372036854775807}", "'obtained_at' is not a time"},
        {"{\"access_token\":\"a\\nb\"}", "'access_token' has control characters"},
        {"{\"access_token\":\"a\\u0000b\"}", "'access_token' has control characters"},
        {"{\"last_error\":\"x\"}", "'last_error' is not an object with a 'code'"},
        {"{\"last_error\":{}}", "'last_error' is not an object with a 'code'"},
        {"{\"last_error\":{\"code\":\"config\",\"at\":\"x\"}}", "'at' is not a whole number"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        store_folder_state("me@x.org", BAD[i][0]);
        refused(BAD[i][1]);
    }
}

static void overlong_token_is_refused(void **state)
{
    (void)state;
    char *text = malloc(STATE_TOKEN_MAX + 100);
    assert_non_null(text);
    int len = sprintf(text, "{\"access_token\":\"");
    memset(text + len, 'x', STATE_TOKEN_MAX + 1);
    strcpy(text + len + STATE_TOKEN_MAX + 1, "\"}");
    store_folder_state("me@x.org", text);
    refused("'access_token' is too long");
    free(text);
}

static void open_folder_is_refused(void **state)
{
    (void)state;
    store_folder_state("me@x.org", "{}");
    chmod(paths.state, 0755);
    refused("may be accessed by others (mode 0755): run 'chmod 0700 ");
    assert_int_equal(store_lock(&paths, "me@x.org", clock_monotonic(), &why), -1);
    assert_false(state_save(&s, &paths, "me@x.org", &why));
    assert_true(store_folder_count() == 1);
}

static void foreign_folder_is_refused(void **state)
{
    (void)state;
    store_folder_state("me@x.org", "{}");
    store_folder_disown(paths.state);
    refused("run 'chown ");
    assert_int_equal(store_lock(&paths, "me@x.org", clock_monotonic(), &why), -1);
    assert_false(state_save(&s, &paths, "me@x.org", &why));
}

static void fresh_means_more_than_the_margin_is_left(void **state)
{
    (void)state;
    assert_false(state_is_fresh(&s, 1000, 0));
    fill("at");
    assert_true(state_is_fresh(&s, 1000, 300));
    assert_true(state_is_fresh(&s, 4299, 300));
    assert_false(state_is_fresh(&s, 4300, 300));
    assert_false(state_is_fresh(&s, 4700, 0));
    s.expires_at = 0;
    assert_false(state_is_fresh(&s, 1000, 0));
}

static void margin_is_at_most_half_of_the_lifetime(void **state)
{
    (void)state;
    fill("at");
    assert_true(state_is_fresh(&s, 2799, 86400));
    assert_false(state_is_fresh(&s, 2800, 86400));
}

static void token_from_the_future_is_not_fresh(void **state)
{
    (void)state;
    fill("at");
    assert_false(state_is_fresh(&s, 999, 300));
    assert_true(state_is_valid(&s, 999));
}

static void valid_until_shortly_before_the_end(void **state)
{
    (void)state;
    fill("at");
    assert_true(state_is_valid(&s, 4600 - STATE_LAST_SECONDS - 1));
    assert_false(state_is_valid(&s, 4600 - STATE_LAST_SECONDS));
    assert_true(state_set(&s.access_token, ""));
    assert_false(state_is_valid(&s, 1000));
}

static void second_lock_waits_until_its_deadline(void **state)
{
    (void)state;
    int first = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(first >= 0);
    assert_int_equal(store_lock(&paths, "me@x.org", clock_monotonic() + 20, &why), -1);
    assert_int_equal(why.code, FAILURE_BUSY);
    int other = store_lock(&paths, "other@x.org", clock_monotonic(), &why);
    assert_true(other >= 0);
    store_unlock(&first);
    assert_int_equal(first, -1);
    first = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(first >= 0);
    store_unlock(&first);
    store_unlock(&other);
}

static void lock_lives_as_long_as_its_last_copy(void **state)
{
    (void)state;
    int lock = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(lock >= 0);
    assert_int_equal(fcntl(lock, F_GETFD), FD_CLOEXEC);
    int copy = dup(lock);
    store_unlock(&lock);
    assert_int_equal(store_lock(&paths, "me@x.org", clock_monotonic(), &why), -1);
    store_unlock(&copy);
    lock = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(lock >= 0);
    store_unlock(&lock);
}

static void lock_makes_the_folder(void **state)
{
    (void)state;
    assert_int_equal(rmdir(paths.state), 0);
    int lock = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(lock >= 0);
    store_unlock(&lock);
}

static void removed_lock_is_made_anew(void **state)
{
    (void)state;
    int first = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(first >= 0);
    assert_int_equal(unlink(folder_path("state/me@x.org.lock")), 0);
    int second = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(second >= 0);
    assert_int_equal(access(folder_path("state/me@x.org.lock"), F_OK), 0);
    store_unlock(&first);
    store_unlock(&second);
}

/* The owner of the system's store must not get a file of root's by linking it. */
static void linked_file_of_root_is_not_given_away(void **state)
{
    (void)state;
    enum { OWNER = 65534 };
    struct stat st;
    if (geteuid() != 0) {
        print_message("only root can give files away\n");
        skip();
    }
    const char *precious = folder_write("precious", "x", 0600);
    assert_int_equal(link(precious, folder_path("state/me@x.org.lock")), 0);
    paths.system = true;
    paths.owner = OWNER;
    assert_int_equal(chown(paths.state, OWNER, (gid_t)-1), 0);
    assert_int_equal(store_lock(&paths, "me@x.org", clock_monotonic(), &why), -1);
    assert_int_equal(stat(precious, &st), 0);
    assert_int_equal(st.st_uid, 0);
}

static void planted_lock_is_refused(void **state)
{
    (void)state;
    const char *path = folder_path("state/me@x.org.lock");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(store_lock(&paths, "me@x.org", clock_monotonic(), &why), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(store_lock(&paths, "me@x.org", clock_monotonic(), &why), -1);
    assert_int_equal(why.code, FAILURE_CONFIG);
}

static void abandoned_change_leaves_nothing(void **state)
{
    (void)state;
    struct state_writer w = STATE_WRITER_NONE;
    state_abandon(&w);
    fill("old");
    save();
    assert_true(state_prepare(&w, &paths, "me@x.org", &why));
    assert_int_equal(store_folder_count(), 2);
    state_abandon(&w);
    state_abandon(&w);
    assert_int_equal(store_folder_count(), 1);
    load();
    assert_string_equal(s.access_token, "old");
}

static void leftovers_are_swept_and_nothing_else(void **state)
{
    (void)state;
    folder_write("state/.me@x.org.json.abcdef", "x", 0600);
    folder_write("state/.me@x.org.json.ghijkl", "x", 0600);
    const char *others[] = {
        folder_write("state/.me@x.org.json.short", "x", 0600), folder_write("state/.me@x.org.json", "x", 0600),
        folder_write("state/.you@x.org.json.abcdef", "x", 0600),
        folder_write("state/me@x.org.json.abcdef", "x", 0600),
    };
    fill("at");
    save();
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(access(others[i], F_OK), 0);
    assert_int_equal(store_folder_count(), 5);
}

static void lock_and_unlock(void)
{
    int lock = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    if (lock < 0)
        fail_msg("%s", why.text);
    store_unlock(&lock);
}

/* Killed before the rename: its refresh token may be the only one that works. */
static void state_that_was_not_renamed_is_taken_by_the_next_lock(void **state)
{
    (void)state;
    fill("old");
    save();
    folder_write("state/.me@x.org.json.abcdef", "{\"access_token\": \"new\", \"refresh_token\": \"new-rt\"}\n", 0600);
    lock_and_unlock();
    load();
    assert_string_equal(s.access_token, "new");
    assert_string_equal(s.refresh_token, "new-rt");
    assert_int_equal(store_folder_count(), 2); /* the lock is a file, too */
}

/* A folder has an order of its own: the whole one is not always the first. */
static void state_that_was_not_renamed_is_found_among_halves(void **state)
{
    (void)state;
    for (char c = 'a'; c <= 'h'; c++) {
        char name[64];
        fill("old");
        save();
        for (char half = 'a'; half <= 'h'; half++) {
            snprintf(name, sizeof name, "state/.me@x.org.json.half%c%c", c, half);
            folder_write(name, "", 0600);
        }
        snprintf(name, sizeof name, "state/.me@x.org.json.whole%c", c);
        folder_write(name, "{\"refresh_token\": \"new-rt\"}\n", 0600);
        lock_and_unlock();
        load();
        assert_string_equal(s.refresh_token, "new-rt");
        assert_int_equal(store_folder_count(), 2);
    }
}

static void half_a_state_is_not_taken(void **state)
{
    (void)state;
    static const char *const HALVES[] = {"", "{\"access_token\": \"new\", \"refr"};
    fill("old");
    save();
    for (size_t i = 0; i < sizeof HALVES / sizeof HALVES[0]; i++) {
        folder_write("state/.me@x.org.json.abcdef", HALVES[i], 0600);
        lock_and_unlock();
        load();
        assert_string_equal(s.access_token, "old");
    }
}

static void somebody_elses_state_is_not_taken(void **state)
{
    (void)state;
    fill("old");
    save();
    folder_write("state/.me@x.org.json.abcdef", "{\"access_token\": \"new\"}", 0644);
    lock_and_unlock();
    load();
    assert_string_equal(s.access_token, "old");
}

/* Else an old one could be taken for a new one later. */
static void nothing_is_written_beside_a_leftover_that_stays(void **state)
{
    (void)state;
    struct state_writer w;
    fill("old");
    save();
    assert_int_equal(mkdir(folder_path("state/.me@x.org.json.abcdef"), 0700), 0);
    assert_false(state_prepare(&w, &paths, "me@x.org", &why));
    assert_int_equal(why.code, FAILURE_UNREACHABLE);
    assert_false(state_remove(&paths, "me@x.org", &why));
    load();
    assert_string_equal(s.access_token, "old");
    assert_int_equal(rmdir(folder_path("state/.me@x.org.json.abcdef")), 0);
}

static void removed_state_is_gone_with_its_leftovers(void **state)
{
    (void)state;
    fill("at");
    save();
    folder_write("state/.me@x.org.json.abcdef", "x", 0600);
    folder_write("state/me@x.org.told", "", 0600);
    folder_write("state/me@x.org.warned", "", 0600);
    assert_true(state_remove(&paths, "me@x.org", &why));
    assert_int_equal(store_folder_count(), 0);
    assert_true(state_remove(&paths, "me@x.org", &why));
}

static void read_only_folder_is_found_before_the_exchange(void **state)
{
    (void)state;
    struct state_writer w;
    fill("old");
    save();
    store_folder_sink();
    chmod(paths.state, 0500);
    bool ok = state_prepare(&w, &paths, "me@x.org", &why);
    chmod(paths.state, 0700);
    store_folder_rise();
    assert_false(ok);
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, "make its folder writable"));
    assert_int_equal(w.file.fd, -1);
}

/* In a child: a limit on file sizes has the effect of a full disk. */
static int prepare_with_little_room(void)
{
    struct state_writer w;
    struct rlimit little = {.rlim_cur = 1000, .rlim_max = 1000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &little) != 0)
        return 1;
    if (state_prepare(&w, &paths, "me@x.org", &why))
        return 2;
    return why.code == FAILURE_UNREACHABLE && strstr(why.text, "free some space") ? 0 : 3;
}

static void full_disk_is_found_before_the_exchange(void **state)
{
    (void)state;
    int status;
    fill("old");
    save();
    pid_t pid = fork();
    if (pid == 0)
        _exit(prepare_with_little_room());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    load();
    assert_string_equal(s.access_token, "old");
    assert_int_equal(store_folder_count(), 1);
}

/* The child that is going to be killed: saves a new state while its parent counts system calls. */
static void save_traced(void)
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(77);
    raise(SIGSTOP);
    if (!state_set(&s.access_token, "new") || !state_set(&s.refresh_token, "new-rt"))
        _exit(1);
    _exit(state_save(&s, &paths, "me@x.org", &why) ? 0 : 1);
}

/* Lets the child make `steps` stops at system calls and kills it then. Returns 1 when it ended before, 0 when it was
 * killed, -1 where tracing is not allowed. */
static int kill_after(int steps)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        save_traced();
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        return -1;
    for (int i = 0; i < steps; i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return 1;
        }
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return 0;
}

static void killed_at_every_system_call_leaves_old_or_new(void **state)
{
    (void)state;
    enum { STEPS_MAX = 5000 };
    int olds = 0;
    int news = 0;
    int ended = 0;
    for (int step = 0; !ended && step < STEPS_MAX; step++) {
        struct stat st;
        state_free(&s);
        fill("old");
        save();
        ended = kill_after(step);
        if (ended < 0) {
            print_message("tracing is not permitted here\n");
            skip();
        }
        assert_int_equal(stat(folder_path("state/me@x.org.json"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        load();
        bool is_new = strcmp(s.access_token, "new") == 0;
        assert_string_equal(s.access_token, is_new ? "new" : "old");
        assert_string_equal(s.refresh_token, is_new ? "new-rt" : "rt");
        olds += !is_new;
        news += is_new;
    }
    assert_int_equal(ended, 1);
    assert_true(olds > 5);
    assert_true(news > 2);
    save();
    assert_int_equal(store_folder_count(), 1);
}

static void the_systems_state_goes_to_its_owner(void **state)
{
    (void)state;
    enum { OWNER = 65534 };
    struct stat st;
    if (geteuid() != 0) {
        print_message("only root can give files away\n");
        skip();
    }
    paths.system = true;
    paths.owner = OWNER;
    assert_int_equal(chown(paths.state, OWNER, (gid_t)-1), 0);
    int lock = store_lock(&paths, "me@x.org", clock_monotonic(), &why);
    assert_true(lock >= 0);
    assert_int_equal(fstat(lock, &st), 0);
    assert_int_equal(st.st_uid, OWNER);
    fill("at");
    save();
    assert_int_equal(stat(folder_path("state/me@x.org.json"), &st), 0);
    assert_int_equal(st.st_uid, OWNER);
    assert_int_equal(st.st_mode & 07777, 0600);
    store_unlock(&lock);
    load();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(everything_comes_back),
        T(saved_file_is_private_whatever_the_umask),
        T(members_of_a_newer_version_stay),
        T(two_full_tokens_fit_whatever_else_there_is),
        T(missing_file_and_folder_are_no_error),
        T(readable_by_others_is_refused),
        T(foreign_owner_is_refused),
        T(unreadable_is_told),
        T(symbolic_link_is_refused),
        T(oversized_is_refused),
        T(what_is_no_such_json_is_refused),
        T(wrong_members_are_refused_by_name),
        T(overlong_token_is_refused),
        T(open_folder_is_refused),
        T(foreign_folder_is_refused),
        T(fresh_means_more_than_the_margin_is_left),
        T(margin_is_at_most_half_of_the_lifetime),
        T(token_from_the_future_is_not_fresh),
        T(valid_until_shortly_before_the_end),
        T(second_lock_waits_until_its_deadline),
        T(lock_lives_as_long_as_its_last_copy),
        T(lock_makes_the_folder),
        T(planted_lock_is_refused),
        T(removed_lock_is_made_anew),
        T(linked_file_of_root_is_not_given_away),
        T(abandoned_change_leaves_nothing),
        T(leftovers_are_swept_and_nothing_else),
        T(state_that_was_not_renamed_is_taken_by_the_next_lock),
        T(state_that_was_not_renamed_is_found_among_halves),
        T(half_a_state_is_not_taken),
        T(somebody_elses_state_is_not_taken),
        T(nothing_is_written_beside_a_leftover_that_stays),
        T(removed_state_is_gone_with_its_leftovers),
        T(read_only_folder_is_found_before_the_exchange),
        T(full_disk_is_found_before_the_exchange),
        T(killed_at_every_system_call_leaves_old_or_new),
        T(the_systems_state_goes_to_its_owner),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
