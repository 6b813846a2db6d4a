// A real OAuth 2.0 server for the tests: npm oidc-provider with its own sign-in pages.
//
//   node oauth-server.mjs FOLDER [CERTIFICATE KEY]
//
// It listens on a free port of 127.0.0.1, or with E2E_OAUTH_HOST=NAME on port 443 of that host's address, and writes into FOLDER:
//   issuer        the issuer's URL, when it is ready
//   requests.log  one JSON object a line for each request to the token, introspection and revocation endpoint;
//                 never a secret
//   secrets       every secret it has issued or received, and secrets.encoded, see secrets.mjs
//
// Whoever signs in with the name X is the user with sub and email X, with any password.
// POST /control/set changes a setting (JSON body, see `settings`); POST /control/revoke-access, revoke-grant and
// introspect take {"account": X}. Clients are public native ones, except `mailserver`, which introspects. POST /control/application
// adds one that gets tokens for itself (its metadata, RFC 7591); they are good for the mailbox in `settings`. With E2E_OAUTH_HOST
// anybody may register a client, and POST /control/forget-clients removes all that were not there at the start.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { createRequire } from 'node:module';
import { Secrets } from './secrets.mjs';

const [folder, certificate, key] = process.argv.slice(2);
// The packages lie in the work folder, not beside this file.
const openHost = process.env.E2E_OAUTH_HOST;
const MAIL_SCOPE = 'urn:ietf:params:oauth:scope:mail';
const require = createRequire(path.join(process.env.E2E_NPM, 'package.json'));
const { default: Provider } = await import(require.resolve('oidc-provider'));

const settings = {
    access_ttl: 3600, // seconds an access token issued from now on lives
    rotate: true, // a new refresh token at each refresh; the reuse of an old one ends the grant
    offline: true, // whether refresh tokens are issued at all
    token_delay_ms: 0, // the token endpoint's answer comes this much later, or when this is 0 again
    token_status: 0, // instead of an answer the token endpoint gives this status, such as 503
    vanish: 0, // so many times the clients that registered are removed when a token is asked for
    mailbox: null, // whose mail the applications may use
    registration: null, // {"status": N, "body": X}: what the registration endpoint answers instead
};

// All that the server remembers: model name and id -> what was stored.
const store = new Map();
class Adapter {
    constructor(model) {
        this.model = model;
    }

    key(id) {
        return `${this.model}:${id}`;
    }

    entries() {
        return [...store].filter(([k]) => k.startsWith(`${this.model}:`));
    }

    async upsert(id, payload) {
        store.set(this.key(id), payload);
    }

    async find(id) {
        return store.get(this.key(id));
    }

    async findByUid(uid) {
        return this.entries().map(([, v]) => v).find((v) => v.uid === uid);
    }

    async findByUserCode(code) {
        return this.entries().map(([, v]) => v).find((v) => v.userCode === code);
    }

    async consume(id) {
        store.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
        store.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
        for (const [k, v] of this.entries()) if (v.grantId === grantId) store.delete(k);
    }
}

const secrets = new Secrets(folder);
function rememberSecrets(values) {
    for (const value of values) if (typeof value === 'string' && value.length >= 8) secrets.plant(value);
}

function logRequest(entry) {
    fs.appendFileSync(path.join(folder, 'requests.log'), `${JSON.stringify({ time: Date.now(), ...entry })}\n`);
}

const LOGGED = new Set(['registration', 'token', 'introspection', 'revocation', 'device_authorization', 'userinfo']);
async function watch(ctx, next) {
    const came = Date.now();
    while (ctx.path === '/token' && Date.now() < came + settings.token_delay_ms) {
        await new Promise((done) => { setTimeout(done, 10); });
    }
    if (ctx.path === '/token' && settings.token_status > 0) {
        logRequest({ endpoint: 'token', status: settings.token_status });
        ctx.status = settings.token_status;
        return;
    }
    if (ctx.path === '/token' && settings.vanish > 0) {
        settings.vanish -= 1;
        forgetClients();
    }
    if (ctx.path === '/reg' && settings.registration) {
        logRequest({ endpoint: 'registration', status: settings.registration.status });
        ctx.status = settings.registration.status;
        ctx.body = settings.registration.body;
        return;
    }
    await next();
    const { oidc } = ctx;
    if (!oidc || !LOGGED.has(oidc.route)) return;
    const asked = { ...oidc.params, ...oidc.body };
    rememberSecrets([asked.client_secret, asked.client_assertion]);
    const given = ctx.body && typeof ctx.body === 'object' ? ctx.body : {};
    rememberSecrets([asked.code, asked.code_verifier, asked.refresh_token, asked.device_code, given.access_token,
        given.refresh_token, given.id_token, given.device_code, given.registration_access_token]);
    logRequest({
        endpoint: oidc.route,
        grant_type: asked.grant_type,
        client: oidc.client?.clientId,
        account: oidc.entities.Account?.accountId ?? oidc.entities.AccessToken?.accountId,
        status: ctx.status,
        error: given.error,
        active: given.active,
    });
}

function configuration() {
    const native = {
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/', 'http://localhost/'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    };
    return {
        adapter: Adapter,
        clients: [
            { ...native, client_id: 'desktop' },
            {
                ...native,
                client_id: 'desktop-secret',
                client_secret: 'secret of the desktop: +%&=',
                token_endpoint_auth_method: 'client_secret_post',
            },
            {
                ...native,
                client_id: 'desktop-basic',
                client_secret: 'secret of the desktop: +%&=',
                token_endpoint_auth_method: 'client_secret_basic',
            },
            {
                client_id: 'mailserver',
                client_secret: 'mailserver-secret',
                redirect_uris: [],
                response_types: [],
                grant_types: [],
            },
        ],
        claims: { openid: ['sub'], email: ['email', 'email_verified'] },
        scopes: ['openid', 'offline_access', 'email', 'mail', ...(openHost ? [MAIL_SCOPE] : [])],
        cookies: { keys: ['the tests have no secret cookies'] },
        extraTokenClaims: (ctx, token) => ({ email: token.accountId ?? settings.mailbox }),
        features: {
            clientCredentials: { enabled: true },
            devInteractions: { enabled: true },
            deviceFlow: { enabled: true },
            introspection: { enabled: true, allowedPolicy: (ctx, client) => client.clientId === 'mailserver' },
            registration: { enabled: Boolean(openHost) },
            revocation: { enabled: true },
        },
        findAccount: (ctx, id) => ({
            accountId: id,
            claims: () => ({ sub: id, email: id, email_verified: true }),
        }),
        issueRefreshToken: (ctx, client, code) => settings.offline && code.scopes.has('offline_access'),
        rotateRefreshToken: () => settings.rotate,
        pkce: { methods: ['S256'], required: () => true },
        ttl: {
            AccessToken: () => settings.access_ttl,
            AuthorizationCode: 60,
            ClientCredentials: () => settings.access_ttl,
            DeviceCode: 600,
            Grant: 86400,
            IdToken: 3600,
            Interaction: 600,
            RefreshToken: 86400,
            Session: 86400,
        },
    };
}

// Adds the client, which has a key of its own.
function addApplication(client) {
    store.set(`Client:${client.client_id}`, {
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'PS256',
        ...client,
    });
    return {};
}

// Removes the clients that were added since the start.
function forgetClients() {
    for (const k of [...store.keys()]) if (k.startsWith('Client:')) store.delete(k);
    return {};
}

// Removes what `account` has of these models; returns how many.
function forget(account, models) {
    let count = 0;
    for (const [k, v] of store) {
        if (v.accountId === account && models.includes(k.split(':')[0])) {
            store.delete(k);
            count += 1;
        }
    }
    return count;
}

const controls = {
    application: addApplication,
    'forget-clients': forgetClients,
    set: (body) => Object.assign(settings, body),
    'revoke-access': ({ account }) => ({ removed: forget(account, ['AccessToken']) }),
    'revoke-grant': ({ account }) => ({ removed: forget(account, ['Grant', 'AccessToken', 'RefreshToken']) }),
};

async function control(request, response) {
    let text = '';
    for await (const part of request) text += part;
    const action = controls[request.url.slice('/control/'.length)];
    response.writeHead(action ? 200 : 404, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(action ? action(JSON.parse(text || '{}')) : {})}\n`);
}

let provider;
function serve(request, response) {
    if (request.method === 'POST' && request.url.startsWith('/control/')) control(request, response);
    else provider.callback()(request, response);
}

const server = certificate
    ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, serve)
    : http.createServer(serve);
// Longer than the 60 s for which Dovecot keeps a connection and, on its one attempt, relies on it.
server.keepAliveTimeout = 120_000;
server.listen(openHost ? 443 : 0, openHost ?? '127.0.0.1', () => {
    const issuer = openHost ? `https://${openHost}`
        : `${certificate ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
    provider = new Provider(issuer, configuration());
    provider.use(watch);
    for (const event of ['grant.error', 'server_error', 'authorization.error', 'introspection.error']) {
        provider.on(event, (ctx, error) => console.error(`${event}: ${error.message}: ${error.error_detail ?? ''}`));
    }
    const temporary = path.join(folder, 'issuer.new');
    fs.writeFileSync(temporary, `${issuer}\n`);
    fs.renameSync(temporary, path.join(folder, 'issuer'));
});
