/**
 * Rotation, releasers, policy: signed on this machine, relayed by the control plane, and accepted by a host that has been
 * away since the first root.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { RejectedError } from '../../../../shared/errors.ts';
import { releaseTargetPath } from '../../../../shared/release/release-statement.ts';
import { generateKey, type SigningKey } from '../../../../shared/trust/keys.ts';
import { releaseRoleOf, versionOf } from '../../../../shared/trust/tuf-metadata.ts';
import { type RefreshResult, refreshTrust, type TrustedMetadata } from '../../../../shared/trust/tuf-refresh.ts';
import { APP, buildBundle, CommandWorld, documentOf, failureOf } from '../../../support/command-line.ts';

const ROLE = releaseRoleOf(APP);
const PATH = releaseTargetPath(APP, '0.6');

describe('keyturn trust and keyturn policy', function () {
  this.timeout(30_000);
  let world: CommandWorld;
  /** What a host that enrolled on the first day has pinned. */
  let firstRoot: TrustedMetadata;
  beforeEach(async () => {
    world = await CommandWorld.started();
    firstRoot = world.home.loadTrust();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const unencrypted = (...argv: string[]) => world.json(...argv, '--no-passphrase');
  const keyIds = (role: string) => world.home.loadKeys(role, undefined).map(({ keyId }) => keyId);

  /** As an agent does it. */
  async function refreshAsHost(): Promise<RefreshResult> {
    const { source } = world.publisher('viewer');
    const result = await refreshTrust({ trusted: firstRoot, source, targets: [PATH, 'policy.json'], rules: 'keyturn' });
    if (result.outcome.kind === 'failed') throw result.outcome.error;
    return result;
  }

  async function push(version = '0.6') {
    return world.json('release', 'push', await buildBundle(world.folder, version));
  }

  for (const [role, keys] of [
    ['root', 3],
    ['targets', 3],
    ['snapshot', 1],
  ] as const) {
    it(`rotates the ${role} keys: ${keys} new on this machine, the old ones gone, hosts follow`, async () => {
      const before = keyIds(role);
      const ended = await unencrypted('trust', 'rotate', role);
      expect(ended.exitCode, ended.stderr).to.equal(0);
      const told = documentOf<{ keyIds: string[]; rootVersion: number }>(ended);
      expect(told).to.include({ role, rootVersion: 2 });
      expect(keyIds(role)).to.have.members(told.keyIds).and.have.length(keys);
      expect(before.filter((keyId) => told.keyIds.includes(keyId))).to.deep.equal([]);
      const { trusted } = await refreshAsHost();
      expect(versionOf(trusted.get('root.json') ?? Buffer.alloc(0))).to.equal(2);
      expect((await push()).exitCode).to.equal(0);
      expect((await refreshAsHost()).targets.get(PATH)).to.not.equal(undefined);
    });
  }

  it('rotates again and again, each role by the keys that are in force', async () => {
    for (const role of ['root', 'targets', 'snapshot', 'root', 'snapshot', 'targets'])
      expect((await unencrypted('trust', 'rotate', role)).exitCode, role).to.equal(0);
    const { trusted } = await refreshAsHost();
    expect(versionOf(trusted.get('root.json') ?? Buffer.alloc(0))).to.equal(7);
  });

  it('rotates with the old key files still there, as after a machine that died on the way', async () => {
    const kept = world.home.loadKeys('root', undefined);
    expect((await unencrypted('trust', 'rotate', 'root')).exitCode).to.equal(0);
    for (const [index, key] of kept.entries())
      world.home.saveKey('root', { name: `old-${index}`, key, passphrase: undefined });
    expect((await unencrypted('trust', 'rotate', 'root')).exitCode).to.equal(0);
    expect(keyIds('root')).to.have.length(3);
    expect(versionOf((await refreshAsHost()).trusted.get('root.json') ?? Buffer.alloc(0))).to.equal(3);
  });

  it('encrypts the new keys with the passphrase that it is given', async () => {
    const file = world.at('passphrase');
    writeFileSync(file, 'a good long passphrase\n');
    const ended = await world.json('trust', 'rotate', 'snapshot', '--passphrase-file', file);
    expect(ended.exitCode, ended.stderr).to.equal(0);
    expect(() => world.home.loadKeys('snapshot', undefined)).to.throw(RejectedError, 'encrypted');
    expect((await world.json('release', 'push', await buildBundle(world.folder, '0.6'))).exitCode).to.equal(77);
    const pushed = await world.json('release', 'push', join(world.folder, 'cutter-0.6.ktr'), '--passphrase-file', file);
    expect(pushed.exitCode, pushed.stderr).to.equal(0);
  });

  it('adds a releaser with a new key, which can push from then on', async () => {
    const [old = ''] = keyIds(ROLE);
    const ended = await unencrypted('trust', 'add-releaser', APP);
    const { added } = documentOf<{ added: string }>(ended);
    expect(keyIds(ROLE)).to.have.members([old, added]);
    dropKey(old);
    expect((await push()).exitCode).to.equal(0);
    expect((await refreshAsHost()).targets.get(PATH)).to.not.equal(undefined);
  });

  it('keeps no new key that nobody can have seen, as nothing listened', async () => {
    const before = keyIds(ROLE);
    const { address } = world.home.loadOperator('releaser');
    await world.stop();
    const ended = await unencrypted('trust', 'add-releaser', APP);
    expect([ended.exitCode, failureOf(ended).hint]).to.satisfy(
      ([code, hint]: [number, string]) => code === 69 && hint.includes(address),
    );
    expect(keyIds(ROLE)).to.deep.equal(before);
  });

  it('adds a releaser by a public key, and keeps no private one', async () => {
    const theirs = generateKey();
    writeFileSync(world.at('theirs.pem'), theirs.publicKeyPem);
    const ended = await unencrypted('trust', 'add-releaser', APP, '--key', world.at('theirs.pem'));
    expect(documentOf(ended)).to.deep.equal({ app: APP, added: theirs.keyId });
    expect(keyIds(ROLE)).to.have.length(1).and.not.include(theirs.keyId);
    keepOnly(theirs);
    expect((await push()).exitCode).to.equal(0);
  });

  it('gives a new application its first releaser', async () => {
    const ended = await unencrypted('trust', 'add-releaser', 'mill');
    expect(ended.exitCode, ended.stderr).to.equal(0);
    const shown = documentOf<{ roles: { role: string; threshold: number; keyIds: string[] }[] }>(
      await world.json('trust', 'show'),
    );
    expect(shown.roles.find(({ role }) => role === 'release-mill')).to.deep.include({
      threshold: 1,
      keyIds: keyIds('release-mill'),
    });
    await refreshAsHost();
  });

  it('raises the threshold, and then one key alone pushes nothing', async () => {
    const [old = ''] = keyIds(ROLE);
    expect((await unencrypted('trust', 'add-releaser', APP, '--threshold', '2')).exitCode).to.equal(0);
    expect((await push()).exitCode).to.equal(0);
    dropKey(old);
    const ended = await push('0.7');
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'release-keys-missing']);
  });

  it('removes a releaser: the old key can push no more, what stood is signed anew', async () => {
    const [old] = world.home.loadKeys(ROLE, undefined);
    expect((await push()).exitCode).to.equal(0);
    await unencrypted('trust', 'add-releaser', APP);
    const ended = await unencrypted('trust', 'remove-releaser', APP, old?.keyId ?? '');
    expect(ended.exitCode, ended.stderr).to.equal(0);
    expect((await refreshAsHost()).targets.get(PATH)).to.not.equal(undefined);
    if (old) keepOnly(old);
    const pushed = await push('0.7');
    expect([pushed.exitCode, failureOf(pushed).code]).to.deep.equal([77, 'release-keys-missing']);
    expect(documentOf<{ releases: unknown[] }>(await world.json('release', 'list')).releases).to.have.length(1);
  });

  it('removes a releaser only where enough of the remaining keys are', async () => {
    const theirs = generateKey();
    writeFileSync(world.at('theirs.pem'), theirs.publicKeyPem);
    await unencrypted('trust', 'add-releaser', APP, '--key', world.at('theirs.pem'));
    const ended = await unencrypted('trust', 'remove-releaser', APP, keyIds(ROLE)[0] ?? '');
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'release-keys-missing']);
    expect(failureOf(ended).message).to.include('expected 1 of its keys on this machine, got 0');
    expect((await push()).exitCode).to.equal(0);
  });

  interface Refused {
    readonly name: string;
    readonly argv: () => readonly string[];
    readonly code: string;
  }
  const REFUSED: readonly Refused[] = [
    {
      name: 'remove the last key',
      argv: () => ['remove-releaser', APP, keyIds(ROLE)[0] ?? ''],
      code: 'threshold-out-of-reach',
    },
    {
      name: 'remove a key that the role has not',
      argv: () => ['remove-releaser', APP, 'f'.repeat(64)],
      code: 'releaser-unknown',
    },
    {
      name: 'remove a key of an application without releasers',
      argv: () => ['remove-releaser', 'mill', 'f'.repeat(64)],
      code: 'releaser-unknown',
    },
    {
      name: 'ask for more keys than there would be',
      argv: () => ['add-releaser', APP, '--threshold', '3'],
      code: 'threshold-out-of-reach',
    },
    {
      name: 'add a key that is there',
      argv: () => ['add-releaser', APP, '--key', publicKeyFile(ROLE)],
      code: 'releaser-known',
    },
    {
      name: 'add a private key',
      argv: () => ['add-releaser', APP, '--key', join(world.home.folder, 'keys', ROLE, '1.pem')],
      code: 'key-is-private',
    },
  ];
  it('has six things that it refuses', () => expect(REFUSED).to.have.length(6));
  for (const { name, argv, code } of REFUSED) {
    it(`refuses to ${name}, and leaves keys and metadata as they were`, async () => {
      const ended = await unencrypted('trust', ...argv());
      expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, code]);
      expect(readdirSync(join(world.home.folder, 'keys', ROLE))).to.deep.equal(['1.pem']);
      expect(versionOf((await refreshAsHost()).trusted.get('targets.json') ?? Buffer.alloc(0))).to.equal(1);
    });
  }

  it('shows roles, thresholds, key ids, versions and expiry', async () => {
    const shown = documentOf<{
      roles: { role: string; threshold: number; keyIds: string[] }[];
      versions: { file: string; version: number; expiresAt: string }[];
    }>(await world.json('trust', 'show'));
    expect(shown.roles.map(({ role, threshold, keyIds: ids }) => [role, threshold, ids.length])).to.have.deep.members([
      ['root', 2, 3],
      ['targets', 2, 3],
      ['snapshot', 1, 1],
      ['timestamp', 1, 1],
      [ROLE, 1, 1],
    ]);
    expect(shown.versions.map(({ file }) => file)).to.include.members(['root.json', 'timestamp.json']);
    for (const { expiresAt } of shown.versions) expect(Date.parse(expiresAt)).to.be.above(Date.now());
    const text = (await world.keyturn('trust', 'show')).stdout;
    for (const keyId of keyIds('root')) expect(text).to.include(keyId);
  });

  it('signs a policy that was edited, and hosts read it', async () => {
    const policy = JSON.parse(readFileSync(world.home.policyPath, 'utf8'));
    writeFileSync(world.home.policyPath, JSON.stringify({ ...policy, retention: { keep: 7 } }));
    const ended = await unencrypted('policy', 'sign');
    expect(ended.exitCode, ended.stderr).to.equal(0);
    const { targets } = await refreshAsHost();
    expect(targets.get('policy.json')?.sha256).to.equal(documentOf<{ policy: string }>(ended).policy);
  });

  it('refuses an invalid policy with everything that is wrong in it, and publishes nothing', async () => {
    const policy = JSON.parse(readFileSync(world.home.policyPath, 'utf8'));
    writeFileSync(
      world.home.policyPath,
      JSON.stringify({ ...policy, retention: { keep: -1 }, sandbox: 'maybe', colour: 'red', timestampExpiresMs: 0 }),
    );
    const ended = await unencrypted('policy', 'sign');
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'policy-invalid']);
    const { message } = failureOf(ended);
    for (const fault of ['4 invalid fields', 'retention.keep', 'sandbox', 'colour', 'timestampExpiresMs'])
      expect(message).to.include(fault);
    expect(versionOf((await refreshAsHost()).trusted.get('targets.json') ?? Buffer.alloc(0))).to.equal(1);
  });

  function dropKey(keyId: string): void {
    const [kept] = world.home.loadKeys(ROLE, undefined).filter((key) => key.keyId !== keyId);
    if (kept) keepOnly(kept);
  }

  /** As if this were the machine of whoever holds that key. */
  function keepOnly(key: SigningKey): void {
    rmSync(join(world.home.folder, 'keys', ROLE), { recursive: true });
    world.home.saveNewKey(ROLE, { key, passphrase: undefined });
  }

  function publicKeyFile(role: string): string {
    const file = world.at('public.pem');
    writeFileSync(file, world.home.loadKeys(role, undefined)[0]?.publicKeyPem ?? '');
    return file;
  }
});
