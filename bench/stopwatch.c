/* stopwatch ROUNDS INPUT COMMAND [ARGUMENT...] [-- COMMAND [ARGUMENT...]]...: runs the commands ROUNDS times each, in
 * turns, with the file INPUT as their standard input, and prints the median nanoseconds of each, from start to end,
 * on a line. A command that does not exit with 0 ends it all. */
#include "config.h"

#include "timing.h"

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMANDS_MAX = 8, ROUNDS_MAX = 100000 };

struct command {
    char **argv;
    int64_t *times;
};

static void set_up_streams(posix_spawn_file_actions_t *actions, const char *input)
{
    if (posix_spawn_file_actions_init(actions) != 0 ||
        posix_spawn_file_actions_addopen(actions, 0, input, O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0) != 0)
        exit(1);
}

static int64_t run(const struct command *command, const posix_spawn_file_actions_t *actions)
{
    pid_t pid = 0;
    int status = 0;
    int64_t start = timing_now();
    if (posix_spawn(&pid, command->argv[0], actions, NULL, command->argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bench: %s failed (status %d)\n", command->argv[0],
                WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        exit(1);
    }
    return timing_now() - start;
}

/* Splits argv at each "--"; returns how many commands there are. */
static size_t split(char **argv, struct command commands[], size_t rounds)
{
    size_t count = 0;
    while (*argv && count < COMMANDS_MAX) {
        commands[count].argv = argv;
        commands[count].times = calloc(rounds, sizeof(int64_t));
        if (!commands[count].times)
            exit(1);
        count++;
        while (*argv && strcmp(*argv, "--") != 0)
            argv++;
        if (*argv)
            *argv++ = NULL;
    }
    return count;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    size_t rounds = strtoul(argv[1], NULL, 10);
    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    struct command commands[COMMANDS_MAX];
    size_t count = split(argv + 3, commands, rounds);
    posix_spawn_file_actions_t actions;
    set_up_streams(&actions, argv[2]);
    for (size_t i = 0; i < count; i++) /* so that every file is in memory */
        run(&commands[i], &actions);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < count; i++)
            commands[i].times[round] = run(&commands[i], &actions);
    for (size_t i = 0; i < count; i++) {
        printf("%" PRId64 "\n", timing_median(commands[i].times, rounds));
        free(commands[i].times);
    }
    posix_spawn_file_actions_destroy(&actions);
    return 0;
}
