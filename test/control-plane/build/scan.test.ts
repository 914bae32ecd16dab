import { expect } from 'chai';
import { FORBIDDEN_NAMES, startScan } from '../../../control-plane/build/scan.ts';
import type { ScanObservation } from '../../../shared/ledger/kinds/scan-observation.ts';
import { LIMITS } from '../../../shared/limits.ts';

/** Never whole in this file: a repository must not hold what its own scan refuses. */
const SECRETS: readonly { name: string; text: string }[] = [
  { name: 'a GitHub token', text: `${'ghp'}_${'a1B2'.repeat(9)}` },
  { name: 'an AWS secret key', text: `aws_secret_access_key = ${'wJalrXUtnFEMI/K7MDENG'}/bPxRfiCYABCDEFGKEY` },
  {
    name: 'a private key',
    text: `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(20)}\n-----END RSA ${'PRIVATE'} KEY-----`,
  },
  { name: 'a password in a connection string', text: `postgres${'://'}user:secretword@db.example.org/x` },
  { name: 'a Slack token', text: `${'xoxb'}-${'123456789012'}-${'1234567890123'}-${'AbCdEfGhIjKlMnOpQrStUvWx'}` },
];

describe('scan', () => {
  const scan = async (
    files: Readonly<Record<string, string | Buffer>>,
    forbid: readonly string[] = [],
  ): Promise<ScanObservation> => {
    const running = await startScan(forbid);
    for (const [path, content] of Object.entries(files)) {
      const bytes = Buffer.from(content);
      await running.add({ path, kind: 'file', size: bytes.length, read: () => bytes });
    }
    return running.result();
  };

  for (const { name, text } of SECRETS) {
    it(`finds ${name}, and says where and not what`, async () => {
      const seen = await scan({ 'src/config.py': `# one\n# two\n${text}\n` });
      expect(seen.secretCount).to.be.greaterThan(0);
      expect(seen.secrets[0]).to.include({ path: 'src/config.py', line: 3 });
      expect(JSON.stringify(seen)).not.to.include(text.slice(8, 20));
    });
  }

  it('knows five kinds of secret by heart', () => expect(SECRETS).to.have.length(5));

  const forbidden = [
    '.env',
    '.env.local',
    'a/.env',
    '.ENV',
    'a/b.pem',
    'server.key',
    'id_rsa',
    'home/.ssh/id_rsa.pub',
    'x.p12',
    'x.pfx',
    '.netrc',
    'passwords.kdbx',
    '.envs/prod',
    'build/out.tmp',
  ];
  for (const path of forbidden) {
    it(`forbids ${path}`, async () => {
      const seen = await scan({ [path]: 'x' }, ['build/**']);
      expect(seen.forbidden.map((found) => found.path)).to.deep.equal([path]);
      expect(seen.forbiddenCount).to.equal(1);
    });
  }

  it('forbids no name that only looks alike', async () => {
    const seen = await scan(
      { 'environment.py': 'x', 'src/keys.py': 'x', 'pem/readme': 'x', 'key.py': 'x', 'rebuild/a': 'x' },
      ['build/**'],
    );
    expect(seen.forbidden).to.deep.equal([]);
    expect(FORBIDDEN_NAMES.length).to.equal(8);
  });

  it('looks at the name of a link, which has no content', async () => {
    const running = await startScan([]);
    await running.add({ path: '.env', kind: 'symlink', size: 0, read: () => expect.fail('a link was read') });
    expect(running.result()).to.include({ files: 1, searched: 0, forbiddenCount: 1 });
  });

  it('counts what it did not search, and does not read what is too large', async () => {
    const running = await startScan([]);
    await running.add({ path: 'a.bin', kind: 'file', size: 3, read: () => Buffer.from([1, 0, 2]) });
    await running.add({
      path: 'b.log',
      kind: 'file',
      size: LIMITS.searchedFileBytes + 1,
      read: () => expect.fail('it was read'),
    });
    await running.add({ path: 'c.txt', kind: 'file', size: 1, read: () => Buffer.from('c') });
    expect(running.result()).to.include({ files: 3, searched: 1, binary: 1, tooLarge: 1 });
  });

  it('names a hundred places and counts all', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 130 }, (_, index) => [`${index}.pem`, SECRETS[0]?.text ?? '']),
    );
    const seen = await scan(files);
    expect([seen.forbidden.length, seen.forbiddenCount, seen.secrets.length, seen.secretCount]).to.deep.equal([
      100, 130, 100, 130,
    ]);
  });

  it('says which rules it searched by', async () => {
    expect((await scan({ a: 'x' })).rules).to.match(/^@secretlint\/secretlint-rule-preset-recommend \d+\.\d+\.\d+$/);
  });

  it('searches eighty source files in less than a second and a half', async function () {
    this.timeout(10_000);
    const source =
      'def cut(document, options):\n    """Cuts a document."""\n    return [part for part in document.parts if part]\n'.repeat(
        100,
      );
    const started = performance.now();
    await scan(Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`src/module_${index}.py`, source])));
    expect(performance.now() - started).to.be.lessThan(1500);
  });
});
