import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

import { IdentityStore } from '../../../host-agent/link/identity-store.ts';
import { RejectedError } from '../../../shared/errors.ts';

const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
const CERTIFICATE = pem('CERTIFICATE');
const KEY = pem('PRIVATE KEY');

describe('the identity of a host', () => {
  let folder: string;
  let identity: IdentityStore;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'keyturn-identity-')), 'identity');
    identity = new IdentityStore(folder);
    identity.saveCa(CERTIFICATE);
    identity.saveTls({ certificate: CERTIFICATE, privateKey: KEY });
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  function refusalOf(work: () => unknown): { code: string; path: string; hint: string } {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      return { code: error.code, path: /"(.*)"/.exec(error.message)?.[1] ?? '', hint: error.hint ?? '' };
    }
    throw new Error('nothing was refused');
  }

  it('is read as it was saved, and nobody else can read it', () => {
    const loaded = new IdentityStore(folder).loadTls();
    expect(loaded).to.deep.equal({ caCertificate: CERTIFICATE, certificate: CERTIFICATE, privateKey: KEY });
    for (const name of ['tls.pem', 'ca.pem']) expect(statSync(join(folder, name)).mode & 0o777, name).to.equal(0o600);
  });

  const DAMAGES: Readonly<Record<string, { damage: (path: string) => void; file: string; code: string }>> = {
    'a host that never joined': { damage: (path) => rmSync(path), file: 'tls.pem', code: 'not-enrolled' },
    'a file that a full disk left empty': {
      damage: (path) => truncateSync(path),
      file: 'tls.pem',
      code: 'identity-damaged',
    },
    'a file that is cut off': {
      damage: (path) => truncateSync(path, KEY.length + 9),
      file: 'tls.pem',
      code: 'identity-damaged',
    },
    'a file without a key': {
      damage: (path) => writeFileSync(path, CERTIFICATE),
      file: 'tls.pem',
      code: 'identity-damaged',
    },
    'no certificate of the control plane': { damage: (path) => rmSync(path), file: 'ca.pem', code: 'identity-damaged' },
  };

  it('is damaged in at least five ways', () => expect(Object.keys(DAMAGES).length).to.be.at.least(5));

  for (const [title, { damage, file, code }] of Object.entries(DAMAGES)) {
    it(`is refused with its file and what to do, and left as it is: ${title} (${code})`, () => {
      damage(join(folder, file));
      const refusal = refusalOf(() => identity.loadTls());
      expect(refusal).to.deep.include({ code, path: code === 'not-enrolled' ? folder : join(folder, file) });
      expect(refusal.hint).to.include('keyturn-agent enrol BUNDLE');
      expect(refusalOf(() => identity.loadTls()).code).to.equal(code);
    });
  }

  it('P3: has the ledger key that enrolment made, for good, and makes none by itself', () => {
    const path = join(folder, 'ledger-key.pem');
    expect(refusalOf(() => identity.openLedgerKey())).to.deep.include({ code: 'ledger-key-missing', path });
    const made = identity.makeLedgerKey();
    const kept = readFileSync(path);
    expect(identity.openLedgerKey().publicKeyPem).to.equal(made.publicKeyPem);
    expect(new IdentityStore(folder).makeLedgerKey().publicKeyPem).to.equal(made.publicKeyPem);
    expect(readFileSync(path).equals(kept)).to.equal(true);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });
});
