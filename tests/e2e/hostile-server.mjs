// Token endpoints that speak another HTTP than usual, or have no certificate that one may trust.
//
//   node hostile-server.mjs FOLDER CERTIFICATE KEY EXPIRED OTHER-NAME
//
// The certificates are for the same key: a good one, one that has expired, and one for another host. Into FOLDER it writes its
// secrets (secrets.mjs), and when it is ready `ports`, for the shell: H2_PORT (HTTP/2 alone, over TLS), EXPIRED_PORT and OTHERS_PORT
// (TLS), RAW_PORT (no TLS). The path says how it behaves:
//   H2_PORT   /good; /cut: resets the stream in the middle of the answer; /away: ends the session there; /endless
//   RAW_PORT  /old: HTTP/1.0, the end of the connection ends the answer; /bomb: gzip that nobody asked for, a thousand times
//             larger when it is unpacked; /headers, /chunks, /interim: without end
import crypto from 'node:crypto';
import fs from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import zlib from 'node:zlib';
import { Secrets } from './secrets.mjs';

const [folder, ...files] = process.argv.slice(2);
const [good, key, expired, other] = files.map((file) => fs.readFileSync(file));
const secrets = new Secrets(folder);

function answer(filler = '') {
    const token = `hostile-access-${crypto.randomBytes(24).toString('base64url')}`;
    secrets.plant(token);
    return JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600, filler });
}

const JSON_HEADERS = { 'content-type': 'application/json' };

// Writes the same again and again, as fast as it is taken.
function flood(stream, bytes) {
    const more = () => { while (!stream.destroyed && stream.write(bytes)); };
    stream.on('drain', more);
    more();
}

const overHttp2 = http2.createSecureServer({ cert: good, key }, (request, response) => {
    response.on('error', () => {});
    response.writeHead(200, JSON_HEADERS);
    const text = answer();
    const half = text.slice(0, text.length / 2);
    if (request.url === '/good') response.end(text);
    else if (request.url === '/cut') response.write(half, () => response.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
    else if (request.url === '/away') response.write(half, () => request.stream.session.destroy());
    else flood(response, Buffer.alloc(16384, ' '));
});
overHttp2.on('sessionError', () => {});

const RAW = {
    '/old': (socket) => socket.end(`HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n${answer()}`),
    '/bomb': (socket) => {
        const bomb = zlib.gzipSync(answer(' '.repeat(64 << 20)), { level: 9 });
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`);
        socket.end(bomb);
    },
    '/headers': (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        flood(socket, `X-More: ${'x'.repeat(1000)}\r\n`);
    },
    '/chunks': (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        flood(socket, `1;${'x'.repeat(1000)}\r\n \r\n`);
    },
    '/interim': (socket) => flood(socket, 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'),
};

const raw = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => RAW[/^POST (\S+) /.exec(data.toString('latin1'))[1]](socket));
});

const plain = (request, response) => response.writeHead(200, JSON_HEADERS).end(answer());
const servers = {
    H2_PORT: overHttp2,
    EXPIRED_PORT: https.createServer({ cert: expired, key }, plain),
    OTHERS_PORT: https.createServer({ cert: other, key }, plain),
    RAW_PORT: raw,
};
const ports = await Promise.all(Object.entries(servers).map(([name, server]) => new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done(`${name}=${server.address().port}\n`));
})));
const temporary = path.join(folder, 'ports.new');
fs.writeFileSync(temporary, ports.join(''));
fs.renameSync(temporary, path.join(folder, 'ports'));
