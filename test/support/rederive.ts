/**
 * Derives every statement of a report document a second time, out of an `IndependentLedger`: throws (chai) for a value,
 * a sentence or an evidence id that does not follow.
 */
import { expect } from 'chai';
import type { IndependentLedger } from './independent-ledger.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents are read back from their JSON, as a stranger would
export type Any = any;
/** One statement, row or cell: the parts that are read as one, and the entries behind them. */
export type Said = { readonly parts: Any[]; readonly evidence: string[] };

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
  'nothing was read': (own) => own.checks.some(({ kind, status }) => kind === 'anchor' && status !== 'PASS'),
  'nothing: this gate has no check that passed': (own) =>
    own.gaps().some(({ check }) => {
      const gate = own.checks.find(({ id }) => id === check)?.gate;
      return own.checks.every((each) => each.gate !== gate || each.status !== 'PASS');
    }),
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

/** How many parts of documents were looked up so far. */
export const lookedUp = { count: 0 };

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
      return String(first === 'anchor-reads' && second ? readsLike(own, of.split('/')) : count(own, first, second));
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

/** How many reads of a neighbour at a station saw what the read at that place saw. */
function readsLike(own: IndependentLedger, [, id, anchor, place]: readonly string[]): number {
  const seq = own.checks.find((check) => check.id === id)?.seq ?? -1;
  const reads = own.entries[seq]?.body.evidence.result.observation.anchors[Number(anchor)].reads;
  return reads.filter((read: Any) => read.digest === reads[Number(place)].digest).length;
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

export function saidIn(document: Any): Said[] {
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

export function checkSaid(own: IndependentLedger, { parts, evidence }: Said): void {
  expect(evidence).to.not.be.empty;
  for (const id of evidence) {
    const [run, seq] = id.split('#');
    expect(run).to.equal(own.entries[0]?.run);
    expect(Number(seq)).to.be.within(0, own.entries.length - 1);
  }
  for (const part of parts) {
    lookedUp.count += 1;
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
export function checkComplete(own: IndependentLedger, final: Any): void {
  const cited = saidIn(final).flatMap(({ parts }) => parts.filter((part) => typeof part !== 'string'));
  const ofRule = (rule: string) =>
    new Set(cited.filter(({ source }) => source.rule === rule).map(({ source }) => source.of));
  expect([...ofRule('gate-status')]).to.deep.equal(own.gates);
  expect([...ofRule('criterion')]).to.deep.equal(own.checks.map(({ id }) => id));
  const said = new Set<string>();
  const findings = own.checks.flatMap(({ id, findings: each }) =>
    each.flatMap(({ code, statement }, index) => {
      const isRepeated = said.has(`${code}: ${statement}`);
      said.add(`${code}: ${statement}`);
      return isRepeated ? [] : [`${id}/${index}/code`, `${id}/${index}/statement`];
    }),
  );
  expect([...ofRule('finding')]).to.deep.equal(findings);
  checkFindingsRestOnAll(own, final);
  for (const { check } of own.gaps())
    expect([...ofRule('sub-gap')]).to.include.members(
      ['id', 'statement', 'owner', 'route', 'expiresAt'].map((name) => `${check}/${name}`),
    );
}

/** One line for each fact, behind which stands every entry that shows it. */
function checkFindingsRestOnAll(own: IndependentLedger, final: Any): void {
  for (const { parts, evidence } of saidIn(final).filter(({ parts: [label] }) => /^N-\d+ $/.test(label))) {
    const [, code, , statement] = parts;
    const finders = own.checks.filter(({ findings }) =>
      findings.some((each) => each.code === code.value && each.statement === statement.value),
    );
    expect(evidence).to.deep.equal(finders.map(({ seq }) => `${own.entries[0]?.run}#${seq}`));
  }
}

/** The gate ledger as its Markdown says it, line by line. */
export function checkMarkdown(own: IndependentLedger, markdown: string): void {
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
export function checkSameInMarkdown(document: Any, markdown: string): void {
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
