/**
 * Runs from the command line, on a real control plane with a real agent: deployed, watched, judged here, reported; and
 * what becomes of it when the control plane is lost on the way, or shows another ledger than the host signed.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { fetchReport } from '../../../control-plane/cli/actions/run-report.ts';
import type { OperatorClient } from '../../../control-plane/cli/client.ts';
import { fetchRun } from '../../../control-plane/cli/run-ledger.ts';
import { type WatchOptions, watchRun } from '../../../control-plane/cli/watch-run.ts';
import { findReport, replaceReport } from '../../../control-plane/store/report-documents.ts';
import { TransientError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { parseEnrolmentBundle } from '../../../shared/rpc/enrolment-bundle.ts';
import type { RunUpdate } from '../../../shared/rpc/generated/messages.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { CommandWorld, documentOf, type Ended, failureOf } from '../../support/command-line.ts';
import { codeOf, collected } from '../../support/rejection-of.ts';
import { WorldHost } from '../../support/world-host.ts';
import { APP, buildSample } from '../../support/world-release.ts';

const HOST = 'host-1';
const RELEASE = `${APP}@1.0`;
const GAP = 'G6:dryrun:operations:a dry run by hand:30';

interface Ledger {
  readonly run: string;
  readonly verdict: string;
  readonly phase: string;
  readonly durationMs: number;
  readonly ownMs: number;
  readonly gates: readonly {
    readonly gate: string;
    readonly status: string;
    readonly checks: readonly { readonly id: string; readonly status: string; readonly evidenceId?: string }[];
  }[];
}

describe('runs from the command line', function () {
  this.timeout(60_000);
  let world: CommandWorld;
  let host: WorldHost;
  let watched: Ended;
  let ledger: Ledger;

  before(async () => {
    world = new CommandWorld();
    const held = await world.keyturn('init', '--app', APP, '--no-passphrase', '--accept-gap', GAP);
    expect(held.exitCode, held.stderr).to.equal(0);
    await world.start();
    using sample = await buildSample({ version: '1.0' });
    const pushed = await world.json('release', 'push', sample.ktrPath);
    expect(pushed.exitCode, pushed.stderr).to.equal(0);
    host = await enrolledHost();
    await host.startAgent();
    watched = await world.json('deploy', RELEASE, '--host', HOST, '--watch');
    ledger = documentOf<Ledger>(watched);
  });
  after(async () => {
    await host[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  async function enrolledHost(): Promise<WorldHost> {
    const { join, gateway } = world.service.plane.addresses;
    const out = world.at('host.enrolment');
    const made = await world.json('host', 'token', HOST, '--join', join, '--gateway', gateway, '--out', out);
    expect(made.exitCode, made.stderr).to.equal(0);
    mkdirSync(world.at('hosts'));
    const enrolled = new WorldHost(world.at('hosts', HOST), HOST);
    await enrolled.enrol(parseEnrolmentBundle(readFileSync(out)));
    return enrolled;
  }

  describe('keyturn deploy --watch', () => {
    it('ends with the exit code of the verdict that it prints', () => {
      expect([watched.exitCode, ledger.verdict, ledger.phase]).to.deep.equal([10, 'B', 'proven']);
    });

    it('prints one document with these members, and nothing else', () => {
      expect(watched.stdout.trim().split('\n')).to.have.length(1);
      expect(Object.keys(ledger)).to.deep.equal([
        'run',
        'host',
        'release',
        'commit',
        'treeDigest',
        'installPath',
        'phase',
        'verdict',
        'head',
        'orderedAt',
        'settledAt',
        'durationMs',
        'ownMs',
        'gates',
        'findings',
        'subGaps',
        'rulings',
      ]);
      expect(ledger.gates.map(({ gate }) => gate)).to.deep.equal([
        'G0',
        'G1',
        'G2',
        'G3',
        'G4',
        'G5',
        'G6',
        'G7',
        'G8',
      ]);
      const unit = ledger.gates.flatMap(({ checks }) => checks).find(({ id }) => id === 'unit');
      expect(Object.keys(unit ?? {})).to.deep.equal([
        'id',
        'kind',
        'status',
        'evidenceId',
        'durationMs',
        'expectations',
        'observation',
      ]);
    });

    it('counts the time of the payload apart', () => {
      expect(ledger.ownMs).to.be.within(0, ledger.durationMs);
      expect(ledger.durationMs).to.be.above(ledger.ownMs);
    });

    it('orders without waiting unless it is told to, and says how to watch', async () => {
      const ended = await world.keyturn('deploy', RELEASE, '--host', HOST);
      expect(ended.exitCode).to.equal(0);
      const [, run = ''] = /^run (\S+)$/m.exec(ended.stdout) ?? [];
      expect(ended.stdout).to.include(`next: keyturn watch ${run}`);
      // It stands there already: the run fails in its preflight and changes nothing.
      const again = await world.json('watch', run);
      expect(documentOf<Ledger>(again)).to.include({ run, phase: 'failed' });
      expect(again.exitCode).to.equal(20);
    });

    const REFUSED: readonly { name: string; argv: readonly string[]; code: string }[] = [
      { name: 'a release that is not published', argv: [`${APP}@9.9`, '--host', HOST], code: 'release-not-found' },
      { name: 'a host that nobody knows', argv: [RELEASE, '--host', 'host-9'], code: 'host-unknown' },
    ];
    for (const { name, argv, code } of REFUSED) {
      it(`refuses ${name} with 77`, async () => {
        const ended = await world.json('deploy', ...argv, '--watch');
        expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, code]);
      });
    }
  });

  describe('keyturn ledger, runs, watch and report', () => {
    it('shows the same ledger afterwards, as a document and as a table', async () => {
      const again = await world.json('ledger', ledger.run);
      expect(again.exitCode).to.equal(10);
      expect(documentOf(again)).to.deep.equal(ledger);
      const table = await world.keyturn('ledger', ledger.run);
      expect(table.exitCode).to.equal(10);
      expect(table.stdout)
        .to.match(/^verdict B: /m)
        .and.not.include('\u001b');
    });

    it('prints a line for each check to who watches, though all is over', async () => {
      const again = await world.keyturn('watch', ledger.run);
      expect(again.exitCode).to.equal(10);
      const own = ledger.gates.filter(({ gate }) => !['G0', 'G1', 'G2'].includes(gate)).flatMap(({ checks }) => checks);
      expect(own).to.have.length.at.least(15);
      for (const { id, status } of own) expect(again.stderr).to.match(new RegExp(`^G\\d +${id} +${status}`, 'm'));
    });

    it('shows one check, and names those that there are when it is asked for another', async () => {
      expect((await world.keyturn('ledger', ledger.run, '--check', 'unit')).stdout).to.include('unit (exec) in G5');
      const ended = await world.json('ledger', ledger.run, '--check', 'nuit');
      expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'check-unknown']);
      expect(failureOf(ended).message).to.include('"nuit"').and.include('unit');
    });

    it('says whether the release could be enabled: every criterion, with the evidence that shows it', async () => {
      const ended = await world.json('readiness', RELEASE, '--host', HOST);
      expect(ended.exitCode, ended.stdout).to.equal(0);
      const { run, isReady, rows, missing } = documentOf<{
        run: string;
        isReady: boolean;
        rows: { id: string; status: string; isMet: boolean; evidenceId?: string; reason?: string }[];
        missing: string[];
      }>(ended);
      expect([run, isReady, missing]).to.deep.equal([ledger.run, true, []]);
      const checks = ledger.gates.flatMap((gate) => gate.checks.map(({ id }) => id));
      expect(rows.map(({ id }) => id)).to.include.members([...checks, 'phase', 'live-entrypoint', 'log']);
      expect(rows.filter(({ evidenceId }) => !evidenceId?.startsWith(`${ledger.run}#`))).to.deep.equal([]);
      const gap = rows.find(({ status }) => status === 'PARTIAL');
      expect(gap?.reason).to.match(/^sub-gap of operations, accepted until /);
      const table = await world.keyturn('readiness', RELEASE, '--host', HOST);
      expect(table.stdout).to.match(/^ready: all of \d+ criteria are met$/m);
    });

    it('is not ready where the release was never deployed, and says how it would be', async () => {
      const ended = await world.json('readiness', `${APP}@9.9`, '--host', HOST);
      expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'release-not-deployed']);
      expect(failureOf(ended).hint).to.equal(`keyturn deploy ${APP}@9.9 --host ${HOST} --watch`);
    });

    it('P9: has the verdict in the log, which verifies', async () => {
      const { size } = documentOf<{ size: number }>(await world.json('audit', 'verify'));
      const { entries } = documentOf<{ entries: { kind: string }[] }>(await world.json('audit', 'list'));
      expect(entries.map(({ kind }) => kind)).to.deep.equal(Array(size).fill('verdict'));
      expect(size).to.be.at.least(1);
    });

    it('lists runs, of one host if asked', async () => {
      const of = async (...argv: string[]) =>
        documentOf<{ runs: { runId: string }[] }>(await world.json('runs', ...argv)).runs;
      expect((await of()).map(({ runId }) => runId)).to.include(ledger.run);
      expect((await of('--host', HOST)).map(({ runId }) => runId)).to.include(ledger.run);
      expect(await of('--host', 'host-9')).to.deep.equal([]);
      expect((await world.keyturn('runs', '--host', 'host-9')).stdout).to.equal('no runs\n');
    });

    it('writes the eight documents, each as Markdown, HTML and JSON', async () => {
      const out = world.at('report');
      const ended = await world.json('report', ledger.run, '--out', out);
      expect(ended.exitCode, ended.stderr).to.equal(0);
      expect(readdirSync(out)).to.have.length(24);
      expect(readdirSync(out)).to.have.members(documentOf<{ documents: string[] }>(ended).documents);
    });

    it('says of each document that the host signed it, and of the last that it follows from the ledger', async () => {
      const ended = await world.json('report', ledger.run, '--out', world.at('standings'));
      const { standings } = documentOf<{ standings: { name: string; standing: string }[] }>(ended);
      expect(standings.filter(({ standing }) => standing === 'signed')).to.have.length(21);
      expect(
        standings.flatMap(({ name, standing }) => (standing === 'follows' ? [name.slice(0, 2)] : [])),
      ).to.deep.equal(['08', '08', '08']);
      expect(ended.stderr).to.equal('');
      const { stdout } = await world.keyturn('report', ledger.run, '--out', world.at('standings'));
      expect(stdout).to.match(/^ {2}03-artifact\.md {2}as the host signed it$/m);
    });

    for (const argv of [['ledger'], ['watch'], ['report']]) {
      it(`ends with 77 at a run that nobody knows: ${argv[0]}`, async () => {
        const ended = await world.json(...argv, '01UNKNOWN');
        expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'run-not-found']);
        expect(failureOf(ended).message).to.include('01UNKNOWN');
      });
    }
  });

  describe('a control plane that shows something else', () => {
    const altered = (client: OperatorClient, alter: (updates: RunUpdate[]) => RunUpdate[]): OperatorClient => ({
      ...client,
      getRun: (request) => replay(client.getRun(request), alter),
    });
    async function* replay(updates: AsyncIterable<RunUpdate>, alter: (updates: RunUpdate[]) => RunUpdate[]) {
      yield* alter(await collected(updates));
    }
    const isEntry = (update: RunUpdate) => update.news === 'entry';

    const ATTACKS: readonly { name: string; alter: (updates: RunUpdate[]) => RunUpdate[]; code: string }[] = [
      { name: 'no run', alter: () => [], code: 'run-unknown' },
      {
        name: 'a ledger without its second entry',
        alter: (updates) => updates.filter((update) => !(update.news === 'entry' && update.entry.seq === 1)),
        code: 'ledger-chain-broken',
      },
      {
        name: 'a ledger without its last entry, under the head that covers it',
        alter: (updates) => {
          const last = updates.findLastIndex(isEntry);
          const head = (updates[last] as Extract<RunUpdate, { news: 'entry' }>).entry.head;
          return updates
            .filter((_update, index) => index !== last)
            .map((update, index) =>
              update.news === 'entry' && index === last - 1 ? { ...update, entry: { ...update.entry, head } } : update,
            );
        },
        code: 'ledger-head-size-mismatch',
      },
      {
        name: 'a ledger in which a word was changed',
        alter: (updates) =>
          updates.map((update) =>
            update.news === 'entry'
              ? {
                  ...update,
                  entry: {
                    ...update.entry,
                    entry: Buffer.from(update.entry.entry.toString().replace('"proven"', '"failed"')),
                  },
                }
              : update,
          ),
        code: 'ledger-chain-broken',
      },
      {
        name: 'a ledger under the key of another host',
        alter: (updates) =>
          updates.map((update) =>
            update.news === 'run'
              ? { ...update, run: { ...update.run, ledgerPublicKey: generateKey().publicKeyPem } }
              : update,
          ),
        code: 'host-key-changed',
      },
      {
        name: 'a ledger that does not begin',
        alter: (updates) => updates.filter((update) => !(update.news === 'entry' && update.entry.seq === 0)),
        code: 'ledger-not-admitted',
      },
      {
        name: 'a ledger without end',
        alter: (updates) => {
          const entry = updates.find(isEntry);
          return entry ? Array.from({ length: LIMITS.ledgerEntryCount + 1 }, () => entry) : [];
        },
        code: 'ledger-too-long',
      },
    ];
    it('is tried in seven ways', () => expect(ATTACKS).to.have.length(7));
    for (const { name, alter, code } of ATTACKS) {
      it(`is refused with ${name}: ${code}`, async () => {
        const { client, ...publisher } = world.publisher('viewer');
        expect(await codeOf(fetchRun(ledger.run, { ...publisher, client: altered(client, alter) }))).to.equal(code);
      });
    }

    const FORGERIES: readonly { name: string; forge: (files: Map<string, Buffer>) => void; tells: string }[] = [
      {
        name: 'a document changed in one byte',
        forge: (files) =>
          files.set('03-artifact.md', Buffer.concat([files.get('03-artifact.md') as Buffer, Buffer.from(' ')])),
        tells: 'document "03-artifact.md" is [0-9a-f]{64}, the host signed [0-9a-f]{64}',
      },
      {
        name: 'a verdict that was made better',
        forge: (files) => files.set('08-final-report.html', Buffer.from('result: A')),
        tells: 'document "08-final-report.html" is not signed by the host and does not follow from its ledger',
      },
      {
        name: 'one document in the place of another',
        forge: (files) => files.set('05-install.md', files.get('03-artifact.md') as Buffer),
        tells: 'document "05-install.md" is [0-9a-f]{64}, the host signed [0-9a-f]{64}',
      },
      {
        name: 'a document held back',
        forge: (files) => files.delete('07-rollback-and-disable-proof.json'),
        tells: 'document "07-rollback-and-disable-proof.json" is missing, the host signed [0-9a-f]{64}',
      },
    ];
    for (const { name, forge, tells } of FORGERIES) {
      it(`is found out with ${name}; the report is written, and the command ends with 77`, async () => {
        const { store } = world.service.plane;
        const kept = (await findReport(store, ledger.run)).map(({ name: file, content }) => ({ name: file, content }));
        const forged = new Map(kept.map(({ name: file, content }) => [file, content]));
        forge(forged);
        await replaceReport(
          store,
          ledger.run,
          [...forged].map(([file, content]) => ({ name: file, content })),
        );
        try {
          const out = world.at(`forged-${name.length}`);
          const ended = await world.keyturn('report', ledger.run, '--out', out);
          expect(ended.exitCode).to.equal(77);
          expect(ended.stderr.trim())
            .to.match(new RegExp(`^keyturn: ${tells}`))
            .and.not.include('\n');
          for (const [file, content] of forged)
            expect(readFileSync(join(out, file)).equals(content), file).to.equal(true);
          expect(readdirSync(out)).to.have.length(forged.size);
        } finally {
          await replaceReport(store, ledger.run, kept);
        }
      });
    }
    it('is forged in four ways', () => expect(FORGERIES).to.have.length(4));

    it('does not take pieces of nothing for ever', async () => {
      async function* pieces() {
        for (;;) yield { name: '03-artifact.md', data: Buffer.alloc(0) };
      }
      const client = { fetchReport: () => pieces() } as unknown as OperatorClient;
      expect(await codeOf(fetchReport('01', { client }))).to.equal('report-piece-empty');
    });

    for (const name of ['../01.md', '/etc/passwd', '..', '', '.bashrc', 'a/b', '09-more.md', 'x'.repeat(101)]) {
      it(`writes no document named ${JSON.stringify(name.slice(0, 12))}`, async () => {
        async function* pieces() {
          yield { name, data: Buffer.from('x') };
        }
        const client = { fetchReport: () => pieces() } as unknown as OperatorClient;
        expect(await codeOf(fetchReport('01', { client }))).to.equal('report-document-misnamed');
      });
    }
  });

  describe('a control plane that is lost while a run is watched', () => {
    /** A client whose stream of updates is each time what the next script makes of the whole. */
    async function watch(
      scripts: readonly ((updates: readonly RunUpdate[]) => AsyncIterable<RunUpdate>)[],
      options: Partial<WatchOptions> = {},
    ) {
      const { client, source } = world.publisher('viewer');
      const whole = await collected(client.getRun({ runId: ledger.run }));
      const asked: number[] = [];
      let lines = '';
      const watchOf: OperatorClient['watchRun'] = ({ fromSeq }) => {
        const script = scripts[asked.length] ?? breaksOff;
        asked.push(fromSeq);
        return script(whole.filter((update) => update.news !== 'entry' || update.entry.seq >= fromSeq));
      };
      const ended = await codeOf(
        watchRun(ledger.run, {
          client: { ...client, watchRun: watchOf },
          source,
          terminal: { hasColours: false, isTty: false, columns: 80 },
          write: (text) => {
            lines += text;
          },
          until: 'ended',
          ...options,
        }),
      );
      return { ended, asked, lines };
    }

    async function* breaksOff(): AsyncGenerator<RunUpdate> {
      yield* [];
      throw new TransientError('failed to call watchRun: gone');
    }
    const first = (count: number) =>
      async function* (updates: readonly RunUpdate[]): AsyncGenerator<RunUpdate> {
        yield* updates.slice(0, count);
        throw new TransientError('failed to call watchRun: gone');
      };
    async function* all(updates: readonly RunUpdate[]): AsyncGenerator<RunUpdate> {
      yield* updates;
    }

    it('is asked for what was not seen yet, and each check is shown once', async () => {
      const { ended, asked, lines } = await watch([first(8), breaksOff, first(4), all]);
      expect(ended).to.equal('nothing was refused');
      expect(asked).to.deep.equal([0, 7, 7, 10]);
      const whole = await watch([all]);
      expect(lines).to.equal(whole.lines);
      expect(lines.split('\n')).to.have.length.at.least(15);
    });

    it('ends the watch when it does not come back; the run goes on', async () => {
      const { ended, asked } = await watch([first(8)], { lostMs: 0 });
      expect([ended, asked]).to.deep.equal(['transient', [0]]);
    });

    it('ends the watch at once when it was never there', async () => {
      expect(await watch([])).to.deep.equal({ ended: 'transient', asked: [0], lines: '' });
    });

    it('is found again on its address, and the watch comes to its end', async () => {
      await host.stopAgent();
      const { addresses } = world.service.plane;
      const started = await world.keyturn('rollback', RELEASE, '--host', HOST);
      const [, run = ''] = /^run (\S+)$/m.exec(started.stdout) ?? [];
      const { client, source } = world.publisher('viewer');
      const { promise: seen, resolve: sawFirst } = Promise.withResolvers<void>();
      const watching = watchRun(run, {
        client: { ...client, watchRun: (...args) => noting(client.watchRun(...args), sawFirst) },
        source,
        terminal: { hasColours: false, isTty: false, columns: 80 },
        write: () => {},
        until: 'rolledBack',
      });
      await seen;
      await world.stop();
      await world.start({ listen: addresses.gateway, join: addresses.join });
      await host.startAgent();
      await watching;
      expect(documentOf<Ledger>(await world.json('ledger', run)).phase).to.equal('rolledBack');
    });

    it('shows of a rollback what it did, and not the installation once more', async () => {
      const { ended, lines } = await watch([all], { until: 'rolledBack' });
      expect(ended).to.equal('nothing was refused');
      expect(lines).to.match(/^ROLLBACK +rollback\.removal +PASS[^\n]*\n$/);
    });

    async function* noting(updates: AsyncIterable<RunUpdate>, sawFirst: () => void): AsyncGenerator<RunUpdate> {
      for await (const update of updates) {
        yield update;
        sawFirst();
      }
    }
  });
});
