/** What hosts answer to an order, a line for each: while one waits, and as the result. */
import type { Command } from 'commander';
import { EXIT_CODES } from '../../shared/service/failure.ts';
import { listingLines } from './listing.ts';
import { type CommandOutput, outputOf } from './output.ts';
import { refusalHint } from './refusal-hint.ts';
import type { AnsweredAt, HostAnswer } from './watch-order.ts';

/** Says whom one waits for, and tells each answer as it comes where there is more than one to wait for. */
export function answerTeller(
  { note }: CommandOutput,
  { hosts, patienceMs }: { hosts: readonly string[]; patienceMs: number },
): (host: string, answer: AnsweredAt) => void {
  if (hosts.length < 2) return () => {};
  note(`sent to ${hosts.length} hosts; waiting up to ${Math.ceil(patienceMs / 1000)} s for their answers`);
  return (host, { answer, code, afterMs }) => note(`${host}  ${answer}${code ? `  ${code}` : ''}  ${afterMs} ms`);
}

/** The exit code says whether all of them have followed: 77 when one refused, else 69 when one has not answered. */
export function showAnswers(
  answers: readonly HostAnswer[],
  { order, command }: { order: string; command: Command },
): void {
  const rows = answers.map(rowOf);
  const output = outputOf(command);
  const unanswered = rows.filter(({ isAnswered }) => !isAnswered).map(({ host }) => host);
  if (rows.some(({ answer }) => answer === 'refused')) output.endWith(EXIT_CODES.refused);
  else if (rows.some(({ answer }) => answer !== 'admitted')) output.endWith(EXIT_CODES.unavailable);
  const hosts = rows.map(({ isAnswered: _, ...row }) => row);
  output.result({ order, hosts, unanswered }, () => [
    `order  ${order}`,
    ...listingLines(rows.map(cellsOf), 'no host'),
    ...(unanswered.length === 0 ? [] : [`no answer yet: ${unanswered.join(', ')}; they get it when they are back`]),
    ...hintLines(rows),
  ]);
}

interface Row {
  readonly host: string;
  readonly answer: string;
  readonly isAnswered: boolean;
  readonly code: string | undefined;
  readonly epoch: number | undefined;
  readonly afterMs: number | undefined;
}

function rowOf({ host, isConnected, receipts }: HostAnswer): Row {
  const last = receipts.at(-1);
  const answer = last?.answer ?? (isConnected ? 'no answer yet' : 'not reached');
  const said = { code: last?.code, epoch: last?.epoch, afterMs: last?.afterMs };
  return { host, answer, isAnswered: last !== undefined, ...said };
}

function cellsOf({ host, answer, code, epoch, afterMs }: Row): string[] {
  const what = code ?? (epoch === undefined ? '' : `epoch ${epoch}`);
  return [host, answer, what, afterMs === undefined ? '' : `${afterMs} ms`];
}

/** Once for each code. */
function hintLines(rows: readonly Row[]): string[] {
  const codes = new Set(rows.flatMap(({ code }) => code ?? []));
  return [...codes].flatMap((code) => {
    const hint = refusalHint(code);
    return hint === undefined ? [] : [`hint: ${code}: ${hint}`];
  });
}
