/* A program that does nothing but load json-c: what no program that links it can be faster than. */
#include "config.h"

#include <json-c/json.h>

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 && json_c_version() == 0; /* refers to the library, and is never reached */
}
