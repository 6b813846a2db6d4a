#include "config.h"

#include "argument.h"

#include <stddef.h>
#include <string.h>

const char ARGUMENT_SECRET_REFUSED[] =
    "every user of this machine can read a command line: put the secret into a file of mode 0600 and give "
    "--client-secret-file";

static bool is_for_secret(const char *name, size_t len)
{
    static const char FILE_OPTION[] = "client-secret-file";
    static const char SHORTEST[] = "client-s";
    static const char WORD[] = "secret";
    bool begins = len <= strlen(FILE_OPTION) && strncmp(name, FILE_OPTION, len) == 0;
    if (begins && len == strlen(FILE_OPTION))
        return false;
    return (begins && len >= strlen(SHORTEST)) || memmem(name, len, WORD, strlen(WORD));
}

bool argument_is_secret(int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strncmp(argv[i], "--", 2) == 0 && is_for_secret(argv[i] + 2, strcspn(argv[i] + 2, "=")))
            return true;
    return false;
}

const char *argument_unknown(int given, const struct option known[], const char *word)
{
    static char letter[] = "-?";
    bool is_short = given == '?' && optopt != 0;
    for (; known->name; known++)
        is_short = is_short && optopt != known->val;
    letter[1] = (char)optopt;
    return is_short ? letter : word;
}
