import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { citeEntry } from '../cite.ts';
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
  const sections = [productionSection(ledger), ...rulingSections(ledger), ...gateSections(ledger, gates)];
  return documentOf(ledger, name, sections);
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

/** What people decided on the way; nothing where nobody was asked. */
function rulingSections(ledger: VerifiedLedger): Section[] {
  const rows = ledger.entries.flatMap(({ entry }) => {
    if (entry.body.type !== 'ruling-recorded') return [];
    const cite = (pointer: string) => [citeEntry(ledger, entry.seq, pointer)];
    const people = entry.body.by.map((_, index) => citeEntry(ledger, entry.seq, `/body/by/${index}`));
    const by = people.flatMap((person, index) => (index === 0 ? [person] : [', ', person]));
    const cells = [cite('/at'), cite('/body/check'), cite('/body/decision'), by, cite('/body/reason')];
    return [{ cells, evidence: [`${entry.run}#${entry.seq}`] }];
  });
  if (rows.length === 0) return [];
  const columns = ['At', 'Check', 'Decision', 'By', 'Reason'];
  return [{ title: 'Rulings', blocks: [{ block: 'table', columns, rows }] }];
}
