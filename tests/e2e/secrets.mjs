// What the servers of the tests plant, for the hunt after each test (hunt.sh): each secret in FOLDER/secrets, and what
// base64 and percent-encoding make of it in FOLDER/secrets.encoded, one a line (0600).
import fs from 'node:fs';
import path from 'node:path';

// The characters that are the same whatever surrounds the value, for each of the three places where it may begin.
function base64Forms(value) {
    return [0, 1, 2].flatMap((offset) => {
        const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
        const end = Math.floor((bytes.length * 8) / 6);
        const whole = bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), end);
        return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
    });
}

// As a form, as an address, and with every reserved character; in either case of the digits.
function percentForms(value) {
    const escape = (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
    const all = encodeURIComponent(value).replace(/[!'()*]/g, escape);
    return [all, encodeURIComponent(value), all.replaceAll('%20', '+')]
        .flatMap((form) => [form, form.replace(/%../g, (digits) => digits.toLowerCase())]);
}

export class Secrets {
    constructor(folder) {
        this.plain = path.join(folder, 'secrets');
        this.encoded = path.join(folder, 'secrets.encoded');
        this.seen = new Set();
        for (const file of [this.plain, this.encoded]) fs.writeFileSync(file, '', { mode: 0o600 });
    }

    plant(value) {
        if (this.seen.has(value)) return;
        this.seen.add(value);
        const forms = new Set([...base64Forms(value), ...percentForms(value)]);
        forms.delete(value);
        fs.appendFileSync(this.plain, `${value}\n`);
        fs.appendFileSync(this.encoded, `${[...forms].join('\n')}\n`);
    }
}
