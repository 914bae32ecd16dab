import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { makeClaim } from '../claims.ts';
import type { ReportDocument, Section } from '../document.ts';
import { statement } from '../document.ts';
import { documentOf, gateSections } from './frame.ts';

const OTHER_DOCUMENTS_GATES = ['G0', 'G1', 'G2', 'G3', 'G4', 'G7', 'G8', 'ROLLBACK'];

/** 06: gates G5 and G6, and the project's own. */
export function checksDocument(ledger: VerifiedLedger): ReportDocument {
  const name = { number: '06', title: 'Checks and dry run' };
  const present = ledger.summary.gates.map(({ gate }) => gate).filter((gate) => !OTHER_DOCUMENTS_GATES.includes(gate));
  const gates = [...new Set(['G5', 'G6', ...present])];
  return documentOf(ledger, name, [productionSection(ledger), ...gateSections(ledger, gates)]);
}

function productionSection(ledger: VerifiedLedger): Section {
  const production = makeClaim(ledger, 'production-mutation');
  const refused = makeClaim(ledger, 'live-refused');
  const rows = [
    { key: 'production_mutation', statement: statement(production.value, production.evidence) },
    { key: 'live_execution', statement: statement(refused.value, refused.evidence) },
  ];
  return { title: 'Production', blocks: [{ block: 'facts', rows }] };
}
