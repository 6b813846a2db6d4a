#include "chance.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A call in 2^k fails, k being drawn for each function of each program. Memory is asked for much more often. */
enum { USUAL_FROM = 1, USUAL_TO = 5, MEMORY_FROM = 5, MEMORY_TO = 14, CLOCK_FROM = 2, CLOCK_TO = 8 };

static const char *const CLASSES[CHANCE_CLASSES] = {"memory", "files", "network", "processes", "clock"};

static struct {
    bool ready;
    bool ours;  /* the program is below the root */
    bool begun; /* it has made a call itself: what libraries do before main() is their affair */
    bool kind[CHANCE_CLASSES];
    uint64_t seed;
    char program[64]; /* its file's name: argv[0] is what its parent made up */
    const char *root;
    const char *log;
} plan;

/* --- numbers --- */

/* splitmix64 */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9E3779B97F4A7C15);
    value = (value ^ value >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ value >> 27) * UINT64_C(0x94D049BB133111EB);
    return value ^ value >> 31;
}

static uint64_t mix_text(uint64_t value, const char *text)
{
    for (; *text; text++)
        value = mix(value ^ (unsigned char)*text);
    return value;
}

/* --- the plan --- */

static bool is_below_root(const char *path)
{
    size_t len = strlen(plan.root);
    return len > 0 && strncmp(path, plan.root, len) == 0 && path[len] == '/';
}

__attribute__((constructor)) static void make_plan(void)
{
    char self[PATH_MAX] = "";
    const char *seed = getenv("XFAULT_SEED");
    const char *classes = getenv("XFAULT_CLASSES");
    plan.root = getenv("XFAULT_ROOT");
    plan.log = getenv("XFAULT_LOG");
    if (!seed || !classes || !plan.root || !plan.log || readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return;
    const char *slash = strrchr(self, '/');
    snprintf(plan.program, sizeof plan.program, "%.63s", slash ? slash + 1 : self);
    plan.ours = is_below_root(self);
    for (int i = 0; i < CHANCE_CLASSES; i++)
        plan.kind[i] = strstr(classes, CLASSES[i]);
    plan.seed = mix_text(mix(strtoull(seed, NULL, 10)), plan.program);
    plan.ready = true;
}

/* Whose code it is: "" is the program itself. */
static const char *object_of(const void *caller)
{
    struct dl_find_object found;
    if (_dl_find_object((void *)(uintptr_t)caller, &found) != 0 || !found.dlfo_link_map)
        return "?";
    return found.dlfo_link_map->l_name;
}

static bool is_one_of(const char *object, const char *const names[])
{
    for (size_t i = 0; names[i]; i++)
        if (strstr(object, names[i]))
            return true;
    return false;
}

/* Not ours to mend when memory is short: the loader and the checkers end the program, OpenSSL leaks what it had begun
 * to initialize, json-c crashes or leaves things out, so that it is called only with memory made sure of
 * (helper/jsonmemory.h). */
static const char *const EXEMPT[] = {"/ld-linux",   "/libasan.", "/libubsan.", "/libjson-c.",
                                     "/libcrypto.", "/libssl.",  NULL};

/* What fails in these fails a request or loses its reply, as the network does. */
static const char *const CARRIERS[] = {"/libcurl.", "/libnghttp2.", NULL};

/* Whether the call may fail, and as what kind. */
static bool concerns(const struct chance *c, const void *caller, enum chance_class *kind)
{
    const char *object = object_of(caller);
    *kind = c->kind;
    if (!plan.ours)
        return is_below_root(object);
    if (!*object)
        plan.begun = true;
    if (c->kind != CHANCE_CLOCK && is_one_of(object, CARRIERS))
        *kind = CHANCE_NETWORK;
    return plan.begun && !is_one_of(object, EXEMPT);
}

chance_function *chance_real(struct chance *c)
{
    chance_function *real = __atomic_load_n(&c->real, __ATOMIC_RELAXED);
    if (!real) {
        void *symbol = dlsym(RTLD_NEXT, c->function);
        memcpy(&real, &symbol, sizeof real); /* ISO C has no cast between the two */
        __atomic_store_n(&c->real, real, __ATOMIC_RELAXED);
    }
    return real;
}

/* k as above; three of four functions do not fail at all with a given seed. */
static unsigned rarity(const struct chance *c, uint64_t draw)
{
    unsigned from = c->kind == CHANCE_MEMORY ? MEMORY_FROM : c->kind == CHANCE_CLOCK ? CLOCK_FROM : USUAL_FROM;
    unsigned to = c->kind == CHANCE_MEMORY ? MEMORY_TO : c->kind == CHANCE_CLOCK ? CLOCK_TO : USUAL_TO;
    return draw & 3 ? 64 : from + (unsigned)((draw >> 2) % (to - from + 1));
}

bool chance_strikes(struct chance *c, const void *caller, uint64_t *draw)
{
    enum chance_class kind;
    if (!plan.ready || !concerns(c, caller, &kind) || !plan.kind[kind])
        return false;
    unsigned long number = __atomic_add_fetch(&c->calls, 1, __ATOMIC_RELAXED);
    uint64_t function = mix_text(plan.seed, c->function);
    uint64_t now = mix(function ^ mix(number));
    *draw = mix(now);
    unsigned k = rarity(c, function);
    return k < 64 && (now & ((UINT64_C(1) << k) - 1)) == 0;
}

void chance_log(const struct chance *c, const void *caller, const char *effect)
{
    char line[512];
    const char *object = object_of(caller);
    const char *slash = strrchr(object, '/');
    int len = snprintf(line, sizeof line, "%s[%d] %s:%lu %s in %s\n", plan.program, (int)getpid(), c->function,
                       c->calls, effect, *object ? slash ? slash + 1 : object : "itself");
    int fd = (int)syscall(SYS_openat, AT_FDCWD, plan.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    if (len > 0 && (size_t)len < sizeof line)
        (void)!syscall(SYS_write, fd, line, (size_t)len);
    syscall(SYS_close, fd);
}
