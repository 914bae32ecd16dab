/** What is said of preserved neighbours: how often each was read, and that it stayed as it was. */
import type { CheckRow } from '../../shared/ledger/derive.ts';
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

/** What each station read of each neighbour; none when the plan preserves no neighbour. */
export function anchorBlocks(ledger: VerifiedLedger): Block[] {
  const rows = rowsOfKind(ledger, 'anchor').flatMap((row) => stationRows(ledger, row));
  if (rows.length === 0) return [];
  return [{ block: 'table', columns: ['Read at', 'Status', 'Neighbour', 'Reads', 'Digest'], rows }];
}

function nameParts(ledger: VerifiedLedger, index: number): Part[] {
  const name = citePlan(ledger, `/install/preserve/${index}`);
  const path = `${ledger.plan.install.root}/${name.value}`;
  const first = anchorReadings(ledger).find((reading) => reading.path === path);
  const digest = first && findObserved(ledger, first.row, `/anchors/${first.index}/reads/0/digest`);
  return digest ? [name, ' (', inForm(digest, 'short-digest'), ')'] : [name];
}

/** One line for the reads of a neighbour that saw the same digest; a station that read nothing has a line as well. */
function stationRows(ledger: VerifiedLedger, row: CheckRow): TableRow[] {
  const station = [[row.id], [derived('check-status', row.id, row.status)]];
  const evidence = rowEvidence(ledger, row);
  const readings = anchorReadings(ledger).filter((reading) => reading.row.id === row.id);
  const rows = readings.flatMap((reading) => {
    const path = findObserved(ledger, row, `/anchors/${reading.index}/path`);
    const digests = [...new Set(reading.digests)];
    return digests.map((digest): TableRow => {
      const first = reading.digests.indexOf(digest);
      const seen = findObserved(ledger, row, `/anchors/${reading.index}/reads/${first}/digest`) ?? 'nothing to hash';
      const count = reading.digests.filter((each) => each === digest).length;
      const reads = derived('count', `anchor-reads/${row.id}/${reading.index}/${first}`, count);
      return { cells: [...station, [path ?? '-'], [reads], [seen]], evidence };
    });
  });
  return rows.length > 0 ? rows : [{ cells: [...station, ['-'], ['-'], ['nothing was read']], evidence }];
}
