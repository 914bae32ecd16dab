import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { admissionEvidence, citePlan, citeStatement } from '../cite.ts';
import type { ReportDocument, Section } from '../document.ts';
import { documentOf, fact, gateSections } from './frame.ts';

/** 02: the commit, what its tests and scans saw, and gate G1. */
export function sourceDocument(ledger: VerifiedLedger): ReportDocument {
  const name = { number: '02', title: 'Source and tests' };
  return documentOf(ledger, name, [sourceSection(ledger), ...gateSections(ledger, ['G1'])]);
}

function sourceSection(ledger: VerifiedLedger): Section {
  const evidence = admissionEvidence(ledger);
  const rows = [fact('commit', citeStatement(ledger, '/commit'), evidence)];
  if (ledger.plan.tests) {
    rows.push(fact('test_command', citePlan(ledger, '/tests/argv'), evidence));
    rows.push(fact('tests_at_least', citePlan(ledger, '/tests/min'), evidence));
  }
  if (ledger.plan.declaredVersion) {
    rows.push(fact('version_declared_in', citePlan(ledger, '/declaredVersion/file'), evidence));
  }
  return { title: 'Source', blocks: [{ block: 'facts', rows }] };
}
