/* Running a command that an account file names: token_command, client_secret_command, store_read, store_write.
 *
 * No shell is involved. The line is split into words at blanks; '...' keeps everything between the quotes as it is;
 * "..." does too, but for \" and \\; a backslash outside of quotes takes the next character as it is. Nothing is
 * expanded: no variables, no patterns, no "~". The program is an absolute path or a name that is looked for in
 * RUNNER_PATH.
 *
 * The command starts in "/" with a session of its own, default signals, no descriptor but the standard three,
 * standard error on /dev/null, and of the environment only what tells it who and where the user is (runner.c has the
 * list). What it writes is never shown or logged: it may be a secret. */
#ifndef XOAUTH2_RUNNER_H
#define XOAUTH2_RUNNER_H

#include "failure.h"
#include "secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RUNNER_PATH "/usr/local/bin:/usr/bin:/bin"
#define RUNNER_LINE_MAX 4096     /* bytes of a command line */
#define RUNNER_WORDS_MAX 64      /* words of it */
#define RUNNER_OUTPUT_MAX 262144 /* bytes of its standard output */
#define RUNNER_TIMEOUT 20000     /* milliseconds, where a caller has no deadline of its own */

/* Whether the line can be run: NULL, or a static text that says what is wrong. Finds no program. */
const char *runner_check(const char *line);

#define RUNNER_AS_WE_ARE ((uid_t)-1)

/* Runs the line and waits for its end, at most `timeout` milliseconds; then its process group is killed. `what` names
 * it in reports, such as "/etc/xoauth2/accounts/a.conf:7: 'token_command'". `input` is what it reads on standard
 * input, whole from the start, so that it gets all of it even if this process dies; NULL: /dev/null. `output`
 * (emptied first, limit RUNNER_OUTPUT_MAX) gets what it wrote; NULL: discarded. False with FAILURE_CONFIG (not found,
 * failed by status 1 to 255, too much output) or FAILURE_UNREACHABLE (time-out, killed, status 75).
 * `user` is who runs it, which only root can choose: RUNNER_AS_WE_ARE, or the id of a user who is in the table of
 * users or has the group of the same number. Then the environment says nothing of us. */
bool runner_run(const char *line, const char *what, uid_t user, const struct secret *input, struct secret *output,
                int64_t timeout, struct report *why);

/* Starts the line with `more` words behind it (ending with NULL), without input or output, and does not wait for it:
 * the caller reaps it some time. False as runner_run(). */
bool runner_start(const char *line, const char *what, const char *const more[], struct report *why);

#endif
