/**
 * The only makers of cited values: each reads the value from the place that it names, so that the two cannot differ.
 */
import type { Json } from '../../shared/canonical-json.ts';
import type { CheckRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { type Cited, type DerivedRule, type Form, valueText } from './document.ts';

/** A value that stands in a ledger entry, or undefined when nothing stands there. */
export function findInEntry(ledger: VerifiedLedger, seq: number, pointer: string): Cited | undefined {
  const value = resolvePointer(ledger.entries[seq]?.entry as Json | undefined, pointer);
  return value === undefined ? undefined : { value: valueText(value), source: { from: 'entry', seq, pointer } };
}

/** As `findInEntry`, for what a schema promises. */
export function citeEntry(ledger: VerifiedLedger, seq: number, pointer: string): Cited {
  const found = findInEntry(ledger, seq, pointer);
  if (!found) throw new Error(`expected a value at ${pointer} of entry ${seq}`);
  return found;
}

export function citeHead(ledger: VerifiedLedger, pointer: string): Cited {
  return citeMaterial('head', ledger.head as unknown as Json, pointer);
}

export function citeStatement(ledger: VerifiedLedger, pointer: string): Cited {
  return citeMaterial('statement', ledger.release.statement as Json, pointer);
}

export function citePlan(ledger: VerifiedLedger, pointer: string): Cited {
  return citeMaterial('plan', ledger.plan as Json, pointer);
}

export function citePolicy(ledger: VerifiedLedger, pointer: string): Cited {
  return citeMaterial('policy', ledger.policy as unknown as Json, pointer);
}

export function derived(rule: DerivedRule, of: string, value: string | number): Cited {
  return { value: String(value), source: { from: 'derived', rule, of } };
}

export function inForm(cited: Cited, form: Form): Cited {
  return { ...cited, form };
}

/** The id of an entry, as other documents and people quote it. */
export function evidenceId(ledger: VerifiedLedger, seq: number): string {
  return `${ledger.summary.run}#${seq}`;
}

export function admissionEvidence(ledger: VerifiedLedger): string[] {
  return [evidenceId(ledger, 0)];
}

/** What something missing rests on: the plan demands it, and the ledger ends without it. */
export function absenceEvidence(ledger: VerifiedLedger): string[] {
  return [evidenceId(ledger, 0), evidenceId(ledger, ledger.entries.length - 1)];
}

export function rowEvidence(ledger: VerifiedLedger, row: CheckRow): string[] {
  return row.evidenceId === undefined ? absenceEvidence(ledger) : [row.evidenceId];
}

export function rowsEvidence(ledger: VerifiedLedger, rows: readonly CheckRow[]): string[] {
  const ids = rows.flatMap((row) => rowEvidence(ledger, row));
  return ids.length === 0 ? absenceEvidence(ledger) : [...new Set(ids)];
}

/** The number of the entry that holds a row's evidence. */
export function rowSeq(row: CheckRow): number | undefined {
  return row.evidenceId === undefined ? undefined : Number(row.evidenceId.slice(row.evidenceId.lastIndexOf('#') + 1));
}

/** A field of what a check observed, or undefined when the check has no observation or the field is not there. */
export function findObserved(ledger: VerifiedLedger, row: CheckRow | undefined, pointer: string): Cited | undefined {
  const seq = row && rowSeq(row);
  return seq === undefined ? undefined : findInEntry(ledger, seq, `/body/evidence/result/observation${pointer}`);
}

function citeMaterial(from: 'head' | 'statement' | 'plan' | 'policy', document: Json, pointer: string): Cited {
  const value = resolvePointer(document, pointer);
  if (value === undefined) throw new Error(`expected a value at ${pointer} of the ${from}`);
  return { value: valueText(value), source: { from, pointer } };
}

function resolvePointer(document: Json | undefined, pointer: string): Json | undefined {
  let value = document;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, Json | undefined>>)[key];
  }
  return value;
}

/** A member's name as a pointer's token. */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
