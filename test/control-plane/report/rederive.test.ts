import { expect } from 'chai';
import fc from 'fast-check';
import { buildFinalDocument, buildProvingDocuments } from '../../../control-plane/report/documents.ts';
import { renderJson } from '../../../control-plane/report/render/json.ts';
import { renderMarkdown } from '../../../control-plane/report/render/markdown.ts';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { plannedChecks } from '../../../shared/ledger/planned-checks.ts';
import { IndependentLedger } from '../../support/independent-ledger.ts';
import { type FixtureOptions, ledgerFixture, PROMISED, saw } from '../../support/ledger-fixture.ts';
import {
  checkComplete,
  checkMarkdown,
  checkSaid,
  checkSameInMarkdown,
  lookedUp,
  type Said,
  saidIn,
} from '../../support/rederive.ts';

const GAP: EvidenceResult = { did: 'leave-a-gap', statement: 'no governance-capable DSN', owner: 'ops', route: 'O7' };
const ACCEPT = [{ gate: 'G6', checkKind: 'dryrun', owner: 'macro O7', route: 'O7 live dry-run', maxAgeDays: 30 }];
const CAPSULE = {
  argv: ['python3', '-m', 'unittest'],
  ended: 'exit 1',
  lastOutput: 'Traceback\n  File "x"\nFAILED (failures=1)',
  outputBytes: 40,
  limitsHit: [],
  environmentDigest: 'e'.repeat(64),
  sandbox: 'bubblewrap',
};

const STORIES: Readonly<Record<string, { options: FixtureOptions; verdict: string }>> = {
  'a run in which everything passed': { options: {}, verdict: 'A' },
  'a run with an accepted sub-gap': { options: { results: { dry: GAP }, accept: ACCEPT }, verdict: 'B' },
  'a run with a sub-gap that the policy does not accept': { options: { results: { dry: GAP } }, verdict: 'D' },
  'a run that failed on the host': {
    options: {
      results: { unit: saw('1 failed', { notes: ['flaky?'] }) },
      capsules: { unit: CAPSULE },
      lastPhase: 'failed',
    },
    verdict: 'C',
  },
  'a run that was blocked': {
    options: { results: { unit: { did: 'block', reason: 'no bubblewrap', needs: ['bubblewrap'] }, dry: undefined } },
    verdict: 'D',
  },
  'a run whose neighbours differ between two stations that each pass': {
    options: {
      results: {
        'g7.anchors-rehearsed': saw(PROMISED, {
          anchors: [
            {
              path: '/opt/incomex/dot/iu-cutter',
              reads: [1, 2, 3].map(() => ({ is: 'folder', digest: 'f'.repeat(64) })),
            },
          ],
        }),
      },
    },
    verdict: 'A',
  },
  'a run in which several checks found the same': {
    options: {
      results: {
        unit: saw(PROMISED, { notes: ['pytest is absent', 'slow', 'slow'] }),
        'no-live': saw(PROMISED, { notes: ['one more', 'pytest is absent'] }),
        'g7.nothing-runs': saw(PROMISED, { notes: ['slow'] }),
      },
    },
    verdict: 'A',
  },
  'a run that was rolled back': { options: { lastPhase: 'rolledBack' }, verdict: 'A' },
  'a run without neighbours, own checks or a gate that the policy requires': {
    options: { preserve: [], gates: [], requiredGates: ['G6'] },
    verdict: 'D',
  },
};

function rederive(options: FixtureOptions): string {
  const fixture = ledgerFixture(options);
  const ledger = fixture.read();
  const own = new IndependentLedger(fixture.bundle);
  const documents = [...buildProvingDocuments(ledger), buildFinalDocument(ledger)];
  expect(documents.map(({ number }) => number)).to.deep.equal(['01', '02', '03', '04', '05', '06', '07', '08']);
  for (const document of documents) {
    const read = JSON.parse(renderJson(document));
    expect([read.run, read.host, read.ledger.size, read.ledger.head]).to.deep.equal([
      own.entries[0]?.run,
      own.entries[0]?.host,
      own.entries.length,
      own.head.predicate.head,
    ]);
    for (const said of saidIn(read)) checkSaid(own, said);
    checkSameInMarkdown(read, renderMarkdown(document));
  }
  const final = documents[7];
  if (final) {
    checkComplete(own, JSON.parse(renderJson(final)));
    checkMarkdown(own, renderMarkdown(final));
  }
  expect(own.verdict()).to.equal(ledger.summary.verdict);
  return own.verdict();
}

describe('control-plane/report, derived a second time from raw bytes', () => {
  for (const [title, { options, verdict }] of Object.entries(STORIES)) {
    it(`says nothing of ${title} that does not follow from its ledger`, () => {
      expect(rederive(options)).to.equal(verdict);
    });
  }

  it('says nothing that does not follow, of 50 generated ledgers', () => {
    const ids = plannedChecks(ledgerFixture().release).map(({ id }) => id);
    const outcome: fc.Arbitrary<EvidenceResult | undefined | 'passed'> = fc.oneof(
      fc.constant<'passed'>('passed'),
      fc.constantFrom(
        undefined,
        saw('something else', { notes: ['seen twice', 'and again'] }),
        GAP,
        { did: 'lose', reason: 'power cut' } as const,
        { did: 'not-run', reason: 'an earlier gate failed' } as const,
        { did: 'block', reason: 'no tool', needs: ['psql'] } as const,
        { did: 'observe', observation: { saw: 3 } } as const,
      ),
    );
    const verdicts = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...ids), outcome), { maxLength: 3 }),
        fc.boolean(),
        (changes, accepts) => {
          const results = Object.fromEntries(
            changes.filter(([, each]) => each !== 'passed'),
          ) as FixtureOptions['results'];
          const verdict = rederive({ results: results ?? {}, accept: accepts ? ACCEPT : [] });
          verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
        },
      ),
      { numRuns: 50 },
    );
    console.log(
      `      ${lookedUp.count} values and wordings looked up; verdicts ${JSON.stringify(Object.fromEntries(verdicts))}`,
    );
    expect(lookedUp.count).to.be.at.least(20_000);
  }).timeout(60_000);

  it('numbers each fact once, however many checks found it', () => {
    const notes = ['slow', 'pytest is absent'];
    const ledger = ledgerFixture({
      results: { unit: saw(PROMISED, { notes }), 'no-live': saw(PROMISED, { notes: notes.toReversed() }) },
    }).read();
    const lines = renderMarkdown(buildFinalDocument(ledger)).match(/^- N-.*$/gm);
    expect(lines).to.deep.equal(['- N-1 noted: slow \\[#20-#21\\]', '- N-2 noted: pytest is absent \\[#20-#21\\]']);
    const checks = buildProvingDocuments(ledger)[5];
    expect(checks && renderMarkdown(checks).match(/^- Finding .*$/gm)).to.have.length(4);
  });

  it('notices a statement that does not follow', () => {
    const fixture = ledgerFixture({ results: { dry: GAP } });
    const own = new IndependentLedger(fixture.bundle);
    const read = JSON.parse(renderJson(buildFinalDocument(fixture.read())));
    const verdict = saidIn(read)[1] as Said;
    expect(() => checkSaid(own, { ...verdict, parts: [{ ...verdict.parts[0], value: 'A. PASS' }] })).to.throw();
    expect(() => checkSaid(own, { ...verdict, parts: ['result PASS'] })).to.throw();
    expect(() => checkSaid(own, { ...verdict, evidence: ['run-7#0'] })).to.throw();
    expect(() => checkSaid(own, { ...verdict, evidence: [] })).to.throw();
    expect(() => checkSaid(own, { ...verdict, evidence: [...verdict.evidence, 'run-7#999'] })).to.throw();
  });
});
