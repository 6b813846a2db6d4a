/* A helper program for tests. FAKE_HELPER says how it behaves; FAKE_RECORD names a file for what it was asked. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536 };

static char request[REQUEST_MAX + 1];

/* Keeps a sanitizer in this program from handling signals, which is what the program looks for. */
const char *__asan_default_options(void);
__attribute__((used, visibility("default"))) const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0";
}

static void say(const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t done = write(STDOUT_FILENO, text, len);
        if (done < 0)
            exit(1);
        text += done;
        len -= (size_t)done;
    }
}

static void read_request(void)
{
    size_t len = 0;
    while (len < REQUEST_MAX && !strstr(request, "\n\n")) {
        ssize_t got = read(STDIN_FILENO, request + len, REQUEST_MAX - len);
        if (got <= 0)
            exit(1);
        len += (size_t)got;
        request[len] = '\0';
    }
    const char *record = getenv("FAKE_RECORD");
    FILE *file = record ? fopen(record, "a") : NULL;
    if (file) {
        fputs(request, file);
        fclose(file);
    }
}

/* Which descriptors are open beyond the standard ones, or a standard one that is missing; 0 if all is well. */
static int stray_descriptor(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            return 1000 + fd;
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    int stray = 0;
    while (dir && (entry = readdir(dir)) != NULL) {
        int fd = atoi(entry->d_name);
        if (fd > 2 && fd != dirfd(dir))
            stray = fd;
    }
    if (dir)
        closedir(dir);
    return dir ? stray : 2000;
}

static int stray_signal(void)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigismember(&mask, number) == 1)
            return 100 + number;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            return number;
    }
    return 0;
}

static int stderr_is_null(void)
{
    struct stat err;
    struct stat null;
    return fstat(STDERR_FILENO, &err) == 0 && stat("/dev/null", &null) == 0 && err.st_rdev == null.st_rdev;
}

/* Answers with what was found, as the text of an error. */
static void examine(int argc, char **argv)
{
    char text[256];
    read_request();
    snprintf(text, sizeof text,
             "error\nversion=1\ncode=config\nmessage=arguments %d %s %s, descriptor %d, signal %d, stderr %d\n\n",
             argc, argv[0], argv[1], stray_descriptor(), stray_signal(), stderr_is_null());
    say(text);
}

static void flood(void)
{
    char line[1025];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    read_request();
    for (;;)
        say(line);
}

static void dribble(const char *text)
{
    read_request();
    for (; *text; text++) {
        char byte[2] = {*text, '\0'};
        say(byte);
    }
}

static void ignore_the_end(void)
{
    signal(SIGTERM, SIG_IGN);
    read_request();
    say("ok\nversion=1\ntoken=late\n\n");
    for (;;)
        pause();
}

static void hang(void)
{
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    const char *mode = getenv("FAKE_HELPER");
    if (!mode)
        return 1;
    fputs("this must not be seen\n", stderr);
    if (strcmp(mode, "hang") == 0)
        hang();
    else if (strcmp(mode, "die") == 0)
        return 3;
    else if (strcmp(mode, "early") == 0)
        say("ok\nversion=1\ntoken=early\n\n");
    else if (strcmp(mode, "flood") == 0)
        flood();
    else if (strcmp(mode, "dribble") == 0)
        dribble("ok\nversion=1\ntoken=drop-by-drop\n\n");
    else if (strcmp(mode, "linger") == 0)
        ignore_the_end();
    else if (strcmp(mode, "examine") == 0)
        examine(argc, argv);
    else {
        read_request();
        say(mode); /* anything else is the answer itself */
    }
    return 0;
}
