import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { plannedChecks } from '../../../shared/ledger/planned-checks.ts';
import { admissionEvidence, citePlan } from '../cite.ts';
import type { Block, ReportDocument, Section } from '../document.ts';
import { rollbackBlocks } from '../rollback-line.ts';
import { gateName } from '../wording.ts';
import { documentOf, fact, gateSections } from './frame.ts';

/** 04: gate G3, the plan that the host locked, and the rollback as it was defined before anything moved. */
export function preflightDocument(ledger: VerifiedLedger): ReportDocument {
  const name = { number: '04', title: 'Preflight and plan' };
  const rollback = { title: 'Rollback', blocks: rollbackBlocks(ledger) };
  return documentOf(ledger, name, [...gateSections(ledger, ['G3']), planSection(ledger), rollback]);
}

function planSection(ledger: VerifiedLedger): Section {
  const evidence = admissionEvidence(ledger);
  const preserved = ledger.plan.install.preserve.map((_, index) =>
    fact('preserves', citePlan(ledger, `/install/preserve/${index}`), evidence),
  );
  const rows = [fact('install_root', citePlan(ledger, '/install/root'), evidence), ...preserved];
  return { title: 'Plan', blocks: [{ block: 'facts', rows }, plannedTable(ledger)] };
}

function plannedTable(ledger: VerifiedLedger): Block {
  const rows = plannedChecks(ledger.release).map((check) => ({
    cells: [[gateName(check.gate)], [check.id], [check.kind], [check.seenBy]],
    evidence: admissionEvidence(ledger),
  }));
  return { block: 'table', columns: ['Gate', 'Check', 'Kind', 'Seen by'], rows };
}
