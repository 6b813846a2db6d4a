/* login FOLDER ROUNDS LENGTH WAY...: logs in ROUNDS times in each way, in turns, with a password of LENGTH
 * characters, and prints the median nanoseconds of each on a line.
 *
 * A way is a mechanism, or "MECHANISM+" for a login followed by running /bin/true. Where the plugin takes the token
 * from is decided by xoauth2.conf in SASL_CONF_PATH. The work is in a function of its own, so that a profiler can
 * count it alone. */
#include "config.h"

#include "client.h"
#include "timing.h"

#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAYS_MAX = 8, ROUNDS_MAX = 100000, LENGTH_MAX = 60000 };

struct way {
    char mechanism[32];
    bool and_true;
    int64_t *times;
};

static void run_true(void)
{
    char *const argv[] = {"true", NULL};
    pid_t pid = 0;
    int status = 0;
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid ||
        status != 0) {
        fputs("bench: cannot run /bin/true\n", stderr);
        exit(1);
    }
}

static void log_in(const struct way *way, const char *password)
{
    client_login(way->mechanism, password);
    if (way->and_true)
        run_true();
}

__attribute__((noinline)) void measured_login(const struct way *way, const char *password);

__attribute__((noinline)) void measured_login(const struct way *way, const char *password)
{
    log_in(way, password);
}

static struct way read_way(const char *text, size_t rounds)
{
    struct way way = {0};
    size_t len = strcspn(text, "+");
    snprintf(way.mechanism, sizeof way.mechanism, "%.*s", (int)len, text);
    way.and_true = text[len] == '+';
    way.times = calloc(rounds, sizeof *way.times);
    if (!way.times)
        exit(1);
    return way;
}

static void measure(struct way ways[], size_t count, size_t rounds, const char *password)
{
    for (size_t i = 0; i < count; i++) /* what happens only once: lazy binding, the first page of a heap */
        log_in(&ways[i], password);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++) {
            int64_t start = timing_now();
            measured_login(&ways[i], password);
            ways[i].times[round] = timing_now() - start;
        }
}

static size_t number(const char *text, size_t max)
{
    unsigned long value = strtoul(text, NULL, 10);
    return value < 1 ? 1 : value > max ? max : value;
}

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 4 + WAYS_MAX)
        return 2;
    size_t rounds = number(argv[2], ROUNDS_MAX);
    size_t len = number(argv[3], LENGTH_MAX);
    char *password = malloc(len + 1);
    if (!password)
        return 1;
    memset(password, 'a', len);
    password[len] = '\0';
    struct way ways[WAYS_MAX];
    size_t count = 0;
    for (int i = 4; i < argc; i++)
        ways[count++] = read_way(argv[i], rounds);
    client_init(argv[1]);
    measure(ways, count, rounds, password);
    for (size_t i = 0; i < count; i++) {
        printf("%" PRId64 "\n", timing_median(ways[i].times, rounds));
        free(ways[i].times);
    }
    free(password);
    return 0;
}
