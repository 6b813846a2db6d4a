#include "config.h"

#include "login_browser.h"

#include "authorize.h"
#include "browser.h"
#include "clock.h"
#include "login_again.h"
#include "login_register.h"
#include "loopback.h"
#include "redirect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUTS = 2, TICK = 1000 /* milliseconds between two looks at what poll(2) cannot watch */ };

/* One wait for a redirect. */
struct wait {
    struct login *login;
    struct authorization secrets;
    struct loopback loopback;
    struct line_reader input[INPUTS]; /* standard input; the terminal, where that is something else */
    char redirect_uri[64];
    char *url;
    pid_t browser; /* 0: none, or it has ended */
    bool done;
    enum redirect_result result;
    struct redirect redirect;
};

static const char *redirect_host(const struct login *l)
{
    const char *host = account_value(&l->account, SETTING_REDIRECT_HOST);
    return host ? host : "127.0.0.1";
}

/* Looks at an address that came from the browser or from the terminal. The first answer to this login ends the wait;
 * its state is never accepted again. */
static enum redirect_result take(struct wait *w, const char *url, struct redirect *r)
{
    const struct redirect_expected expected = {
        .state = w->secrets.state, .issuer = w->login->client.issuer, .iss_required = w->login->client.iss_required};
    enum redirect_result result = redirect_read(url, &expected, r);
    if (result == REDIRECT_FOREIGN)
        return result;
    w->done = true;
    w->result = result;
    w->redirect = *r;
    return result;
}

static void fill_page(struct loopback_page *page, enum redirect_result result, const struct redirect *r)
{
    switch (result) {
    case REDIRECT_CODE:
        page->status = 200;
        page->title = "The login has arrived";
        snprintf(page->text, sizeof page->text,
                 "You can close this page and go back to the terminal: xoauth2 finishes there.");
        break;
    case REDIRECT_ERROR:
        page->status = 200;
        page->title = "The login did not succeed";
        snprintf(page->text, sizeof page->text, "The provider says: %s%s%s. Go back to the terminal for what to do.",
                 r->error, r->description ? ": " : "", r->description ? r->description : "");
        break;
    case REDIRECT_REFUSED:
        page->title = "The login was refused";
        snprintf(page->text, sizeof page->text, "The answer cannot be trusted: %s. Go back to the terminal.",
                 r->problem);
        break;
    case REDIRECT_FOREIGN:
        page->title = "This is not the login that is waited for";
        snprintf(page->text, sizeof page->text,
                 "This answer is not used: %s. Open the address that the terminal shows, and sign in there.",
                 r->problem);
        break;
    }
}

/* A request at the listener. */
static void judge_request(void *arg, const char *target, struct loopback_page *page)
{
    struct wait *w = arg;
    struct redirect r = {0};
    char *url = NULL;
    if (w->done) {
        page->title = "This login is over";
        snprintf(page->text, sizeof page->text, "It has its answer already. Go back to the terminal.");
        return;
    }
    if (asprintf(&url, "http://%s%s", w->loopback.authority, target) < 0)
        return;
    enum redirect_result result = take(w, url, &r);
    fill_page(page, result, &r);
    if (result == REDIRECT_FOREIGN)
        redirect_free(&r);
    secret_free_string(&url);
}

/* A line from the terminal. */
static void judge_line(struct wait *w, const char *line)
{
    struct redirect r = {0};
    if (line[strspn(line, " \t")] == '\0')
        return;
    if (take(w, line, &r) != REDIRECT_FOREIGN)
        return;
    terminal_say(&w->login->terminal,
                 "This is not the address that ends the login: %s.\n"
                 "Paste the whole address of the last page (it begins with %s?):\n",
                 r.problem, w->redirect_uri);
    redirect_free(&r);
}

static void read_input(struct wait *w, struct line_reader *input)
{
    if (line_read(input) == LINE_TOO_LONG)
        terminal_say(&w->login->terminal, "This line is longer than %d bytes: paste the address alone.\n",
                     REDIRECT_URL_MAX);
    const char *line;
    while (!w->done && (line = line_next(input))) {
        if (strlen(line) < TERMINAL_EDITED_MAX || !terminal_take_all(input->fd))
            judge_line(w, line);
        else
            terminal_say(&w->login->terminal,
                         "\nThe terminal took only the first %d characters of that. Paste the address once more: now it "
                         "will take all.\n",
                         TERMINAL_EDITED_MAX);
    }
}

/* --- what the person is told --- */

static bool start_browser(struct wait *w)
{
    struct report why;
    const char *program = w->login->options.no_open ? NULL : browser_program();
    if (!program)
        return false;
    if (browser_start(program, w->url, &w->browser, &why))
        return true;
    terminal_say(&w->login->terminal, "%s\n", why.text);
    return false;
}

/* Whether a line may come: from a terminal, or through a pipe as from ssh; but not from a file or /dev/null. */
static bool can_paste(const struct login *l)
{
    struct stat st;
    return terminal_can_ask(&l->terminal) || isatty(STDIN_FILENO) ||
           (fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)));
}

static void show_address(struct wait *w)
{
    struct login *l = w->login;
    bool started = start_browser(w);
    terminal_say(
        &l->terminal,
        "%s sign in as %s:\n\n  %s\n\n"
        "Waiting for the login, at most %d minutes. If the browser runs on another machine, it ends at a page that "
        "cannot\nbe loaded: %s.\n",
        started ? "The browser is being started. If it does not open, open this address yourself, and"
                : "Open this address in a browser, and",
        l->name, w->url, LOGIN_WAIT_MAX / 60000,
        can_paste(l) ? "copy that page's address, paste it here and press Enter"
                     : "then run this command on a terminal, where that page's address can be pasted");
}

/* A browser program that fails has opened nothing: say so, since the address is all that is left. */
static void watch_browser(struct wait *w)
{
    int status = 0;
    if (!browser_failed(&w->browser, &status))
        return;
    const char *program = browser_program();
    if (WIFEXITED(status))
        terminal_say(&w->login->terminal, "'%s' has failed with exit status %d: open the address above yourself.\n",
                     program, WEXITSTATUS(status));
    else
        terminal_say(&w->login->terminal, "'%s' was killed: open the address above yourself.\n", program);
}

/* --- waiting --- */

/* How long poll(2) may wait: to the next deadline, or a tick where something has no descriptor. */
static int wait_time(const struct wait *w, int64_t deadline, bool tick)
{
    int64_t first = loopback_deadline(&w->loopback);
    int left = clock_left(first < deadline ? first : deadline);
    return tick && left > TICK ? TICK : left;
}

/* One turn of the loop. */
static void wait_once(struct wait *w, int64_t deadline)
{
    struct pollfd fds[LOOPBACK_FDS_MAX + INPUTS];
    nfds_t count = loopback_watch(&w->loopback, fds);
    struct line_reader *reading[INPUTS];
    nfds_t inputs = 0;
    bool tick = w->browser > 0;
    for (int i = 0; i < INPUTS; i++) {
        if (w->input[i].fd < 0)
            continue;
        if (!line_reader_may_read(&w->input[i])) {
            tick = true; /* it may come to the foreground at any time */
            continue;
        }
        fds[count + inputs] = (struct pollfd){.fd = w->input[i].fd, .events = POLLIN};
        reading[inputs++] = &w->input[i];
    }
    if (poll(fds, count + inputs, wait_time(w, deadline, tick)) < 0)
        return;
    loopback_serve(&w->loopback, fds, count);
    for (nfds_t i = 0; i < inputs && !w->done; i++)
        if (fds[count + i].revents)
            read_input(w, reading[i]);
    if (!w->done)
        watch_browser(w);
}

static bool wait_for_redirect(struct wait *w, struct report *why)
{
    char command[LOGIN_AGAIN_MAX];
    int64_t deadline = clock_monotonic() + LOGIN_WAIT_MAX;
    while (!w->done && clock_left(deadline) > 0)
        wait_once(w, deadline);
    loopback_finish(&w->loopback);
    if (w->done)
        return true;
    login_again(w->login, "", command);
    return report_set(why, FAILURE_LOGIN_NEEDED, "no login has arrived within %d minutes: run '%s' again",
                      LOGIN_WAIT_MAX / 60000, command);
}

/* --- what came --- */

static bool exchange(struct wait *w, struct oauth_answer *answer, struct report *why)
{
    const struct http_field fields[] = {
        {"grant_type", "authorization_code"},
        {"code", w->redirect.code},
        {"redirect_uri", w->redirect_uri},
        {"code_verifier", w->secrets.verifier},
        {NULL, NULL},
    };
    w->login->asked_at = clock_wall();
    bool answered = oauth_token_request(&w->login->client, fields, HTTP_TOTAL_TIMEOUT, answer, why);
    login_register_heard(w->login, answer->error);
    return answered && answer->ok;
}

/* The provider's refusal, in the words that a refusal of its token endpoint gets. */
static bool refusal(struct wait *w, struct report *why)
{
    struct login *l = w->login;
    const struct oauth_answer answer = {.error = w->redirect.error, .description = w->redirect.description};
    login_register_heard(l, answer.error);
    char *host = http_host(l->client.authorization_endpoint);
    oauth_classify(&answer, 400, host ? host : "the provider", l->client.login, true, why);
    free(host);
    return false;
}

static bool finish(struct wait *w, struct oauth_answer *answer, struct report *why)
{
    char command[LOGIN_AGAIN_MAX];
    switch (w->result) {
    case REDIRECT_CODE:
        return exchange(w, answer, why);
    case REDIRECT_ERROR:
        return refusal(w, why);
    default:
        login_again(w->login, "", command);
        return report_set(
            why, FAILURE_CONFIG,
            "the answer to the login cannot be trusted, and was not used: %s. Run '%s' again; if it "
            "stays, check issuer",
            w->redirect.problem, command);
    }
}

static bool prepare(struct wait *w, struct report *why)
{
    struct login *l = w->login;
    if (!authorize_begin(&w->secrets, why) || !loopback_open(&w->loopback, redirect_host(l), judge_request, w, why))
        return false;
    snprintf(w->redirect_uri, sizeof w->redirect_uri, "http://%s/", w->loopback.authority);
    const char *parameters = account_value(&l->account, SETTING_AUTHORIZATION_PARAMETERS);
    /* OpenID Connect Core 1.0, section 11: offline_access counts only where the person is asked. */
    if (!parameters && !account_value(&l->account, SETTING_PROVIDER) && l->scope &&
        strstr(l->scope, "offline_access"))
        parameters = "prompt=consent";
    const struct authorize_request request = {
        .endpoint = l->client.authorization_endpoint,
        .client_id = l->client.client_id,
        .redirect_uri = w->redirect_uri,
        .scope = l->scope,
        .login_hint = strchr(l->name, '@') ? l->name : NULL,
        .parameters = parameters,
    };
    w->url = authorize_url(&w->secrets, &request, why);
    return w->url != NULL;
}

/* Standard input is read, and the terminal too where standard input is something else. */
static void open_inputs(struct wait *w)
{
    line_reader_init(&w->input[0], STDIN_FILENO, REDIRECT_URL_MAX);
    line_reader_init(&w->input[1], isatty(STDIN_FILENO) ? -1 : w->login->terminal.tty, REDIRECT_URL_MAX);
}

bool login_browser(struct login *l, struct oauth_answer *answer, struct report *why)
{
    struct wait w = {.login = l, .loopback.listener = {-1, -1}};
    for (int i = 0; i < LOOPBACK_CONNECTIONS_MAX; i++)
        w.loopback.connection[i].fd = -1;
    *answer = (struct oauth_answer){0};
    open_inputs(&w);
    bool ok = prepare(&w, why);
    if (ok) {
        show_address(&w);
        ok = wait_for_redirect(&w, why) && finish(&w, answer, why);
    }
    loopback_close(&w.loopback);
    for (int i = 0; i < INPUTS; i++)
        line_reader_free(&w.input[i]);
    redirect_free(&w.redirect);
    authorize_end(&w.secrets);
    free(w.url);
    return ok;
}
