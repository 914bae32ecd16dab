/** The folder of the ceremony: what is missing, damaged or open to others is said with its path, before anything is dialed. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Home } from '../../../control-plane/cli/home.ts';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { APP, CommandWorld, failureOf, keyturn } from '../../support/command-line.ts';

describe('the home of keyturn', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  beforeEach(async () => {
    world = await CommandWorld.held();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it('ends with 69 where it may not be looked into, and does not take it for one that is not there', async () => {
    // For root, too: a link that leads to itself.
    const home = world.at('loop');
    symlinkSync(home, home);
    const holding = await keyturn('--json', '--home', home, 'init', '--app', APP, '--no-passphrase');
    const listing = await keyturn('--json', '--home', home, 'release', 'list');
    for (const ended of [holding, listing]) {
      expect(ended.exitCode).to.equal(69);
      expect(failureOf(ended).message).to.include(`failed to look into "${home}": ELOOP`);
      expect(failureOf(ended).hint).to.include('--home');
    }
  });

  const keyFiles = (role: string) => readdirSync(join(world.home.folder, 'keys', role)).sort();

  interface Damage {
    readonly name: string;
    readonly given: (folder: string) => void;
    readonly argv: readonly string[];
    readonly code: string;
    readonly hint: string;
  }
  const DAMAGED: readonly Damage[] = [
    {
      name: 'no ceremony was held in it',
      given: (folder) => rmSync(folder, { recursive: true }),
      argv: ['release', 'list'],
      code: 'home-missing',
      hint: 'keyturn init',
    },
    {
      name: 'it has no certificate of the role',
      given: (folder) => rmSync(join(folder, 'operators', 'viewer.json')),
      argv: ['release', 'list'],
      code: 'operator-certificate-missing',
      hint: '--home',
    },
    {
      name: 'the certificate is cut off',
      given: (folder) => writeFileSync(join(folder, 'operators', 'viewer.json'), '{"address": "127.0'),
      argv: ['runs'],
      code: 'operator-certificate-malformed',
      hint: 'get a new one from whoever runs the control plane',
    },
    {
      name: 'the certificate is for everybody to read',
      given: (folder) => chmodSync(join(folder, 'operators', 'viewer.json'), 0o644),
      argv: ['host', 'list'],
      code: 'operator-file-open-to-others',
      hint: 'chmod 600',
    },
    {
      name: 'the keys of a role are elsewhere',
      given: (folder) => rmSync(join(folder, 'keys', 'targets'), { recursive: true }),
      argv: ['policy', 'sign'],
      code: 'role-keys-missing',
      hint: 'the machine that holds them',
    },
    {
      name: 'a key file is for everybody to read',
      given: (folder) => chmodSync(join(folder, 'keys', 'targets', '2.pem'), 0o640),
      argv: ['policy', 'sign'],
      code: 'key-file-open-to-others',
      hint: 'chmod 600',
    },
  ];

  it('has a row for each damage', () => expect(DAMAGED).to.have.length(6));

  for (const { name, given, argv, code, hint } of DAMAGED) {
    it(`ends with 77 when ${name}`, async () => {
      given(world.home.folder);
      const ended = await world.json(...argv);
      const failure = failureOf(ended);
      expect([ended.exitCode, failure.code]).to.deep.equal([77, code]);
      expect(failure.message).to.include(world.home.folder);
      expect(failure.hint).to.include(hint);
    });
  }

  it('has new keys on disk before they are published, and removes the old ones afterwards', async () => {
    const fresh = generateKey();
    let during: string[] = [];
    await world.home.replaceKeys('root', { keys: [fresh], passphrase: undefined }, async () => {
      during = keyFiles('root');
    });
    const own = `${fresh.keyId.slice(0, 16)}.pem`;
    expect(during).to.have.members(['1.pem', '2.pem', '3.pem', own]);
    expect(keyFiles('root')).to.deep.equal([own]);
    expect(world.home.loadKeys('root', undefined)[0]?.keyId).to.equal(fresh.keyId);
  });

  const LOST: readonly { name: string; error: Error; left: number }[] = [
    { name: 'keeps the old keys alone when the publication is refused', error: new RejectedError('no', 'no'), left: 3 },
    { name: 'keeps both when nobody knows whether it was published', error: new TransientError('lost'), left: 4 },
    { name: 'keeps both when the process fails on the way', error: new Error('a fault'), left: 4 },
  ];
  for (const { name, error, left } of LOST) {
    it(name, async () => {
      const publish = () => Promise.reject(error);
      const thrown = await world.home
        .replaceKeys('root', { keys: [generateKey()], passphrase: undefined }, publish)
        .catch((reason: unknown) => reason);
      expect(thrown).to.equal(error);
      expect(keyFiles('root')).to.have.length(left).and.include.members(['1.pem', '2.pem', '3.pem']);
    });
  }

  it('counts a folder without key files as none', () => {
    const home = new Home(world.at('other'));
    mkdirSync(join(home.folder, 'keys', `release-${APP}`), { recursive: true });
    expect(home.hasKeys(`release-${APP}`)).to.equal(false);
    expect(home.hasKeys('nobody')).to.equal(false);
    expect(world.home.hasKeys(`release-${APP}`)).to.equal(true);
    expect(existsSync(world.home.policyPath)).to.equal(true);
  });
});
