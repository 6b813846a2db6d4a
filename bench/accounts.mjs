// Makes accounts in the store of the user, as XDG_CONFIG_HOME and XDG_STATE_HOME say.
//
//     accounts.mjs URL FIRST COUNT LIFETIME [LINE...]
//
// bench-FIRST@example.org and those behind it, with five digits; each with an access token of 1,500 characters that
// expires in LIFETIME seconds (below 0: has expired) and was obtained an hour before. URL is the token endpoint;
// each "{}" in it is the account's number. The LINEs are added to the account files. Files are replaced as the
// helper replaces them, so that an agent never sees half of one.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [url, first, count, lifetime, ...lines] = process.argv.slice(2);
const accounts = join(process.env.XDG_CONFIG_HOME, 'xoauth2', 'accounts');
const states = join(process.env.XDG_STATE_HOME, 'xoauth2');
const now = Math.floor(Date.now() / 1000);

function replace(folder, name, text) {
    writeFileSync(join(folder, `.${name}.bench`), text, { mode: 0o600 });
    renameSync(join(folder, `.${name}.bench`), join(folder, name));
}

mkdirSync(accounts, { recursive: true, mode: 0o700 });
mkdirSync(states, { recursive: true, mode: 0o700 });
for (let i = Number(first); i < Number(first) + Number(count); i += 1) {
    const name = `bench-${String(i).padStart(5, '0')}@example.org`;
    const settings = [`token_endpoint: ${url.replaceAll('{}', i)}`, 'client_id: bench', ...lines];
    const state = {
        version: 1,
        refresh_token: `refresh-${i}`,
        access_token: `kept-${i}-`.padEnd(1500, 'a'),
        obtained_at: now + Math.min(Number(lifetime), 0) - 3600,
        expires_at: now + Number(lifetime),
    };
    replace(accounts, `${name}.conf`, `${settings.join('\n')}\n`);
    replace(states, `${name}.json`, JSON.stringify(state));
}
