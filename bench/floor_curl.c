/* A program that does nothing but load libcurl: what no program that links it can be faster than. */
#include "config.h"

#include <curl/curl.h>

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 && curl_version() == 0; /* refers to the library, and is never reached */
}
