#include "config.h"

#include "login_again.h"

#include "settings.h"

#include <stdio.h>
#include <string.h>

struct command {
    char *text;
    size_t used;
    const char *more;
};

static void add(struct command *c, char character)
{
    if (c->used < LOGIN_AGAIN_MAX)
        c->text[c->used++] = character;
}

static void add_text(struct command *c, const char *text)
{
    for (; *text; text++)
        add(c, *text);
}

/* In double quotes where a shell would do something with it: a report has single quotes round the whole command. */
static void add_quoted(struct command *c, const char *value)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-";
    bool plain = *value && strspn(value, PLAIN) == strlen(value);
    if (!plain)
        add(c, '"');
    for (; *value; value++) {
        if (strchr("\"$`\\", *value))
            add(c, '\\');
        add(c, *value);
    }
    if (!plain)
        add(c, '"');
}

/* Whether `more` is this option, with a value or without. */
static bool is_replaced(const struct command *c, const char *option)
{
    size_t len = strlen(option);
    return strncmp(c->more, option, len) == 0 && (c->more[len] == ' ' || c->more[len] == '\0');
}

static void add_option(struct command *c, const char *option, const char *value)
{
    if (!value || is_replaced(c, option))
        return;
    add(c, ' ');
    add_text(c, option);
    add(c, ' ');
    add_quoted(c, value);
}

static void add_flow(struct command *c, enum login_flow flow)
{
    if (flow == LOGIN_FLOW_ANY || is_replaced(c, "--browser") || is_replaced(c, "--device"))
        return;
    add_text(c, flow == LOGIN_FLOW_BROWSER ? " --browser" : " --device");
}

static void add_options(struct command *c, const struct login_options *o)
{
    add_option(c, "--provider", o->provider);
    add_option(c, "--issuer", o->issuer);
    add_option(c, "--tenant", o->tenant);
    add_option(c, "--client-id", o->client_id);
    add_option(c, "--client-secret-file", o->client_secret_file);
    add_option(c, "--scope", o->scope);
    for (size_t i = 0; i < o->set_count; i++) {
        add_option(c, "--set", SETTING_NAMES[o->set[i].key]);
        add(c, '=');
        if (*o->set[i].value)
            add_quoted(c, o->set[i].value);
    }
    add_option(c, "--ca-file", o->ca_file);
    add_flow(c, o->flow);
}

void login_again(const struct login *l, const char *more, char out[LOGIN_AGAIN_MAX])
{
    struct command c = {.text = out, .more = more};
    add_text(&c, "xoauth2 login");
    add_options(&c, &l->options);
    add_text(&c, *more ? " " : "");
    add_text(&c, more);
    add_text(&c, l->paths.system ? " --system " : " ");
    add_quoted(&c, l->name);
    if (c.used < LOGIN_AGAIN_MAX)
        out[c.used] = '\0';
    else
        snprintf(out, LOGIN_AGAIN_MAX, "the same command%s%s", *more ? " with " : "", more);
}
