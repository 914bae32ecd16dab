/** The few numbers that people look for in a report, read out of what the checks observed. */
import type { CheckRow } from '../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { findObserved, rowEvidence } from './cite.ts';
import { allRows } from './claims.ts';
import { type Part, type Statement, statement } from './document.ts';

/** Words, and pointers into an observation of that kind. */
type Template = readonly (string | { readonly at: string })[];

export const HIGHLIGHTS: Readonly<Record<string, Template>> = {
  'source-tests': [{ at: '/counts/passed' }, '/', { at: '/counts/ran' }, ' tests'],
  'artifact-digest': [{ at: '/files' }, ' files, packed twice alike'],
  exec: [{ at: '/tests/passed' }, '/', { at: '/tests/ran' }, ' tests'],
  rehearsal: ['rollback rehearsed in ', { at: '/durationMs' }, ' ms'],
};

export const HOST_FACTS: Readonly<Record<string, Template>> = {
  'artifact-digest': [{ at: '/files' }, ' files and ', { at: '/links' }, ' links in the release'],
  flag: [{ at: '/file' }, ' declares ', { at: '/declarations/0/value' }, ' in line ', { at: '/declarations/0/line' }],
  exec: [
    { at: '/tests/passed' },
    ' of ',
    { at: '/tests/ran' },
    ' tests pass on the host (',
    { at: '/tests/runner' },
    ')',
  ],
};

/** The number that stands for a passed check in the gate ledger; undefined when this kind has none. */
export function highlightOf(ledger: VerifiedLedger, row: CheckRow): Part[] | undefined {
  return row.status === 'PASS' ? filled(ledger, row, HIGHLIGHTS[row.kind]) : undefined;
}

/** What passed checks counted, as sentences about the host. */
export function observedFacts(ledger: VerifiedLedger): Statement[] {
  return allRows(ledger)
    .filter((row) => row.status === 'PASS')
    .flatMap((row) =>
      [HOST_FACTS[row.kind], ...(row.kind === 'tools' ? TOOL_FACTS : [])]
        .map((template) => filled(ledger, row, template))
        .flatMap((parts) => (parts ? [statement([`${row.id}: `, ...parts], rowEvidence(ledger, row))] : [])),
    );
}

/** A tool that the host has not, or that told no version, has no such fact. */
export function toolFact(index: number): Template {
  return [{ at: `/tools/${index}/name` }, ' ', { at: `/tools/${index}/version` }, ' is on the host'];
}

/** As many tools as an observation can name. */
const TOOL_FACTS = Array.from({ length: 256 }, (_, index) => toolFact(index));

/** Undefined when the observation lacks a field, for then the sentence would have a hole. */
function filled(ledger: VerifiedLedger, row: CheckRow, template: Template | undefined): Part[] | undefined {
  const parts = template?.map((part) => (typeof part === 'string' ? part : findObserved(ledger, row, part.at)));
  return parts?.every((part) => part !== undefined) ? parts : undefined;
}
