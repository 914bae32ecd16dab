/** The key ceremony as `keyturn init` holds it: what is where afterwards, who can read it, and what a failed one leaves. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Home } from '../../../control-plane/cli/home.ts';
import { loadKey } from '../../../shared/trust/keys.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import { APP, CommandWorld, documentOf, failureOf, filesBelow, keyturn } from '../../support/command-line.ts';

const PASSPHRASE = 'correct horse battery';

describe('keyturn init', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  beforeEach(() => {
    world = new CommandWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const init = (...options: string[]) => world.json('init', '--app', APP, '--no-passphrase', ...options);

  it('makes as many keys as it was asked for, each in the folder of its role, and says their ids', async () => {
    const ended = await init(
      '--root',
      '2/3',
      '--targets',
      '1/2',
      '--releasers',
      '2/2',
      '--approver',
      'an:ops',
      'bo:sec',
    );
    expect(ended.exitCode).to.equal(0);
    const { roles } = documentOf<{ roles: { role: string; keys: number; keyIds: string[] }[] }>(ended);
    expect(roles.map(({ role, keys }) => [role, keys])).to.deep.equal([
      ['root', 3],
      ['targets', 2],
      ['snapshot', 1],
      [`release-${APP}`, 2],
      ['approvers', 2],
    ]);
    expect(new Set(roles.flatMap(({ keyIds }) => keyIds)).size).to.equal(10);
    for (const { role, keyIds } of roles)
      expect(world.home.loadKeys(role, undefined).map(({ keyId }) => keyId)).to.have.members(keyIds);
  });

  it('puts the keys of freshness, log and CA below control-plane/, and no other private key', async () => {
    await init();
    const secrets = filesBelow(world.home.controlPlane).filter((file) =>
      readFileSync(join(world.home.controlPlane, file)).includes('PRIVATE KEY'),
    );
    expect(secrets).to.deep.equal(['authority/ca-key.pem', 'log-key.pem', 'timestamp-key.pem']);
    const own = secrets.slice(1).map((file) => loadKey(join(world.home.controlPlane, file)).keyId);
    const others = ['root', 'targets', 'snapshot', `release-${APP}`, 'approvers'].flatMap((role) =>
      world.home.loadKeys(role, undefined).map(({ keyId }) => keyId),
    );
    expect(others).to.have.length(12);
    expect(others.filter((keyId) => own.includes(keyId))).to.deep.equal([]);
  });

  it('makes every private key and every client certificate readable by its owner alone', async () => {
    await init();
    const secrets = filesBelow(world.home.folder).filter((file) =>
      readFileSync(join(world.home.folder, file)).includes('PRIVATE KEY'),
    );
    expect(secrets).to.have.length(12 + 3 + 3);
    const modes = secrets.map((file) => statSync(join(world.home.folder, file)).mode & 0o777);
    expect(new Set(modes)).to.deep.equal(new Set([0o600]));
    expect(statSync(world.home.folder).mode & 0o777).to.equal(0o700);
  });

  it('encrypts the key files with the passphrase, without which none of them loads', async () => {
    const file = world.at('passphrase');
    writeFileSync(file, `${PASSPHRASE}\nsecond line\n`);
    const few = ['--root', '1/1', '--targets', '1/1', '--approver', 'an:ops'];
    const ended = await world.json('init', '--app', APP, ...few, '--passphrase-file', file);
    expect(ended.exitCode).to.equal(0);
    const keys = filesBelow(join(world.home.folder, 'keys'));
    expect(keys).to.have.length(5);
    for (const key of keys)
      expect(readFileSync(join(world.home.folder, 'keys', key), 'utf8')).to.match(/^-----BEGIN ENCRYPTED PRIVATE KEY/);
    expect(() => world.home.loadKeys('root', undefined))
      .to.throw()
      .with.property('code', 'passphrase-needed');
    expect(() => world.home.loadKeys('root', 'another one'))
      .to.throw()
      .with.property('code', 'passphrase-wrong');
    expect(world.home.loadKeys('root', PASSPHRASE)).to.have.length(1);
  });

  it('writes a policy that parses, with a quorum of each team and the sub-gaps that were accepted', async () => {
    await init(
      '--approver',
      'an:ops',
      'bo:ops',
      'cy:ops',
      'di:sec',
      '--accept-gap',
      'G6:dryrun:ops:see http://wiki:8080/x:30',
    );
    const policy = parsePolicy(readFileSync(world.home.policyPath));
    expect(policy.rules[0]?.quorum).to.deep.equal([
      { team: 'ops', count: 2 },
      { team: 'sec', count: 1 },
    ]);
    expect(policy.subGaps.accept).to.deep.equal([
      { gate: 'G6', checkKind: 'dryrun', owner: 'ops', route: 'see http://wiki:8080/x', maxAgeDays: 30 },
    ]);
    const published = join(world.home.controlPlane, 'first-publication', 'policy.json');
    expect(readFileSync(published)).to.deep.equal(readFileSync(world.home.policyPath));
  });

  it('refuses a second ceremony in the same home, and changes no byte of the first', async () => {
    await init();
    const before = filesBelow(world.home.folder).map((file) => readFileSync(join(world.home.folder, file), 'hex'));
    const ended = await init();
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'home-exists']);
    expect(failureOf(ended).message).to.include(world.home.folder);
    const after = filesBelow(world.home.folder).map((file) => readFileSync(join(world.home.folder, file), 'hex'));
    expect(after).to.deep.equal(before);
  });

  it('uses an empty folder, and refuses one with something in it', async () => {
    mkdirSync(world.home.folder);
    expect((await init()).exitCode).to.equal(0);
    const full = new Home(world.at('full'));
    mkdirSync(full.folder);
    writeFileSync(join(full.folder, 'notes'), 'mine');
    const ended = await keyturn('--json', '--home', full.folder, 'init', '--app', APP, '--no-passphrase');
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'home-not-empty']);
    expect(filesBelow(full.folder)).to.deep.equal(['notes']);
  });

  it('refuses a home that is a file, and leaves it as it was', async () => {
    writeFileSync(world.home.folder, 'mine');
    const ended = await init();
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'home-not-empty']);
    expect(readFileSync(world.home.folder, 'utf8')).to.equal('mine');
  });

  it('leaves nothing of a ceremony that fails, and a later one is whole', async () => {
    // The policy refuses an owner whose name is that long: the last thing that the ceremony finds out.
    const ended = await init('--accept-gap', `G6:dryrun:${'o'.repeat(5000)}:by hand:1`);
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'policy-invalid']);
    expect(filesBelow(world.folder)).to.deep.equal([]);
    expect((await init()).exitCode).to.equal(0);
  });

  it('clears away what a ceremony that was killed has left beside the home', async () => {
    const left = `${world.home.folder}.unfinished`;
    mkdirSync(join(left, 'control-plane'), { recursive: true });
    writeFileSync(join(left, 'control-plane', 'timestamp-key.pem'), 'half a key');
    expect((await init()).exitCode).to.equal(0);
    expect(existsSync(left)).to.equal(false);
  });

  it('says where it cannot write, and ends with 69', async () => {
    if (process.getuid?.() === 0) writeFileSync(world.at('file'), '');
    else chmodSync(world.folder, 0o500);
    const home = process.getuid?.() === 0 ? world.at('file', 'home') : world.at('home');
    const ended = await keyturn('--json', '--home', home, 'init', '--app', APP, '--no-passphrase');
    chmodSync(world.folder, 0o700);
    expect(ended.exitCode).to.equal(69);
    expect(failureOf(ended).message).to.include('failed to make the folder');
  });

  const REFUSED: readonly { name: string; options: readonly string[]; says: string }[] = [
    { name: 'a threshold above the number of keys', options: ['--root', '3/2'], says: 'quorum "3/2"' },
    { name: 'a threshold of none', options: ['--targets', '0/2'], says: 'quorum "0/2"' },
    { name: 'an approver without a team', options: ['--approver', 'an'], says: 'approver "an"' },
    { name: 'an approver twice', options: ['--approver', 'an:ops', 'an:sec'], says: 'approver "an"' },
    { name: 'a gap without days', options: ['--accept-gap', 'G6:dryrun:ops'], says: 'accepted gap "G6:dryrun:ops"' },
    {
      name: 'a gap that lives for no day',
      options: ['--accept-gap', 'G6:dryrun:ops:by hand:0'],
      says: 'with 1 to 365 days',
    },
    {
      name: 'a gap that lives for more than a year',
      options: ['--accept-gap', 'G6:dryrun:ops:by hand:366'],
      says: 'with 1 to 365 days',
    },
    {
      name: 'a gap of a kind that no check has',
      options: ['--accept-gap', 'G6:dry-run:ops:by hand:30'],
      says: 'kind "dry-run": expected one of absent, anchor,',
    },
    { name: 'an application twice', options: ['--app', APP], says: `application "${APP}": expected each name once` },
    { name: 'an address without a port', options: ['--address', 'example.org'], says: '--address "example.org"' },
    { name: 'an application that is no name', options: ['--app', 'Bad_App'], says: 'application "Bad_App"' },
    {
      name: 'a file of a passphrase that is not there',
      options: ['--passphrase-file', '/nowhere/p'],
      says: '"/nowhere/p"',
    },
  ];

  it('has a row for each thing that it refuses', () => expect(REFUSED).to.have.length(12));

  for (const { name, options, says } of REFUSED) {
    it(`refuses ${name} with 64, and writes nothing`, async () => {
      const ended = await world.json('init', '--app', APP, ...options);
      expect([ended.exitCode, failureOf(ended).message]).to.satisfy(
        ([code, message]: [number, string]) => code === 64 && message.includes(says),
      );
      expect(filesBelow(world.folder)).to.deep.equal([]);
    });
  }
});
