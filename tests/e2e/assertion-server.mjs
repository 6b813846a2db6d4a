// What proves itself without a person, checked as the providers do: a stand-in for Microsoft's and Google's token endpoints, for
// the two endpoints of managed identities, and a real oidc-provider for the rest.
//
//   node assertion-server.mjs FOLDER
//
// FOLDER has client.key, client.crt, ec.key, service.key (PEM) when it starts. It listens on a free port of 127.0.0.1 and writes
// there: `issuer`, the address, when it is ready; `requests.log`, one JSON object a line for each request, never a secret;
// the tokens that it gave and the assertions that it got, see secrets.mjs.
//
//   /entra/TENANT/token   client credentials with a secret, a certificate (PS256, x5t#S256), or a federated token
//   /google/token         a service account's assertion (RS256)
//   /imds                 a virtual machine's managed identity; /app-service: App Service's
//   everything else       oidc-provider: client_credentials with client_secret_post, client_secret_basic, private_key_jwt
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { Secrets } from './secrets.mjs';

const [folder] = process.argv.slice(2);
const require = createRequire(path.join(process.env.E2E_NPM, 'package.json'));
const { default: Provider } = await import(require.resolve('oidc-provider'));

const read = (name) => fs.readFileSync(path.join(folder, name));
const certificate = new crypto.X509Certificate(read('client.crt'));
const thumbprint = crypto.createHash('sha256').update(certificate.raw).digest('base64url');
const serviceKey = crypto.createPublicKey(read('service.key'));
const used = new Set(); // every jti
const settings = { ttl: 3600, status: 0 };
let issuer;

const secrets = new Secrets(folder);
const keep = (secret) => secrets.plant(secret);

class Refused extends Error {
    constructor(error, description, status = 400) {
        super(description);
        Object.assign(this, { error, status });
    }
}

function must(condition, error, description) {
    if (!condition) throw new Refused(error, description);
}

const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString());

// Checks signature and claims of a compact JWT; returns both parts.
function verify(jwt, key, algorithm, audience, lifetime) {
    must(/^[\w-]+\.[\w-]+\.[\w-]+$/.test(jwt ?? ''), 'invalid_client', 'the assertion is no compact JWT');
    keep(jwt);
    const [head, body, signature] = jwt.split('.');
    const header = part(head);
    const claims = part(body);
    must(header.alg === algorithm && header.typ === 'JWT', 'invalid_client', `alg ${header.alg}, typ ${header.typ}`);
    const options = algorithm === 'PS256'
        ? { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST }
        : { key };
    const good = crypto.verify('sha256', Buffer.from(`${head}.${body}`), options, Buffer.from(signature, 'base64url'));
    must(good, 'invalid_client', 'the signature is wrong');
    const now = Math.floor(Date.now() / 1000);
    must(claims.aud === audience, 'invalid_client', `aud ${claims.aud}`);
    must(claims.nbf === undefined || claims.nbf <= now, 'invalid_client', 'nbf is in the future');
    must(claims.iat <= now && claims.exp > now && claims.exp - claims.iat <= lifetime, 'invalid_client', 'iat and exp');
    must(typeof claims.jti === 'string' && !used.has(claims.jti), 'invalid_client', 'jti is missing or was used');
    used.add(claims.jti);
    return { header, claims };
}

function entraClient(form, tenant, url) {
    must(form.get('client_id') === 'app', 'invalid_client', 'AADSTS700016: no such application');
    if (form.get('client_secret')) {
        must(form.get('client_secret') === 'the-app-secret', 'invalid_client', 'AADSTS7000215: Invalid client secret provided.');
        return 'secret';
    }
    must(form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', 'invalid_client',
        'AADSTS7000218: no assertion and no secret');
    const assertion = form.get('client_assertion');
    if (assertion === 'federated.token.one' || assertion === 'federated.token.two') return `federation (${assertion.split('.')[2]})`;
    const { header, claims } = verify(assertion, certificate.publicKey, 'PS256', url, 600);
    must(header['x5t#S256'] === thumbprint, 'invalid_client', 'AADSTS700027: no certificate of this application has this thumbprint');
    must(claims.iss === 'app' && claims.sub === 'app', 'invalid_client', 'iss and sub');
    return 'certificate';
}

function token(words) {
    const value = `token.${words}.${crypto.randomBytes(9).toString('base64url')}`;
    keep(value);
    return { token_type: 'Bearer', access_token: value, expires_in: settings.ttl };
}

const handlers = {
    entra(request, form, url) {
        const tenant = url.pathname.split('/')[2];
        must(tenant !== 'common', 'unauthorized_client', 'AADSTS50194: not for common');
        must(form.get('grant_type') === 'client_credentials', 'unsupported_grant_type', 'only client_credentials');
        must(form.get('scope') === 'https://outlook.office365.com/.default', 'invalid_scope', `scope ${form.get('scope')}`);
        const by = entraClient(form, tenant, `${issuer}${url.pathname}`);
        return { answer: token('app'), by, tenant };
    },
    google(request, form, url) {
        must(form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer', 'unsupported_grant_type', 'jwt-bearer');
        must([...form.keys()].sort().join() === 'assertion,grant_type', 'invalid_request', `fields ${[...form.keys()]}`);
        const { header, claims } = verify(form.get('assertion'), serviceKey, 'RS256', `${issuer}${url.pathname}`, 3600);
        must(header.kid === 'service-key-id', 'invalid_grant', 'kid');
        must(claims.iss === 'robot@project.iam.example.com', 'invalid_grant', 'iss');
        must(claims.scope === 'https://mail.google.com/', 'invalid_scope', `scope ${claims.scope}`);
        must(claims.sub !== 'nobody@contoso.com', 'invalid_grant', 'Invalid email or User ID');
        return { answer: token(claims.sub.replace('@', '.')), by: 'service account', sub: claims.sub };
    },
    imds(request, form, url) {
        const query = url.searchParams;
        must(request.method === 'GET' && request.headers.metadata === 'true', 'invalid_request', 'Required metadata header not specified');
        must(query.get('api-version') === '2018-02-01', 'invalid_request', 'api-version');
        must(query.get('resource') === 'https://outlook.office365.com', 'invalid_resource', `resource ${query.get('resource')}`);
        const { access_token } = token('imds');
        const on = Math.floor(Date.now() / 1000) + settings.ttl;
        return {
            answer: { access_token, client_id: 'x', expires_in: String(settings.ttl), expires_on: String(on), token_type: 'Bearer' },
            by: 'imds', client: query.get('client_id'),
        };
    },
    'app-service'(request, form, url) {
        const query = url.searchParams;
        must(request.headers['x-identity-header'] === 'the-identity-header', 'invalid_request', 'X-IDENTITY-HEADER');
        must(!request.headers.metadata && query.get('api-version') === '2019-08-01', 'invalid_request', 'api-version');
        must(query.get('resource') === 'https://outlook.office365.com', 'invalid_resource', 'resource');
        const { access_token } = token('app-service');
        const on = Math.floor(Date.now() / 1000) + settings.ttl;
        return { answer: { access_token, expires_on: String(on), resource: query.get('resource'), token_type: 'Bearer' }, by: 'app-service' };
    },
};

function log(entry) {
    fs.appendFileSync(path.join(folder, 'requests.log'), `${JSON.stringify(entry)}\n`);
}

function send(response, status, body) {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
}

async function serve(request, response) {
    const url = new URL(request.url, issuer);
    const name = url.pathname.split('/')[1];
    if (!handlers[name] && name !== 'control') {
        provider.callback()(request, response);
        return;
    }
    let text = '';
    for await (const chunk of request) text += chunk;
    if (name === 'control') {
        Object.assign(settings, JSON.parse(text));
        send(response, 200, settings);
        return;
    }
    try {
        must(settings.status === 0, 'temporarily_unavailable', 'by order');
        const { answer, ...entry } = handlers[name](request, new URLSearchParams(text), url);
        log({ endpoint: name, ok: true, ...entry });
        send(response, 200, answer);
    } catch (error) {
        log({ endpoint: name, ok: false, error: error.error ?? 'bug', description: error.message });
        send(response, settings.status || error.status || 500, { error: error.error ?? 'server_error', error_description: error.message });
    }
}

const jwk = (name, alg) => ({ ...crypto.createPublicKey(read(name)).export({ format: 'jwk' }), alg, use: 'sig', kid: name });
const program = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'mail' };

const server = http.createServer(serve);
let provider;
server.listen(0, '127.0.0.1', () => {
    issuer = `http://127.0.0.1:${server.address().port}`;
    provider = new Provider(issuer, {
        clients: [
            { ...program, client_id: 'by-post', client_secret: 'post-secret-0123456789', token_endpoint_auth_method: 'client_secret_post' },
            { ...program, client_id: 'by-basic', client_secret: 'basic+secret/0123:456789', token_endpoint_auth_method: 'client_secret_basic' },
            ...[['by-rsa', 'client.key', 'PS256'], ['by-rs256', 'client.key', 'RS256'], ['by-ec', 'ec.key', 'ES256']].map(
                ([client_id, key, alg]) => ({
                    ...program, client_id, jwks: { keys: [jwk(key, alg)] },
                    token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg,
                })),
        ],
        scopes: ['mail'],
        features: { clientCredentials: { enabled: true }, introspection: { enabled: false } },
        ttl: { ClientCredentials: () => settings.ttl },
    });
    provider.on('client_credentials.issued', () => {});
    provider.use(async (ctx, next) => {
        await next();
        if (ctx.path === '/token') {
            if (ctx.body?.access_token) keep(ctx.body.access_token);
            log({ endpoint: 'oidc', ok: ctx.status === 200, client: ctx.oidc?.client?.clientId, error: ctx.body?.error,
                description: ctx.body?.error_description });
        }
    });
    fs.writeFileSync(path.join(folder, 'issuer.new'), `${issuer}\n`);
    fs.renameSync(path.join(folder, 'issuer.new'), path.join(folder, 'issuer'));
});
