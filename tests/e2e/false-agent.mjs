// Something at an agent's socket that is not our agent.
//
//   node false-agent.mjs SOCKET mute|garbage|enemy
//
// It says nothing, or what an agent does not say; or it is somebody else's, gives a token of his and keeps what it was
// asked in the file `heard` beside the socket. The socket has its name only when connections are taken.
import { appendFileSync, renameSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const [, , socketPath, kind] = process.argv;
const folder = path.dirname(socketPath);
const kinds = {
    mute: () => {},
    garbage: (client) => client.end('220 hello\r\n'),
    enemy: (client) => client.on('data', (asked) => {
        appendFileSync(path.join(folder, 'heard'), asked);
        client.end('ok\nversion=1\ntoken=of-the-enemy\n\n');
    }),
};

process.chdir(folder);
net.createServer(kinds[kind]).listen('new', () => renameSync('new', path.basename(socketPath)));
