/**
 * The life of one started process, the same for each kind of confinement: drain its pipes, watch its limits, stop it,
 * and come back only when nothing of it is left.
 *
 * Invariants:
 * 1. Both pipes are read to their end whatever is written, in constant memory. A run that writes more than
 *    `OUTPUT_KILL_FACTOR` times its `outputBytes` is killed (limit `output`): hashing what nobody will read
 *    would cost the agent as much CPU as the payload.
 * 2. The first reason to stop is the one reported; later ones change nothing.
 * 3. `kill` is called at every end, also a good one: what a payload left behind in the background dies with it.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { LineCollector, OutputCapture } from './captured-output.ts';
import type { CapturedOutput, LimitMechanism } from './outcome.ts';
import { waitUntil } from './process-watch.ts';
import type { SandboxSpec } from './spec.ts';

/** What one kind of confinement knows about the processes it started. */
export interface Confinement {
  readonly child: ChildProcess;
  /** What bounds memory and processes. */
  readonly limits: LimitMechanism;
  /** Lets the payload start, once it is where it has to be; rejects if that cannot be brought about. */
  release(): Promise<void>;
  /** Whether the payload was started; certain once the child's pipes are closed. */
  readonly hasStarted: boolean;
  /** Asks the payload to end (SIGTERM). */
  terminate(): void;
  /** Ends every process of the run (SIGKILL). May be repeated. */
  kill(): void;
  /** Whether every process of the run has ended. */
  isGone(): boolean;
}

export type StopReason = 'wall' | 'output' | 'aborted' | 'asked';

export interface SupervisedEnd {
  readonly hasStarted: boolean;
  readonly stopped: StopReason | undefined;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: CapturedOutput;
  readonly stderr: CapturedOutput;
  readonly fd3Lines: readonly string[];
}

/** An honest test suite that talks much stays below this; `yes` does not. */
export const OUTPUT_KILL_FACTOR = 64;

/** How long pipes may stay open once all processes that we know of are gone; only a process that escaped holds them. */
const ORPHANED_PIPE_MS = 1000;

/**
 * Supervises to the end. Never throws for what the process does; rejects, with everything killed and gone, only when
 * `release` does.
 */
export async function supervise(confinement: Confinement, spec: SandboxSpec): Promise<SupervisedEnd> {
  const { child } = confinement;
  const pipes = drain(child, spec, () => stop('output'));
  const exited = onceExited(child);
  const closed = once(child, 'close');
  let stopped: StopReason | undefined;
  let graceTimer: NodeJS.Timeout | undefined;
  const stop = (reason: StopReason) => {
    // Somebody who has no patience left comes after somebody who had some.
    if (stopped === 'asked' && reason === 'aborted') confinement.kill();
    if (stopped !== undefined) return;
    stopped = reason;
    if ((reason !== 'wall' && reason !== 'asked') || spec.limits.killGraceMs === 0) return confinement.kill();
    confinement.terminate();
    graceTimer = setTimeout(() => confinement.kill(), spec.limits.killGraceMs);
  };
  const wallTimer = setTimeout(() => stop('wall'), spec.limits.wallMs);
  const abort = () => stop('aborted');
  spec.signal?.addEventListener('abort', abort, { once: true });
  if (spec.signal?.aborted) abort();
  const ask = () => stop('asked');
  spec.ending?.addEventListener('abort', ask, { once: true });
  if (spec.ending?.aborted) ask();
  try {
    await Promise.race([confinement.release(), exited]);
    const { exitCode, signal } = await exited;
    await endAll(confinement);
    await closePipes(child, closed);
    return { hasStarted: confinement.hasStarted, stopped, exitCode, signal, ...pipes.finish() };
  } finally {
    await endAll(confinement);
    clearTimeout(wallTimer);
    clearTimeout(graceTimer);
    spec.signal?.removeEventListener('abort', abort);
    spec.ending?.removeEventListener('abort', ask);
  }
}

async function endAll(confinement: Confinement): Promise<void> {
  await waitUntil(() => {
    confinement.kill();
    return confinement.isGone();
  });
}

function drain(child: ChildProcess, spec: SandboxSpec, onTooMuch: () => void) {
  const stdout = new OutputCapture(spec.limits.outputBytes);
  const stderr = new OutputCapture(spec.limits.outputBytes);
  const lines = new LineCollector(spec.fd3 === 'latest' ? 'last' : 'first');
  const mostBytes = spec.limits.allOutputBytes ?? OUTPUT_KILL_FACTOR * spec.limits.outputBytes;
  const capture = (into: OutputCapture) => (chunk: Buffer) => {
    into.add(chunk);
    if (stdout.totalBytes + stderr.totalBytes > mostBytes) onTooMuch();
  };
  child.stdout?.on('data', capture(stdout));
  child.stderr?.on('data', capture(stderr));
  if (spec.fd3 !== 'closed') (child.stdio[3] as Readable).on('data', (chunk: Buffer) => lines.add(chunk));
  return {
    finish: () => ({ stdout: stdout.finish(), stderr: stderr.finish(), fd3Lines: lines.finish() }),
  };
}

function onceExited(child: ChildProcess): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

async function closePipes(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => {
    for (const pipe of child.stdio) pipe?.destroy();
  }, ORPHANED_PIPE_MS);
  await closed;
  clearTimeout(timer);
}
