import { expect } from 'chai';
import fc from 'fast-check';
import { buildFinalDocument, buildProvingDocuments } from '../../../control-plane/report/documents.ts';
import { renderJson } from '../../../control-plane/report/render/json.ts';
import { renderMarkdown } from '../../../control-plane/report/render/markdown.ts';
import type { EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { plannedChecks } from '../../../shared/ledger/planned-checks.ts';
import { IndependentLedger } from '../../support/independent-ledger.ts';
import { type FixtureOptions, ledgerFixture, PROMISED, saw } from '../../support/ledger-fixture.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents are read back from their JSON, as a stranger would
type Any = any;
/** One statement, row or cell: the parts that are read as one, and the entries behind them. */
type Said = { readonly parts: Any[]; readonly evidence: string[] };

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
  'a run that was rolled back': { options: { lastPhase: 'rolledBack' }, verdict: 'A' },
  'a run without neighbours, own checks or a gate that the policy requires': {
    options: { preserve: [], gates: [], requiredGates: ['G6'] },
    verdict: 'D',
  },
};

/** Sentences without a value, and when each is true. */
const CONDITIONAL: Readonly<Record<string, (own: IndependentLedger) => boolean>> = {
  'There is no sub-gap.': (own) => own.gaps().length === 0,
  'The checks left no finding.': (own) => own.checks.every(({ findings }) => findings.length === 0),
  'The policy forbids no action.': (own) => own.policy.forbidden.length === 0,
  'the plan preserves no neighbour': (own) => own.plan.install.preserve.length === 0,
  'required by policy, not in the plan': (own) => own.gates.some((gate) => own.checksOf(gate).length === 0),
  ' is required by the policy, and the plan has no check for it': (own) =>
    own.gates.some((gate) => own.checksOf(gate).length === 0),
  'The plan has no check for ': (own) => own.gates.length > 0,
  ': the ledger holds no evidence of it': (own) => own.checks.some(({ seq }) => seq === undefined),
  ': what it saw is not what this kind of check sees': (own) => own.checks.some(({ status }) => status === 'UNKNOWN'),
  'Nothing else has to be settled before it.': (own) => own.verdict() === 'A',
};

const RESULTS: Record<string, string> = { A: 'PASS', B: 'PASS_WITH_SUB_GAPS', C: 'FAIL', D: 'BLOCKED_OR_UNKNOWN' };
const NEXT: Record<string, string> = {
  A: 'ASSEMBLE_READINESS_AND_ASK_FOR_ENABLE_APPROVALS',
  B: 'CLOSE_SUB_GAPS_THEN_ASSEMBLE_READINESS',
  C: 'FIX_THE_FAILED_CHECKS_AND_RELEASE_A_NEW_VERSION',
  D: 'REMOVE_WHAT_BLOCKS_AND_RUN_AGAIN',
};
const ANSWERS: Record<string, string> = { PASS: 'YES', PARTIAL: 'SUB-GAP', FAIL: 'NO' };
/** No sentence may carry an outcome or a digest as its own wording: such words come from a source. */
const OUTCOME_WORDS =
  /\b(PASS|FAIL|BLOCKED|PARTIAL|UNKNOWN|NOT_RUN|YES|NO|NONE|NOT PROVEN|True|False|MET|UNTOUCHED|[0-9a-f]{8,})\b/;

let checked = 0;

/** Looks a value up where its source says that it stands, or computes it. */
function lookUp(own: IndependentLedger, source: Any, evidence: readonly string[]): string {
  switch (source.from) {
    case 'entry':
      expect(evidence).to.include(`${own.entries[0]?.run}#${source.seq}`);
      return asText(at(own.entries[source.seq], source.pointer));
    case 'head':
      return asText(at(own.head.predicate, source.pointer));
    case 'statement':
      return asText(at(own.statement, source.pointer));
    case 'plan':
      return asText(at(own.plan, source.pointer));
    case 'policy':
      return asText(at(own.policy, source.pointer));
    default:
      return compute(own, source, evidence);
  }
}

function compute(own: IndependentLedger, { rule, of }: Any, evidence: readonly string[]): string {
  const [first = '', second = '', third = ''] = of.split('/');
  const check = own.checks.find(({ id }) => id === first);
  switch (rule) {
    case 'check-status':
      demandEvidenceOf(own, first, evidence);
      return check?.status ?? '?';
    case 'gate-status':
      for (const { id } of own.checksOf(of)) demandEvidenceOf(own, id, evidence);
      return own.gateStatus(of);
    case 'result':
      for (const { id } of own.checks) demandEvidenceOf(own, id, evidence);
      return `${own.verdict()}. RELEASE_DEPLOY_DRYRUN_READINESS_${RESULTS[own.verdict()]}`;
    case 'phase':
      return own.phase();
    case 'expectation':
      demandEvidenceOf(own, first, evidence);
      expect(second).to.equal('0');
      return check?.expectation?.[third as 'what'] ?? '?';
    case 'finding':
      demandEvidenceOf(own, first, evidence);
      return check?.findings[Number(second)]?.[third as 'code'] ?? '?';
    case 'sub-gap':
      demandEvidenceOf(own, first, evidence);
      return own.gaps().find((gap) => gap.check === first)?.[second as 'id'] ?? '?';
    case 'count':
      return String(count(own, first, second));
    case 'elapsed':
      return `${((Date.parse(own.entries.at(-1)?.at) - Date.parse(own.entries[0]?.at)) / 1000).toFixed(1)} s`;
    case 'criterion':
      demandEvidenceOf(own, first, evidence);
      return ANSWERS[check?.status ?? ''] ?? 'NOT PROVEN';
    case 'claim':
      return claim(own, first);
    default:
      throw new Error(`no such rule: ${rule}`);
  }
}

function claim(own: IndependentLedger, name: string): string {
  if (name === 'next')
    return own.phase() === 'rolledBack' ? 'RUN_AGAIN_IF_THE_RELEASE_IS_STILL_WANTED' : (NEXT[own.verdict()] ?? '?');
  return own.claim(name);
}

function count(own: IndependentLedger, what: string, of: string): number {
  const passed = own.checks.filter(({ status }) => status === 'PASS');
  if (what === 'sub-gaps') return own.gaps().length;
  if (what === 'criteria') return own.checks.length;
  if (what === 'criteria-met') return passed.length;
  if (what === 'passed') return passed.filter(({ gate }) => gate === of).length;
  if (what === 'planned') return own.checksOf(of).length;
  if (what === 'anchor-reads') return own.anchorDigests().length;
  throw new Error(`no such count: ${what}`);
}

function demandEvidenceOf(own: IndependentLedger, id: string, evidence: readonly string[]): void {
  const seq = own.checks.find((check) => check.id === id)?.seq;
  const run = own.entries[0]?.run;
  const wanted = seq === undefined ? [`${run}#0`, `${run}#${own.entries.length - 1}`] : [`${run}#${seq}`];
  expect(evidence, `evidence of ${id}`).to.include.members(wanted);
}

function at(document: Any, pointer: string): Any {
  return pointer
    .split('/')
    .slice(1)
    .reduce((value, token) => value?.[token.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

function asText(value: Any): string {
  expect(value).to.not.equal(undefined);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function saidIn(document: Any): Said[] {
  return document.sections.flatMap((section: Any) => section.blocks.flatMap(saidInBlock));
}

function saidInBlock(block: Any): Said[] {
  switch (block.block) {
    case 'facts':
      return block.rows.map((row: Any) => row.statement);
    case 'list':
      return block.items;
    case 'verbatim':
      return [block.statement];
    case 'outcomes':
      return block.rows.map(({ label, outcome, detail, evidence }: Any) => ({
        parts: [...label, outcome, ...detail],
        evidence,
      }));
    case 'table':
      return block.rows.map(({ cells, evidence }: Any) => ({ parts: cells.flat(), evidence }));
    default:
      throw new Error(`no such block: ${block.block}`);
  }
}

function checkSaid(own: IndependentLedger, { parts, evidence }: Said): void {
  expect(evidence).to.not.be.empty;
  for (const id of evidence) {
    const [run, seq] = id.split('#');
    expect(run).to.equal(own.entries[0]?.run);
    expect(Number(seq)).to.be.within(0, own.entries.length - 1);
  }
  for (const part of parts) {
    checked += 1;
    if (typeof part === 'string') checkWording(own, part);
    else if (part.source.rule === 'claim' && part.source.of.startsWith('passed/'))
      checkPhrase(own, part.source.of.slice(7), evidence);
    else expect(part.value, JSON.stringify(part.source)).to.equal(lookUp(own, part.source, evidence));
  }
}

function checkWording(own: IndependentLedger, text: string): void {
  const condition = CONDITIONAL[text];
  if (condition) expect(condition(own), text).to.equal(true);
  expect(text).to.not.match(OUTCOME_WORDS);
}

/** Words for a passed check stand only where that check passed. */
function checkPhrase(own: IndependentLedger, id: string, evidence: readonly string[]): void {
  expect(own.checks.find((check) => check.id === id)?.status, id).to.equal('PASS');
  demandEvidenceOf(own, id, evidence);
}

/** Nothing is left out: every gate, check, finding and sub-gap has its place in the final report. */
function checkComplete(own: IndependentLedger, final: Any): void {
  const cited = saidIn(final).flatMap(({ parts }) => parts.filter((part) => typeof part !== 'string'));
  const ofRule = (rule: string) =>
    new Set(cited.filter(({ source }) => source.rule === rule).map(({ source }) => source.of));
  expect([...ofRule('gate-status')]).to.deep.equal(own.gates);
  expect([...ofRule('criterion')]).to.deep.equal(own.checks.map(({ id }) => id));
  const findings = own.checks.flatMap(({ id, findings: each }) =>
    each.flatMap((_, index) => [`${id}/${index}/code`, `${id}/${index}/statement`]),
  );
  expect([...ofRule('finding')]).to.have.members(findings);
  for (const { check } of own.gaps())
    expect([...ofRule('sub-gap')]).to.include.members(
      ['id', 'statement', 'owner', 'route', 'expiresAt'].map((name) => `${check}/${name}`),
    );
}

/** The gate ledger as its Markdown says it, line by line. */
function checkMarkdown(own: IndependentLedger, markdown: string): void {
  const ledger = markdown.split('## 2. Gate ledger')[1]?.split('## 3.')[0] ?? '';
  const lines = [...ledger.matchAll(/^([A-Z][A-Z0-9-]*)(?: [a-z ]+?)? \.{3,} ([A-Z_]+)/gm)].map(
    ([, gate, status]) => `${gate} ${status}`,
  );
  expect(lines).to.deep.equal(own.gates.map((gate) => `${gate} ${own.gateStatus(gate)}`));
  expect(markdown).to.match(new RegExp(`^result: ${own.verdict()}\\. `, 'm'));
  expect(markdown).to.match(new RegExp(`^production_mutation: ${own.claim('production-mutation')}  \\[`, 'm'));
  expect(markdown).to.match(new RegExp(`^execution_enabled: ${own.claim('execution-enabled')}  \\[`, 'm'));
  const answers = [...markdown.matchAll(/^.+ \.{3,} (YES|NO|SUB-GAP|NOT PROVEN)(?: .*)? {2}\[/gm)].map(
    ([, answer]) => answer,
  );
  expect(answers).to.deep.equal(own.checks.map(({ status }) => ANSWERS[status] ?? 'NOT PROVEN'));
}

/** Every statement of the JSON form stands in the Markdown form, in the same order, with the same entries behind it. */
function checkSameInMarkdown(document: Any, markdown: string): void {
  const plain = markdown.replaceAll(/\\([^A-Za-z0-9\s])/g, '$1');
  let from = 0;
  for (const { parts, evidence } of saidIn(document)) {
    for (const part of parts) {
      const text = (
        typeof part === 'string' ? part : part.form === 'short-digest' ? part.value.slice(0, 8) : part.value
      )
        .split('\n')[0]
        .trim();
      const found = plain.indexOf(text.replaceAll('\\', ''), from);
      expect(found, `"${text}" behind ${from}`).to.be.at.least(from);
      from = found + text.length;
    }
    const marks = evidence.map((id) => Number(id.split('#')[1]));
    const marker = /\[#[\d#, -]+\]/.exec(plain.slice(from));
    expect(numbersOf(marker?.[0] ?? '')).to.have.members(marks);
    from += (marker?.index ?? 0) + (marker?.[0].length ?? 0);
  }
}

function numbersOf(marker: string): number[] {
  return [...marker.matchAll(/#(\d+)(?:-#(\d+))?/g)].flatMap(([, from, to = from]) => {
    const first = Number(from);
    return Array.from({ length: Number(to) - first + 1 }, (_, index) => first + index);
  });
}

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
      `      ${checked} values and wordings looked up; verdicts ${JSON.stringify(Object.fromEntries(verdicts))}`,
    );
    expect(checked).to.be.at.least(20_000);
  }).timeout(60_000);

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
