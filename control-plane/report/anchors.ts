/** What is said of preserved neighbours: how often each was read, and that it stayed as it was. */
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { anchorReadings } from './anchor-digests.ts';
import { admissionEvidence, citePlan, derived, findObserved, inForm, rowEvidence } from './cite.ts';
import { makeClaim, rowsOfKind } from './claims.ts';
import { type Block, type Part, type Statement, statement, type TableRow } from './document.ts';

/** One line for the verdict. */
export function anchorSummary(ledger: VerifiedLedger): Statement {
  const { preserve } = ledger.plan.install;
  if (preserve.length === 0) return statement('the plan preserves no neighbour', admissionEvidence(ledger));
  const names = preserve.flatMap((_, index): Part[] => [...(index === 0 ? [] : [', ']), ...nameParts(ledger, index)]);
  const claim = makeClaim(ledger, 'neighbours');
  const reads = derived('count', 'anchor-reads', anchorReadings(ledger).flatMap(({ digests }) => digests).length);
  return statement([...names, ' ', claim.value, ' across ', reads, ' reads'], claim.evidence);
}

/** Each reading at each station; none when the plan preserves no neighbour. */
export function anchorBlocks(ledger: VerifiedLedger): Block[] {
  const stations = rowsOfKind(ledger, 'anchor');
  if (stations.length === 0) return [];
  const rows = stations.map((row) => ({
    label: [row.id],
    outcome: derived('check-status', row.id, row.status),
    detail: [],
    evidence: rowEvidence(ledger, row),
  }));
  const readings = readingRows(ledger);
  const table: Block = { block: 'table', columns: ['Neighbour', 'Read at', 'Digest'], rows: readings };
  return [{ block: 'outcomes', rows }, ...(readings.length > 0 ? [table] : [])];
}

function nameParts(ledger: VerifiedLedger, index: number): Part[] {
  const name = citePlan(ledger, `/install/preserve/${index}`);
  const path = `${ledger.plan.install.root}/${name.value}`;
  const first = anchorReadings(ledger).find((reading) => reading.path === path);
  const digest = first && findObserved(ledger, first.row, `/anchors/${first.index}/reads/0/digest`);
  return digest ? [name, ' (', inForm(digest, 'short-digest'), ')'] : [name];
}

function readingRows(ledger: VerifiedLedger): TableRow[] {
  return anchorReadings(ledger).flatMap(({ row, index, digests }) =>
    digests.flatMap((_, read) => {
      const path = findObserved(ledger, row, `/anchors/${index}/path`);
      const digest = findObserved(ledger, row, `/anchors/${index}/reads/${read}/digest`) ?? 'nothing to hash';
      return path ? [{ cells: [[path], [row.id], [digest]], evidence: rowEvidence(ledger, row) }] : [];
    }),
  );
}
