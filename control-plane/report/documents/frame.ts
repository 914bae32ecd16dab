/** What all documents of one ledger have in common. */
import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { admissionEvidence, citeEntry } from '../cite.ts';
import type { Block, Cited, FactRow, ReportDocument, Section } from '../document.ts';
import { REPORT_SCHEMA, statement } from '../document.ts';
import { gateSection } from '../gate-section.ts';

export interface DocumentName {
  readonly number: string;
  readonly title: string;
}

export function documentOf(ledger: VerifiedLedger, name: DocumentName, sections: readonly Section[]): ReportDocument {
  const { app, version } = ledger.release.statement;
  const { run, host } = ledger.summary;
  const { size, head } = ledger.head;
  return { schema: REPORT_SCHEMA, ...name, run, host, app, version, ledger: { size, head }, sections };
}

export function gateSections(ledger: VerifiedLedger, gates: readonly string[]): Section[] {
  return gates.map((gate) => gateSection(ledger, gate));
}

export function fact(key: string, value: Cited | string, evidence: readonly string[]): FactRow {
  return { key, statement: statement(value, evidence) };
}

/** Facts out of the entry by which the host admitted the run. */
export function admittedFacts(ledger: VerifiedLedger, fields: Readonly<Record<string, string>>): Block {
  const rows = Object.entries(fields).map(([key, field]) =>
    fact(key, citeEntry(ledger, 0, `/body/${field}`), admissionEvidence(ledger)),
  );
  return { block: 'facts', rows };
}
