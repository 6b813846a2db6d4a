#include "config.h"

#include "challenge.h"

#include "protocol.h"

#include <json-c/json.h>
#include <string.h>

static enum challenge_verdict read_status(struct json_object *status)
{
    static const struct {
        const char *status;
        enum challenge_verdict verdict;
    } KNOWN[] = {
        {"401", CHALLENGE_STALE},     {"invalid_token", CHALLENGE_STALE},
        {"403", CHALLENGE_FORBIDDEN}, {"insufficient_scope", CHALLENGE_FORBIDDEN},
        {"400", CHALLENGE_MALFORMED}, {"invalid_request", CHALLENGE_MALFORMED},
    };
    if (!json_object_is_type(status, json_type_string) && !json_object_is_type(status, json_type_int))
        return CHALLENGE_OTHER;
    const char *text = json_object_get_string(status);
    for (size_t i = 0; text && i < sizeof KNOWN / sizeof KNOWN[0]; i++)
        if (strcmp(KNOWN[i].status, text) == 0)
            return KNOWN[i].verdict;
    return CHALLENGE_OTHER;
}

void challenge_configuration(struct json_object *root, char out[CHALLENGE_CONFIGURATION_MAX])
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%:/[]+,=";
    struct json_object *value;
    out[0] = '\0';
    if (!json_object_object_get_ex(root, "openid-configuration", &value) ||
        !json_object_is_type(value, json_type_string))
        return;
    const char *url = json_object_get_string(value);
    if (strlen(url) < CHALLENGE_CONFIGURATION_MAX && strncmp(url, "https://", 8) == 0 &&
        url[strspn(url, ALLOWED)] == '\0')
        strcpy(out, url);
}

struct challenge challenge_read(const char *text, size_t len)
{
    enum { DEPTH_MAX = 8 };
    struct challenge c = {.verdict = CHALLENGE_OTHER};
    struct json_object *status;
    struct json_tokener *tokener = len > 0 && len <= PROTOCOL_MESSAGE_MAX ? json_tokener_new_ex(DEPTH_MAX) : NULL;
    if (!tokener)
        return c;
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
    if (json_object_is_type(root, json_type_object)) {
        if (json_object_object_get_ex(root, "status", &status))
            c.verdict = read_status(status);
        challenge_configuration(root, c.configuration);
    }
    json_object_put(root);
    json_tokener_free(tokener);
    return c;
}
