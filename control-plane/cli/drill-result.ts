/** What a drill shows: the rows with their verdict, the times of kills, and the exit code. */
import { DRILL_ROWS, drillVerdict, percentile, verdictOfDrill } from '../../shared/orders/drill.ts';
import type { FollowedRow } from './follow-drill.ts';
import { listingLines } from './listing.ts';
import type { CommandOutput } from './output.ts';

/** As verdicts of runs have them: 0 is A, 20 is C, 30 is D. */
const EXIT_CODES = { passed: 0, failed: 20, open: 30 } as const;

export function showRefusals(
  rows: readonly FollowedRow[],
  { drill, output }: { drill: string; output: CommandOutput },
): void {
  const judged = rows.map((row) => ({ ...row, verdict: drillVerdict(row) })).sort(byHostThenRow);
  const verdict = verdictOfDrill(rows);
  for (const { host, row, closedBy } of judged.filter(({ answer }) => answer === 'admitted')) {
    const then = closedBy === undefined ? 'and is not closed yet: kill it now' : 'and was closed again';
    output.warn(`ALARM: host "${host}" ADMITTED the order "${row}", which it must refuse; its gate was open, ${then}`);
  }
  output.endWith(EXIT_CODES[verdict]);
  output.result({ drill, verdict, rows: judged }, () => [
    ...listingLines(
      judged.map(({ host, row, expected = '', answer, code, notRun, verdict: said }) => [
        host,
        row,
        expected,
        code ?? answer ?? '',
        notRun === undefined ? said : `${said}: ${notRun}`,
      ]),
      'nothing was offered',
    ),
    `drill  ${drill}`,
    `${verdict}: ${countsOf(judged.map((row) => row.verdict))}`,
  ]);
}

export function showKills(
  rows: readonly FollowedRow[],
  { drill, output }: { drill: string; output: CommandOutput },
): void {
  const hosts = [...new Set(rows.map(({ host }) => host))];
  const times = hosts.map((host) => ({ host, ...timesOf(rows.filter((row) => row.host === host)) }));
  const overall = timesOf(rows);
  const verdict = rows.length > 0 && overall.answeredCount === rows.length ? 'passed' : 'open';
  output.endWith(EXIT_CODES[verdict]);
  output.result({ drill, verdict, overall, hosts: times, rows }, () => [
    ...listingLines(
      [{ host: 'all', ...overall }, ...times].map(({ host, answeredCount, rowCount, durableMs, answeredMs }) => [
        host,
        `${answeredCount} of ${rowCount} answered`,
        `durable p50 ${msText(durableMs.p50)} p99 ${msText(durableMs.p99)}`,
        `answered p50 ${msText(answeredMs.p50)} p99 ${msText(answeredMs.p99)}`,
      ]),
      'nobody was killed',
    ),
    `drill  ${drill}`,
  ]);
}

function byHostThenRow(a: FollowedRow, b: FollowedRow): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  const names: readonly string[] = DRILL_ROWS;
  return names.indexOf(a.row) - names.indexOf(b.row);
}

function timesOf(rows: readonly FollowedRow[]) {
  return {
    rowCount: rows.length,
    answeredCount: rows.filter(({ answer }) => answer === 'killed').length,
    durableMs: quantiles(rows.map(({ durableMs }) => durableMs)),
    answeredMs: quantiles(rows.map(({ answeredMs }) => answeredMs)),
  };
}

function quantiles(values: readonly (number | undefined)[]) {
  const known = values.filter((value) => value !== undefined);
  return { p50: percentile(known, 0.5), p99: percentile(known, 0.99) };
}

function msText(ms: number | undefined): string {
  return ms === undefined ? 'unknown' : `${ms} ms`;
}

function countsOf(verdicts: readonly string[]): string {
  const names = [...new Set(verdicts)];
  return names.map((name) => `${verdicts.filter((verdict) => verdict === name).length} ${name}`).join(', ');
}
