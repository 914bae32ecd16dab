/** An agent from its start to its end, over a real connection to a control plane that does as it likes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import protobuf from 'protobufjs';
import { type Agent, startAgent } from '../../host-agent/agent.ts';
import { enrolHost } from '../../host-agent/host/enrol-host.ts';
import { hostStatus } from '../../host-agent/host/host-status.ts';
import { openJournalInPlace } from '../../host-agent/journal/journal.ts';
import type { RejectedError } from '../../shared/errors.ts';
import descriptor from '../../shared/rpc/generated/descriptor.json' with { type: 'json' };
import { systemClock } from '../../shared/time/clock.ts';
import { errorOf } from '../support/errors-of.ts';
import { HostileControlPlane } from '../support/hostile-control-plane.ts';
import { policyBytes } from './run/signed-world.ts';
import { TrustRoot } from './run/trust-root.ts';

const HOST = 'devhost-1';
const RUN = '01JD9QZ5X8M3K7T2B4N6P8R0AA';
const messages = protobuf.Root.fromJSON(descriptor);

function encode(name: string, message: object): Buffer {
  const type = messages.lookupType(`keyturn.v1.${name}`);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

describe('an agent', function () {
  this.timeout(20_000);
  let folder: string;
  let state: string;
  let controlPlane: HostileControlPlane;
  let asked: PromiseWithResolvers<string>;
  const agents: Agent[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-agent-'));
    state = join(folder, 'state');
    asked = Promise.withResolvers();
    controlPlane = await HostileControlPlane.start({
      welcome: () => [encode('ControlToAgent', { welcome: { lastDirectiveSeq: 0 } })],
      metadata: (name) => silence(name),
      content: () => silence('blobs'),
      renew: () => Promise.reject(new Error('nobody asks')),
      enrol: async ({ csr, host }) => {
        const { certificate } = await controlPlane.authority.issueHostCertificate(csr, host);
        return encode('EnrolResponse', { certificate });
      },
    });
    await enrol();
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.stop().catch(() => undefined);
    await controlPlane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function* silence(name: string): AsyncGenerator<Buffer> {
    asked.resolve(name);
    await new Promise(() => {});
    yield Buffer.alloc(0);
  }

  async function enrol(): Promise<void> {
    const { baseline } = new TrustRoot({ now: new Date(), policy: policyBytes() });
    await enrolHost(state, {
      bundle: {
        schema: 'keyturn.enrolment/v1',
        host: HOST,
        addresses: controlPlane.addresses,
        caCertificate: controlPlane.authority.caCertificate,
        token: 'a'.repeat(43),
        trust: Object.fromEntries([...baseline].map(([name, bytes]) => [name, Buffer.from(bytes)])),
      },
      config: { installRoots: ['/opt/dot'], labels: {}, rootPrefix: folder },
      now: new Date(),
    });
  }

  async function start(): Promise<Agent> {
    const log = pino({ level: 'silent' });
    const agent = await startAgent({ stateDirectory: state, clock: systemClock, random: () => 0, log });
    agents.push(agent);
    return agent;
  }

  /** Resolves once the control plane has heard what is wanted. */
  function heard(wants: (ack: number) => boolean): Promise<void> {
    return new Promise((resolve) => {
      controlPlane.onHeard = ({ ack }) => wants(ack) && resolve();
    });
  }

  function deploy(seq: number): Buffer {
    const order = { runId: RUN, targetPath: 'app/1.0.json', statementSha256: 'a'.repeat(64) };
    return encode('ControlToAgent', { seq, directive: { deploy: order } });
  }

  function unhandled(): unknown {
    const journal = openJournalInPlace(state);
    try {
      return journal.prepare('select count(*) from directives where handled = 0').pluck().get();
    } finally {
      journal.close();
    }
  }

  it('P8: stops at once although the control plane keeps silent, and what it was told is still to be done', async () => {
    const connected = heard(() => true);
    const agent = await start();
    await connected;
    controlPlane.session?.say(deploy(1));
    expect(await asked.promise).to.equal('2.root.json');
    const startedAtMs = performance.now();
    await agent.stop();
    expect(performance.now() - startedAtMs).to.be.below(5_000);
    expect(unhandled()).to.equal(1);
    expect((await hostStatus(state)).runs).to.deep.equal([]);
  });

  it('P8: goes on at the next start with what it was told before', async () => {
    const connected = heard(() => true);
    const agent = await start();
    await connected;
    const acknowledged = heard((ack) => ack === 1);
    controlPlane.session?.say(deploy(1));
    await acknowledged;
    await agent.stop();
    asked = Promise.withResolvers();
    await start();
    expect(await asked.promise).to.equal('2.root.json');
  });

  it('refuses to be the second on its folder, and lets the first one work on', async () => {
    const agent = await start();
    expect(await errorOf(start())).to.deep.include({ code: 'agent-running' });
    expect(agent.link.state.name).to.not.equal('closed');
    await agent.stop();
    await (await start()).stop();
  });

  it('P3: leaves nothing open when it cannot start', async () => {
    writeFileSync(join(state, 'journal.sqlite'), 'lost+found '.repeat(1000));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await errorOf(start())).to.deep.include({ code: 'journal-corrupt' });
    }
  });

  const NOT_UNDERSTOOD: Readonly<Record<string, Buffer>> = {
    'no message at all': Buffer.from([0x0a, 0xff, 0xff, 0xff]),
    'a piece whose content is a number': Buffer.from([0x08, 0x01]),
  };
  for (const [title, answer] of Object.entries(NOT_UNDERSTOOD)) {
    it(`refuses an order, once asked for, when the answer is ${title}`, async () => {
      let askedCount = 0;
      controlPlane.answers = {
        ...controlPlane.answers,
        metadata: async function* () {
          askedCount += 1;
          yield answer;
        },
      };
      const connected = heard(() => true);
      const outcome = Promise.withResolvers<string>();
      const agent = await start();
      await connected;
      controlPlane.onHeard = (message) => {
        if (message.body !== 'report' || message.report.kind !== 'directiveOutcome') return;
        outcome.resolve(message.report.directiveOutcome.refusalCode);
      };
      controlPlane.session?.say(deploy(1));
      expect(await outcome.promise).to.equal('answer-not-understood');
      await agent.stop();
      expect(askedCount).to.equal(1);
      expect(unhandled()).to.equal(0);
      expect((await hostStatus(state)).runs).to.deep.equal([]);
    });
  }

  it('P3: does not start where its ledger key is gone, and makes no other one', async () => {
    const key = join(state, 'identity', 'ledger-key.pem');
    const kept = readFileSync(key);
    rmSync(key);
    const error = await errorOf(start());
    expect(error).to.deep.include({ code: 'ledger-key-missing' });
    expect((error as RejectedError).message).to.include(key);
    expect((error as RejectedError).hint).to.include('put it back');
    expect(existsSync(key)).to.equal(false);
    writeFileSync(key, kept, { mode: 0o600 });
    await (await start()).stop();
  });

  it('N3: believes no acknowledgement of what it never sent', async () => {
    const { answers } = controlPlane;
    controlPlane.answers = {
      ...answers,
      welcome: () => [encode('ControlToAgent', { ack: 57, welcome: { lastDirectiveSeq: 0 } })],
    };
    const connected = heard(() => true);
    const agent = await start();
    await connected;
    controlPlane.answers = answers;
    await whenState(agent, (name) => name === 'dialing');
    expect((await hostStatus(state)).outbox).to.equal(0);
    await agent.stop();
  });
});

/** The link says nothing of its changes to a test; it is looked at in every turn. */
async function whenState(agent: Agent, holds: (name: string) => boolean): Promise<void> {
  while (!holds(agent.link.state.name)) await new Promise((resolve) => setImmediate(resolve));
}
