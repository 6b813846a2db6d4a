/* load FOLDER: loads the plugins in FOLDER into a libsasl2 client and prints the nanoseconds that took and the number
 * of shared objects it brought. The work is in a function of its own, so that a profiler can count it alone. */
#include "config.h"

#include "client.h"
#include "timing.h"

#include <inttypes.h>
#include <link.h>
#include <stdio.h>

static int count_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)info;
    (void)size;
    (*(int *)arg)++;
    return 0;
}

static int objects(void)
{
    int count = 0;
    dl_iterate_phdr(count_object, &count);
    return count;
}

__attribute__((noinline)) void measured_load(const char *folder);

__attribute__((noinline)) void measured_load(const char *folder)
{
    client_init(folder);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    int before = objects();
    int64_t start = timing_now();
    measured_load(argv[1]);
    int64_t end = timing_now();
    printf("%" PRId64 " %d\n", end - start, objects() - before);
    return 0;
}
