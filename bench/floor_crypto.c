/* A program that does nothing but load libcrypto: what no program that links it can be faster than. */
#include "config.h"

#include <openssl/crypto.h>

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 && OpenSSL_version_num() == 0; /* refers to the library, and is never reached */
}
