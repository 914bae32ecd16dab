import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { makeClaim } from '../claims.ts';
import type { ReportDocument, Section } from '../document.ts';
import { statement } from '../document.ts';
import { rollbackBlocks } from '../rollback-line.ts';
import { documentOf, gateSections } from './frame.ts';

/** 07: gate G7, how to undo the install, that nothing of it runs, and the removal once there was one. */
export function rollbackDocument(ledger: VerifiedLedger): ReportDocument {
  const name = { number: '07', title: 'Rollback and disable proof' };
  const isRemoved = ledger.summary.gates.some(({ gate }) => gate === 'ROLLBACK');
  return documentOf(ledger, name, [
    disableSection(ledger),
    ...gateSections(ledger, ['G7', ...(isRemoved ? ['ROLLBACK'] : [])]),
  ]);
}

function disableSection(ledger: VerifiedLedger): Section {
  const claims = {
    rollback_rehearsed: 'rollback-rehearsed',
    what_runs: 'nothing-runs',
    execution_enabled: 'execution-enabled',
  } as const;
  const rows = Object.entries(claims).map(([key, name]) => {
    const claim = makeClaim(ledger, name);
    return { key, statement: statement(claim.value, claim.evidence) };
  });
  return { title: 'Rollback and disable', blocks: [{ block: 'facts', rows }, ...rollbackBlocks(ledger)] };
}
