import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { pinnedHostKey } from '../../../control-plane/cli/host-keys.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { codeOf } from '../../support/errors-of.ts';

describe('the pinned ledger keys of hosts', () => {
  const key = generateKey().publicKeyPem;
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'keyturn-host-keys-'));
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('takes the first key that it is shown, and keeps it', () => {
    expect(pinnedHostKey(home, { host: 'contabo', shown: key })).to.equal(key);
    expect(pinnedHostKey(home, { host: 'contabo', shown: key })).to.equal(key);
    expect(readFileSync(join(home, 'hosts', 'contabo.pem'), 'utf8')).to.equal(key);
  });

  it('P2: refuses another key for a host that it knows, and keeps the one that it has', async () => {
    pinnedHostKey(home, { host: 'contabo', shown: key });
    const other = generateKey().publicKeyPem;
    expect(await codeOf(() => pinnedHostKey(home, { host: 'contabo', shown: other }))).to.equal('host-key-changed');
    expect(readFileSync(join(home, 'hosts', 'contabo.pem'), 'utf8')).to.equal(key);
  });

  it('keeps hosts apart', () => {
    const other = generateKey().publicKeyPem;
    pinnedHostKey(home, { host: 'contabo', shown: key });
    expect(pinnedHostKey(home, { host: 'hetzner', shown: other })).to.equal(other);
  });

  it('writes nothing for a name or a key that cannot be', async () => {
    expect(await codeOf(() => pinnedHostKey(home, { host: '../evil', shown: key }))).to.equal('host-name-invalid');
    expect(await codeOf(() => pinnedHostKey(home, { host: 'contabo', shown: 'no key' }))).to.equal(
      'key-is-not-ed25519',
    );
    expect(readdirSync(home)).to.deep.equal([]);
  });
});
