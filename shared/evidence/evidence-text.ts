/** Verified evidence for people: plain lines, columns that line up, and nothing that steers a terminal. */
import { shortDigest } from '../digest.ts';
import { GATE_TITLES } from '../ledger/planned-checks.ts';
import { instantOf } from '../orders/instant.ts';
import type { Labels } from '../trust/policy.ts';
import { visibleLine } from '../visible-text.ts';
import type { Person } from './approval-review.ts';
import type { OrderReview } from './record-review.ts';
import type { TrustStanding } from './verified-trust.ts';
import type { VerifiedEvidence } from './verify-evidence.ts';
import type { VerifiedLogExport } from './verify-log-export.ts';

export function evidenceLines(evidence: VerifiedEvidence): string[] {
  const { release, ledger, trust, hostKey, log, open } = evidence;
  const { summary, head } = ledger;
  const key = hostKey.isPinned ? 'pinned' : 'NOT PINNED: only this file says whose it is';
  const facts = [
    ['release', `${release.app}@${release.version} from ${release.commit}`],
    ['tree', release.treeDigest],
    ['run', `${summary.run} on ${summary.host}, ${summary.phase}`],
    ['ledger', `${head.size} entries, signed by the host at ${head.at}`],
    ['host key', `${hostKey.keyId} (${key})`],
    ...trustFacts(trust),
    ['log', `${log.origin}, ${log.size} entries, root ${log.root.toString('hex')}`],
    ['verdict', summary.verdict],
  ];
  const sections = [columns(facts), gateLines(evidence), recordLines(evidence)];
  const last = open.map(({ code, statement }) => visibleLine(`${code}: ${statement}`));
  if (last.length === 0) return [...sections, ['all of this is proven']].flatMap(spaced);
  return [...sections, ['NOT PROVEN', ...last.map((line) => `  ${line}`)]].flatMap(spaced);
}

export function logExportLines({ trust, log, first, records }: VerifiedLogExport): string[] {
  const facts = [
    ...trustFacts(trust),
    ['log', `${log.origin}, ${log.size} entries`],
    ['root', log.root.toString('hex')],
    ['shown', `${records.length} entries from ${first} on, each where the log says, none left out between them`],
  ];
  return columns(facts);
}

function trustFacts({ pinnedRootVersion, versions, freshUntil, expired }: TrustStanding): string[][] {
  const chain = `root ${versions.root}, reached from root ${pinnedRootVersion}, which is pinned`;
  const since = expired.length === 0 ? '' : `; expired since: ${expired.join(', ')}`;
  const asOf = `of a timestamp that counted until ${freshUntil.toISOString()}${since}`;
  return [
    ['trust', chain],
    ['as of', asOf],
  ];
}

function gateLines({ ledger: { summary } }: VerifiedEvidence): string[] {
  const rows = summary.gates.map(({ gate, status, checks }) => {
    const passed = checks.filter((check) => check.status === 'PASS').length;
    return [gate, GATE_TITLES[gate] ?? '', status, `${passed} of ${checks.length} checks pass`];
  });
  return columns([['gate', 'title', 'status', 'detail'], ...rows]);
}

function recordLines(evidence: VerifiedEvidence): string[] {
  const { verdicts, orders, approvals, kills, rulings, receipts } = evidence;
  const rows = [
    ...verdicts.map(({ index, size }) => row(index, 'verdict', `the host's head over ${size} entries`)),
    ...orders.map(orderRow),
    ...approvals.map(({ index, people }) => row(index, 'approval', peopleText(people))),
    ...kills.map(({ index, order, people, unsignedBy }) =>
      row(index, 'kill', `${unsignedBy ?? peopleText(people)}: ${order.reason}`),
    ),
    ...rulings.map(({ index, people }) => row(index, 'ruling', peopleText(people))),
    ...receipts.map(({ index, receipt }) => {
      const why = receipt.code === undefined ? '' : ` (${receipt.code})`;
      const what = `${receipt.answer}${why} at ${instantOf(receipt.atMs)}, epoch ${receipt.epoch}`;
      return row(index, 'receipt', `to ${shortDigest(receipt.order)}: ${what}`);
    }),
  ];
  if (rows.length === 0) return ['the log has nothing about this run in it'];
  rows.sort((a, b) => Number(a[0]) - Number(b[0]));
  return [...columns([['entry', 'kind', 'what'], ...rows]), ...orders.flatMap(ruleLines)];
}

function orderRow({ index, sha256, order, people }: OrderReview): string[] {
  const window = `${instantOf(order.notBeforeMs)} to ${instantOf(order.expiresMs)}`;
  const what = `${shortDigest(sha256)} ${order.entrypoints.join(', ')}, ${window}, by ${peopleText(people)}`;
  return row(index, 'enable', `${what}: ${order.reason}`);
}

function ruleLines({ index, rules }: OrderReview): string[] {
  return columns(
    rules.map(({ targetsVersion, match, unmet }) => [
      `  order ${index}`,
      `policy of targets ${targetsVersion}`,
      `rule ${labelsText(match)}`,
      unmet === undefined ? 'quorum and separation met' : unmet,
    ]),
  );
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return pairs.length === 0 ? 'for every host' : pairs.join(',');
}

function peopleText(people: readonly Person[]): string {
  return people.map(({ holder, team, ...presence }) => `${holder} (${team}${presenceText(presence)})`).join(', ');
}

function presenceText({ isTouched, isVerified }: Pick<Person, 'isTouched' | 'isVerified'>): string {
  if (isVerified) return ', touched and verified';
  return isTouched ? ', touched' : '';
}

function row(index: number, kind: string, what: string): string[] {
  return [String(index), kind, what];
}

/** Two spaces between columns; the last one is not padded. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const seen = rows.map((cells) => cells.map(visibleLine));
  const widthAt = (column: number): number => Math.max(...seen.map((cells) => cells[column]?.length ?? 0));
  return seen.map((cells) =>
    cells
      .map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widthAt(column))))
      .join('  ')
      .trimEnd(),
  );
}

/** A section with the empty line in front of it, but for the first. */
function spaced(section: readonly string[], index: number): string[] {
  return index === 0 ? [...section] : ['', ...section];
}
