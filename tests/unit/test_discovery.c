#include "config.h"

#include "oauth.h"

#include "test.h"
#include "web_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
#define HERE "http://127.0.0.1:@PORT@"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html>no</html>"

/* One discovery: an account without endpoints, and a server. */
struct trial {
    struct account account;
    struct oauth_client client;
    struct web_server server;
    struct report why;
    bool ok;
};

static bool open_first;   /* by the profile for open clients */
static bool post_in_file; /* the account file says how the client authenticates itself */

static void trial_run(struct trial *t, const char *path, const struct web_turn *turns, size_t count)
{
    struct paths p = {0};
    char issuer[200];
    *t = (struct trial){0};
    account_init(&t->account);
    strcpy(t->account.name, "me@x.org");
    t->account.file.value[SETTING_CLIENT_AUTHENTICATION] = post_in_file ? "post" : NULL;
    assert_true(oauth_client_open(&t->client, &t->account, &p, &t->why));
    web_start(&t->server, turns, count, NULL, NULL);
    snprintf(issuer, sizeof issuer, "http://127.0.0.1:%d%s", t->server.port, path);
    t->client.issuer = strdup(issuer);
    t->client.open = open_first;
    t->ok = oauth_discover(&t->client, &t->why);
    web_stop(&t->server);
}

static void trial_end(struct trial *t)
{
    web_free(&t->server);
    oauth_client_close(&t->client);
    account_free(&t->account);
}

/* One document at the OpenID address. */
static void discover(struct trial *t, const char *path, const char *reply)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = reply}, {.act = WEB_REPLY, .reply = NOT_FOUND}};
    trial_run(t, path, turns, 2);
}

static void assert_ends(const char *text, const char *end)
{
    assert_non_null(text);
    assert_true(strlen(text) >= strlen(end));
    assert_string_equal(text + strlen(text) - strlen(end), end);
}

static void openid_document(void **state)
{
    struct trial t;
    (void)state;
    discover(&t, "",
             OK "{\"issuer\":\"" HERE "\",\"authorization_endpoint\":\"" HERE "/auth\",\"token_endpoint\":\"" HERE
                "/token\",\"device_authorization_endpoint\":\"" HERE "/device\",\"revocation_endpoint\":\"" HERE
                "/revoke\",\"userinfo_endpoint\":\"" HERE "/me\",\"registration_endpoint\":\"" HERE
                "/reg\",\"scopes_supported\":[\"openid\",\"offline_access\",7,\"a b\",\"mail\"],"
                "\"authorization_response_iss_parameter_supported\":true}");
    assert_true(t.ok);
    assert_int_equal(t.server.count, 1);
    assert_non_null(strstr(t.server.requests[0], "GET /.well-known/openid-configuration HTTP"));
    assert_ends(t.client.authorization_endpoint, "/auth");
    assert_ends(t.client.token_endpoint, "/token");
    assert_ends(t.client.device_authorization_endpoint, "/device");
    assert_ends(t.client.revocation_endpoint, "/revoke");
    assert_ends(t.client.userinfo_endpoint, "/me");
    assert_ends(t.client.registration_endpoint, "/reg");
    assert_string_equal(t.client.scopes_supported, "openid offline_access mail");
    assert_true(t.client.iss_required);
    assert_false(t.client.any_tenant);
    assert_true(t.client.basic);
    trial_end(&t);
}

static void document_of_rfc_8414(void **state)
{
    const struct web_turn turns[] = {
        {.act = WEB_REPLY, .reply = NOT_FOUND},
        {.act = WEB_REPLY,
         .reply = OK "{\"issuer\":\"" HERE "/realm/x\",\"token_endpoint\":\"" HERE "/realm/x/token\"}"}};
    struct trial t;
    (void)state;
    trial_run(&t, "/realm/x", turns, 2);
    assert_true(t.ok);
    assert_int_equal(t.server.count, 2);
    assert_non_null(strstr(t.server.requests[0], "GET /realm/x/.well-known/openid-configuration HTTP"));
    assert_non_null(strstr(t.server.requests[1], "GET /.well-known/oauth-authorization-server/realm/x HTTP"));
    assert_ends(t.client.token_endpoint, "/realm/x/token");
    trial_end(&t);
}

static void document_of_rfc_8414_first(void **state)
{
    const struct web_turn turns[] = {
        {.act = WEB_REPLY, .reply = NOT_FOUND},
        {.act = WEB_REPLY,
         .reply = OK "{\"issuer\":\"" HERE "/x\",\"token_endpoint\":\"" HERE
                     "/token\",\"protected_resources\":[\"imap.x.org\",\"https://x.org/\",7]}"}};
    struct trial t;
    (void)state;
    open_first = true;
    trial_run(&t, "/x", turns, 2);
    open_first = false;
    assert_true(t.ok);
    assert_non_null(strstr(t.server.requests[0], "GET /.well-known/oauth-authorization-server/x HTTP"));
    assert_non_null(strstr(t.server.requests[1], "GET /x/.well-known/openid-configuration HTTP"));
    assert_string_equal(t.client.protected_resources, "imap.x.org https://x.org/");
    trial_end(&t);
}

static void document_at_another_host(void **state)
{
    static const char MOVED[] = "HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\n\r\n";
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = MOVED}, {.act = WEB_REPLY, .reply = NOT_FOUND}};
    struct trial t;
    (void)state;
    trial_run(&t, "", turns, 2);
    assert_false(t.ok);
    assert_int_equal(t.why.code, FAILURE_CONFIG);
    assert_non_null(strstr(t.why.text, "redirects the request for its OAuth metadata to another host (HTTP 302)"));
    trial_end(&t);
}

static void issuer_with_a_slash_at_its_end(void **state)
{
    const struct web_turn turns[] = {{.act = WEB_REPLY, .reply = NOT_FOUND}, {.act = WEB_REPLY, .reply = NOT_FOUND}};
    struct trial t;
    (void)state;
    trial_run(&t, "/", turns, 2);
    assert_false(t.ok);
    assert_non_null(strstr(t.server.requests[0], "GET /.well-known/openid-configuration HTTP"));
    assert_non_null(strstr(t.server.requests[1], "GET /.well-known/oauth-authorization-server HTTP"));
    trial_end(&t);
}

static void foreign_issuer(void **state)
{
    static const char *const ISSUERS[] = {"https://evil.example", HERE "/", "HTTP://127.0.0.1:@PORT@", HERE "/x", ""};
    (void)state;
    for (size_t i = 0; i < sizeof ISSUERS / sizeof ISSUERS[0]; i++) {
        char reply[500];
        struct trial t;
        snprintf(reply, sizeof reply, OK "{\"issuer\":\"%s\",\"token_endpoint\":\"" HERE "/token\"}", ISSUERS[i]);
        discover(&t, "", reply);
        assert_false(t.ok);
        assert_int_equal(t.why.code, FAILURE_CONFIG);
        assert_null(t.client.token_endpoint);
        trial_end(&t);
    }
}

static void tenant_template_of_entra(void **state)
{
    static const char REPLY[] = OK "{\"issuer\":\"" HERE "/{tenantid}/v2.0\",\"token_endpoint\":\"" HERE "/token\"}";
    static const struct {
        const char *path;
        bool ok;
    } CASES[] = {{"/common/v2.0", true},       {"/organizations/v2.0", true}, {"/consumers/v2.0", true},
                 {"/contoso.com/v2.0", false}, {"/common/v1.0", false},       {"/x/common/v2.0", false}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct trial t;
        discover(&t, CASES[i].path, REPLY);
        assert_int_equal(t.ok, CASES[i].ok);
        assert_int_equal(t.client.any_tenant, CASES[i].ok);
        trial_end(&t);
    }
}

static void endpoint_in_the_clear(void **state)
{
    struct trial t;
    (void)state;
    discover(&t, "", OK "{\"issuer\":\"" HERE "\",\"token_endpoint\":\"http://op.example/token\"}");
    assert_false(t.ok);
    assert_int_equal(t.why.code, FAILURE_CONFIG);
    assert_null(t.client.token_endpoint);
    assert_non_null(strstr(t.why.text, "token_endpoint"));
    trial_end(&t);
}

static void no_token_endpoint(void **state)
{
    struct trial t;
    (void)state;
    discover(&t, "", OK "{\"issuer\":\"" HERE "\",\"token_endpoint\":17}");
    assert_false(t.ok);
    assert_int_equal(t.why.code, FAILURE_CONFIG);
    trial_end(&t);
}

static void no_document(void **state)
{
    static const char *const REPLIES[] = {NOT_FOUND, OK "<html>", OK "[]", OK};
    (void)state;
    for (size_t i = 0; i < sizeof REPLIES / sizeof REPLIES[0]; i++) {
        struct trial t;
        discover(&t, "", REPLIES[i]);
        assert_false(t.ok);
        assert_int_equal(t.why.code, FAILURE_CONFIG);
        assert_int_equal(t.server.count, 2);
        assert_non_null(strstr(t.why.text, "issuer"));
        trial_end(&t);
    }
}

static void server_in_trouble(void **state)
{
    struct trial t;
    (void)state;
    discover(&t, "", "HTTP/1.1 503 Unavailable\r\n\r\n");
    assert_false(t.ok);
    assert_int_equal(t.why.code, FAILURE_UNREACHABLE);
    assert_int_equal(t.server.count, 1);
    trial_end(&t);
}

static void settings_before_metadata(void **state)
{
    struct paths p = {0};
    struct account a;
    struct oauth_client c;
    struct report why;
    (void)state;
    account_init(&a);
    a.file.value[SETTING_ISSUER] = "https://op.invalid";
    a.file.value[SETTING_TOKEN_ENDPOINT] = "https://op.invalid/{tenant}/token";
    a.file.value[SETTING_AUTHORIZATION_ENDPOINT] = "https://op.invalid/auth";
    a.file.value[SETTING_TENANT] = "contoso";
    assert_true(oauth_client_open(&c, &a, &p, &why));
    assert_true(oauth_discover(&c, &why)); /* without asking anybody */
    assert_string_equal(c.token_endpoint, "https://op.invalid/contoso/token");
    oauth_client_close(&c);
    account_free(&a);
}

#define METHODS ",\"token_endpoint_auth_methods_supported\":"

static void basic_where_nothing_else_is_taken(void **state)
{
    static const struct {
        const char *member;
        bool basic;
    } CASES[] = {{METHODS "[\"client_secret_basic\"]", true},
                 {METHODS "[\"client_secret_basic\",\"client_secret_post\"]", false},
                 {METHODS "[\"none\"]", false},
                 {METHODS "[]", false},
                 {METHODS "\"client_secret_basic\"", false},
                 {METHODS "null", false},
                 {"", true}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char reply[500];
        struct trial t;
        snprintf(reply, sizeof reply, OK "{\"issuer\":\"" HERE "\",\"token_endpoint\":\"" HERE "/token\"%s}",
                 CASES[i].member);
        discover(&t, "", reply);
        assert_true(t.ok);
        assert_int_equal(t.client.basic, CASES[i].basic);
        trial_end(&t);
    }
}

static void settings_before_the_default_of_rfc_8414(void **state)
{
    const struct web_turn turns[] = {
        {.act = WEB_REPLY, .reply = OK "{\"issuer\":\"" HERE "\",\"token_endpoint\":\"" HERE "/token\"}"}};
    struct trial t;
    (void)state;
    post_in_file = true;
    trial_run(&t, "", turns, 1);
    post_in_file = false;
    assert_true(t.ok);
    assert_false(t.client.basic);
    trial_end(&t);
}

static void neither_issuer_nor_endpoints(void **state)
{
    struct paths p = {0};
    struct account a;
    struct oauth_client c;
    struct report why;
    (void)state;
    account_init(&a);
    assert_true(oauth_client_open(&c, &a, &p, &why));
    assert_false(oauth_discover(&c, &why));
    assert_int_equal(why.code, FAILURE_CONFIG);
    assert_non_null(strstr(why.text, "--issuer"));
    oauth_client_close(&c);
    account_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openid_document),
        cmocka_unit_test(document_of_rfc_8414),
        cmocka_unit_test(document_of_rfc_8414_first),
        cmocka_unit_test(document_at_another_host),
        cmocka_unit_test(issuer_with_a_slash_at_its_end),
        cmocka_unit_test(foreign_issuer),
        cmocka_unit_test(tenant_template_of_entra),
        cmocka_unit_test(endpoint_in_the_clear),
        cmocka_unit_test(no_token_endpoint),
        cmocka_unit_test(no_document),
        cmocka_unit_test(server_in_trouble),
        cmocka_unit_test(settings_before_metadata),
        cmocka_unit_test(basic_where_nothing_else_is_taken),
        cmocka_unit_test(settings_before_the_default_of_rfc_8414),
        cmocka_unit_test(neither_issuer_nor_endpoints),
    };
    alarm(300);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
