/* Preloaded into mail programs by the tests: what they log goes to the file E2E_SYSLOG instead of the machine's log,
 * and their standard output is written line by line although it is no terminal. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

__attribute__((constructor)) static void write_lines(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}

__attribute__((format(printf, 1, 0))) static void write_log(const char *format, va_list args)
{
    const char *path = getenv("E2E_SYSLOG");
    int fd = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    vdprintf(fd, format, args);
    dprintf(fd, "\n");
    close(fd);
}

void vsyslog(int priority, const char *format, va_list args)
{
    (void)priority;
    write_log(format, args);
}

void syslog(int priority, const char *format, ...)
{
    (void)priority;
    va_list args;
    va_start(args, format);
    write_log(format, args);
    va_end(args);
}

/* The same two under the names that programs built with FORTIFY call. */
void __vsyslog_chk(int priority, int flag, const char *format, va_list args);
void __vsyslog_chk(int priority, int flag, const char *format, va_list args)
{
    (void)priority;
    (void)flag;
    write_log(format, args);
}

void __syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    (void)priority;
    (void)flag;
    va_list args;
    va_start(args, format);
    write_log(format, args);
    va_end(args);
}
