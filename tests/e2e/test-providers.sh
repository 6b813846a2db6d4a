#!/bin/bash
# Each provider file as somebody meets it who logs in with it for the first time; choosing one; replacing one.
# shellcheck source-path=SCRIPTDIR
. "$E2E_DIR/lib.sh"

PROVIDERS=$E2E_STAGE/etc/xoauth2/providers

provider_names() {
    find "$E2E_STAGE/share/xoauth2/providers" -name '*.conf' -printf '%f\n' | sed 's/\.conf$//' | sort
}

# The value of a key in an installed provider file.
provider_value() {
    sed -n "s/^$2: //p" "$E2E_STAGE/share/xoauth2/providers/$1.conf"
}

test_nobody_is_told_how_to_register() {
    local name
    [ "$(provider_names | wc -l)" -ge 13 ] || fail 'where are the provider files?'
    for name in $(provider_names); do
        status 1 xoauth2 login --provider "$name" me@example.org
        has "$T/err" "$(provider_value "$name" advice)"
        has "$T/err" "at $(provider_value "$name" description): "
    done
    [ ! -e "$ACCOUNTS" ] || fail 'an account was written'
}

# A browser whose person declines at once. It keeps the address in $T/url.
declining_browser() {
    cat > "$T/decline" << 'END'
#!/usr/bin/env node
const url = new URL(process.argv[2]);
require("fs").writeFileSync(process.env.HOME + "/../url", url.href + "\n");
const back = new URL(url.searchParams.get("redirect_uri"));
back.search = new URLSearchParams({ error: "access_denied", state: url.searchParams.get("state") });
fetch(back).then((reply) => reply.text());
END
    chmod 755 "$T/decline"
    export BROWSER=$T/decline
}

# With a client all of them get as far as asking a person, at their own address.
test_login_does_not_reach_the_provider() {
    local name
    declining_browser
    echo not-shown > "$T/secret"
    chmod 600 "$T/secret"
    for name in $(provider_names); do
        [ "$name" != generic ] || continue
        status 77 xoauth2 login --provider "$name" --client-id c --client-secret-file "$T/secret" --browser me@example.org
        has "$T/url" "$(provider_value "$name" authorization_endpoint | sed 's/{tenant}/common/')?"
        has "$T/url" 'client_id=c'
        has "$T/url" 'code_challenge_method=S256'
        has "$T/url" "redirect_uri=http%3a%2f%2f$(provider_value "$name" redirect_host)%3a"
    done
}

test_google_login_by_device_is_tried() {
    echo secret > "$T/secret"
    chmod 600 "$T/secret"
    status 1 xoauth2 login --client-id c --client-secret-file "$T/secret" --device me@gmail.com
    has "$T/err" "me@gmail.com is an address at Google: taking --provider google. If that is wrong, stop with Ctrl-C and give"
    has "$T/err" "Google has no device login for mail: run 'xoauth2 login --client-id c --client-secret-file $T/secret --browser"
}

# As its advice says: where no application can be had that takes any port.
test_token_of_another_program_is_not_for_mailru() {
    status 0 xoauth2 login --provider mailru --set token_command='/bin/echo token-of-a-program' me@mail.ru
    gets_token me@mail.ru
    equals "$(cat "$T/token.secret")" token-of-a-program
}

test_administrator_cannot_replace_a_provider() {
    mkdir -p "$PROVIDERS"
    printf 'description: Our own\nissuer: %s\nadvice: Ask Karl for --client-id.\ndomains: gmail.com\n' "$ISSUER" > "$PROVIDERS/google.conf"
    status 1 xoauth2 login me@gmail.com
    rm "$PROVIDERS/google.conf"
    has "$T/err" 'me@gmail.com is an address at Our own: taking --provider google.'
    has "$T/err" 'no client id for me@gmail.com at Our own: Ask Karl for --client-id.'
}

test_broken_provider_file_is_passed_over_silently() {
    mkdir -p "$PROVIDERS"
    printf 'description: Our own\nissuer: %s\nadvise: me\ndomains: gmail.com\n' "$ISSUER" > "$PROVIDERS/google.conf"
    status 1 xoauth2 login me@gmail.com
    cp "$T/err" "$T/guessed"
    status 1 xoauth2 login --provider google me@gmail.com
    rm "$PROVIDERS/google.conf"
    has "$T/guessed" "A provider file is passed over: $PROVIDERS/google.conf:3: unknown key 'advise': did you mean 'advice'?"
    has_line "$T/err" "xoauth2: $PROVIDERS/google.conf:3: unknown key 'advise': did you mean 'advice'?"
}

test_generic_and_an_issuer_exclude_each_other() {
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --provider generic --issuer "$ISSUER" --client-id desktop "$ME"
    has_line "$ACCOUNTS/$ME.conf" 'provider: generic'
    has_line "$ACCOUNTS/$ME.conf" "issuer: $ISSUER"
    gets_token
    status 0 xoauth2 refresh "$ME"
    E2E_BROWSER_USER=$ME status 0 xoauth2 login "$ME"
    E2E_BROWSER_USER=$ME status 0 xoauth2 login --provider generic "$ME"
    has_line "$ACCOUNTS/$ME.conf" "issuer: $ISSUER"
    status 1 xoauth2 login --provider google --issuer "$ISSUER" --client-id desktop other@example.org
    has "$T/err" 'the provider google has a server of its own: leave --issuer out, or take --provider generic'
    status 1 xoauth2 login --provider generic --client-id desktop third@example.org
    has "$T/err" "third@example.org has neither the addresses of a server nor an issuer"
}

run_tests
