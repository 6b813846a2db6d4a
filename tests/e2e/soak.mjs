// Clients of an agent that never stop asking, and that check each answer.
//
//   node soak.mjs SOCKET SECONDS CLIENTS PAUSE ACCOUNT...
//
// Each client asks for the token of one account after the other, with up to PAUSE milliseconds in between. The
// tokens are those of fault-server.mjs, which say when they expire. An answer is wrong when it is a token that has
// expired, or an error while there was a valid token, or no answer within the 30 s that a mail program has. A valid
// token is one that the agent has handed out before and that lives for more than the LAST seconds which the agent
// keeps from handing out.
//
// Prints a JSON object of counts; exits with 1 if anything was wrong, having said what on standard error.
import net from 'node:net';

const [socketPath, seconds, clients, pause, ...accounts] = process.argv.slice(2);
const LAST = 6000; // milliseconds: 5 s, and what comes from rounding to seconds
const ANSWER = 30000;
const end = Date.now() + Number(seconds) * 1000;
const newest = new Map(); // account -> when its newest token expires
const counts = { requests: 0, tokens: 0, errors: 0, wrong: 0, slowest_ms: 0 };
const errors = new Map(); // text -> how often

function ask(account) {
    return new Promise((resolve) => {
        let text = '';
        const socket = net.connect(socketPath);
        const done = () => {
            socket.destroy();
            resolve(text);
        };
        socket.setTimeout(ANSWER, done);
        socket.on('error', done);
        socket.on('close', done);
        socket.on('data', (data) => {
            text += data;
            if (text.endsWith('\n\n')) done();
        });
        socket.write(`get\nversion=1\nuser=${account}\nservice=imap\nhost=localhost\n\n`);
    });
}

function wrong(account, what) {
    counts.wrong += 1;
    console.error(`${new Date().toISOString()} ${account}: ${what}`);
}

function judge(account, asked, reply) {
    const token = /^token=fault-access-(\d+)-/m.exec(reply);
    const now = Date.now();
    counts.requests += 1;
    counts.slowest_ms = Math.max(counts.slowest_ms, now - asked);
    if (reply.startsWith('ok\n') && token) {
        const expires = Number(token[1]);
        counts.tokens += 1;
        newest.set(account, Math.max(expires, newest.get(account) ?? 0));
        if (expires <= now) wrong(account, `a token that expired ${now - expires} ms ago`);
        return;
    }
    const message = /^message=(.*)$/m.exec(reply)?.[1] ?? 'no answer';
    counts.errors += 1;
    errors.set(message, (errors.get(message) ?? 0) + 1);
    const left = (newest.get(account) ?? 0) - now;
    if (left > LAST) wrong(account, `an error, though there is a token for ${left} ms: ${message}`);
    else if (message === 'no answer') wrong(account, message);
}

async function client(number) {
    for (let i = number; Date.now() < end; i += 1) {
        const account = accounts[i % accounts.length];
        const asked = Date.now();
        judge(account, asked, await ask(account));
        await new Promise((done) => { setTimeout(done, Math.random() * Number(pause)); });
    }
}

await Promise.all(Array.from({ length: Number(clients) }, (_, number) => client(number)));
console.log(JSON.stringify({ ...counts, error_texts: Object.fromEntries(errors) }));
process.exit(counts.wrong > 0 ? 1 : 0);
