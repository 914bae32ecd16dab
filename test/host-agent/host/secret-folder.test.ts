/** P7: a secret is a private plain file of the agent's own, and nothing else is. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SecretFolder } from '../../../host-agent/host/secret-folder.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { codeOf } from '../../support/errors-of.ts';

const VALUE = Buffer.from('postgresql://reader:wintergreen@localhost/prod');

describe('the secrets of a host', () => {
  let parent: string;
  let folder: string;
  let secrets: SecretFolder;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'keyturn-secrets-'));
    folder = join(parent, 'secrets');
    secrets = new SecretFolder(folder);
    secrets.write('governance_ro', VALUE);
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it('P7: are read as they were written, and lie where nobody else can look', () => {
    expect(Buffer.from(secrets.read('governance_ro') ?? [])).to.deep.equal(VALUE);
    expect(lstatSync(folder).mode & 0o777).to.equal(0o700);
    expect(lstatSync(join(folder, 'governance_ro')).mode & 0o777).to.equal(0o600);
  });

  it('are replaced as a whole', () => {
    secrets.write('governance_ro', Buffer.from('other'));
    expect(Buffer.from(secrets.read('governance_ro') ?? []).toString()).to.equal('other');
    expect(readdirSync(folder)).to.deep.equal(['governance_ro']);
  });

  it('are nothing where there is none', () => {
    expect(secrets.read('never_written')).to.equal(undefined);
    expect(new SecretFolder(join(parent, 'nowhere')).read('governance_ro')).to.equal(undefined);
  });

  const ODD: Record<string, { readonly arrange: (path: string) => void; readonly code: string }> = {
    'a link, even to a good secret': {
      arrange: (path) => symlinkSync(join(folder, 'governance_ro'), path),
      code: 'secret-not-a-file',
    },
    'a link to nowhere': { arrange: (path) => symlinkSync('/nowhere', path), code: 'secret-not-a-file' },
    'a fifo, which nobody writes into': {
      arrange: (path) => execFileSync('mkfifo', ['-m', '600', path]),
      code: 'secret-not-a-file',
    },
    'a folder': { arrange: (path) => mkdirSync(path, { mode: 0o700 }), code: 'secret-not-a-file' },
    'a file that everybody can read': { arrange: (path) => writeWith(path, 0o644), code: 'secret-open-to-others' },
    'a file that its group can read': { arrange: (path) => writeWith(path, 0o640), code: 'secret-open-to-others' },
    'a file that everybody can write': { arrange: (path) => writeWith(path, 0o602), code: 'secret-open-to-others' },
    'an empty file': { arrange: (path) => writeFileSync(path, '', { mode: 0o600 }), code: 'secret-empty' },
    'a file that is too large': {
      arrange: (path) => writeFileSync(path, Buffer.alloc(LIMITS.secretBytes + 1), { mode: 0o600 }),
      code: 'secret-too-large',
    },
    ...(process.geteuid?.() === 0 && {
      "somebody else's file": {
        arrange: (path: string) => {
          writeWith(path, 0o600);
          chownSync(path, 65_534, 65_534);
        },
        code: 'secret-open-to-others',
      },
    }),
  };

  it('are odd in at least nine ways', () => {
    expect(Object.keys(ODD).length).to.be.at.least(9);
  });

  for (const [title, { arrange, code }] of Object.entries(ODD)) {
    it(`P7: ${title} is refused (${code}), and its content is in no message`, async () => {
      arrange(join(folder, 'odd'));
      expect(await codeOf(() => secrets.read('odd'))).to.equal(code);
      expect(messageOf(() => secrets.read('odd')))
        .to.match(/^failed to use secret "odd": /)
        .and.not.include('wintergreen');
    });
  }

  const NAMES = [
    '',
    '../identity/tls.pem',
    'a/b',
    '/etc/shadow',
    '.hidden',
    'Capital',
    '1st',
    'a.b',
    'a\0',
    'x'.repeat(64),
  ];

  it('have at least ten names that are none', () => {
    expect(NAMES.length).to.be.at.least(10);
  });

  for (const name of NAMES) {
    it(`P7: ${JSON.stringify(name.slice(0, 20))} is no name, neither to read nor to write`, async () => {
      expect(await codeOf(() => secrets.read(name))).to.equal('secret-name-malformed');
      expect(await codeOf(() => secrets.write(name, VALUE))).to.equal('secret-name-malformed');
      expect(readdirSync(parent)).to.deep.equal(['secrets']);
      expect(readdirSync(folder)).to.deep.equal(['governance_ro']);
    });
  }

  it('are not stored when they are nothing, or more than could be read again', async () => {
    expect(await codeOf(() => secrets.write('nothing', Buffer.alloc(0)))).to.equal('secret-empty');
    const large = Buffer.alloc(LIMITS.secretBytes + 1, 1);
    expect(await codeOf(() => secrets.write('large', large))).to.equal('secret-too-large');
    expect(readdirSync(folder)).to.deep.equal(['governance_ro']);
    secrets.write('largest', large.subarray(1));
    expect(secrets.read('largest')?.byteLength).to.equal(LIMITS.secretBytes);
  });
});

function writeWith(path: string, mode: number): void {
  writeFileSync(path, VALUE);
  chmodSync(path, mode);
}

function messageOf(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
