/**
 * What a report document is before it has a form: sections of typed statements, each part of which says where it comes
 * from.
 *
 * 1. A value that is not the document's own wording is `Cited`: it names its source, and anybody can look it up there.
 * 2. Each statement names the ledger entries that it rests on. What is said to be missing rests on the first entry, which
 *    names the plan that demands it, and on the last one, before which it does not stand.
 * 3. Renderers add nothing: no date, no status, no sentence.
 */
import type { Json } from '../../shared/canonical-json.ts';

export const REPORT_SCHEMA = 'keyturn.report/v1';

/** Where a value stands, or by which rule it follows from the ledger. Pointers are RFC 6901. */
export type Source =
  | { readonly from: 'entry'; readonly seq: number; readonly pointer: string }
  | { readonly from: 'head' | 'statement' | 'plan' | 'policy'; readonly pointer: string }
  | { readonly from: 'derived'; readonly rule: DerivedRule; readonly of: string };

export type DerivedRule =
  | 'check-status'
  | 'gate-status'
  | 'verdict'
  | 'result'
  | 'phase'
  | 'expectation'
  | 'finding'
  | 'sub-gap'
  | 'count'
  | 'elapsed'
  | 'claim'
  | 'criterion';

/** `short-digest`: the first eight digits. `shell-word`: quoted so that a POSIX shell reads it as one word. */
export type Form = 'short-digest' | 'shell-word';

export interface Cited {
  readonly value: string;
  readonly source: Source;
  readonly form?: Form;
}

/** Text is the document's own wording. */
export type Part = string | Cited;

export interface Statement {
  readonly parts: readonly Part[];
  /** `<run>#<seq>`, at least one. */
  readonly evidence: readonly string[];
}

export interface FactRow {
  readonly key: string;
  readonly statement: Statement;
}

export interface OutcomeRow {
  readonly label: readonly Part[];
  readonly outcome: Part;
  readonly detail: readonly Part[];
  readonly evidence: readonly string[];
}

export interface TableRow {
  readonly cells: readonly (readonly Part[])[];
  readonly evidence: readonly string[];
}

export type Block =
  /** Key and value, line by line. */
  | { readonly block: 'facts'; readonly rows: readonly FactRow[] }
  /** `label ..... OUTCOME detail`, line by line. */
  | { readonly block: 'outcomes'; readonly rows: readonly OutcomeRow[] }
  | { readonly block: 'table'; readonly columns: readonly string[]; readonly rows: readonly TableRow[] }
  | { readonly block: 'list'; readonly items: readonly Statement[] }
  /** Commands and what programs printed. */
  | { readonly block: 'verbatim'; readonly statement: Statement };

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface ReportDocument {
  readonly schema: typeof REPORT_SCHEMA;
  /** `01` to `08`. */
  readonly number: string;
  readonly title: string;
  readonly run: string;
  readonly host: string;
  readonly app: string;
  readonly version: string;
  /** The ledger that it was made from. */
  readonly ledger: { readonly size: number; readonly head: string };
  readonly sections: readonly Section[];
}

export function statement(parts: Part | readonly Part[], evidence: readonly string[]): Statement {
  return { parts: typeof parts === 'string' || 'value' in parts ? [parts] : parts, evidence: [...new Set(evidence)] };
}

export function partText(part: Part): string {
  return typeof part === 'string' ? part : formed(part);
}

export function partsText(parts: readonly Part[]): string {
  return parts.map(partText).join('');
}

/** Text stays text; anything else is its JSON. */
export function valueText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function formed({ value, form }: Cited): string {
  switch (form) {
    case undefined:
      return value;
    case 'short-digest':
      return value.slice(0, 8);
    case 'shell-word':
      return /^[A-Za-z0-9_/.:@%+=-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
  }
}
