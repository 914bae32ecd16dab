import { expect } from 'chai';

import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { encodeLedgerEntry, encodeOutcome } from '../../../host-agent/link/report.ts';
import { RejectedError } from '../../../shared/errors.ts';
import { verifyHead } from '../../../shared/ledger/head.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import type { RunUpdate } from '../../../shared/rpc/generated/messages.ts';
import { ControlPlaneWorld, type TestHost } from '../../support/control-plane-world.ts';
import { publishRelease } from '../../support/publish-release.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';
import { TestLedger } from '../../support/test-ledger.ts';
import { APP, testRelease } from '../../support/trust-ceremony.ts';

const ONE = testRelease('1.0');

describe('control-plane/operator: deploy, watch, get, roll back, report', () => {
  let world: ControlPlaneWorld;
  let host: TestHost;
  let operator: OperatorClient;
  beforeEach(async () => {
    world = await ControlPlaneWorld.start();
    host = await world.enrolledHost('web-1');
    await publishRelease(world, [ONE]);
    operator = await world.operator('operator');
  });
  afterEach(() => world.stop());

  const deploy = async (): Promise<TestLedger> => {
    const { runId } = await operator.deploy({ host: 'web-1', app: APP, version: '1.0' });
    return new TestLedger({ run: runId, host: 'web-1', key: host.identity.openLedgerKey(), statement: ONE.statement });
  };

  it('queues a directive that names the published statement, for a host that is away', async () => {
    const { run } = await deploy();
    host.startLink();
    await host.journal.until(() => host.journal.lastSeq() === 1);
    const directive = directiveCodec.decode(host.journal.directives()[0]?.bytes ?? Buffer.alloc(0));
    const [release] = (await operator.listReleases({})).releases;
    expect(directive).to.deep.include({
      kind: 'deploy',
      deploy: { runId: run, targetPath: 'demo/1.0.json', statementSha256: release?.statementSha256 },
    });
    expect(await operator.listRuns({ host: 'web-1', limit: 0 })).to.have.nested.property('runs[0].phase', 'queued');
  });

  it('follows a run from its first entry to its end, and the chain and its last head verify', async () => {
    const ledger = await deploy();
    const watching = collected(operator.watchRun({ runId: ledger.run, fromSeq: 0, untilPhases: [] }));
    const link = host.startLink();
    await host.whenOpen();
    link.sendProgress({ runId: ledger.run, phase: 'fetching', doneBytes: 5, totalBytes: 10, checkId: '' });
    for (const phase of ['preflight', 'fetching', 'proven'] as const) ledger.enter(phase);
    for (const entry of ledger.messages()) host.journal.append(encodeLedgerEntry(entry));
    const updates = await watching;
    const entries = updates.flatMap((update) => (update.news === 'entry' ? [update.entry] : []));
    expect(entries.map(({ entry }) => entry)).to.deep.equal(ledger.messages().map(({ entry }) => entry));
    const [run] = runsIn(updates);
    const head = verifyHead(entries.at(-1)?.head ?? Buffer.alloc(0), {
      publicKey: run?.ledgerPublicKey ?? '',
      run: ledger.run,
      host: 'web-1',
    });
    expect(head.size).to.equal(4);
    expect(runsIn(updates).at(-1)).to.include({ phase: 'proven', refusalCode: '' });
    expect(world.settledRuns).to.deep.equal([ledger.run]);
    expect(await collected(operator.getRun({ runId: ledger.run }))).to.have.length(5);
  });

  it('goes on from any entry, so that a watcher who lost the connection misses nothing', async () => {
    const ledger = await deploy();
    host.startLink();
    for (const phase of ['preflight', 'proven'] as const) ledger.enter(phase);
    for (const entry of ledger.messages()) host.journal.append(encodeLedgerEntry(entry));
    const updates = await collected(operator.watchRun({ runId: ledger.run, fromSeq: 2, untilPhases: ['proven'] }));
    expect(updates.flatMap((update) => (update.news === 'entry' ? [update.entry.seq] : []))).to.deep.equal([2]);
  });

  it('ends the watch of a run that the host refuses, with its code', async () => {
    const { run } = await deploy();
    const watching = collected(operator.watchRun({ runId: run, fromSeq: 0, untilPhases: [] }));
    host.startLink();
    host.journal.append(encodeOutcome({ directiveSeq: 1, refusalCode: 'target-unknown' }));
    expect(runsIn(await watching).at(-1)).to.include({ phase: 'queued', refusalCode: 'target-unknown' });
  });

  it('lets go of a watcher who leaves', async () => {
    const { run } = await deploy();
    const controller = new AbortController();
    const watching = collected(
      operator.watchRun({ runId: run, fromSeq: 0, untilPhases: [] }, { signal: controller.signal }),
    );
    controller.abort();
    expect(await codeOf(watching)).to.equal('transient');
  });

  it('rolls back the newest run that got as far as a ledger, and says which', async () => {
    const ledger = await deploy();
    expect(await codeOf(operator.rollback({ host: 'web-1', app: APP, version: '1.0' }))).to.equal('run-not-found');
    host.startLink();
    for (const entry of ledger.messages()) host.journal.append(encodeLedgerEntry(entry));
    await host.journal.until(() => host.journal.pendingAfter(0, 1).length === 0);
    await deploy();
    expect(await operator.rollback({ host: 'web-1', app: APP, version: '1.0' })).to.deep.equal({ runId: ledger.run });
    await host.journal.until(() => host.journal.lastSeq() === 3);
    const last = directiveCodec.decode(host.journal.directives()[2]?.bytes ?? Buffer.alloc(0));
    expect(last).to.deep.include({ kind: 'rollback', rollback: { runId: ledger.run } });
  });

  it('says where to look for what is there instead', async () => {
    const hints = await Promise.all([
      hintOf(operator.deploy({ host: 'web-9', app: APP, version: '1.0' })),
      hintOf(operator.revokeHost({ host: 'web-9' })),
      hintOf(collected(operator.getRun({ runId: 'none' }))),
      hintOf(operator.rollback({ host: 'web-1', app: APP, version: '1.0' })),
    ]);
    expect(hints).to.deep.equal([
      'see the hosts with `keyturn host list`',
      'see the hosts with `keyturn host list`',
      'see the runs with `keyturn runs`',
      'see what was deployed there with `keyturn runs --host web-1`',
    ]);
  });

  it('refuses what is not there, by its name', async () => {
    const codes = await Promise.all([
      codeOf(operator.deploy({ host: 'web-1', app: APP, version: '9.9' })),
      codeOf(operator.deploy({ host: 'web-1', app: 'constructor', version: '1.0' })),
      codeOf(operator.deploy({ host: 'web-9', app: APP, version: '1.0' })),
      codeOf(collected(operator.getRun({ runId: 'none' }))),
      codeOf(collected(operator.fetchReport({ runId: 'none' }))),
      codeOf(operator.revokeHost({ host: 'web-9' })),
      codeOf(operator.createJoinToken({ host: 'Web_1', lifetimeMs: 1_000 })),
      codeOf(operator.createJoinToken({ host: 'web-2', lifetimeMs: 8 * 24 * 60 * 60 * 1000 })),
    ]);
    expect(codes).to.deep.equal([
      'release-not-found',
      'release-not-found',
      'host-unknown',
      'run-not-found',
      'run-not-found',
      'host-unknown',
      'host-name-invalid',
      'lifetime-out-of-range',
    ]);
  });

  it('keeps a report, gives it back byte by byte, and asks the host to record the receipt', async () => {
    const { run } = await deploy();
    expect(await codeOf(collected(operator.fetchReport({ runId: run })))).to.equal('report-not-found');
    const documents = [
      { name: '01-environment-and-authority.md', content: Buffer.from('# Environment\n') },
      { name: '08-final-report.html', content: Buffer.alloc(600_000, 'x') },
      { name: '08-final-report.json', content: Buffer.alloc(0) },
    ];
    await world.controlPlane.recordReport(run, {
      documents,
      sinks: [{ kind: 'folder', location: '/reports', accepted: true }],
    });
    const pieces = await collected(operator.fetchReport({ runId: run }));
    const contentOf = (wanted: string) =>
      Buffer.concat(pieces.flatMap(({ name, data }) => (name === wanted ? [data] : [])));
    expect(new Set(pieces.map(({ name }) => name)).size).to.equal(3);
    for (const { name, content } of documents) expect(contentOf(name).equals(content), name).to.equal(true);
    host.startLink();
    await host.journal.until(() => host.journal.lastSeq() === 2);
    const directive = directiveCodec.decode(host.journal.directives()[1]?.bytes ?? Buffer.alloc(0));
    expect(directive.kind === 'recordReport' && directive.recordReport.documents.map(({ name }) => name)).to.deep.equal(
      documents.map(({ name }) => name),
    );
  });

  for (const name of ['../x', '/etc/passwd', '', '09-more.md', '03-artifact.sh']) {
    it(`keeps no report with a document named "${name}", and asks the host nothing`, async () => {
      const { run } = await deploy();
      const documents = [
        { name: '03-artifact.md', content: Buffer.from('good') },
        { name, content: Buffer.from('x') },
      ];
      const recorded = world.controlPlane.recordReport(run, { documents, sinks: [] });
      expect(await codeOf(recorded)).to.equal('report-document-misnamed');
      expect(await codeOf(collected(operator.fetchReport({ runId: run })))).to.equal('report-not-found');
      host.startLink();
      await host.journal.until(() => host.journal.lastSeq() === 1);
      expect(host.journal.directives()).to.have.length(1);
    });
  }

  it('lists a host with what it was last heard to say', async () => {
    const before = (await operator.listHosts({})).hosts[0];
    expect(before).to.include({ name: 'web-1', isConnected: false, lastSeenAtMs: 0, agentVersion: '' });
    host.startLink();
    await host.whenOpen();
    expect((await operator.listHosts({})).hosts[0]).to.include({ isConnected: true, agentVersion: '0.0.0-test' });
    await world.stopControlPlane();
    await world.startControlPlane();
    const viewer = await world.operator('viewer');
    expect((await viewer.listHosts({})).hosts[0]).to.include({ isConnected: false, agentVersion: '0.0.0-test' });
  });
});

function runsIn(updates: readonly RunUpdate[]) {
  return updates.flatMap((update) => (update.news === 'run' ? [update.run] : []));
}

async function hintOf(action: Promise<unknown>): Promise<string | undefined> {
  const error = await action.catch((thrown: unknown) => thrown);
  expect(error).to.be.instanceOf(RejectedError);
  return (error as RejectedError).hint;
}
