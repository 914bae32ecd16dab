/** The control plane is away, mute, or another: each is said within seconds, with the address that was dialed. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { connectOperator } from '../../../control-plane/cli/client.ts';
import { TransientError } from '../../../shared/errors.ts';
import { operatorService } from '../../../shared/rpc/definitions.ts';
import { CommandWorld, failureOf, silentServer } from '../../support/command-line.ts';

const COMMANDS: readonly (readonly string[])[] = [
  ['release', 'list'],
  ['release', 'show', 'cutter@0.6'],
  ['release', 'export', 'cutter@0.6'],
  ['deploy', 'cutter@0.6', '--host', 'web'],
  ['rollback', 'cutter@0.6', '--host', 'web', '--watch'],
  ['watch', 'A-RUN'],
  ['ledger', 'A-RUN'],
  ['runs'],
  ['report', 'A-RUN'],
  ['host', 'token', 'web'],
  ['host', 'list'],
  ['host', 'revoke', 'web'],
  ['trust', 'show'],
  ['trust', 'rotate', 'root', '--no-passphrase'],
  ['trust', 'add-releaser', 'cutter', '--no-passphrase'],
  ['policy', 'sign'],
];
/** "Within seconds", with room for a machine that is busy. */
const PATIENCE_MS = 15_000;

describe('a command without its control plane', function () {
  this.timeout(60_000);
  let world: CommandWorld;
  before(async () => {
    world = await CommandWorld.held();
  });
  after(() => world[Symbol.asyncDispose]());

  it('is tried with every command that dials', () => expect(COMMANDS).to.have.length(16));

  it('ends with 69 when nothing listens, says where, and how to start one', async () => {
    // A port that was free a moment ago, and is closed now.
    const { address, close } = await silentServer();
    close();
    world.dial(address);
    for (const argv of COMMANDS) {
      const ended = await world.json(...argv);
      expect(ended.exitCode, argv.join(' ')).to.equal(69);
      expect(`${failureOf(ended).message} ${failureOf(ended).hint}`)
        .to.include(address)
        .and.include('keyturn serve');
    }
    expect(world.home.loadKeys('root', undefined)).to.have.length(3);
  });

  it('ends with 69 within seconds when somebody listens and never answers', async () => {
    const { address, close } = await silentServer();
    world.dial(address);
    const before = performance.now();
    try {
      const ended = await Promise.all(COMMANDS.slice(0, 4).map((argv) => world.json(...argv)));
      expect(ended.map(({ exitCode }) => exitCode)).to.deep.equal([69, 69, 69, 69]);
      for (const one of ended) expect(failureOf(one).message).to.include(`"${address}": no answer within`);
      expect(performance.now() - before).to.be.below(PATIENCE_MS);
    } finally {
      close();
    }
  });

  it('ends with 69 at a control plane of another ceremony, and asks whether it is the right home', async () => {
    await using other = await CommandWorld.started();
    world.dial(other.service.plane.addresses.operator);
    const ended = await world.json('release', 'list');
    expect(ended.exitCode).to.equal(69);
    expect(failureOf(ended).hint).to.include('the control plane of this ceremony');
  });

  it('ends with 77 where the certificate is of another ceremony than the trust root', async () => {
    await using other = await CommandWorld.started();
    const stranger = await CommandWorld.held();
    try {
      stranger.home.saveOperator('viewer', other.home.loadOperator('viewer'));
      const ended = await stranger.json('trust', 'show');
      expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'metadata-not-trusted']);
      expect(stranger.home.loadTrust().size).to.equal(1);
    } finally {
      await stranger[Symbol.asyncDispose]();
    }
  });

  it('ends with 77 where the role is not sufficient', async () => {
    await using other = await CommandWorld.started();
    other.home.saveOperator('operator', other.home.loadOperator('viewer'));
    const ended = await other.json('host', 'revoke', 'web');
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'role-not-sufficient']);
  });

  it('gives every call with one answer a deadline of its own', async () => {
    const { address, close } = await silentServer();
    const client = connectOperator({ ...world.home.loadOperator('viewer'), address, answerMs: 1 });
    try {
      const calls = Object.entries(operatorService)
        .filter(([, rpc]) => !rpc.requestStream && !rpc.responseStream)
        .map(([name]) => `${name.charAt(0).toLowerCase()}${name.slice(1)}` as 'listHosts');
      expect(calls).to.include('listHosts').and.to.have.length.at.least(9);
      for (const ended of await Promise.allSettled(calls.map((call) => client[call]({})))) {
        const reason: unknown = ended.status === 'rejected' ? ended.reason : undefined;
        expect(reason).to.be.instanceOf(TransientError).with.property('message').that.includes('Deadline exceeded');
      }
    } finally {
      client.close();
      close();
    }
  });

  it('quotes a named file that is not there', async () => {
    writeFileSync(world.at('key.pem'), 'no key');
    const ended = await world.json('trust', 'add-releaser', 'cutter', '--key', world.at('key.pem'));
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'key-is-not-ed25519']);
    expect(failureOf(ended).message).to.include(world.at('key.pem'));
  });
});
