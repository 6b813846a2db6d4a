// An OAuth server for faults only. It signs everybody in at once and, unless told otherwise, answers properly.
//
//   node fault-server.mjs FOLDER
//
// Into FOLDER it writes `issuer` when it is ready, `requests.log` (a JSON object for each request to an endpoint,
// and for each request to a second server that no client should ever talk to), and its tokens, see secrets.mjs.
//
// /device (RFC 8628; everybody agrees at once), /revoke (RFC 7009) and /register (RFC 7591) are there for who puts them
// into the metadata.
//
// POST /control/next takes a JSON list of behaviours: each of the next requests to the token endpoint uses up one.
// POST /control/always takes one behaviour (or {}) for all requests that have none. POST /control/set changes
// `settings`. An access token says when it expires: fault-access-MILLISECONDS-RANDOM. A behaviour may have:
//   delay_ms            answer that much later
//   hang                never answer
//   drip_ms             send the answer one byte at a time, with this pause
//   cut                 close the connection in the middle of the answer
//   unended             close it after the whole answer, but before the end that "length" or "chunks" announced
//   status, headers     instead of 200
//   body                this text instead of JSON; body_size: that many bytes
//   error, description  an OAuth error (status 400 unless given)
//   set, omit           fields to change in, or leave out of, a good answer
//   redirect_other      redirect to the second server (status 307 unless given)
//   after               do the exchange first, then fail as said above: the client never learns of its new token
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { Secrets } from './secrets.mjs';

const folder = process.argv[2];
const settings = {
    rotate: true, // a new refresh token at each use; a second use of an old one ends the grant
    access_ttl: 3600,
    device_ttl: 600, // seconds in which somebody may agree
    basic: false, // a client proves itself in the Authorization header, and in no other way
    metadata: {}, // fields to change in the metadata
    redirect: {}, // parameters to change in the redirect after the sign-in (null removes one)
    failing: 0, // every so many-th refresh fails ...
    ways: [], // ... with these behaviours in turns
};
let refreshes = 0;
let queue = [];
let always = {};
let issuer;
let other;

const grants = new Map(); // grant -> true while it lives
const refreshTokens = new Map(); // refresh token -> { grant, used }

const secrets = new Secrets(folder);
function secret(kind) {
    const value = `${kind}-${crypto.randomBytes(24).toString('base64url')}`;
    secrets.plant(value);
    return value;
}

function log(entry) {
    fs.appendFileSync(path.join(folder, 'requests.log'), `${JSON.stringify({ time: Date.now(), ...entry })}\n`);
}

function tokens(grant, old) {
    let refresh = old;
    if (!old || settings.rotate) {
        refresh = secret('fault-refresh');
        refreshTokens.set(refresh, { grant, used: false });
    }
    return {
        access_token: secret(`fault-access-${Date.now() + settings.access_ttl * 1000}`),
        token_type: 'Bearer',
        expires_in: settings.access_ttl,
        refresh_token: refresh,
    };
}

// The honest answer: [status, object].
function exchange(form) {
    if (form.get('grant_type') === 'authorization_code' || form.has('device_code')) {
        const grant = crypto.randomUUID();
        grants.set(grant, true);
        return [200, tokens(grant)];
    }
    if (form.get('grant_type') === 'client_credentials') return [200, { ...tokens(crypto.randomUUID()), refresh_token: undefined }];
    const value = form.get('refresh_token');
    const known = refreshTokens.get(value);
    if (!known || !grants.get(known.grant)) return [400, { error: 'invalid_grant', error_description: 'unknown grant' }];
    if (known.used) {
        grants.set(known.grant, false);
        return [400, { error: 'invalid_grant', error_description: 'reuse of a refresh token' }];
    }
    known.used = settings.rotate;
    return [200, tokens(known.grant, value)];
}

// What goes over the wire for a behaviour: [status, headers, text].
function answer(b, form) {
    const bad = b.error || b.body !== undefined || b.body_size || b.redirect_other || (b.status ?? 200) >= 400;
    const [status, object] = !bad || b.after ? exchange(form) : [200, {}];
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store', ...b.headers };
    if (b.redirect_other) return [b.status ?? 307, { ...headers, location: `${other}/token` }, ''];
    if (b.error) return [b.status ?? 400, headers, JSON.stringify({ error: b.error, error_description: b.description })];
    if (b.body_size) return [b.status ?? 200, headers, `{"access_token":"${'x'.repeat(b.body_size)}"}`];
    if (b.body !== undefined) return [b.status ?? 200, headers, b.body];
    if (bad) return [b.status, headers, '{}'];
    const changed = { ...object, ...b.set };
    for (const name of b.omit ?? []) delete changed[name];
    return [b.status ?? status, headers, JSON.stringify(changed)];
}

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

async function send(response, b, [status, headers, text]) {
    if (b.drip_ms) {
        response.writeHead(status, headers);
        for (const byte of Buffer.from(text)) {
            if (response.destroyed) return;
            response.write(Buffer.of(byte));
            await pause(b.drip_ms);
        }
        response.end();
    } else if (b.cut) {
        response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
        response.write(text.slice(0, text.length / 2), () => response.destroy());
    } else if (b.unended) {
        response.writeHead(status, b.unended === 'length' ? { ...headers, 'content-length': Buffer.byteLength(text) + 1 } : headers);
        response.write(text, () => response.destroy());
    } else {
        response.writeHead(status, headers);
        response.end(text);
    }
}

async function read(request) {
    let text = '';
    for await (const part of request) text += part;
    return text;
}

// The behaviour when it is the turn of a failure.
function failure(form) {
    if (settings.failing === 0 || form.get('grant_type') !== 'refresh_token') return undefined;
    refreshes += 1;
    return refreshes % settings.failing === 0 ? settings.ways[(refreshes / settings.failing) % settings.ways.length] : undefined;
}

async function token(request, response) {
    const form = new URLSearchParams(await read(request));
    let b = queue.shift() ?? failure(form) ?? always;
    const inHeader = /^Basic ./.test(request.headers.authorization ?? '') && !form.has('client_secret');
    if (settings.basic && !inHeader) b = { error: 'invalid_client', status: 401 };
    const reply = b.hang ? [0] : answer(b, form);
    log({ endpoint: 'token', grant_type: form.get('grant_type'), status: reply[0], scope: form.get('scope') ?? undefined });
    if (b.hang) return;
    if (b.delay_ms) await pause(b.delay_ms);
    await send(response, b, reply);
}

function authorize(request, response) {
    const asked = new URL(request.url, issuer).searchParams;
    const back = new URL(asked.get('redirect_uri'));
    const given = { code: secret('fault-code'), state: asked.get('state'), iss: issuer, ...settings.redirect };
    for (const [k, v] of Object.entries(given)) if (v !== null) back.searchParams.set(k, v);
    response.writeHead(302, { location: back.href });
    response.end();
}

function device(request, response) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({
        device_code: secret('fault-device'), user_code: 'BCDF-GHJK', verification_uri: `${issuer}/activate`, expires_in: settings.device_ttl, interval: 1,
    }));
}

// Only the end of a refresh token ends anything here.
async function revoke(request, response) {
    const known = refreshTokens.get(new URLSearchParams(await read(request)).get('token'));
    if (known) grants.set(known.grant, false);
    log({ endpoint: 'revoke', status: 200, known: known !== undefined });
    response.writeHead(200);
    response.end();
}

async function register(request, response) {
    const client = JSON.parse(await read(request));
    log({ endpoint: 'register', status: 201 });
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...client, client_id: crypto.randomUUID() }));
}

function metadata(request, response) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
        scopes_supported: ['offline_access', 'mail'],
        ...settings.metadata,
    }));
}

async function control(request, response) {
    const body = JSON.parse(await read(request) || '{}');
    if (request.url.endsWith('/next')) queue = body;
    else if (request.url.endsWith('/always')) always = body;
    else Object.assign(settings, body);
    response.end('{}\n');
}

const handlers = new Map([
    ['/token', token], ['/authorize', authorize], ['/device', device], ['/revoke', revoke], ['/register', register],
]);

// A request may be broken off, or be nonsense: its client, too, has faults.
async function serve(request, response) {
    const { pathname } = new URL(request.url, 'http://localhost');
    let handler = handlers.get(pathname);
    if (pathname.startsWith('/control/')) handler = control;
    if (pathname.startsWith('/.well-known/')) handler = metadata;
    try {
        if (handler) await handler(request, response);
        else response.writeHead(404).end();
    } catch (error) {
        console.error(`${pathname}: ${error.message}`);
        response.destroy();
    }
}

async function serveOther(request, response) {
    log({ endpoint: 'other', method: request.method, form: (await read(request)).length > 0 });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(tokens(crypto.randomUUID())));
}

const listen = (handler) => new Promise((done) => {
    const server = http.createServer(handler).listen(0, '127.0.0.1', () => done(server.address().port));
});

other = `http://localhost:${await listen(serveOther)}`;
issuer = `http://127.0.0.1:${await listen(serve)}`;
fs.writeFileSync(path.join(folder, 'requests.log'), '');
const temporary = path.join(folder, 'issuer.new');
fs.writeFileSync(temporary, `${issuer}\n`);
fs.renameSync(temporary, path.join(folder, 'issuer'));
