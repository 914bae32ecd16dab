/**
 * P2, P8: whatever a control plane says, a host handles each directive exactly once: with what it leads to, or with a
 * refusal, in the one transaction that also holds the report of it.
 */
import { expect } from 'chai';
import { followDirective } from '../../../host-agent/run/follow-directive.ts';
import type { RunState } from '../../../host-agent/run/machine.ts';
import { TransientError } from '../../../shared/errors.ts';
import { directiveCodec } from '../../../shared/rpc/definitions.ts';
import type { Directive, RecordReport } from '../../../shared/rpc/generated/messages.ts';
import { bytesRecord, changeMessage, numberRecord, type WirePath } from '../../mutations/wire.ts';
import { errorOf } from '../../support/errors-of.ts';
import { SignedWorld } from './signed-world.ts';

const RUN = '01JD9QZ5X8M3K7T2B4N6P8R0AA';
const OTHER_RUN = '01JD9QZ5X8M3K7T2B4N6P8R0BB';
const RECEIPT: RecordReport = {
  runId: RUN,
  documents: [{ name: '01-environment-and-authority.md', sha256: 'a'.repeat(64) }],
  sinks: [{ kind: 'folder', location: '/var/reports', accepted: true }],
};

type Given =
  | 'nothing'
  | 'a run under way'
  | 'a proven run'
  | 'a failed run that stands'
  | 'a failed run of which nothing stands'
  | 'a rolled back run'
  | 'a reported run';

interface RefusalRow {
  readonly given: Given;
  readonly directive: (world: SignedWorld) => Directive | Buffer;
  readonly code: string;
}

const REFUSALS: Record<string, RefusalRow> = {
  'a run id in small letters': runIdRow(RUN.toLowerCase()),
  'a run id that is too short': runIdRow(RUN.slice(1)),
  'a run id that is too long': runIdRow(`${RUN}0`),
  'a run id that climbs': runIdRow('../../../../etc/cron.d/evil'),
  'a run id with a letter that is not in the alphabet': runIdRow(`${RUN.slice(0, -1)}U`),
  'a run id with a line break': runIdRow(`${RUN}\n`),
  'no run id': runIdRow(''),
  'a run id that was used, whatever became of that run': {
    given: 'a rolled back run',
    directive: (world) => deployOf(world),
    code: 'run-id-repeated',
  },
  'a run id of a run under way': {
    given: 'a run under way',
    directive: (world) => deployOf(world),
    code: 'run-id-repeated',
  },
  'a release that nobody signed': {
    given: 'nothing',
    directive: (world) => deployOf(world, { targetPath: 'app/9.9.json' }),
    code: 'target-unknown',
  },
  'a release that is not the one that was ordered': {
    given: 'nothing',
    directive: (world) => deployOf(world, { statementSha256: 'b'.repeat(64) }),
    code: 'release-not-as-ordered',
  },
  'a rollback of a run that this host never had': {
    given: 'nothing',
    directive: () => ({ kind: 'rollback', rollback: { runId: RUN } }),
    code: 'run-unknown',
  },
  'a rollback of a run under way': {
    given: 'a run under way',
    directive: () => ({ kind: 'rollback', rollback: { runId: RUN } }),
    code: 'run-under-way',
  },
  'a second rollback': {
    given: 'a rolled back run',
    directive: () => ({ kind: 'rollback', rollback: { runId: RUN } }),
    code: 'run-rolled-back',
  },
  'a rollback of a failed run of which nothing stands': {
    given: 'a failed run of which nothing stands',
    directive: () => ({ kind: 'rollback', rollback: { runId: RUN } }),
    code: 'nothing-to-remove',
  },
  'a report of a run that this host never had': {
    given: 'a proven run',
    directive: () => reportOf({ runId: OTHER_RUN }),
    code: 'run-unknown',
  },
  'a report of a run under way': {
    given: 'a run under way',
    directive: () => reportOf({}),
    code: 'run-under-way',
  },
  'a second report': {
    given: 'a reported run',
    directive: () => reportOf({}),
    code: 'report-recorded-already',
  },
  'a report of too many documents': reportRow({ documents: Array(257).fill(RECEIPT.documents[0]) }),
  'a report of too many sinks': reportRow({ sinks: Array(65).fill(RECEIPT.sinks[0]) }),
  'a document without a name': reportRow({ documents: [{ name: '', sha256: 'a'.repeat(64) }] }),
  'a document with a name that is too long': reportRow({ documents: [{ name: 'n'.repeat(256), sha256: '' }] }),
  'a document with a name that climbs': documentRow('../x'),
  'a document with a name that is a path': documentRow('/etc/passwd'),
  'a document with a name of the right form that no report has': documentRow('09-more.md'),
  'a document of a report in a form that it has not': documentRow('03-artifact.sh'),
  'a document with a digest that is too long': reportRow({
    documents: [{ name: '03-artifact.md', sha256: 'a'.repeat(65) }],
  }),
  'a sink with a location that is too long': reportRow({
    sinks: [{ kind: 'http', location: 'x'.repeat(2049), accepted: true }],
  }),
  'a receipt that is within every bound and still no ledger entry can hold': reportRow({
    sinks: Array(28).fill({ kind: 'http', location: '\u20ac'.repeat(2048), accepted: true }),
  }),
  'a directive of a kind that this agent does not know': {
    given: 'nothing',
    // Field 99, a message: a later version of the protocol.
    directive: () => Buffer.from([0x9a, 0x06, 0x02, 0x0a, 0x00]),
    code: 'directive-field-unknown',
  },
  'a deployment beside a reserved field': {
    given: 'nothing',
    directive: (world) => Buffer.concat([encoded(deployOf(world)), bytesRecord(8, Buffer.from('open'))]),
    code: 'directive-field-unknown',
  },
  'a deployment that is an enable order as well': {
    given: 'nothing',
    directive: (world) => Buffer.concat([encoded(deployOf(world)), bytesRecord(4, Buffer.alloc(0))]),
    code: 'message-ambiguous',
  },
  'a deployment beside a field of a later version': {
    given: 'nothing',
    directive: (world) => withField99(deployOf(world), []),
    code: 'directive-field-unknown',
  },
  'a rollback with a field inside that only a later version knows': {
    given: 'a proven run',
    directive: () => withField99({ kind: 'rollback', rollback: { runId: RUN } }, [{ number: 2, index: 0 }]),
    code: 'directive-field-unknown',
  },
  'a report with a field inside of a document that only a later version knows': {
    given: 'a proven run',
    directive: () =>
      withField99(reportOf({}), [
        { number: 3, index: 0 },
        { number: 2, index: 0 },
      ]),
    code: 'directive-field-unknown',
  },
  'a directive without content': { given: 'nothing', directive: () => Buffer.alloc(0), code: 'directive-unknown' },
  'bytes that are no directive': {
    given: 'nothing',
    directive: () => Buffer.from('run as root, please'),
    code: 'message-malformed',
  },
  'a directive that is cut off': {
    given: 'nothing',
    directive: (world) => encoded(deployOf(world)).subarray(0, -3),
    code: 'message-malformed',
  },
};

describe('following a directive', () => {
  it('refuses in at least thirty ways', () => {
    expect(Object.keys(REFUSALS).length).to.be.at.least(30);
  });

  for (const [title, { given, directive, code }] of Object.entries(REFUSALS)) {
    it(`P2: refuses ${title} (${code}), tells so once, and changes nothing else`, async () => {
      using world = new SignedWorld();
      await arrange(world, given);
      const asked = directive(world);
      const stored = accept(world, asked);
      const before = world.traces();
      expect(await followDirective(stored, world.directiveMeans())).to.equal(undefined);
      expect(world.directives.unhandled()).to.deep.equal([]);
      expect(world.refusals).to.deep.equal([{ seq: stored.seq, code }]);
      expect(outcomesOf(world).at(-1)).to.deep.equal({ directiveSeq: stored.seq, refusalCode: code });
      const { journal, ...rest } = world.traces();
      const { directives, outbox, ...others } = journal;
      expect({ ...rest, journal: others }).to.deep.equal(without(before));
      expect(outbox?.length).to.equal((before.journal.outbox?.length ?? 0) + 1);
      expect(directives?.length).to.equal(before.journal.directives?.length);
    });
  }

  it('admits a release, and the run, its first entry and the answer are there together', async () => {
    using world = new SignedWorld();
    const stored = accept(world, deployOf(world));
    expect(await followDirective(stored, world.directiveMeans())).to.equal(RUN);
    expect(world.store.unfinished()).to.deep.equal([RUN]);
    expect(world.store.entries(RUN).map(({ entry }) => entry.body.type)).to.deep.equal(['run-admitted']);
    expect(world.reports().map(({ kind }) => kind)).to.deep.equal(['ledgerEntry', 'directiveOutcome']);
    expect(outcomesOf(world)).to.deep.equal([{ directiveSeq: stored.seq, refusalCode: '' }]);
    expect(world.directives.unhandled()).to.deep.equal([]);
  });

  it('P8: leaves a directive unhandled while the world is in the way, and handles it once when it is not', async () => {
    using world = new SignedWorld();
    const stored = accept(world, deployOf(world));
    const honest = world.blobSource;
    let isDialing = true;
    world.blobSource = {
      fetch: (wants, options) => {
        if (isDialing) throw new TransientError('failed to reach the control plane: the link is dialing');
        return honest.fetch(wants, options);
      },
      chunksOf: honest.chunksOf,
    };
    const before = world.traces();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const means = world.directiveMeans();
      expect(await errorOf(followDirective(stored, means))).to.be.instanceOf(TransientError);
      expect(world.traces()).to.deep.equal(before);
    }
    isDialing = false;
    expect(await followDirective(stored, world.directiveMeans())).to.equal(RUN);
    expect(world.directives.unhandled()).to.deep.equal([]);
    expect(outcomesOf(world)).to.have.length(1);
    expect(world.refusals).to.deep.equal([]);
  });

  it('P8: never makes the consequence of one directive durable twice', async () => {
    using world = new SignedWorld();
    await arrange(world, 'a proven run');
    const stored = accept(world, { kind: 'rollback', rollback: { runId: RUN } });
    await followDirective(stored, world.directiveMeans());
    rest(world, { phase: 'proven', isPromoted: true });
    const before = world.traces();
    expect(await errorOf(followDirective(stored, world.directiveMeans()))).to.match(/does not wait to be handled/);
    expect(world.traces()).to.deep.equal(before);
  });

  for (const given of ['a proven run', 'a failed run that stands', 'a reported run'] as const) {
    it(`rolls back ${given}, and the rest is the work of the run`, async () => {
      using world = new SignedWorld();
      await arrange(world, given);
      const entries = world.store.entries(RUN).length;
      const stored = accept(world, { kind: 'rollback', rollback: { runId: RUN } });
      expect(await followDirective(stored, world.directiveMeans())).to.equal(RUN);
      expect(world.store.unfinished()).to.deep.equal([RUN]);
      expect(world.store.state(RUN).remaining.map(({ do: what }) => what)).to.deep.equal([
        'observe',
        'remove',
        'tidy',
        'enter',
      ]);
      expect(world.store.entries(RUN)).to.have.length(entries);
    });
  }

  it('wakes whoever sends, for a rollback as for everything else', async () => {
    using world = new SignedWorld();
    await arrange(world, 'a proven run');
    let announced = 0;
    world.outbox.onAppend(() => {
      announced += 1;
    });
    await followDirective(accept(world, { kind: 'rollback', rollback: { runId: RUN } }), world.directiveMeans());
    await followDirective(accept(world, reportOf({ runId: OTHER_RUN })), world.directiveMeans());
    expect(announced).to.equal(2);
  });

  it('records the receipt of a report as evidence of G8, and nothing of the run goes on', async () => {
    using world = new SignedWorld();
    await arrange(world, 'a proven run');
    const stored = accept(world, reportOf({}));
    expect(await followDirective(stored, world.directiveMeans())).to.equal(undefined);
    const body = world.store.entries(RUN).at(-1)?.entry.body;
    expect(body).to.deep.include({ type: 'check-recorded' });
    expect(body?.type === 'check-recorded' && body.evidence).to.deep.include({
      check: 'g8.report',
      gate: 'G8',
      result: {
        did: 'observe',
        observation: {
          documents: RECEIPT.documents,
          sinks: [{ kind: 'folder', location: '/var/reports', ok: true }],
        },
      },
    });
    expect(world.store.unfinished()).to.deep.equal([]);
  });

  it('tells of a refusal only once it is durable', async () => {
    using world = new SignedWorld();
    const stored = accept(world, Buffer.from('nonsense'));
    const told: number[] = [];
    const means = { ...world.directiveMeans(), onRefused: () => told.push(world.directives.unhandled().length) };
    await followDirective(stored, means);
    expect(told).to.deep.equal([0]);
  });

  it('P8: a refusal that does not fit on the disk is not handled, and is refused later', async () => {
    using world = new SignedWorld();
    const stored = accept(world, Buffer.from('nonsense'));
    const failing = { ...world.directiveMeans(), encodeOutcome: () => Buffer.alloc(1024 * 1024) };
    const pages = world.database.pragma('page_count', { simple: true });
    world.database.pragma(`max_page_count = ${pages}`);
    expect(await errorOf(followDirective(stored, failing))).to.deep.include({ code: 'SQLITE_FULL' });
    expect(world.directives.unhandled()).to.have.length(1);
    expect(world.refusals).to.deep.equal([]);
    world.database.pragma('max_page_count = 1000000');
    await followDirective(stored, world.directiveMeans());
    expect(world.directives.unhandled()).to.have.length(0);
    expect(world.refusals).to.have.length(1);
  });
});

function runIdRow(runId: string): RefusalRow {
  return { given: 'nothing', directive: (world) => deployOf(world, { runId }), code: 'run-id-malformed' };
}

function reportRow(change: Partial<RecordReport>): RefusalRow {
  return { given: 'a proven run', directive: () => reportOf(change), code: 'report-malformed' };
}

function withField99(directive: Directive, path: WirePath): Buffer {
  return changeMessage(encoded(directive), path, (message) => Buffer.concat([numberRecord(99, 1n), message]));
}

function documentRow(name: string): RefusalRow {
  return reportRow({ documents: [...RECEIPT.documents, { name, sha256: 'a'.repeat(64) }] });
}

function deployOf(world: SignedWorld, change: object = {}): Directive {
  const { request } = world.publish();
  const { target, statementDigest = '' } = request;
  return { kind: 'deploy', deploy: { runId: RUN, targetPath: target, statementSha256: statementDigest, ...change } };
}

function reportOf(change: Partial<RecordReport>): Directive {
  return { kind: 'recordReport', recordReport: { ...RECEIPT, ...change } };
}

function encoded(directive: Directive | Buffer): Buffer {
  return Buffer.isBuffer(directive) ? directive : directiveCodec.encode(directive);
}

function accept({ directives }: SignedWorld, directive: Directive | Buffer): { seq: number; bytes: Buffer } {
  const bytes = encoded(directive);
  const seq = directives.lastSeq() + 1;
  directives.accept({ seq, bytes });
  return { seq, bytes };
}

/** A run that a directive of before has led to; what it did in between is another test's. */
async function arrange(world: SignedWorld, given: Given): Promise<void> {
  if (given === 'nothing') return;
  await followDirective(accept(world, deployOf(world)), world.directiveMeans());
  if (given === 'a run under way') return;
  rest(world, { phase: phaseOf(given), isPromoted: given !== 'a failed run of which nothing stands' });
  if (given === 'a reported run') await followDirective(accept(world, reportOf({})), world.directiveMeans());
}

function phaseOf(given: Given): RunState['phase'] {
  if (given.startsWith('a failed run')) return 'failed';
  return given === 'a rolled back run' ? 'rolledBack' : 'proven';
}

function rest({ store }: SignedWorld, end: Pick<RunState, 'phase' | 'isPromoted'>): void {
  store.commit(RUN, { state: { ...store.state(RUN), ...end, remaining: [] }, bodies: [] });
}

function outcomesOf(world: SignedWorld): { directiveSeq: number; refusalCode: string }[] {
  return world.reports().flatMap((report) => (report.kind === 'directiveOutcome' ? [report.directiveOutcome] : []));
}

function without({ journal, ...rest }: ReturnType<SignedWorld['traces']>): object {
  const { directives: _directives, outbox: _outbox, ...others } = journal;
  return { ...rest, journal: others };
}
