import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { anchorSummary } from '../anchors.ts';
import { absenceEvidence, citeEntry, derived } from '../cite.ts';
import { type ClaimName, makeClaim } from '../claims.ts';
import { criteriaSection } from '../criteria.ts';
import type { Block, FactRow, Part, ReportDocument, Section } from '../document.ts';
import { statement } from '../document.ts';
import { gateDetail } from '../gate-detail.ts';
import { findingsBlock, gateStatus, subGapBlocks } from '../gate-section.ts';
import { hostStateSection } from '../host-state.ts';
import { nextStep, nextStepSection } from '../next-step.ts';
import { rollbackBlocks } from '../rollback-line.ts';
import { elapsed, resultOf } from '../verdict.ts';
import { gateName } from '../wording.ts';
import { documentOf, fact } from './frame.ts';

/** 08: the verdict and everything that it stands on. */
export function finalDocument(ledger: VerifiedLedger): ReportDocument {
  return documentOf(ledger, { number: '08', title: 'Final report' }, [
    verdictSection(ledger),
    gateLedgerSection(ledger),
    criteriaSection(ledger),
    hostStateSection(ledger),
    findingsSection(ledger),
    subGapSection(ledger),
    { title: '7. Rollback (one line, if the install must be undone)', blocks: rollbackBlocks(ledger) },
    nextStepSection(ledger),
    finalStatusSection(ledger),
  ]);
}

function verdictSection(ledger: VerifiedLedger): Section {
  const whole = absenceEvidence(ledger);
  const gaps = ledger.summary.subGaps;
  const rows: FactRow[] = [
    fact('run', citeEntry(ledger, 0, '/run'), whole.slice(0, 1)),
    { key: 'result', statement: resultOf(ledger) },
    fact('admitted_at', citeEntry(ledger, 0, '/at'), whole.slice(0, 1)),
    fact('settled_at', citeEntry(ledger, ledger.entries.length - 1, '/at'), whole.slice(1)),
    { key: 'duration', statement: statement(derived('elapsed', 'run', elapsed(ledger)), whole) },
    claimFact(ledger, 'production_mutation', 'production-mutation'),
    hostMutationFact(ledger),
    claimFact(ledger, 'execution_enabled', 'execution-enabled'),
    { key: 'anchors', statement: anchorSummary(ledger) },
    {
      key: 'sub_gaps',
      statement: statement([...subGapParts(ledger)], [...whole, ...gaps.map((gap) => gap.evidenceId)]),
    },
    { key: 'next', statement: nextStep(ledger) },
  ];
  return { title: '1. Verdict', blocks: [{ block: 'facts', rows }] };
}

function gateLedgerSection(ledger: VerifiedLedger): Section {
  const rows = ledger.summary.gates.map((gate) => ({
    label: [gateName(gate.gate)],
    outcome: gateStatus(gate),
    ...gateDetail(ledger, gate),
  }));
  return { title: '2. Gate ledger', blocks: [{ block: 'outcomes', rows }] };
}

function findingsSection(ledger: VerifiedLedger): Section {
  const { findings } = ledger.summary;
  const none = statement('The checks left no finding.', absenceEvidence(ledger));
  const block: Block = findings.length > 0 ? findingsBlock(ledger) : { block: 'list', items: [none] };
  return { title: '5. Findings carried forward', blocks: [block] };
}

function subGapSection(ledger: VerifiedLedger): Section {
  const gaps = subGapBlocks(ledger, ledger.summary.subGaps);
  const none = statement('There is no sub-gap.', absenceEvidence(ledger));
  return { title: '6. Sub-gaps', blocks: gaps.length > 0 ? gaps : [{ block: 'list', items: [none] }] };
}

function finalStatusSection(ledger: VerifiedLedger): Section {
  const installed = makeClaim(ledger, 'installed');
  const execution = makeClaim(ledger, 'execution-enabled');
  const running = makeClaim(ledger, 'nothing-runs');
  const parts = [
    'installed: ',
    installed.value,
    ' ; running: ',
    running.value,
    ' ; execution_enabled: ',
    execution.value,
  ];
  const evidence = [...installed.evidence, ...execution.evidence, ...running.evidence];
  const rows: FactRow[] = [
    { key: 'status', statement: resultOf(ledger) },
    fact('phase', derived('phase', 'run', ledger.summary.phase), absenceEvidence(ledger)),
    {
      key: `${ledger.admitted.app}-${ledger.admitted.version} on ${ledger.summary.host}`,
      statement: statement(parts, evidence),
    },
    { key: 'next_action', statement: nextStep(ledger) },
  ];
  return { title: '9. Final status', blocks: [{ block: 'facts', rows }] };
}

function claimFact(ledger: VerifiedLedger, key: string, name: ClaimName): FactRow {
  const claim = makeClaim(ledger, name);
  return { key, statement: statement(claim.value, claim.evidence) };
}

function hostMutationFact(ledger: VerifiedLedger): FactRow {
  const claim = makeClaim(ledger, 'host-mutation');
  const path = citeEntry(ledger, 0, '/body/installPath');
  const parts = claim.isProven ? [claim.value, ' (one new path: ', path, ')'] : [claim.value];
  return { key: 'host_mutation', statement: statement(parts, claim.evidence) };
}

function* subGapParts({ summary }: VerifiedLedger): Generator<Part> {
  yield derived('count', 'sub-gaps', summary.subGaps.length);
  for (const [index, gap] of summary.subGaps.entries()) {
    yield index === 0 ? ' - ' : ' ; ';
    yield derived('sub-gap', `${gap.check}/id`, gap.id);
    yield ', routed to: ';
    yield derived('sub-gap', `${gap.check}/route`, gap.route);
  }
}
