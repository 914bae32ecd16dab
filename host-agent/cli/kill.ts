import { join } from 'node:path';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { EXIT_CODES } from '../../shared/service/failure.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { visibleLine } from '../../shared/visible-text.ts';
import { askAgent } from '../local/ask-agent.ts';
import { KILL_FILE } from '../local/kill-file.ts';
import { killWithoutAgent } from '../local/kill-without-agent.ts';
import type { KillRequest, LocalAnswer } from '../local/messages.ts';
import { userName } from './user-name.ts';

export interface KillCommand {
  readonly stateDirectory: string;
  /** All that the host knows where it is left out. */
  readonly app: string | undefined;
  readonly reason: string;
  readonly form: 'json' | 'table';
}

interface KillRow {
  readonly app: string;
  readonly epoch?: number;
  /** From the command to the answer. */
  readonly durableMs?: number;
  /** Until nothing ran any more. */
  readonly goneMs?: number;
  readonly code?: string;
  readonly reason?: string;
}

/** Between two tries while an agent begins or ends: it then holds the folder and does not listen. */
const RETRY_MS = 100;
const PATIENCE_MS = 5_000;

/** Errors: those of `killWithoutAgent`, what the agent refuses for all, and `TransientError`. */
export async function kill(command: KillCommand): Promise<{ exitCode: number; text: string }> {
  const startedAtMs = performance.now();
  const rows = new Map<string, KillRow>();
  const { stateDirectory, app, reason } = command;
  const request: KillRequest = { do: 'kill', ...(app !== undefined && { app }), reason, by: userName() };
  const noting = { rows, nowMs: () => Math.round(performance.now() - startedAtMs) };
  let trouble = await noteAll(stateDirectory, request, noting);
  // An agent that died before it said anything: perhaps it has killed, and to kill again does no harm.
  if (rows.size === 0 && trouble instanceof TransientError) trouble = await noteAll(stateDirectory, request, noting);
  if (rows.size === 0 && trouble !== undefined) throw withWayOut(trouble, stateDirectory);
  const told = [...rows.values()];
  const text = command.form === 'json' ? `${JSON.stringify({ killed: told })}\n` : table(told);
  return { exitCode: trouble === undefined ? exitCodeOfRows(told) : EXIT_CODES.unavailable, text };
}

interface Noting {
  readonly rows: Map<string, KillRow>;
  /** Since the command began. */
  readonly nowMs: () => number;
}

/** Returns what went wrong: what was said until then has happened, and is told. */
async function noteAll(stateDirectory: string, request: KillRequest, noting: Noting): Promise<unknown> {
  try {
    for await (const answer of await answersOf(stateDirectory, request)) note(answer, noting);
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Of the agent that runs, else of nobody's but our own doing. */
async function answersOf(stateDirectory: string, request: KillRequest): Promise<AsyncIterable<LocalAnswer>> {
  const patience = performance.now() + PATIENCE_MS;
  for (;;) {
    const answers = await askAgent(stateDirectory, request);
    if (answers) return answers;
    try {
      return await begun(killWithoutAgent(stateDirectory, request, { nowMs: systemClock.now }));
    } catch (error) {
      if (!isAgentRunning(error) || performance.now() > patience) throw error;
    }
    await new Promise((resolve) => systemClock.setTimer(RETRY_MS, () => resolve(undefined)));
  }
}

/** With its first answer, so that whether it could begin is known. */
async function begun(answers: AsyncGenerator<LocalAnswer>): Promise<AsyncIterable<LocalAnswer>> {
  const first = await answers.next();
  return (async function* () {
    if (first.done) return;
    yield first.value;
    yield* answers;
  })();
}

function note(answer: LocalAnswer, { rows, nowMs }: Noting): void {
  const afterMs = nowMs();
  if (answer.said === 'killed') rows.set(answer.app, { app: answer.app, epoch: answer.epoch, durableMs: afterMs });
  if (answer.said === 'stopped') rows.set(answer.app, { ...rows.get(answer.app), app: answer.app, goneMs: afterMs });
  if (answer.said !== 'failed') return;
  const { app, code, message, hint } = answer;
  const options = hint === undefined ? {} : { hint };
  if (app === undefined && rows.size === 0) {
    throw code === undefined ? new TransientError(message, options) : new RejectedError(code, message, options);
  }
  rows.set(app ?? '', { app: app ?? '', ...(code !== undefined && { code }), reason: message });
}

function exitCodeOfRows(rows: readonly KillRow[]): number {
  if (rows.every(({ goneMs }) => goneMs !== undefined)) return 0;
  const isRefused = rows.some(({ code }) => code !== undefined);
  return isRefused ? EXIT_CODES.refused : EXIT_CODES.unavailable;
}

function table(rows: readonly KillRow[]): string {
  if (rows.length === 0) return 'this host knows no application: there is nothing to kill\n';
  return rows.map((row) => `${lineOf(row)}\n`).join('');
}

function lineOf({ app, epoch, durableMs, goneMs, code, reason }: KillRow): string {
  if (epoch === undefined) {
    return visibleLine(`${app}  not killed: ${reason}${code === undefined ? '' : ` [${code}]`}`);
  }
  const gone = goneMs === undefined ? 'whether it runs still was not told' : `nothing runs ${goneMs} ms`;
  return `${app}  epoch ${epoch}  durable ${durableMs} ms  ${gone}`;
}

function isAgentRunning(error: unknown): boolean {
  return error instanceof RejectedError && error.code === 'agent-running';
}

/** Whoever wants to stop something now is told the other way. */
function withWayOut(error: unknown, stateDirectory: string): unknown {
  const hint = `make the file ${join(stateDirectory, KILL_FILE)}: while it is there nothing is enabled`;
  if (isAgentRunning(error)) {
    return new TransientError('failed to kill: an agent runs here, and does not listen', { cause: error, hint });
  }
  if (error instanceof TransientError) return new TransientError(error.message, { cause: error.cause, hint });
  return error;
}
