#include "config.h"

#include "advice.h"

#include <stdlib.h>
#include <string.h>

/* Microsoft's error numbers: "AADSTS" and the number at the start of a description. The number serves for advice;
 * beside it only the two kinds that say "later" change the class. */
struct number_advice {
    long number;
    enum failure code; /* FAILURE_NONE: as the `error` field says */
    const char *advice;
};

#define MFA "the provider wants a sign-in with a second factor"
#define ADMIN "a policy of your organization forbids it: ask its administrator"
#define BLOCKED "the account is disabled or locked: ask your administrator"
#define CONSENT "the application has no consent yet for this scope"
#define ADMIN_CONSENT "an administrator of your organization has to consent to the application first"
#define WRONG_APP "check client_id, tenant and the address: the application, tenant or user does not exist there"
#define WRONG_ALIAS "the application does not allow this kind of account: set tenant to your organization's tenant id"
#define WRONG_CLOUD "the account belongs to another national cloud: use that cloud's endpoints"
#define SCOPE "correct scope in the account file"
#define LATER "the provider has trouble; try again later"
#define THROTTLED "too many requests; wait some minutes"

static const struct number_advice NUMBERS[] = {
    {50173, FAILURE_NONE, "the login was revoked, for instance by a changed password"},
    {700082, FAILURE_NONE, "the login has expired after 90 days without use"},
    {70008, FAILURE_NONE, "the login has expired or was revoked"},
    {70000, FAILURE_NONE, "the login is not valid any more"},
    {70043, FAILURE_NONE,
     "your organization limits how long a sign-in lasts, so this will come again: ask its administrator for an "
     "exception"},
    {700084, FAILURE_NONE,
     "the application is registered as a single-page app, whose logins last a day: register it as a native app "
     "(mobile "
     "and desktop)"},
    {50076, FAILURE_NONE, MFA},
    {50079, FAILURE_NONE, MFA},
    {50072, FAILURE_NONE, MFA},
    {50074, FAILURE_NONE, MFA},
    {50078, FAILURE_NONE, MFA},
    {53000, FAILURE_NONE, ADMIN},
    {53001, FAILURE_NONE, ADMIN},
    {53003, FAILURE_NONE, ADMIN},
    {530032, FAILURE_NONE, ADMIN},
    {50057, FAILURE_NONE, BLOCKED},
    {50053, FAILURE_NONE, BLOCKED},
    {65001, FAILURE_NONE, CONSENT},
    {90094, FAILURE_NONE, ADMIN_CONSENT},
    {90095, FAILURE_NONE, ADMIN_CONSENT},
    {7000215, FAILURE_NONE, "the client secret is wrong: enter the secret's Value, not its ID, in the account file"},
    {700027, FAILURE_NONE,
     "the application does not know this certificate: upload it there, and check client_certificate_file"},
    {700024, FAILURE_NONE,
     "the assertion is too old or too new: check this machine's clock, or who renews client_assertion_file"},
    {7000222, FAILURE_NONE, "the client secret has expired: make a new one and put it into the account file"},
    {700025, FAILURE_NONE,
     "this client has no secret: remove client_secret and client_secret_file from the account file"},
    {7000218, FAILURE_NONE,
     "add the client secret to the account file, or switch on 'Allow public client flows' in the app registration"},
    {700016, FAILURE_NONE, WRONG_APP},
    {90002, FAILURE_NONE, WRONG_APP},
    {50034, FAILURE_NONE, WRONG_APP},
    {50194, FAILURE_NONE, WRONG_ALIAS},
    {9002332, FAILURE_NONE, WRONG_ALIAS},
    {9001023, FAILURE_NONE, WRONG_ALIAS},
    {90038, FAILURE_NONE, WRONG_CLOUD},
    {90043, FAILURE_NONE, WRONG_CLOUD},
    {900382, FAILURE_NONE, WRONG_CLOUD},
    {50011, FAILURE_NONE, "add the redirect address http://localhost (mobile and desktop) to the app registration"},
    {900144, FAILURE_NONE, "a parameter is missing: check client_id and scope in the account file"},
    {70011, FAILURE_NONE, SCOPE},
    {28002, FAILURE_NONE, SCOPE},
    {700022, FAILURE_NONE, SCOPE},
    {90033, FAILURE_UNREACHABLE, LATER},
    {90006, FAILURE_UNREACHABLE, LATER},
    {90012, FAILURE_UNREACHABLE, LATER},
    {90024, FAILURE_UNREACHABLE, LATER},
    {50033, FAILURE_UNREACHABLE, LATER},
    {50087, FAILURE_UNREACHABLE, LATER},
    {70012, FAILURE_UNREACHABLE, LATER},
    {90090, FAILURE_UNREACHABLE, LATER},
    {50196, FAILURE_UNREACHABLE, THROTTLED},
    {90055, FAILURE_UNREACHABLE, THROTTLED},
};

/* Words that a description contains; `error` NULL for any. */
struct text_advice {
    const char *error;
    const char *words;
    const char *advice;
};

#define GOOGLE_EXPIRED                                                                                               \
    "the login has expired or was revoked (if that happens every week, set the consent screen of the Google "        \
    "project to "                                                                                                    \
    "'In production')"

static const struct text_advice TEXTS[] = {
    {"invalid_grant", "Token has been expired or revoked", GOOGLE_EXPIRED},
    {"invalid_grant", "Bad Request", GOOGLE_EXPIRED},
    {"invalid_grant", "Invalid JWT", "check the clock of this machine and the service account's key"},
    {"invalid_client", "OAuth client was not found",
     "correct client_id in the account file, and check that provider is the one which gave it"},
    {"invalid_client", "OAuth client was deleted",
     "register a new client and put its client_id into the account file"},
    {"invalid_request", "client_secret is missing",
     "add client_secret_file to the account file: Google's desktop clients have a secret that must be sent"},
    {NULL, "Invalid device flow scope", "the provider offers no device login for mail: log in with --browser"},
    {NULL, "SmtpClientAuthentication is disabled",
     "SMTP AUTH is switched off for the mailbox, for tokens too: ask your administrator to enable it"},
    {NULL, "basic authentication is disabled",
     "the program logged in with a password: restrict it to the mechanism XOAUTH2"},
    {NULL, "535 5.7.3",
     "the wrong account signed in, the scope is for something else than mail, or the account has no right on the "
     "mailbox"},
    {NULL, "User is authenticated but not connected", "the account that signed in has no right on this mailbox"},
    {NULL, "Token will expire soon", "set a larger refresh_margin, such as 900, in the account file"},
    {NULL, "Invalid SASL argument", "the program encodes the token twice: update or reconfigure it"},
};

static const struct text_advice ERRORS[] = {
    {"invalid_grant", NULL, "the login has expired or was revoked"},
    {"invalid_client", NULL,
     "check client_id, the client secret, client_authentication and token_endpoint in the account file"},
    {"unauthorized_client", NULL, "the client may not log in this way: check its registration at the provider"},
    {"unsupported_grant_type", NULL, "check token_endpoint and flow in the account file"},
    {"invalid_scope", NULL, SCOPE},
    {"invalid_request", NULL, "check client_id, scope and the endpoints in the account file"},
    {"interaction_required", NULL, "the provider wants you to sign in again"},
    {"login_required", NULL, "the provider wants you to sign in again"},
    {"consent_required", NULL, CONSENT},
    {"access_denied", NULL, "the sign-in was refused, by you or by an administrator"},
    {"authorization_declined", NULL, "the sign-in was refused, by you or by an administrator"},
    {"expired_token", NULL, "the code was not entered in time: start again"},
    {"bad_verification_code", NULL, "the code was not accepted: start again"},
    {"temporarily_unavailable", NULL, LATER},
    {"server_error", NULL, LATER},
    {"slow_down", NULL, THROTTLED},
};

static const struct number_advice *find_number(const char *description)
{
    static const char MARK[] = "AADSTS";
    const char *at = strstr(description, MARK);
    long number = at ? strtol(at + strlen(MARK), NULL, 10) : 0;
    for (size_t i = 0; number > 0 && i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
        if (NUMBERS[i].number == number)
            return &NUMBERS[i];
    return NULL;
}

static const char *find_text(const char *error, const char *description)
{
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        if ((!TEXTS[i].error || (error && strcmp(TEXTS[i].error, error) == 0)) && strstr(description, TEXTS[i].words))
            return TEXTS[i].advice;
    return NULL;
}

static const char *find_error(const char *error)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++)
        if (strcmp(ERRORS[i].error, error) == 0)
            return ERRORS[i].advice;
    return NULL;
}

const char *advice_for(const char *error, const char *description, enum failure *code)
{
    const struct number_advice *number = description ? find_number(description) : NULL;
    const char *text = description ? find_text(error, description) : NULL;
    if (code)
        *code = number ? number->code : FAILURE_NONE;
    if (number)
        return number->advice;
    if (text)
        return text;
    return error ? find_error(error) : NULL;
}
