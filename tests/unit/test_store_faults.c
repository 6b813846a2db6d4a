/* The store when calls fail: each call of each function in turn. Nothing that was kept is lost, and nothing is called
 * a success that is none. */
#include "config.h"

#include "store.h"

#include "challenge.h"
#include "clock.h"
#include "fault.h"
#include "folder.h"
#include "store_folder.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char NAME[] = "me@x.org";
static const char OLD[] =
    "{\"access_token\": \"old\", \"refresh_token\": \"old-refresh\", \"newer\": [\"member\"]}\n";

enum { LOCK_WAIT = 40 /* milliseconds */, ATTEMPTS_LEAST = 30 };

static struct report why;

static int lowest_descriptor(void)
{
    int fd = dup(STDIN_FILENO); /* which never fails here */
    close(fd);
    return fd;
}

static void expect_report(const struct fault *fault)
{
    if (why.code == FAILURE_NONE || !why.text[0])
        fail_msg("nothing is said of %s", fault->function);
}

static void expect_token(const char *token, const struct fault *fault)
{
    struct state s;
    struct report ignored;
    if (state_load(&s, &paths, NAME, &ignored) != READFILE_OK)
        fail_msg("%s: after %s (%s)", ignored.text, fault->function, strerror(fault->error));
    assert_string_equal(s.access_token, token);
    state_free(&s);
}

static int lock_store(void)
{
    return store_lock(&paths, NAME, clock_monotonic() + LOCK_WAIT, &why);
}

/* What every change of a state does. */
static bool change(void)
{
    struct state s;
    struct state_writer w = STATE_WRITER_NONE;
    int lock = lock_store();
    state_init(&s);
    bool ok = lock >= 0 && state_load(&s, &paths, NAME, &why) == READFILE_OK;
    if (ok && !(state_set(&s.access_token, "new") && state_set(&s.refresh_token, "new-refresh") &&
                state_set(&s.last_error.message, "the last time")))
        ok = report_set(&why, FAILURE_UNREACHABLE, "not enough memory");
    s.obtained_at = 1000;
    s.last_error.code = FAILURE_BUSY;
    s.last_error.at = 1000;
    ok = ok && state_prepare(&w, &paths, NAME, &why) && state_commit(&w, &s, &why);
    state_abandon(&w);
    state_free(&s);
    store_unlock(&lock);
    return ok;
}

static void attempt_change(void *arg, const struct fault *fault)
{
    int fd = lowest_descriptor();
    (void)arg;
    why = (struct report){0};
    bool ok = change();
    fault_end();
    if (!ok)
        expect_report(fault);
    assert_null(strstr(why.text, "damaged")); /* it is not */
    expect_token(ok ? "new" : "old", fault);
    assert_int_equal(lowest_descriptor(), fd);
    /* A file that could not be removed is swept the next time. */
    int files = store_folder_count();
    assert_true(files == 1 || files == 2 || strcmp(fault->function, "unlinkat") == 0);
}

static void put_old_state(void)
{
    store_folder_setup(NULL);
    store_folder_state(NAME, OLD);
}

static void change_is_made_or_not(void **state)
{
    (void)state;
    assert_true(fault_each(put_old_state, attempt_change, NULL) > ATTEMPTS_LEAST);
}

/* As where an application has just been started for the first time. */
static void attempt_first(void *arg, const struct fault *fault)
{
    struct state s;
    (void)arg;
    why = (struct report){0};
    state_init(&s);
    state_set(&s.access_token, "new");
    int lock = lock_store();
    bool ok = lock >= 0 && state_save(&s, &paths, NAME, &why);
    bool has_token = s.access_token;
    state_free(&s);
    store_unlock(&lock);
    fault_end();
    if (!ok)
        expect_report(fault);
    else if (has_token)
        expect_token("new", fault);
}

static void remove_folder(void)
{
    store_folder_setup(NULL);
    assert_int_equal(rmdir(paths.state), 0);
}

static void first_state_of_all(void **state)
{
    (void)state;
    fault_each(remove_folder, attempt_first, NULL);
}

static void attempt_remove(void *arg, const struct fault *fault)
{
    (void)arg;
    why = (struct report){0};
    bool ok = state_remove(&paths, NAME, &why);
    fault_end();
    if (!ok)
        expect_report(fault);
    else
        assert_int_equal(access(folder_path("state/me@x.org.json"), F_OK), -1);
}

static void state_is_removed_or_not(void **state)
{
    (void)state;
    fault_each(put_old_state, attempt_remove, NULL);
}

static void put_leftover(void)
{
    put_old_state();
    folder_write("state/.me@x.org.json.abcdef", "{\"access_token\": \"new\", \"refresh_token\": \"new-refresh\"}\n",
                 0600);
}

static void attempt_finish(void *arg, const struct fault *fault)
{
    (void)arg;
    why = (struct report){0};
    int lock = lock_store();
    fault_end();
    if (lock < 0) {
        expect_report(fault);
        lock = lock_store();
        assert_true(lock >= 0);
    }
    expect_token("new", fault); /* before anything else is written, which would remove what was left */
    store_unlock(&lock);
}

static void what_was_begun_is_finished_or_left(void **state)
{
    (void)state;
    assert_true(fault_each(put_leftover, attempt_finish, NULL) > 0);
}

static void plan(const char *function, int error, int first, int count)
{
    static struct fault fault;
    fault = (struct fault){function, error};
    fault_plan(&fault, first, count);
}

static void expect_words(const char *words)
{
    assert_true(fault_end());
    if (!strstr(why.text, words))
        fail_msg("'%s' does not say '%s'", why.text, words);
}

/* Where the file system cannot reserve, zeros are written, and cut off before the file counts. */
static void file_system_that_cannot_reserve(void **state)
{
    (void)state;
    struct stat st;
    store_folder_state(NAME, OLD);
    plan("fallocate", EOPNOTSUPP, 1, 1);
    assert_true(change());
    assert_true(fault_end());
    expect_token("new", NULL);
    assert_int_equal(stat(folder_path("state/me@x.org.json"), &st), 0);
    assert_true(st.st_size < 4096);
}

static void open_new(struct newfile *f)
{
    int folder = open(paths.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(newfile_open(f, folder, paths.state, "f", &why));
}

/* A file of the kernel's cannot reserve, and takes no zeros either. */
static void zeros_that_cannot_be_written(void **state)
{
    (void)state;
    struct newfile f;
    open_new(&f);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && dup2(fd, f.fd) == f.fd);
    close(fd);
    plan("pwrite", EINTR, 1, 1);
    assert_false(newfile_reserve(&f, 4096, &why));
    expect_words("cannot write");
    assert_int_equal(store_folder_count(), 0);
}

static void file_that_would_pass_its_limit(void **state)
{
    (void)state;
    struct newfile f;
    struct rlimit before;
    open_new(&f);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit low = {.rlim_cur = 1024, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    bool ok = newfile_reserve(&f, 4096, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(ok);
    assert_non_null(strstr(why.text, "File too large: free some space"));
}

static void state_that_cannot_be_printed(void **state)
{
    (void)state;
    struct state s;
    state_init(&s);
    store_folder_state(NAME, OLD);
    plan("json_object_to_json_string_length", 0, 1, 2); /* the second time without what a newer version wrote */
    assert_false(state_save(&s, &paths, NAME, &why));
    expect_words("not enough memory");
    expect_token("old", NULL);
}

static void random_numbers_are_short(void **state)
{
    (void)state;
    store_folder_state(NAME, OLD);
    plan("getrandom", EINTR, 1, 1);
    assert_false(change());
    expect_words("cannot write");
}

static void names_that_are_too_long(void **state)
{
    (void)state;
    char name[NAME_MAX + 1];
    char path[PATH_MAX];
    struct newfile f;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    int folder = open(paths.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_false(newfile_open(&f, folder, paths.state, name, &why));
    assert_non_null(strstr(why.text, "File name too long"));
    memset(paths.state, 'p', sizeof paths.state - 1);
    paths.state[sizeof paths.state - 1] = '\0';
    state_path(&paths, NAME, path);
    assert_string_equal(path, "");
}

static void folder_that_cannot_be_opened(void **state)
{
    (void)state;
    plan("open", EACCES, 1, 1);
    assert_int_equal(store_lock(&paths, NAME, 0, &why), -1);
    expect_words("run this as its owner");
}

static void folder_that_goes_away_at_once(void **state)
{
    (void)state;
    assert_int_equal(rmdir(paths.state), 0);
    plan("open", ENOENT, 3, 1); /* to see whether it is there; to give it its mode; to use it */
    assert_int_equal(store_lock(&paths, NAME, 0, &why), -1);
    expect_words("is removed as soon as it is made");
}

static void folder_that_is_missing(void **state)
{
    (void)state;
    struct state_writer w;
    assert_int_equal(rmdir(paths.state), 0);
    assert_false(state_prepare(&w, &paths, NAME, &why));
    assert_non_null(strstr(why.text, "is missing: run the command again"));
    assert_true(state_remove(&paths, NAME, &why)); /* there is none to remove */
}

static void file_system_without_locks(void **state)
{
    (void)state;
    plan("flock", ENOLCK, 1, 1);
    assert_int_equal(store_lock(&paths, NAME, clock_monotonic() + LOCK_WAIT, &why), -1);
    expect_words("cannot lock");
}

/* Locked, and then not the file any more that others find. */
static void lock_that_is_replaced_all_the_time(void **state)
{
    (void)state;
    plan("fstat", EIO, 3, 1);
    int lock = store_lock(&paths, NAME, clock_monotonic() + LOCK_WAIT, &why);
    assert_true(lock >= 0);
    assert_true(fault_end());
    store_unlock(&lock);
}

static void system_store_that_cannot_be_given_away(void **state)
{
    (void)state;
    struct state_writer w;
    if (geteuid() != 0)
        return; /* only root gives files away */
    paths.system = true;
    paths.owner = 65534;
    assert_int_equal(chown(paths.state, 65534, (gid_t)-1), 0);
    plan("fchown", EPERM, 1, 1);
    assert_int_equal(store_lock(&paths, NAME, 0, &why), -1);
    expect_words("cannot give");
    plan("fchown", EPERM, 1, 1);
    assert_false(state_prepare(&w, &paths, NAME, &why));
    expect_words("cannot give");
    plan("fstat", EIO, 2, 1);
    assert_false(state_prepare(&w, &paths, NAME, &why));
    expect_words("cannot give");
}

/* It is taken for one that says nothing. */
static void challenge_when_memory_is_short(void **state)
{
    (void)state;
    static const char CHALLENGE[] = "{\"status\":\"401\"}";
    plan("json_tokener_new_ex", 0, 1, 1);
    assert_int_equal(challenge_read(CHALLENGE, strlen(CHALLENGE)).verdict, CHALLENGE_OTHER);
    assert_true(fault_end());
    assert_int_equal(challenge_read(CHALLENGE, strlen(CHALLENGE)).verdict, CHALLENGE_STALE);
}

static void nothing_to_free(void **state)
{
    (void)state;
    state_free(NULL);
    store_unlock(&(int){-1});
}

static void count_name(void *arg, const char *name)
{
    assert_string_equal(name, "robot@x.org me@x.org");
    ++*(int *)arg;
}

static void states_of_users(void **state)
{
    (void)state;
    int count = 0;
    store_folder_state("robot@x.org me@x.org", OLD);
    store_folder_state("robot@x.org", OLD);
    store_folder_state("robot@x.orgs me@x.org", OLD);
    state_each_user(&paths, "robot@x.org", count_name, &count);
    assert_int_equal(count, 1);
}

static int begin(void **state)
{
    why = (struct report){0};
    return store_folder_setup(state);
}

static int end(void **state)
{
    (void)state;
    fault_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(change_is_made_or_not, begin, end),
        cmocka_unit_test_setup_teardown(first_state_of_all, begin, end),
        cmocka_unit_test_setup_teardown(state_is_removed_or_not, begin, end),
        cmocka_unit_test_setup_teardown(what_was_begun_is_finished_or_left, begin, end),
        cmocka_unit_test_setup_teardown(file_system_that_cannot_reserve, begin, end),
        cmocka_unit_test_setup_teardown(zeros_that_cannot_be_written, begin, end),
        cmocka_unit_test_setup_teardown(file_that_would_pass_its_limit, begin, end),
        cmocka_unit_test_setup_teardown(state_that_cannot_be_printed, begin, end),
        cmocka_unit_test_setup_teardown(random_numbers_are_short, begin, end),
        cmocka_unit_test_setup_teardown(names_that_are_too_long, begin, end),
        cmocka_unit_test_setup_teardown(folder_that_cannot_be_opened, begin, end),
        cmocka_unit_test_setup_teardown(folder_that_goes_away_at_once, begin, end),
        cmocka_unit_test_setup_teardown(folder_that_is_missing, begin, end),
        cmocka_unit_test_setup_teardown(file_system_without_locks, begin, end),
        cmocka_unit_test_setup_teardown(lock_that_is_replaced_all_the_time, begin, end),
        cmocka_unit_test_setup_teardown(system_store_that_cannot_be_given_away, begin, end),
        cmocka_unit_test_setup_teardown(challenge_when_memory_is_short, begin, end),
        cmocka_unit_test_setup_teardown(nothing_to_free, begin, end),
        cmocka_unit_test_setup_teardown(states_of_users, begin, end),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
