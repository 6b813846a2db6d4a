#include "config.h"

#include "register.h"

#include "jsontext.h"
#include "store.h"

#include <json.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_CHARS = 64 /* SHA-256 in hexadecimal digits */ };

void registration_free(struct registration *r)
{
    free(r->issuer);
    free(r->client_id);
    free(r->redirect_uri);
    free(r->scope);
    *r = (struct registration){0};
}

/* The folder as a store of its own, and the file's name in it. An issuer is too long for a name, and has slashes. */
static bool place(const struct paths *p, const char *issuer, struct paths *folder, char name[NAME_CHARS + 1],
                  struct report *why)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    *folder = *p;
    if (snprintf(folder->state, sizeof folder->state, "%s/registrations", p->state) >
        (int)sizeof folder->state - NAME_MAX - 2)
        return report_set(why, FAILURE_CONFIG, "the path of %s is too long: set HOME to a shorter one", p->state);
    if (EVP_Digest(issuer, strlen(issuer), digest, &size, EVP_sha256(), NULL) != 1)
        return report_set(why, FAILURE_UNREACHABLE, "not enough memory");
    for (size_t i = 0; i < NAME_CHARS / 2; i++)
        snprintf(name + 2 * i, 3, "%02x", digest[i]);
    return true;
}

int registration_lock(const struct paths *p, const char *issuer, int64_t deadline, struct report *why)
{
    struct paths folder;
    char name[NAME_CHARS + 1];
    if (!place(p, issuer, &folder, name, why) || !paths_make(p, p->state, why))
        return -1;
    return store_lock(&folder, name, deadline, why);
}

static bool take_members(struct json_object *root, const char *issuer, struct registration *r)
{
    const char *kept = root ? jsontext_string(root, "issuer") : NULL;
    if (!kept || strcmp(kept, issuer) != 0)
        return false;
    r->issuer = strdup(kept);
    r->client_id = jsontext_copy(root, "client_id");
    r->redirect_uri = jsontext_copy(root, "redirect_uri");
    r->scope = jsontext_copy(root, "scope");
    r->registered_at = jsontext_seconds(root, "registered_at", INT64_MAX);
    return r->issuer && r->client_id && r->redirect_uri;
}

enum readfile_result registration_load(struct registration *r, const struct paths *p, const char *issuer,
                                       struct report *why)
{
    const struct readfile_rules rules = {.forbidden_mode = 077, .owner = p->owner, .limit = REGISTER_FILE_MAX};
    struct paths folder;
    char name[NAME_CHARS + 1];
    char path[PATH_MAX];
    struct secret text;
    *r = (struct registration){0};
    secret_init(&text, 0);
    if (!place(p, issuer, &folder, name, why))
        return READFILE_REFUSED;
    state_path(&folder, name, path);
    enum readfile_result result = readfile(path, &rules, &text, why);
    if (result == READFILE_OK) {
        struct json_object *root = jsontext_parse(text.data, text.len);
        if (!take_members(root, issuer, r)) {
            registration_free(r);
            report_set(why, FAILURE_CONFIG,
                       "%s is damaged: remove it, then log in again, which registers this program anew at %s", path,
                       issuer);
            result = READFILE_REFUSED;
        }
        jsontext_free(&root);
    }
    secret_free(&text);
    return result;
}

bool registration_prepare(struct state_writer *w, const struct paths *p, const char *issuer, struct report *why)
{
    struct paths folder;
    char name[NAME_CHARS + 1];
    *w = (struct state_writer)STATE_WRITER_NONE;
    return place(p, issuer, &folder, name, why) && state_prepare(w, &folder, name, why);
}

bool registration_commit(struct state_writer *w, const struct registration *r, struct report *why)
{
    size_t len = 0;
    struct json_object *root = json_object_new_object();
    bool ok = root && jsontext_put_string(root, "issuer", r->issuer) &&
              jsontext_put_string(root, "client_id", r->client_id) &&
              jsontext_put_string(root, "redirect_uri", r->redirect_uri) &&
              jsontext_put_string(root, "scope", r->scope) &&
              jsontext_put_number(root, "registered_at", r->registered_at);
    const char *text =
        ok ? json_object_to_json_string_length(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE, &len)
           : NULL;
    ok = text ? newfile_commit(&w->file, text, len, why)
              : report_set(why, FAILURE_UNREACHABLE, "not enough memory to keep the registration");
    state_abandon(w);
    json_object_put(root);
    return ok;
}
