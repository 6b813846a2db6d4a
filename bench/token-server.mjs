// A token endpoint on loopback that takes a fixed time for every answer, and measures how long it took.
//
//     token-server.mjs FOLDER DELAY [CERTIFICATE KEY]
//
// With a certificate it speaks https.
// FOLDER/url gets its address once it listens; FOLDER/times gets the milliseconds of each request, from its last
// byte read to its answer handed over, one a line; FOLDER/paths the path of each request as it arrives. It ends with
// SIGTERM, or after half an hour.
//
// An account may ask for something else in its token endpoint, as
// URL?delay=MILLISECONDS&lifetime=SECONDS&fail=COUNT; the first COUNT requests for that very path are answered with
// 503. More parameters tell one path from another.
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';

const [folder, delay] = [process.argv[2], Number(process.argv[3])];
const [certificate, key] = process.argv.slice(4);
const TOKEN_LENGTH = 1500;
let count = 0;
const seen = new Map(); // path -> requests for it

const answer = (lifetime) => {
    count += 1;
    return JSON.stringify({
        access_token: `access-${count}-`.padEnd(TOKEN_LENGTH, 'a'),
        token_type: 'Bearer',
        expires_in: lifetime,
        refresh_token: `refresh-${count}`,
    });
};

const serve = (request, response) => {
    const asked = new URL(request.url, 'http://localhost').searchParams;
    const before = seen.get(request.url) ?? 0;
    seen.set(request.url, before + 1);
    request.resume();
    request.on('end', () => {
        const start = performance.now();
        const fails = before < Number(asked.get('fail') ?? 0);
        appendFileSync(join(folder, 'paths'), `${request.url}\n`);
        setTimeout(() => {
            const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };
            response.writeHead(fails ? 503 : 200, headers);
            response.end(fails ? '{}' : answer(Number(asked.get('lifetime') ?? 3600)));
            appendFileSync(join(folder, 'times'), `${performance.now() - start}\n`);
        }, Number(asked.get('delay') ?? delay));
    });
};

const server = certificate
    ? createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, serve)
    : createServer(serve);

server.listen(0, '127.0.0.1', () => {
    writeFileSync(join(folder, 'url.new'), `http${certificate ? 's' : ''}://127.0.0.1:${server.address().port}/token\n`);
    renameSync(join(folder, 'url.new'), join(folder, 'url'));
});
setTimeout(() => process.exit(1), 30 * 60 * 1000);
