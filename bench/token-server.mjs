// A token endpoint on loopback that takes a fixed time for every answer, and measures how long it took.
//
//     token-server.mjs FOLDER DELAY
//
// FOLDER/url gets its address once it listens; FOLDER/times gets the milliseconds of each request, from its last
// byte read to its answer handed over, one a line. It ends with SIGTERM, or after half
// an hour.
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [folder, delay] = [process.argv[2], Number(process.argv[3])];
let count = 0;

const answer = () => {
    count += 1;
    return JSON.stringify({
        access_token: `access-${count}`,
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: `refresh-${count}`,
    });
};

const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
        const start = performance.now();
        setTimeout(() => {
            response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
            response.end(answer());
            appendFileSync(join(folder, 'times'), `${performance.now() - start}\n`);
        }, delay);
    });
});

server.listen(0, '127.0.0.1', () => {
    writeFileSync(join(folder, 'url.new'), `http://127.0.0.1:${server.address().port}/token\n`);
    renameSync(join(folder, 'url.new'), join(folder, 'url'));
});
setTimeout(() => process.exit(1), 30 * 60 * 1000);
