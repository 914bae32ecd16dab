/** Certificates for people after the ceremony: from the control plane's own folder, whether it runs or not. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectOperator, type OperatorClient } from '../../../../control-plane/cli/client.ts';
import type { OperatorFile } from '../../../../control-plane/cli/home.ts';
import { issueOperator } from '../../../../control-plane/service.ts';
import { ROLES, type Role } from '../../../../shared/rpc/peer-identity.ts';
import { FakeClock } from '../../../../shared/time/fake-clock.ts';
import { CommandWorld, documentOf, failureOf, filesBelow, keyturn } from '../../../support/command-line.ts';
import { DAY_MS } from '../../../support/past-ceremony.ts';
import { codeOf } from '../../../support/rejection-of.ts';

/** What each role may do, and another may not. */
const CALLS: Readonly<Record<Role, (client: OperatorClient) => Promise<unknown>>> = {
  viewer: (client) => client.listHosts({}),
  operator: (client) => client.createJoinToken({ host: 'web-1', lifetimeMs: 60_000 }),
  releaser: (client) => client.missingBlobs({ sha256: [] }),
};

describe('keyturn operator issue', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  let clients: OperatorClient[];
  beforeEach(async () => {
    world = await CommandWorld.started();
    clients = [];
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    await world[Symbol.asyncDispose]();
  });

  const issue = (name: string, role: string, ...more: string[]) =>
    world.json('operator', 'issue', name, '--role', role, '--out', world.at(`${name}.json`), ...more);

  /** Whoever has that file. */
  function holderOf(path: string): OperatorClient {
    const client = connectOperator(JSON.parse(readFileSync(path, 'utf8')) as OperatorFile);
    clients.push(client);
    return client;
  }

  async function issuedTo(name: string) {
    const { certificates } = await world.publisher('viewer').client.listOperators({});
    return certificates.filter((certificate) => certificate.name === name);
  }

  for (const role of ROLES) {
    it(`lets a new ${role} in while the control plane runs, as that and as nothing else`, async () => {
      const ended = await issue('an.nguyen', role);
      expect(ended.exitCode, ended.stdout).to.equal(0);
      const { serial, expiresAt, file } = documentOf<{ serial: string; expiresAt: string; file: string }>(ended);
      expect([file, statSync(file).mode & 0o777]).to.deep.equal([world.at('an.nguyen.json'), 0o600]);
      for (const [other, call] of Object.entries(CALLS)) {
        const isAllowed = other === role || other === 'viewer';
        const expected = isAllowed ? 'nothing was refused' : 'role-not-sufficient';
        expect(await codeOf(call(holderOf(file))), other).to.equal(expected);
      }
      const [listed] = await issuedTo('an.nguyen');
      expect(listed).to.deep.include({ role, serial, expiresAtMs: Date.parse(expiresAt) });
      expect(Date.parse(expiresAt) - Date.now()).to.be.within(89 * DAY_MS, 90 * DAY_MS);
    });
  }

  it('lasts as many days as are asked for', async () => {
    const { expiresAt } = documentOf<{ expiresAt: string }>(await issue('ci', 'releaser', '--days', '366'));
    expect(Date.parse(expiresAt) - Date.now()).to.be.within(365 * DAY_MS, 366 * DAY_MS);
  });

  it('lets whoever was revoked in again, with the new certificate alone', async () => {
    await issue('lost', 'operator');
    const old = holderOf(world.at('lost.json'));
    expect((await world.json('operator', 'revoke', 'lost')).exitCode).to.equal(0);
    expect(await codeOf(old.listHosts({}))).to.equal('certificate-revoked');
    expect((await issue('lost', 'operator', '--out', world.at('found.json'))).exitCode).to.equal(0);
    expect(await codeOf(holderOf(world.at('found.json')).listHosts({}))).to.equal('nothing was refused');
    expect(await codeOf(old.listHosts({}))).to.equal('certificate-revoked');
    expect(await issuedTo('lost')).to.have.length(2);
  });

  it('is what doctor names for a certificate that has expired, and mends it', async () => {
    const { address } = world.home.loadOperator('operator');
    const clock = new FakeClock(Date.now() - 91 * DAY_MS);
    const expired = await issueOperator(world.home.controlPlane, { name: 'an', role: 'operator' }, clock);
    const { certificate, privateKey, caCertificate } = expired;
    world.home.saveOperator('operator', { address, certificate, privateKey, caCertificate });
    const { examinations } = documentOf<{ examinations: { diagnoses: { mend?: string }[] }[] }>(
      await world.json('doctor'),
    );
    const mends = examinations.flatMap(({ diagnoses }) => diagnoses.flatMap(({ mend = '' }) => mend));
    const mend = mends.find((line) => line.includes('operator issue')) ?? '';
    expect(mend).to.equal(
      `keyturn --home ${world.home.folder} operator issue an --role operator --out ${world.home.operatorPath('operator')}`,
    );
    expect((await keyturn(...mend.split(' ').slice(1))).exitCode).to.equal(0);
    expect((await world.json('host', 'token', 'web-1', '--out', world.at('web-1'))).exitCode).to.equal(0);
  });

  it('works from the folder of the control plane alone, while nothing runs', async () => {
    await world.stop();
    const argv = [
      '--home',
      world.at('none'),
      '--json',
      'operator',
      'issue',
      'an',
      '--role',
      'viewer',
      '--out',
      world.at('an.json'),
    ];
    const at = [...argv, '--folder', world.home.controlPlane, '--address', 'keys.example.org:7443'];
    const ended = await keyturn(...at);
    expect(ended.exitCode, ended.stdout).to.equal(0);
    const file = JSON.parse(readFileSync(world.at('an.json'), 'utf8')) as OperatorFile;
    expect(file.address).to.equal('keys.example.org:7443');
    expect(existsSync(world.at('none'))).to.equal(false);
    expect(filesBelow(world.home.controlPlane).filter((name) => /-(wal|shm)$/.test(name))).to.deep.equal([]);
  });

  it('says to people what it wrote, that it is a secret, and where it belongs', async () => {
    const path = world.at('an.json');
    const { stdout } = await world.keyturn('operator', 'issue', 'an', '--role', 'viewer', '--out', path);
    const { address } = world.home.loadOperator('viewer');
    expect(stdout).to.match(/^\S+an\.json {2}\(a secret: the private key is in it\)\n/);
    expect(stdout).to.include(`an may dial ${address} as viewer until `).and.include('operators/viewer.json');
    expect(stdout).to.not.include('PRIVATE KEY');
  });

  const REFUSED: Readonly<Record<string, { argv: readonly string[]; exitCode: number; message: string }>> = {
    'a name that no certificate can have': {
      argv: ['An Nguyen', '--role', 'viewer'],
      exitCode: 64,
      message: 'operator "An Nguyen": expected letters in lower case',
    },
    'a role that there is not': {
      argv: ['an', '--role', 'approver'],
      exitCode: 64,
      message: 'role "approver": expected viewer, operator, releaser',
    },
    'no role': { argv: ['an'], exitCode: 64, message: "required option '--role <role>' not specified" },
    'more days than the authority issues for': {
      argv: ['an', '--role', 'viewer', '--days', '367'],
      exitCode: 64,
      message: '--days "367": expected a whole number from 1 to 366',
    },
    'an address that is none': {
      argv: ['an', '--role', 'viewer', '--address', 'here'],
      exitCode: 64,
      message: '--address "here": expected HOST:PORT',
    },
    'a file in a folder that is not there': {
      argv: ['an', '--role', 'viewer', '--out', '/nowhere/an.json'],
      exitCode: 64,
      message: 'there is no folder "/nowhere"',
    },
    'a folder in which no control plane is': {
      argv: ['an', '--role', 'viewer', '--folder', '/nowhere'],
      exitCode: 77,
      message: 'failed to issue a certificate from "/nowhere": there is no authority in it',
    },
  };
  it('has seven things that it refuses', () => expect(Object.keys(REFUSED)).to.have.length(7));
  for (const [title, { argv, exitCode, message }] of Object.entries(REFUSED)) {
    it(`refuses ${title}, and issues nothing`, async () => {
      const out = argv.includes('--out') ? [] : ['--out', world.at('an.json')];
      const ended = await world.json('operator', 'issue', ...argv, ...out);
      expect([ended.exitCode, failureOf(ended).message.includes(message)], ended.stdout).to.deep.equal([
        exitCode,
        true,
      ]);
      expect(existsSync(world.at('an.json'))).to.equal(false);
      expect(await issuedTo('an')).to.deep.equal([]);
    });
  }

  it('asks for the address where nobody has one', async () => {
    rmSync(join(world.home.folder, 'operators'), { recursive: true });
    const ended = await issue('an', 'viewer');
    expect([ended.exitCode, failureOf(ended).message]).to.deep.equal([64, 'operator issue needs --address']);
    expect(existsSync(world.at('an.json'))).to.equal(false);
  });
});
