/* How the browser's answer arrives: 'h' and a request at the loopback listener, or 'u' and an address that a person
 * pasted. */
#include "config.h"

#include "fuzz.h"

#include "net/loopback.h"
#include "net/redirect.h"
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char AUTHORITY[] = "127.0.0.1:40000";
static const char STATE[] = "0123456789abcdefghij";

static void check_redirect(const char *url)
{
    const struct redirect_expected expected = {.state = STATE, .issuer = "https://login.example.org"};
    struct redirect r;
    enum redirect_result result = redirect_read(url, &expected, &r);
    MUST((result == REDIRECT_CODE) == (r.code && *r.code));
    MUST((result == REDIRECT_ERROR) == (r.error != NULL));
    MUST((result == REDIRECT_REFUSED || result == REDIRECT_FOREIGN) == (r.problem != NULL));
    if (result != REDIRECT_FOREIGN && !strchr(url, '%')) /* it was not encoded, so it stands there as it is */
        MUST(strstr(url, STATE));
    if (result == REDIRECT_CODE && !strchr(url, '%') && !strchr(url, '+'))
        MUST(strstr(url, r.code));
    if (r.code)
        fuzz_watch(r.code);
    redirect_free(&r);
    MUST(!r.code && !r.error && !r.description);
    fuzz_forget();
}

static enum request_result parse(const char *data, size_t len, char **copy, char **target, const char **problem)
{
    unsigned status = 0;
    *copy = malloc(len > 0 ? len : 1);
    MUST(*copy);
    memcpy(*copy, data, len);
    *target = NULL;
    *problem = NULL;
    enum request_result result = loopback_parse(*copy, len, AUTHORITY, target, &status, problem);
    MUST((result == REQUEST_BAD) == (*problem != NULL));
    MUST(result != REQUEST_BAD || (status >= 400 && status <= 499));
    return result;
}

/* A request is the same whether it arrives in one piece or byte by byte. */
static void check_pieces(const char *data, size_t len, enum request_result whole)
{
    enum request_result result = REQUEST_MORE;
    for (size_t part = 0; part <= len && result == REQUEST_MORE; part++) {
        char *copy, *target;
        const char *problem;
        result = parse(data, part, &copy, &target, &problem);
        free(copy);
    }
    MUST(result == whole);
}

static void check_request(const char *data, size_t len)
{
    enum { PIECES_MAX = 512 };
    char *copy, *target, *url;
    const char *problem;
    enum request_result result = parse(data, len, &copy, &target, &problem);
    if (len <= PIECES_MAX)
        check_pieces(data, len, result);
    if (result == REQUEST_GOOD) {
        MUST(strncmp(target, "/?", 2) == 0 && !strchr(target, ' '));
        MUST(target > copy && target + strlen(target) < copy + len);
        MUST(asprintf(&url, "http://%s%s", AUTHORITY, target) >= 0);
        check_redirect(url);
        secret_free_string(&url);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    size_t len;
    if (fuzz_byte(&in) == 'h') {
        char *request = fuzz_rest(&in, &len);
        check_request(request, len);
        free(request);
    } else {
        char *url = fuzz_text(&in);
        check_redirect(url);
        free(url);
    }
    return 0;
}
