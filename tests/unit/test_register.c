/* Registering this program at an OAuth server: the request, answers of all kinds, and what is kept. */
#include "config.h"

#include "register.h"

#include "clock.h"
#include "folder.h"
#include "jsontext.h"
#include "store.h"
#include "test.h"
#include "web_server.h"

#include <glob.h>
#include <json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HERE "http://127.0.0.1/"
#define ISSUER "https://auth.example.org"

static struct paths paths;
static struct report why;

/* --- the request --- */

static void request_of_a_public_native_client(void **state)
{
    const struct register_request request = {.redirect_uri = HERE, .scope = "mail offline_access"};
    char *body = register_body(&request);
    struct json_object *root = jsontext_parse(body, strlen(body));
    struct json_object *grants = NULL;
    (void)state;
    assert_non_null(root);
    assert_string_equal(jsontext_string(root, "token_endpoint_auth_method"), "none");
    assert_string_equal(jsontext_string(root, "application_type"), "native");
    assert_string_equal(jsontext_string(root, "scope"), "mail offline_access");
    assert_string_equal(jsontext_string(root, "software_version"), PACKAGE_VERSION);
    assert_non_null(jsontext_string(root, "software_id"));
    assert_non_null(strstr(body, "\"redirect_uris\":[\"" HERE "\"]"));
    assert_true(json_object_object_get_ex(root, "grant_types", &grants));
    assert_int_equal(json_object_array_length(grants), 2);
    jsontext_free(&root);
    free(body);
}

static void request_with_the_device_flow(void **state)
{
    const struct register_request request = {.redirect_uri = HERE, .device = true};
    char *body = register_body(&request);
    (void)state;
    assert_non_null(strstr(body, "\"urn:ietf:params:oauth:grant-type:device_code\""));
    assert_null(strstr(body, "\"scope\""));
    free(body);
}

/* One request to a server that does this. */
static bool send_request(const char *json, const struct web_turn *turn, int64_t timeout, struct web_server *server,
                         struct http_reply *reply)
{
    struct account account;
    char url[64];
    account_init(&account);
    struct http *h = http_open(&account, &why);
    web_start(server, turn, 1, NULL, NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/reg", server->port);
    bool ok = http_perform(http_start_json(h, url, json, timeout, &why), reply, &why);
    web_stop(server);
    http_close(&h);
    account_free(&account);
    return ok;
}

static void request_is_json(void **state)
{
    const struct web_turn turn = {.act = WEB_REPLY, .reply = "HTTP/1.1 201 Created\r\n\r\n{\"client_id\":\"x\"}"};
    struct web_server server;
    struct http_reply reply;
    (void)state;
    assert_true(send_request("{\"a\":\"b&c=%\"}", &turn, 5000, &server, &reply));
    assert_int_equal(reply.status, 201);
    assert_non_null(strstr(server.requests[0], "POST /reg HTTP"));
    assert_non_null(strstr(server.requests[0], "Content-Type: application/json\r\n"));
    assert_null(strstr(server.requests[0], "form-urlencoded"));
    assert_non_null(strstr(server.requests[0], "\r\n\r\n{\"a\":\"b&c=%\"}"));
    http_reply_free(&reply);
    web_free(&server);
}

static void silent_server(void **state)
{
    const struct web_turn turn = {.act = WEB_HANG};
    struct web_server server;
    struct http_reply reply;
    (void)state;
    assert_false(send_request("{}", &turn, 200, &server, &reply));
    assert_int_equal(why.code, FAILURE_UNREACHABLE);
    assert_non_null(strstr(why.text, "did not answer in time"));
    http_reply_free(&reply);
    web_free(&server);
}

/* --- the answer --- */

static bool read_answer(long status, const char *body, char **id)
{
    struct http_reply reply = {.status = status};
    secret_init(&reply.body, HTTP_BODY_MAX);
    assert_true(secret_adds(&reply.body, body));
    bool ok = register_parse(&reply, "auth.example.org", HERE, id, &why);
    http_reply_free(&reply);
    return ok;
}

static void expect_id(long status, const char *body, const char *wanted)
{
    char *id = NULL;
    assert_true(read_answer(status, body, &id));
    assert_string_equal(id, wanted);
    free(id);
}

static void expect_refused(long status, const char *body, enum failure code, const char *part)
{
    char *id = NULL;
    assert_false(read_answer(status, body, &id));
    assert_null(id);
    assert_int_equal(why.code, code);
    if (!strstr(why.text, part))
        fail_msg("'%s' is not in '%s'", part, why.text);
}

static void good_answers(void **state)
{
    (void)state;
    expect_id(201, "{\"client_id\":\"abc\",\"token_endpoint_auth_method\":\"none\",\"redirect_uris\":[\"" HERE "\"]}",
              "abc");
    expect_id(200, "{\"client_id\":\"a b\"}", "a b");
    expect_id(201, "{\"client_id\":\"x\",\"client_secret\":\"s\",\"token_endpoint_auth_method\":\"none\"}", "x");
    expect_id(201,
              "{\"client_id\":\"x\",\"redirect_uris\":[7,\"" HERE "\"],\"grant_types\":[\"authorization_code\"]}",
              "x");
}

static void answers_that_are_none(void **state)
{
    static const char *const JUNK[] = {"",
                                       "{}",
                                       "[]",
                                       "<html>",
                                       "{\"client_id\":7}",
                                       "{\"client_id\":\"\"}",
                                       "{\"client_id\":\"\\u001b\"}",
                                       "{\"client_id\":\"\xc3\xa9\"}",
                                       "{\"client_id\":\"x\\u0000y\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof JUNK / sizeof JUNK[0]; i++)
        expect_refused(201, JUNK[i], FAILURE_CONFIG,
                       "auth.example.org gave no answer to the registration that can be used");
}

static void id_that_is_too_long(void **state)
{
    char body[REGISTER_CLIENT_ID_MAX + 64];
    (void)state;
    snprintf(body, sizeof body, "{\"client_id\":\"%0*d\"}", REGISTER_CLIENT_ID_MAX + 1, 0);
    expect_refused(201, body, FAILURE_CONFIG, "gave no answer");
}

static void client_with_a_secret(void **state)
{
    (void)state;
    expect_refused(201, "{\"client_id\":\"x\",\"client_secret\":\"hush\"}", FAILURE_CONFIG, "only with a secret");
    assert_null(strstr(why.text, "hush"));
    expect_refused(201, "{\"client_id\":\"x\",\"token_endpoint_auth_method\":\"client_secret_basic\"}",
                   FAILURE_CONFIG, "only with a secret");
}

static void client_for_something_else(void **state)
{
    (void)state;
    expect_refused(201, "{\"client_id\":\"x\",\"redirect_uris\":[\"https://evil.example/\"]}", FAILURE_CONFIG,
                   "for something else");
    expect_refused(201, "{\"client_id\":\"x\",\"grant_types\":[\"client_credentials\"]}", FAILURE_CONFIG,
                   "for something else");
}

static void refusals(void **state)
{
    (void)state;
    expect_refused(400, "{\"error\":\"invalid_client_metadata\",\"error_description\":\"no\\u001b[2J\"}",
                   FAILURE_CONFIG, "refused to register this program (invalid_client_metadata: no?[2J)");
    expect_refused(403, "go away", FAILURE_CONFIG, "(HTTP 403)");
    expect_refused(302, "", FAILURE_CONFIG, "(HTTP 302, a redirect)");
    expect_refused(429, "", FAILURE_UNREACHABLE, "try again later");
    expect_refused(500, "{\"error\":\"server_error\"}", FAILURE_UNREACHABLE, "(HTTP 500): try again later");
    expect_refused(400, "{\"client_id\":\"x\"}", FAILURE_CONFIG, "refused");
}

/* --- what is kept --- */

static int start(void **state)
{
    if (folder_make(state) != 0)
        return -1;
    paths = (struct paths){.owner = getuid()};
    snprintf(paths.state, sizeof paths.state, "%s", folder_path("state"));
    return 0;
}

static void keep(const char *issuer, const char *id)
{
    struct registration r = {
        .issuer = (char *)issuer, .client_id = (char *)id, .redirect_uri = (char *)HERE, .registered_at = 7};
    struct state_writer writer;
    int lock = registration_lock(&paths, issuer, clock_monotonic() + 1000, &why);
    assert_true(lock >= 0);
    assert_true(registration_prepare(&writer, &paths, issuer, &why));
    assert_true(registration_commit(&writer, &r, &why));
    store_unlock(&lock);
}

static void kept_registration_is_found_again(void **state)
{
    struct registration r;
    (void)state;
    assert_int_equal(registration_load(&r, &paths, ISSUER, &why), READFILE_MISSING);
    keep(ISSUER, "one");
    keep(ISSUER "/", "other");
    assert_int_equal(registration_load(&r, &paths, ISSUER, &why), READFILE_OK);
    assert_string_equal(r.client_id, "one");
    assert_string_equal(r.redirect_uri, HERE);
    assert_null(r.scope);
    assert_int_equal(r.registered_at, 7);
    registration_free(&r);
    keep(ISSUER, "two");
    assert_int_equal(registration_load(&r, &paths, ISSUER, &why), READFILE_OK);
    assert_string_equal(r.client_id, "two");
    registration_free(&r);
}

/* The one registration in a store; its name is a digest. */
static void only_file(const struct paths *p, char file[PATH_MAX])
{
    char pattern[PATH_MAX + 32];
    glob_t names;
    snprintf(pattern, sizeof pattern, "%s/registrations/*.json", p->state);
    assert_int_equal(glob(pattern, 0, NULL, &names), 0);
    assert_int_equal(names.gl_pathc, 1);
    snprintf(file, PATH_MAX, "%s", names.gl_pathv[0]);
    globfree(&names);
}

static void expect_file_refused(const struct paths *p, const char *part)
{
    struct registration r;
    assert_int_equal(registration_load(&r, p, ISSUER, &why), READFILE_REFUSED);
    if (!strstr(why.text, part))
        fail_msg("'%s' is not in '%s'", part, why.text);
    assert_null(r.client_id);
}

static void file_that_cannot_be_believed(void **state)
{
    struct paths before = paths;
    char file[PATH_MAX];
    struct stat st;
    (void)state;
    snprintf(paths.state, sizeof paths.state, "%s", folder_path("other"));
    keep(ISSUER, "x");
    only_file(&paths, file);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(chmod(file, 0644), 0);
    expect_file_refused(&paths, "chmod");
    const char *name = file + strlen(folder_path(""));
    folder_write(name, "{\"issuer\":\"https://other.example\",\"client_id\":\"x\",\"redirect_uri\":\"" HERE "\"}",
                 0600);
    expect_file_refused(&paths, "is damaged: remove it");
    folder_write(name, "{\"issuer\":\"" ISSUER "\"}", 0600);
    expect_file_refused(&paths, "is damaged: remove it");
    folder_write(name, "", 0600);
    expect_file_refused(&paths, "is damaged: remove it");
    paths = before;
}

static void lock_is_held_once(void **state)
{
    (void)state;
    int lock = registration_lock(&paths, ISSUER, clock_monotonic() + 1000, &why);
    assert_true(lock >= 0);
    assert_int_equal(registration_lock(&paths, ISSUER, clock_monotonic(), &why), -1);
    assert_int_equal(why.code, FAILURE_BUSY);
    store_unlock(&lock);
}

static void read_only_folder_is_found_before_the_request(void **state)
{
    struct state_writer writer;
    struct paths nowhere = paths;
    (void)state;
    snprintf(nowhere.state, sizeof nowhere.state, "/proc/xoauth2");
    assert_int_equal(registration_lock(&nowhere, ISSUER, clock_monotonic(), &why), -1);
    assert_false(registration_prepare(&writer, &nowhere, ISSUER, &why));
    state_abandon(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_of_a_public_native_client),
        cmocka_unit_test(request_with_the_device_flow),
        cmocka_unit_test(request_is_json),
        cmocka_unit_test(silent_server),
        cmocka_unit_test(good_answers),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(id_that_is_too_long),
        cmocka_unit_test(client_with_a_secret),
        cmocka_unit_test(client_for_something_else),
        cmocka_unit_test(refusals),
        cmocka_unit_test(kept_registration_is_found_again),
        cmocka_unit_test(file_that_cannot_be_believed),
        cmocka_unit_test(lock_is_held_once),
        cmocka_unit_test(read_only_folder_is_found_before_the_request),
    };
    return cmocka_run_group_tests(tests, start, folder_remove);
}
