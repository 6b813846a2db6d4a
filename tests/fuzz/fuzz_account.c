/* Account files and provider files: an account file, a form feed, the provider file "p". */
#include "config.h"

#include "fuzz.h"

#include "account.h"
#include "accountfile.h"
#include "folder.h"
#include "provider.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct paths paths;
static const char *folders[] = {NULL, NULL};
static const char *provider_file;

static void prepare(void)
{
    if (folders[0])
        return;
    fuzz_folder();
    folders[0] = folder_path("");
    provider_file = folder_path("p.conf");
    provider_folders = folders;
    paths = (struct paths){.owner = geteuid(), .accounts = "/nonexistent/accounts", .state = "/nonexistent/state"};
}

static bool parse(struct account *a, const char *text, size_t len, struct report *why)
{
    struct secret copy;
    secret_init(&copy, KEYFILE_SIZE_MAX);
    MUST(len == 0 || secret_add(&copy, text, len));
    bool ok = account_parse(a, &paths, "me@example.org", &copy, why);
    secret_free(&copy);
    return ok;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void check_values(const struct keyfile *file)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *value = file->value[i];
        if (!value)
            continue;
        size_t len = strlen(value);
        MUST(file->line[i] > 0 && len > 0 && !is_blank(value[0]) && !is_blank(value[len - 1]));
        MUST(text_is_utf8(value, len) && !strpbrk(value, "\n\v\f\x1b\x7f"));
    }
}

/* What a request would be made of. */
static void check_use(const struct account *a)
{
    static const enum setting EXPANDED[] = {SETTING_ISSUER, SETTING_TOKEN_ENDPOINT, SETTING_SCOPE};
    struct report why;
    int64_t margin = account_refresh_margin(a);
    MUST(margin >= 0 && margin <= REFRESH_MARGIN_MAX);
    for (size_t i = 0; i < sizeof EXPANDED / sizeof EXPANDED[0]; i++) {
        char *text;
        MUST(account_expand(a, EXPANDED[i], &text, &why));
        MUST(!text == !account_value(a, EXPANDED[i]));
        MUST(!text || !strstr(text, "{tenant}"));
        free(text);
    }
    MUST(account_host_allowed(a, NULL) && account_host_allowed(a, ""));
    account_host_allowed(a, "imap.example.org.");
    MUST(!account_is_per_user(a) || account_grant(a) == GRANT_JWT_BEARER);
}

/* A key that is set has its new value, a key that is removed has none, and every other key stays as it was. */
static void check_change(const char *text, size_t len, const struct account *before)
{
    static const enum setting CHANGED[] = {SETTING_SCOPE, SETTING_CLIENT_ID, SETTING_HOSTS};
    for (size_t i = 0; i < sizeof CHANGED / sizeof CHANGED[0]; i++) {
        struct account after;
        struct report why;
        struct secret changed;
        enum setting key = CHANGED[i];
        const char *value = i == 2 ? NULL : "changed";
        secret_init(&changed, KEYFILE_SIZE_MAX);
        MUST(len == 0 || secret_add(&changed, text, len));
        if (accountfile_set(&changed, key, value)) {
            MUST(parse(&after, changed.data ? changed.data : "", changed.len, &why));
            for (size_t k = 0; k < SETTING_COUNT; k++) {
                const char *wanted = k == key ? value : before->file.value[k];
                const char *got = after.file.value[k];
                MUST(wanted ? got && strcmp(wanted, got) == 0 : !got);
            }
            account_free(&after);
        }
        secret_free(&changed);
    }
}

/* The text may hold a client's secret: no error shows it. */
static void check_refusal(const char *text, size_t len, const struct report *why)
{
    static const char LINE[] = "client_secret: planted-";
    fuzz_check_report(why);
    if (memmem(text, len, LINE, strlen(LINE)) && fuzz_count("planted-", (const uint8_t *)text, len) == 1)
        MUST(!strstr(why->text, "planted-"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct account a;
    struct report why;
    size_t len, provider_len;
    if (size > KEYFILE_SIZE_MAX)
        return 0;
    prepare();
    char *text = fuzz_part(&in, &len);
    char *provider = fuzz_rest(&in, &provider_len);
    fuzz_write(provider_file, provider, provider_len);
    if (parse(&a, text, len, &why)) {
        check_values(&a.file);
        check_values(&a.provider);
        check_use(&a);
        check_change(text, len, &a);
        const char *secret = a.file.value[SETTING_CLIENT_SECRET];
        if (secret && !strstr(a.file.path, secret))
            fuzz_watch_single(secret, data, size);
        account_free(&a);
        fuzz_forget();
    } else {
        check_refusal(text, len, &why);
    }
    free(provider);
    free(text);
    return 0;
}
