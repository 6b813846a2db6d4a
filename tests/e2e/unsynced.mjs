// What may be on a disk after the power has failed, at any moment of a traced run. The model is a file system that
// keeps only what was synced: of a file's content that was not, all, nothing, half or zeros may be there; of the
// changes to a folder since its last fsync, any, each for itself.
//
//   node unsynced.mjs TRACE FOLDER BEFORE AFTER FILE [gone]
//
// TRACE is of `strace -y -xx`, BEFORE a copy of FOLDER as it was. Makes a folder in AFTER for each state that may be
// left. Exits with 1, having said why, if FILE is missing (with `gone` it may be) or not whole JSON in one of
// them, or is the old one in a state after the run has said on its standard output or error that it is done: that is
// when it promises the new one.
import fs from 'node:fs';
import path from 'node:path';

const [trace, folder, before, after, file, gone] = process.argv.slice(2);
const PROMISES = /^ok\n|: restored|from sasl-xoauth2|logged (in|out)/; // of refresh, restore, import, login, logout

const inodes = []; // { content, synced }: buffers
const names = new Map(); // what is on disk for certain: name -> number of the inode
let pending = []; // changes of the folder: [name, number or undefined][]; each list is one change, done whole or not
const open = new Map(); // descriptor -> { number of the inode, at: where it writes } or { folder: true }
const states = new Map(); // text -> Map of name -> content
let promised = false;
let wrong = '';

function inode(content) {
    return inodes.push({ content, synced: content }) - 1;
}

for (const name of fs.readdirSync(before)) names.set(name, inode(fs.readFileSync(path.join(before, name))));
const old = inodes[names.get(file)].content;

const text = (hex) => Buffer.from(hex.replaceAll('\\x', ''), 'hex');

function current() {
    const all = new Map(names);
    for (const change of pending) apply(all, change);
    return all;
}

function apply(all, change) {
    for (const [name, number] of change) {
        if (number === undefined) all.delete(name);
        else all.set(name, number);
    }
}

function contents({ content, synced }) {
    if (content.equals(synced)) return [content];
    return [content, synced, content.subarray(0, content.length / 2), Buffer.alloc(content.length)];
}

// All combinations of what its files may hold.
function combine(entries) {
    if (entries.length === 0) return [[]];
    const [[name, number], ...rest] = entries;
    return combine(rest).flatMap((tail) => contents(inodes[number]).map((content) => [[name, content], ...tail]));
}

function isWhole(content) {
    try {
        return typeof JSON.parse(content.toString()).refresh_token === 'string';
    } catch {
        return false;
    }
}

function judge(state, line) {
    const content = state.get(file);
    if (content ? !isWhole(content) : !gone) wrong ||= `${file} is not whole after: ${line}`;
    else if (promised && content?.equals(old)) wrong ||= `the new ${file} was promised and is lost after: ${line}`;
}

// The power fails now.
function crash(line) {
    for (let chosen = 0; chosen < 1 << pending.length; chosen += 1) {
        const all = new Map(names);
        pending.forEach((change, i) => { if (chosen & (1 << i)) apply(all, change); });
        for (const combination of combine([...all])) {
            const state = new Map(combination);
            judge(state, line);
            const entries = [...state].map(([name, c]) => [name.replace(/\.[a-z]{6}$/, ''), c.toString('base64')]);
            states.set(JSON.stringify(entries.sort()), state);
        }
    }
}

function isUnknown([line]) {
    const paths = text(line.match(/\\x[0-9a-f]{2}/g).join(''));
    if (paths.includes(folder)) throw new Error(`not in the model: ${line.slice(0, 20)}`);
}

const within = (where) => text(where).toString() === folder;
const last = (name) => path.basename(name);

function opened([, where, name, flags, fd, target]) {
    const full = path.resolve(text(where).toString(), text(name).toString());
    if (within(target)) open.set(fd, { folder: true });
    if (path.dirname(full) !== folder) return;
    let number = current().get(last(full));
    if (number === undefined && flags.includes('O_CREAT')) {
        number = inode(Buffer.alloc(0));
        pending.push([[last(full), number]]);
    }
    if (number === undefined) return;
    if (flags.includes('O_TRUNC')) inodes[number].content = Buffer.alloc(0);
    open.set(fd, { number, at: 0 });
}

function written([, fd, hex, count, offset]) {
    const file = open.get(fd);
    const data = text(hex).subarray(0, Number(count));
    if (fd <= 2 && PROMISES.test(data)) promised = true;
    if (file?.number === undefined) return;
    const old = inodes[file.number].content;
    const at = offset === undefined ? file.at : Number(offset);
    const content = Buffer.alloc(Math.max(at + data.length, old.length));
    old.copy(content);
    data.copy(content, at);
    inodes[file.number].content = content;
    if (offset === undefined) file.at += data.length;
}

function synced([, fd]) {
    const file = open.get(fd);
    if (file?.folder) {
        for (const change of pending) apply(names, change);
        pending = [];
    } else if (file) {
        inodes[file.number].synced = inodes[file.number].content;
    }
}

function renamed([, fromFolder, from, toFolder, to]) {
    if (!within(fromFolder) || !within(toFolder)) return;
    pending.push([[text(to).toString(), current().get(text(from).toString())], [text(from).toString(), undefined]]);
}

function removed([, where, name]) {
    if (within(where)) pending.push([[text(name).toString(), undefined]]);
}

function cut([, fd, size]) {
    const inode = inodes[open.get(fd)?.number];
    if (inode) inode.content = inode.content.subarray(0, Number(size));
}

const HEX = '"((?:\\\\x[0-9a-f]{2})*)"';
const PLACE = '(?:AT_FDCWD|\\d+)<([^>]*)>';
const CALLS = [
    [new RegExp(`^openat\\(${PLACE}, ${HEX}, ([A-Z_|]+).* = (\\d+)<([^>]*)>`), opened],
    [new RegExp(`^pwrite64\\((\\d+)<[^>]*>, ${HEX}, \\d+, (\\d+)\\) += (\\d+)`),
        ([all, fd, hex, at, count]) => written([all, fd, hex, count, at])],
    [new RegExp(`^write\\((\\d+)<[^>]*>, ${HEX}, \\d+\\) += (\\d+)`), written],
    [/^f(?:data)?sync\((\d+)<[^>]*>\) += 0/, synced],
    [new RegExp(`^renameat\\(${PLACE}, ${HEX}, ${PLACE}, ${HEX}\\) = 0`), renamed],
    [new RegExp(`^unlinkat\\(${PLACE}, ${HEX}, 0\\) += 0`), removed],
    [/^ftruncate\((\d+)<[^>]*>, (\d+)\) += 0/, cut],
    [/^close\((\d+)<[^>]*>\) += 0/, ([, fd]) => open.delete(fd)],
    [/^(?:rename|unlink|link|linkat|truncate)\(.*\) += 0/, isUnknown],
];

crash('the start');
for (const line of fs.readFileSync(trace, 'latin1').split('\n')) {
    const known = CALLS.find(([pattern]) => pattern.test(line));
    if (!known) continue;
    known[1](known[0].exec(line));
    crash(line.slice(0, 60));
}

let count = 0;
for (const state of states.values()) {
    const where = path.join(after, String(count += 1));
    fs.mkdirSync(where, { recursive: true, mode: 0o700 });
    for (const [name, content] of state) fs.writeFileSync(path.join(where, name), content, { mode: 0o600 });
}
if (!promised) wrong ||= 'the run promised nothing';
if (wrong) console.error(wrong);
process.exit(wrong ? 1 : 0);
