import { once } from 'node:events';
import { expect } from 'chai';
import { sql } from 'kysely';

import { dialGateway, type GatewayClient } from '../../../host-agent/link/gateway-client.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { AgentToControl, ControlToAgent } from '../../../shared/rpc/generated/messages.ts';
import { errorOfStatus } from '../../../shared/rpc/status.ts';
import { ControlPlaneWorld, HOUR_MS, type TestHost } from '../../support/control-plane-world.ts';
import { noise } from '../../support/noise.ts';
import { publishRelease } from '../../support/publish-release.ts';
import { codeOf } from '../../support/rejection-of.ts';
import { APP, testRelease } from '../../support/trust-ceremony.ts';
import { receiveBlob } from '../../support/upload-parcels.ts';

const HELLO: AgentToControl = { seq: 0, ack: 0, body: 'hello', hello: { agentVersion: '0.0.0-test' } };

/** What a host says, and how its session ends. */
const SPEECHES: Readonly<Record<string, { says: readonly AgentToControl[]; code: string }>> = {
  'a session without Hello is refused': { says: [{ seq: 0, ack: 0, body: undefined }], code: 'hello-missing' },
  'a report before Hello is refused': {
    says: [
      {
        seq: 1,
        ack: 0,
        body: 'report',
        report: { kind: 'directiveOutcome', directiveOutcome: { directiveSeq: 1, refusalCode: '' } },
      },
    ],
    code: 'hello-missing',
  },
  'a second Hello is refused': { says: [HELLO, HELLO], code: 'hello-repeated' },
  'a host that has more directives than were ever given is refused: the store is an old copy': {
    says: [{ ...HELLO, ack: 7 }],
    code: 'directive-log-behind',
  },
  'a version as long as a book is refused: it stands in every list of hosts': {
    says: [{ ...HELLO, hello: { agentVersion: 'x'.repeat(1_000_000) } }],
    code: 'hello-malformed',
  },
  'a report without an id is refused': {
    says: [
      HELLO,
      {
        seq: 0,
        ack: 0,
        body: 'report',
        report: { kind: 'directiveOutcome', directiveOutcome: { directiveSeq: 1, refusalCode: '' } },
      },
    ],
    code: 'report-malformed',
  },
  'a report of a kind that is not known is refused': {
    says: [HELLO, { seq: 1, ack: 0, body: 'report', report: {} }],
    code: 'report-malformed',
  },
};

describe('control-plane/gateway/host-session', () => {
  let world: ControlPlaneWorld;
  let host: TestHost;
  let client: GatewayClient;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    host = await world.enrolledHost('web-1');
    client = dialGateway(world.controlPlane.addresses.gateway, host.identity.loadTls());
    world.onStop(() => client.close());
  });
  afterEach(() => world.stop());

  it('has a row for each way to hold a session wrongly', () => {
    expect(Object.keys(SPEECHES)).to.have.length(7);
  });

  for (const [story, { says, code }] of Object.entries(SPEECHES)) {
    it(story, async () => {
      const stream = client.session();
      for (const message of says) stream.write(message);
      expect(await codeOf(endOf(stream))).to.equal(code);
      expect((await (await world.operator('viewer')).listHosts({})).hosts[0]).to.include({ isConnected: false });
    });
  }

  it('ends a session in which no Hello comes', async () => {
    const stream = client.session();
    // The session runs once its certificate and its silence are watched.
    await world.clock.whenPending(world.clock.pendingMs().length + 2);
    const ended = codeOf(endOf(stream));
    world.clock.advance(30_000);
    expect(await ended).to.equal('hello-missing');
  });

  it('ends an open session at once when its host is revoked, and refuses the next', async () => {
    const stream = client.session();
    stream.write(HELLO);
    await once(stream, 'data');
    const ended = codeOf(endOf(stream));
    await (await world.operator('operator')).revokeHost({ host: 'web-1' });
    expect(await ended).to.equal('host-revoked');
    const again = client.session();
    again.write(HELLO);
    expect(await codeOf(endOf(again))).to.equal('host-revoked');
  });

  it('tells a host why its session ends, also when the store cannot write down that it was seen', async () => {
    const stream = client.session();
    stream.write(HELLO);
    await once(stream, 'data');
    const ended = codeOf(endOf(stream));
    const operator = await world.operator('operator');
    await sql`create trigger full_disk before update of last_seen_at on hosts
      begin select raise(abort, 'as if the disk were full'); end`.execute(world.controlPlane.store);
    await operator.revokeHost({ host: 'web-1' });
    expect(await ended).to.equal('host-revoked');
    expect(world.errors.map(({ action }) => action)).to.include('record a sighting');
  });

  it('ends a download in the middle when its host is revoked', async () => {
    const blob = noise('a download', 64 * 1024 * 1024);
    await receiveBlob(world.controlPlane.blobs, { sha256: sha256(blob), size: blob.length, offset: 0 }, oneChunk(blob));
    const operator = await world.operator('operator');
    let received = 0;
    const download = (async () => {
      for await (const { slices } of client.fetchContent({
        wants: [{ sha256: sha256(blob), size: blob.length, offset: 0, length: 0 }],
      })) {
        if (received === 0) await operator.revokeHost({ host: 'web-1' });
        received += slices.reduce((sum, { length }) => sum + length, 0);
      }
    })();
    expect(await codeOf(download)).to.equal('host-revoked');
    expect(received).to.be.within(1, blob.length - 1);
  });

  it('ends a session when its certificate has expired and no newer one was asked for', async () => {
    const stream = client.session();
    stream.write(HELLO);
    await once(stream, 'data');
    const ended = codeOf(endOf(stream));
    world.clock.advance(24 * HOUR_MS);
    expect(await ended).to.equal('certificate-expired');
  });

  it('keeps a session beyond its certificate when the host has renewed it', async () => {
    await publishRelease(world, [testRelease('1.0')]);
    const operator = await world.operator('operator');
    const renewed = Promise.withResolvers<void>();
    host.startLink({ onRenewed: () => renewed.resolve() });
    await host.whenOpen();
    world.clock.advance(HOUR_MS);
    host.clock.advance(16 * HOUR_MS);
    await renewed.promise;
    world.clock.advance(23 * HOUR_MS + 60_000);
    await operator.deploy({ host: 'web-1', app: APP, version: '1.0' });
    await host.journal.until(() => host.journal.lastSeq() === 1);
    expect(host.states.map(({ name }) => name)).to.deep.equal(['dialing', 'handshaking', 'open']);
  });

  it('does not wait for a host that reads nothing: the others get their directives', async () => {
    await publishRelease(world, [testRelease('1.0')]);
    const other = await world.enrolledHost('web-2');
    const deaf = client.session();
    deaf.write(HELLO);
    await once(deaf, 'data');
    deaf.pause();
    const operator = await world.operator('operator');
    for (let count = 0; count < 50; count += 1) await operator.deploy({ host: 'web-1', app: APP, version: '1.0' });
    other.startLink();
    await operator.deploy({ host: 'web-2', app: APP, version: '1.0' });
    await other.journal.until(() => other.journal.lastSeq() === 1);
    deaf.cancel();
    expect(await codeOf(endOf(deaf))).to.equal('transient');
  });

  it('goes on behind a report that is refused: it is kept aside, acknowledged and logged', async () => {
    const stream = client.session();
    stream.write(HELLO);
    await once(stream, 'data');
    const acknowledged = (async () => {
      for await (const { ack } of stream) if (ack === 2) return;
    })();
    for (const [seq, directiveSeq] of [
      [1, 98],
      [2, 99],
    ] as const)
      stream.write({
        seq,
        ack: 0,
        body: 'report',
        report: { kind: 'directiveOutcome', directiveOutcome: { directiveSeq, refusalCode: '' } },
      });
    await acknowledged;
    const [listed] = (await (await world.operator('viewer')).listHosts({})).hosts;
    expect(listed).to.include({ refusedReportCount: 2, lastReportRefusal: 'directive-unknown' });
    expect(world.errors.map(({ action }) => action)).to.include('keep report 1 of host "web-1"');
  });

  it('passes on what a host says of its own runs, and nothing that it says of another host', async () => {
    await publishRelease(world, [testRelease('1.0')]);
    const other = await world.enrolledHost('web-2');
    const operator = await world.operator('operator');
    const { runId } = await operator.deploy({ host: 'web-1', app: APP, version: '1.0' });
    const heard: string[] = [];
    const watching = new AbortController();
    const watch = (async () => {
      for await (const update of operator.watchRun({ runId, fromSeq: 0, untilPhases: [] }, { signal: watching.signal }))
        if (update.news === 'progress') {
          heard.push(update.progress.phase);
          if (update.progress.phase === 'true') return;
        }
    })();
    const progress = (phase: string): AgentToControl => ({
      seq: 0,
      ack: 0,
      body: 'progress',
      progress: { runId, phase, doneBytes: 1, totalBytes: 2, checkId: '' },
    });
    const liar = dialGateway(world.controlPlane.addresses.gateway, other.identity.loadTls());
    world.onStop(() => liar.close());
    const lies = liar.session();
    lies.write(HELLO);
    await once(lies, 'data');
    lies.write(progress('false'));
    // Acknowledged behind it, so the lie has been heard.
    const outcome = { directiveSeq: 9, refusalCode: '' };
    lies.write({ seq: 1, ack: 0, body: 'report', report: { kind: 'directiveOutcome', directiveOutcome: outcome } });
    await once(lies, 'data');
    leave(lies);
    const stream = client.session();
    stream.write(HELLO);
    await once(stream, 'data');
    stream.write(progress('true'));
    await watch;
    expect(heard).to.deep.equal(['true']);
    leave(stream);
  });

  it('ends the session of a former life when its host joins with another ledger key, and refuses that certificate', async () => {
    const stream = client.session();
    stream.write(HELLO);
    await once(stream, 'data');
    const ended = codeOf(endOf(stream));
    const reinstalled = await world.enrolledHost('web-1');
    expect(await ended).to.equal('certificate-revoked');
    const again = client.session();
    again.write(HELLO);
    expect(await codeOf(endOf(again))).to.equal('certificate-revoked');
    reinstalled.startLink();
    await reinstalled.whenOpen();
  });

  it('lets a host that joins again with the key that it has go on with the certificate that it had', async () => {
    await host.enrol();
    const stream = client.session();
    stream.write(HELLO);
    const [welcome] = await once(stream, 'data');
    expect(welcome).to.have.property('body', 'welcome');
    leave(stream);
  });

  it('refuses a message over the limit', async () => {
    const stream = client.session();
    stream.write({ ...HELLO, hello: { agentVersion: 'x'.repeat(5 * 1024 * 1024) } });
    expect(await codeOf(endOf(stream))).to.equal('rpc-resource-exhausted');
  });
});

function leave(stream: { once(event: 'error', listener: () => void): unknown; cancel(): void }): void {
  stream.once('error', () => {});
  stream.cancel();
}

/** Reads a session to its end. */
async function endOf(stream: AsyncIterable<ControlToAgent>): Promise<void> {
  try {
    for await (const _ of stream);
  } catch (error) {
    throw errorOfStatus(error, 'hold the session');
  }
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
