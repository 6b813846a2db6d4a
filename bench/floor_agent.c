/* A program that links what the agent links, has made a multi handle, and does nothing until a signal: no agent can
 * need less memory. */
#include "config.h"

#include <curl/curl.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    CURLM *multi = curl_multi_init();
    printf("%s, json-c %s\n", OpenSSL_version(OPENSSL_VERSION), json_c_version());
    fflush(stdout);
    if (multi)
        pause();
    return 1;
}
