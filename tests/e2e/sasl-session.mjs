// Lets sasl-sample-client, which speaks lines of base64 on its standard input and output, log in to an IMAP server.
//
//   node sasl-session.mjs PORT MECHANISM COMMAND...
//
// Prints what both sides say, the tokens of the client left out, and `server: OK` or `server: NO` at the end. Exit
// status 0 when the server accepted, 1 when it refused, 2 when the client gave up by itself.
import { spawn } from 'node:child_process';
import net from 'node:net';
import readline from 'node:readline';

const [port, mechanism, ...command] = process.argv.slice(2);

// Lines of a stream, one at a time; undefined at its end.
function lineReader(stream) {
    const lines = readline.createInterface({ input: stream, crlfDelay: Infinity })[Symbol.asyncIterator]();
    return async () => (await lines.next()).value;
}

const client = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
const server = net.connect(Number(port), '127.0.0.1');
const nextServerLine = lineReader(server);
const nextClientLine = lineReader(client.stdout);
const ended = new Promise((done) => { client.on('close', done); });

// Other words of the client are passed on; its errors too, both on standard output, where a person sees them. It writes
// the parts of a line one by one: only whole lines have an order that does not depend on when each part arrives.
let over = false;
readline.createInterface({ input: client.stderr }).on('line', (line) => {
    // It would like to exchange more after the login, and is not pleased to find its input ended.
    if (!over) console.log(`client: ${line}`);
});
client.stdin.on('error', () => {});

// The client's next message, decoded; undefined when it has none because it ended or is done.
async function clientMessage() {
    for (;;) {
        const line = await nextClientLine();
        if (line === undefined) return undefined;
        if (line.startsWith('C: ')) return Buffer.from(line.slice(3), 'base64');
        console.log(`client: ${line}`);
        if (/Negotiation complete/.test(line)) return undefined;
    }
}

const tell = (bytes) => client.stdin.write(`S: ${bytes.toString('base64')}\n`);

async function taggedOrContinue() {
    for (;;) {
        const line = await nextServerLine();
        if (line === undefined) throw new Error('the server hung up');
        if (line.startsWith('+') || line.startsWith('a ')) return line;
    }
}

async function session() {
    await nextServerLine();
    tell(Buffer.from(mechanism));
    const first = await clientMessage();
    if (!first) return 2;
    const nul = first.indexOf(0);
    server.write(`a AUTHENTICATE ${first.subarray(0, nul < 0 ? undefined : nul)} ${first.subarray(nul + 1).toString('base64') || '='}\r\n`);
    for (;;) {
        const line = await taggedOrContinue();
        if (line.startsWith('a ')) {
            if (line.startsWith('a OK')) {
                tell(Buffer.alloc(0));
                await clientMessage();
            }
            console.log(`server: ${line.split(' ')[1]}`);
            return line.startsWith('a OK') ? 0 : 1;
        }
        const challenge = Buffer.from(line.slice(2), 'base64');
        console.log(`server's challenge: ${challenge}`);
        tell(challenge);
        const reply = await clientMessage();
        console.log(`client's answer: ${reply ? JSON.stringify(reply.toString()) : 'nothing'}`);
        server.write(`${reply ? reply.toString('base64') : ''}\r\n`);
    }
}

const status = await session();
over = status === 0;
client.stdin.end();
while (over && await clientMessage() !== undefined);
server.destroy();
await ended;
process.exitCode = status;
